"""`sparring apply`: pictures a second through torch and through ONNX Runtime, and memory by the size of the picture.

Networks have the weights that training starts from: neither speed nor memory depends on what was learnt.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from train_speed import seconds
from translate_steps import two_sides

from sparring import recipes
from sparring.apply import save
from sparring.apply.command import Apply, carry_out
from sparring.apply.files import read
from sparring.apply.translate import Translator
from sparring.cluster import Cluster
from sparring.environment import peak_memory
from sparring.gan import GAN
from sparring.start import build

NEEDED = ("onnx", "onnxscript", "onnxruntime")
RECIPES = ("cyclegan", "pix2pix", "cut", "colourise")
SIDE, TRACED, ODD = 256, 128, (150, 203)  # of the pictures that are timed; that an export is made with; and checked at
FILES = 8
MEGAPIXELS = (0.1, 1.0, 4.0, 16.0)
TILE = 512
FLAT = 24.0  # bytes that a pixel more may cost: two pictures, as read and as made, in Pillow, in numpy and as a file


def learner(name: str) -> GAN:
    """A recipe with its defaults, learning at 64 pixels, in evaluation mode."""
    data, recipe = two_sides(64, 16), recipes.find(name)
    if "pictures" in recipe.gan.kinds:
        data = dataclasses.replace(data, spec=dataclasses.replace(data.spec, kind="pictures", source=()), source=None)
    elif "sides" not in recipe.gan.kinds:
        source = dataclasses.replace(data.source, rows=data.source.rows[:16])  # type: ignore[union-attr, type-var]
        data = dataclasses.replace(data, spec=dataclasses.replace(data.spec, kind="pairs"), source=source)
    settings = recipe.config(steps=1, device="cpu", precision="fp32", memory_format="contiguous", augment="none")
    return build(recipe, data, settings, Cluster("cpu")).ema.gan.eval()


def photograph(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Soft colours and some grain, (height, width, 3) uint8: pure noise would make files that no photograph makes."""
    chance = np.random.default_rng(seed)
    soft = Image.fromarray(chance.integers(0, 256, (9, 9, 3), np.uint8)).resize(
        (width, height), Image.Resampling.BICUBIC
    )
    pixels = np.array(soft)
    for top in range(0, height, 256):  # by strips, so that making it takes less memory than translating it
        rows = pixels[top : top + 256].astype(np.int16)
        pixels[top : top + 256] = np.clip(rows + chance.integers(-4, 5, rows.shape, np.int16), 0, 255)
    return pixels


# ---------------------------------------------------------------- torch and ONNX Runtime


class Exported(nn.Module):
    """What of a GAN goes into an ONNX file."""

    def __init__(self, gan: GAN) -> None:
        super().__init__()
        self.gan = gan

    def forward(self, pictures: Tensor) -> Tensor:
        return self.gan.translate(pictures)


