"""Pictures inside a page: the sample grids through training, fakes beside their neighbours, and what stages add."""

from __future__ import annotations

import base64
import io
from pathlib import Path

from PIL import Image

from sparring.errors import SparringError
from sparring.run import Run

LARGE_GRID = 400_000  # bytes; a larger file is compressed with loss, so that the page stays light
LARGE_SIDE = 1600  # pixels, of such a grid in the page
UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)  # what Pillow raises at damage


def grid_files(run: Run) -> dict[int, Path]:
    """The sample grids by their step, in its order; they may be damaged."""
    files = (run.folder / "samples").glob("*.png")
    numbered = {int(path.stem): path for path in files if path.stem.isdecimal()}
    return {step: numbered[step] for step in sorted(numbered)}


def grids(run: Run, problems: list[str]) -> str:
    """The sample grids as embedded pictures, with the slider that chooses one. What is damaged joins `problems`."""
    pictures, lossy = [], False
    for step, path in grid_files(run).items():
        try:
            uri, (width, height), lost = embed(path)
        except UNREADABLE:
            problems.append(f"samples/{path.name} is damaged and left out.")
            continue
        lossy |= lost
        alt = f"Grid of samples at step {step:,}"
        size = f'width="{width}" height="{height}"'
        pictures.append(f'<img data-step="{step}" {size} alt="{alt}" src="{uri}" hidden>')
    if not pictures:
        problems.append("There are no sample grids in samples/.")
        return '<p class="dim">None were drawn.</p>'
    pictures[-1] = pictures[-1].replace(" hidden>", ">")  # without scripts, the last one shows
    last = len(pictures) - 1
    note = " Compressed to keep this page light; samples/ has the originals." if lossy else ""
    return (
        '<div class="player"><button type="button" id="play">Play</button>'
        f'<input type="range" id="when" min="0" max="{last}" value="{last}" aria-label="Grid to show">'
        f'<output id="at" for="when"></output></div><figure class="grids">{"".join(pictures)}'
        f"<figcaption>The same {_given(run)} each time, by the averaged generator.{note}</figcaption>"
        "</figure>"
    )


def _given(run: Run) -> str:
    """What the grids are made from."""
    try:
        translates = run.recipe.gan.translates
    except SparringError:  # its file is gone
        return "latents, or held-out pictures,"
    return "held-out pictures to translate" if translates else "latents"


def neighbours(run: Run, problems: list[str]) -> str:
    """neighbours.png with how to read it, or nothing where there is none."""
    return _still(
        run,
        "neighbours",
        "Nearest neighbours",
        "The samples that come nearest to the training set, in groups of three: the sample, then the training picture "
        "nearest to it, then the held-out picture nearest to it, which was never trained on. A copy would look the "
        "same as its training picture; a sample of its own is as unlike both.",
        problems,
    )


def stages(run: Run, problems: list[str]) -> str:
    """stages.png with how to read it, or nothing where there is none."""
    return _still(
        run,
        "stages",
        "What each stage adds",
        "Held-out pictures, from left to right: what goes in, each pixel repeated; enlarged without a network; what "
        "the network makes of it at the end of each stage; and the truth. The pixel stage comes nearest to the truth "
        "pixel by pixel, and is too smooth; the adversarial stage invents what such a place looks like.",
        problems,
    )


def _still(run: Run, name: str, heading: str, words: str, problems: list[str]) -> str:
    path = run.folder / f"{name}.png"
    if not path.is_file():
        return ""
    try:
        uri, (width, height), _ = embed(path)
    except UNREADABLE:
        problems.append(f"{path.name} is damaged and left out.")
        return ""
    return (
        f'<h3>{heading}</h3><figure class="{name}"><img width="{width}" height="{height}" src="{uri}" alt="{heading}">'
        f"<figcaption>{words}</figcaption></figure>"
    )


def embed(path: Path) -> tuple[str, tuple[int, int], bool]:
    """A PNG -> its data URI, its (width, height), and whether it lost detail. Raises one of UNREADABLE."""
    data = path.read_bytes()
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        if len(data) > LARGE_GRID:
            picture = image.convert("RGBA" if "A" in image.getbands() else "RGB")
            picture.thumbnail((LARGE_SIDE, LARGE_SIDE))
            smaller = io.BytesIO()
            picture.save(smaller, "WEBP", quality=85)
            return _uri("webp", smaller.getvalue()), picture.size, True
        return _uri("png", data), image.size, False


def _uri(kind: str, data: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"