class ThroughOnnx(Translator):
    """`sparring apply`'s translator, whose network runs in ONNX Runtime.

    Args:
        gan: as in Translator.
        path: of the ONNX file to write, for pictures of any height and width.
    """

    def __init__(self, gan: GAN, path: Path) -> None:
        import onnxruntime

        super().__init__(gan)
        whole = gan.multiple * -(-TRACED // gan.multiple)
        sides = {2 + i: gan.multiple * torch.export.Dim(name, min=2) for i, name in enumerate(("rows", "columns"))}
        picture = torch.rand(1, self.channels, whole, whole + gan.multiple) * 2 - 1
        torch.onnx.export(
            Exported(gan).eval(), (picture,), str(path), dynamo=True, dynamic_shapes=(sides,), external_data=False,
            verbose=False,
        )  # fmt: skip
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        self._work = lambda pictures: torch.from_numpy(session.run(None, {name: pictures.numpy()})[0])


def furthest(one: Translator, other: Translator) -> int:
    """How many of 255 shades two translators' pictures are apart at most, at several sizes that no export has seen."""
    most = 0
    for size in ((SIDE, SIDE), ODD):
        a, b = (translator(photograph(*size)).astype(np.int16) for translator in (one, other))
        if a.std() < 1:
            raise SystemExit("the network makes all of one colour, so nothing can be compared")
        most = max(most, int(np.abs(a - b).max()))
    return most


def file_to_file(translator: Translator, sources: list[Path], out: Path) -> Callable[[], None]:
    """What `sparring apply` does with each picture of a folder."""

    def step() -> None:
        for source in sources:
            picture = read(source, translator.labels, source.name)
            made = translator(picture.seen(translator.channels))
            save.whole(out / source.name, lambda file, p=picture, m=made: save.write(p, m, file, p.format))  # type: ignore[misc]

    return step


def through(asked: argparse.Namespace) -> list[str]:
    """The table of both ways, as lines of Markdown."""
    lines = [
        "## Pictures a second", "",
        f"{FILES} PNG files of {SIDE}x{SIDE} pixels from a folder into a folder, as `sparring apply` does it, with the "
        f"recipes' defaults, {torch.get_num_threads()} threads; medians of {asked.repeats} alternating repeats. The "
        "exported file takes pictures of any height and width; both ways' pictures are compared at two sizes that the "
        "export has not seen. The network alone is without reading and writing files.", "",
        "| recipe | way | pictures/s | network alone, ms | ONNX Runtime is faster by | shades apart, of 255 |",
        "|---|---|---|---|---|---|",
    ]  # fmt: skip
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        return [*lines[:2], f"Not measured, for {', '.join(missing)} is missing: `pip install {' '.join(NEEDED)}`."]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        sources = [folder / f"{i}.png" for i in range(FILES)]
        for i, source in enumerate(sources):
            Image.fromarray(photograph(SIDE, SIDE, i)).save(source)
        for name in asked.recipes:
            found = both_ways(name, sources, folder, asked.repeats)
            print("\n".join(found), flush=True)
            lines += found
    return lines


def both_ways(name: str, sources: list[Path], folder: Path, repeats: int) -> list[str]:
    """A recipe's two rows."""
    gan, out = learner(name), folder / "out"
    out.mkdir(exist_ok=True)
    try:
        with torch.no_grad():
            ways: dict[str, Translator] = {
                "torch": Translator(gan),
                "ONNX Runtime": ThroughOnnx(gan, folder / f"{name}.onnx"),
            }
    except torch.onnx.OnnxExporterError as error:
        return [f"| {name} | ONNX Runtime | not exported: {cause(error)} | | | |"]
    far = furthest(*ways.values())
    if far > 1:
        raise SystemExit(f"{name}: ONNX Runtime's pictures are {far} of 255 shades from torch's")
    pixels = photograph(SIDE, SIDE)
    files: dict[str, list[float]] = {way: [] for way in ways}
    alone: dict[str, list[float]] = {way: [] for way in ways}
    for translator in ways.values():
        seconds(lambda t=translator: t(pixels), 2)  # type: ignore[misc]
    for _ in range(repeats):
        for way, translator in ways.items():
            files[way].append(seconds(file_to_file(translator, sources, out), 1) / len(sources))
            alone[way].append(seconds(lambda t=translator: t(pixels), 2))  # type: ignore[misc]
    ratio = statistics.median(a / b for a, b in zip(files["torch"], files["ONNX Runtime"], strict=True))
    return [
        f"| {name} | {way} | {1 / statistics.median(files[way]):.1f} | {statistics.median(alone[way]) * 1e3:.0f} |"
        + (f" {ratio:.2f}x | {far} |" if way != "torch" else " | |")
        for way in ways
    ]


def cause(error: BaseException) -> str:
    """What an exporter's long message comes down to: the first sentence of the error that all others come from."""
    while error.__cause__:
        error = error.__cause__
    return str(error).split(". ")[0].replace("|", "/")


# ---------------------------------------------------------------- memory


def only(run: str, source: str, target: str, tile: int | None) -> None:
    """`sparring apply` in this process, and what it took, as JSON."""
    begun = time.perf_counter()
    carry_out(Apply(run, (source, target), tile=tile))
    print(json.dumps({"seconds": time.perf_counter() - begun, "peak": peak_memory(torch.device("cpu"))}))


def trained(folder: Path) -> Path:
    """The folder of a run of CycleGAN, of one round."""
    for side in ("a", "b"):
        (folder / side).mkdir()
        for i in range(16):
            Image.fromarray(photograph(64, 64, i + 16 * (side == "b"))).save(folder / side / f"{i}.png")
    words = ["train", "cyclegan", "--a", folder / "a", "--b", folder / "b", "--out", folder / "run", "--steps", 1]
    words += ["--features", "none", "--memory-format", "contiguous", "--device", "cpu"]
    subprocess.run([sys.executable, "-m", "sparring", *map(str, words)], stdout=subprocess.DEVNULL, check=True)
    return folder / "run"


def memory(asked: argparse.Namespace) -> list[str]:
    """The table of memory, as lines of Markdown."""
    lines = [
        "## Memory by the size of the picture", "",
        "`sparring apply` of CycleGAN with its defaults on one PNG file, each in a process of its own: the most that "
        f"the process held (Python and torch with it), and seconds a megapixel, {torch.get_num_threads()} threads, one "
        "run each. Tiles that are chosen by memory may take half of what is free, so their memory is meant to grow "
        "until then.", "",
        "| megapixels | tiles | peak memory | s a megapixel |", "|---|---|---|---|",
    ]  # fmt: skip
    peaks: dict[tuple[float, str], float] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        run = trained(folder)
        for megapixels in asked.megapixels:
            height = round((megapixels * 1e6 / 1.6) ** 0.5)
            source, target = folder / f"{megapixels}.png", folder / f"{megapixels} made.png"
            Image.fromarray(photograph(height, round(1.6 * height))).save(source)
            for tiles, flag in (("by memory", []), (f"--tile {TILE}", ["--tile", str(TILE)])):
                told = child(["--only", str(run), str(source), str(target), *flag])
                peaks[megapixels, tiles] = told["peak"]
                each = told["seconds"] / megapixels
                lines.append(f"| {megapixels:g} | {tiles} | {told['peak']:.0f} MB | {each:.1f} |")
                print(lines[-1], flush=True)
    return [*lines, "", verdict(peaks, asked.megapixels)]


def child(flags: list[str]) -> Any:
    words = [sys.executable, str(Path(__file__).with_name("translate_speed.py")), *flags]
    told = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout
    return json.loads(told.splitlines()[-1])


def verdict(peaks: dict[tuple[float, str], float], megapixels: list[float]) -> str:
    """Whether memory in tiles of one size grows by no more than the pictures themselves take."""
    large = [one for one in megapixels if one >= 1]
    if len(large) < 2:
        return "Two sizes of a megapixel or more are needed to say how memory grows."
    least, most = min(large), max(large)
    tiles = f"--tile {TILE}"
    growth = (peaks[most, tiles] - peaks[least, tiles]) / (most - least)
    return (
        f"With {tiles}, from {least:g} to {most:g} megapixels, a pixel more costs {growth:.1f} bytes; the picture as "
        f"read and as made takes up to {FLAT:g}: {'reached' if growth <= FLAT else 'MISSED'}."
    )
