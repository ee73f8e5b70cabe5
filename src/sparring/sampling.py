"""`sparring sample`: grids, sweeps through the classes, films, the latent of a picture, and nearest neighbours."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

from tyro.conf import Positional, arg

from sparring.errors import SparringError

if TYPE_CHECKING:
    import torch

    from sparring.data.dataset import Dataset
    from sparring.run import Run

MANY, FEW = 64, 8  # samples in a grid; and of each class in a sweep, or beside their neighbours
PLAIN = "grid"
# The flags that each way takes beside RUN, --seed, --best and --grid.
TAKES = {
    PLAIN: ("n", "given", "where", "truncation", "out"),
    "sweep": ("n", "truncation", "out"),
    "interpolate": ("frames", "given", "truncation", "out"),
    "like": ("given",),
    "neighbours": ("n", "given", "truncation"),
}


@dataclass
class Sample:
    """Draw samples from a run: a grid, a sweep through its classes, a film, or files; or find a picture among them."""

    run: Annotated[Positional[str], arg(metavar="RUN")]
    """The run's folder."""
    n: Annotated[int | None, arg(aliases=("-n",))] = None
    """How many: 64 by default (1000 rows of a table), 8 of each class in a sweep, 8 beside their neighbours."""
    seed: int = 0
    """The same seed gives the same samples."""
    grid: str | None = None
    """Write one picture with all samples side by side here; by default grid.png, unless --out is given."""
    out: Annotated[str | None, arg(aliases=("-o",))] = None
    """Write one numbered file for each sample into this folder; of a table or sequences the rows into this file, by
    default rows.csv for tables, else .csv.gz, .tsv, .parquet or .feather, or - to print them."""
    given: str | None = None
    """What a conditional recipe should show: a class, as 7, or columns, as age=30,smiling=1; by default as the data."""
    where: tuple[str, ...] = ()
    """What rows of a table should have: sex=Female 'income=>50K' 'age>=30', and `pay=` for a missing value."""
    truncation: float = 1.0
    """Below 1 for less variation and mostly fewer flaws, down to 0; above 1 for more, up to 1.5."""
    sweep: bool = False
    """A row for each class, all of the same latents; for conditional recipes."""
    interpolate: int | None = None
    """Change from sample to sample through this many: a film in interpolation.gif, or --grid FILE as .mp4 or .png."""
    frames: int = 16
    """Steps of an interpolation from a sample to the next."""
    like: str | None = None
    """Find the sample that is most like this picture, in reconstruction.png, and print how far off it is."""
    neighbours: bool = False
    """Each sample beside the training picture that is nearest to it, in neighbours.png."""
    best: bool = False
    """Sample from the checkpoint that was judged best in training, and not from the last."""


class Drawn(NamedTuple):
    """What was drawn: in words, how to write it into one picture, the samples for --out, and what more to print."""

    what: str
    save: Callable[[Path], object]
    samples: torch.Tensor | None = None
    notes: tuple[str, ...] = ()


def carry_out(asked: Sample) -> None:
    """Write what was asked for and tell where it is. SparringError for what cannot be done."""
    ways = {
        PLAIN: ("grid.png", _grid),
        "sweep": ("grid.png", _sweep),
        "interpolate": ("interpolation.gif", _interpolate),
        "like": ("reconstruction.png", _like),
        "neighbours": ("neighbours.png", _neighbours),
    }
    from sparring.run import Run

    run = Run(asked.run, "best" if asked.best else "last")
    if "table" in run.recipe.gan.kinds and run.spec.kind == "table":
        _rows(run, asked)
        return
    way = _way(asked)
    if asked.where:
        raise SparringError(f"--where asks for rows of a table, and {run.folder} makes {run.spec.kind}: give --given")
    if run.spec.kind == "sequences" and asked.out and not asked.interpolate:
        _sequences(run, asked)
        return
    usual, drawing = ways[way]
    path = Path(asked.grid or usual)
    in_one = bool(asked.grid or not asked.out)
    if in_one:
        _check_ending(path, film=way == "interpolate")
    from sparring.data import draw

    drawn = drawing(run, asked)
    try:
        if in_one:
            _save(path, drawn.save)
            print("\n".join([f"{drawn.what} in {path}", *drawn.notes]))
        if asked.out and drawn.samples is not None:
            written = draw.save_each(run.spec, drawn.samples, Path(asked.out))
            print(f"{len(drawn.samples)} samples in {asked.out}: {written[0].name} to {written[-1].name}")
    except (OSError, ValueError) as error:  # Pillow raises ValueError for what a format cannot hold
        raise SparringError(f"cannot write the samples: {error}") from None


def _way(asked: Sample) -> str:
    """Which of TAKES was asked for; refused where it does not go with another flag."""
    changed = _changed(asked)
    ways = [name for name in changed if name in TAKES and name != PLAIN]
    if len(ways) > 1:
        raise SparringError(f"{_flags(ways)} are different ways of sampling: give one of them")
    way = ways[0] if ways else PLAIN
    strange = [name for name in changed if name not in ("run", "seed", "best", "grid", way, *TAKES[way])]
    if strange:
        goes = "needs" if way == PLAIN else "does not go with"
        other = "--interpolate" if way == PLAIN else f"--{way}"
        raise SparringError(f"{_flags(strange[:1])} {goes} {other}")
    return way


def _changed(asked: Sample) -> list[str]:
    """The fields that are not as they usually are."""
    usual = {name: field.default for name, field in Sample.__dataclass_fields__.items()}
    return [name for name in usual if getattr(asked, name) != usual[name]]


def _flags(names: list[str]) -> str:
    return " and ".join("-n" if name == "n" else f"--{name}" for name in names)


def _check_ending(path: Path, film: bool) -> None:
    """Refuse a file that could not be written, before any work is done."""
    from PIL import Image

    from sparring.data import draw

    ending = path.suffix.lower()
    if film and ending == ".mp4":
        draw.ffmpeg()
        return
    Image.init()
    if Image.registered_extensions().get(ending) not in Image.SAVE:
        known = "an interpolation is written as .gif, .mp4 or .png" if film else "give one such as .png"
        why = f"`{ending}` is no ending of pictures that can be written" if ending else "its name has no ending"
        raise SparringError(f"cannot write the samples to {path}: {why}; {known}")


def _save(path: Path, save: Callable[[Path], object]) -> None:
    """Write a whole file or leave the old one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{os.getpid()}.{path.name}")  # the ending stays, for it decides on the format
    try:
        save(draft)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


# ---------------------------------------------------------------- the ways


def _rows(run: Run, asked: Sample) -> None:
    """Of a table: into a file. A condition given by --given is one of --where's."""
    from sparring import sampling_rows

    strange = [name for name in _changed(asked) if name not in ("run", "seed", "best", "n", "given", "where", "out")]
    if strange:
        raise SparringError(
            f"{run.folder} makes rows of a table, which have no {_flags(strange)}: of the ways to sample give -n, "
            "--where, --seed, -o"
        )
    where = (*asked.where, *([asked.given] if asked.given else []))
    sampling_rows.carry_out(run, asked.n, where, asked.seed, asked.out)


def _sequences(run: Run, asked: Sample) -> None:
    """Into a table, and with --grid into one picture, too."""
    from sparring import sampling_sequences

    if asked.grid:
        _check_ending(Path(asked.grid), film=False)
        drawn = _grid(run, asked)
        _save(Path(asked.grid), drawn.save)
        print(f"{drawn.what} in {asked.grid}")
    sampling_sequences.carry_out(run, asked.n, asked.seed, asked.truncation, asked.out or "")


def _grid(run: Run, asked: Sample) -> Drawn:
    from sparring.data import draw

    samples = run.sample(_number(asked, MANY), asked.seed, asked.given, asked.truncation)
    return Drawn(f"{len(samples)} samples", draw.grid(run.spec, samples).save, samples)


def _sweep(run: Run, asked: Sample) -> Drawn:
    import torch

    from sparring.data import draw

    swept = run.sweep(_number(asked, FEW), asked.seed, asked.truncation)
    what = f"{len(swept)} classes, {_number(asked, FEW)} samples of each,"
    return Drawn(what, draw.rows(run.spec, swept).save, torch.cat(list(swept.values())))


def _interpolate(run: Run, asked: Sample) -> Drawn:
    import torch

    from sparring.data import draw

    keys, frames = asked.interpolate or 0, asked.frames
    samples = run.interpolate(keys, frames, asked.seed, asked.given, asked.truncation)

    def save(path: Path) -> None:
        if path.suffix.lower() in draw.FILMS:
            draw.film(run.spec, samples, path)
        else:  # a row from each key to the next, both included
            rows = torch.arange(keys - 1)[:, None] * frames + torch.arange(frames + 1)
            draw.grid(run.spec, samples[rows.flatten()], across=frames + 1).save(path)

    return Drawn(f"{len(samples)} frames through {keys} samples", save, samples)


def _like(run: Run, asked: Sample) -> Drawn:
    """The picture | its reconstruction | the nearest training picture, and the errors of all."""
    from sparring.data import draw

    found = run.invert(asked.like or "", asked.seed, asked.given)
    shown = {"picture": found.picture, "reconstruction": found.sample}
    try:
        train, _ = run.parts()
    except SparringError as error:
        others = f"nothing to compare it with, for the training data cannot be had: {error}"
    else:
        mean, nearest, shown["nearest in training"] = _others(train, found.picture)
        others = f"mean picture {mean:.1f}, nearest training picture {nearest:.1f}"
    note = f"  mean absolute difference from {asked.like}, in 0..255: {found.error:.1f} ({others})"
    return Drawn(" | ".join(shown), draw.columns(shown).save, notes=(note,))


def _others(train: Dataset, picture: torch.Tensor) -> tuple[float, float, torch.Tensor]:
    """How far a picture (1, *spec.shape) is from the mean picture, from the nearest training picture, and that one.

    Far as in `latents.difference`.
    """
    import numpy as np
    import torch

    from sparring.data.dataset import decode, encode

    pixels = encode(picture)[0].astype(np.int16)
    total, apart = np.zeros(pixels.shape), []
    for block in train.blocks():
        total += block.sum(0, dtype=np.float64)
        apart.append(np.abs(block - pixels).reshape(len(block), -1).mean(1))
    far = np.concatenate(apart)
    mean = float(np.abs(np.rint(total / len(train)) - pixels).mean())
    return mean, float(far.min()), decode(torch.from_numpy(train.take(np.array([far.argmin()]))))


def _neighbours(run: Run, asked: Sample) -> Drawn:
    """Each sample beside the training picture whose features are nearest to its own."""
    import torch

    from sparring.data import draw
    from sparring.data.dataset import decode
    from sparring.metrics.bank import chosen, features_of
    from sparring.metrics.features import extractor
    from sparring.metrics.judge import MOST_QUICK, MOST_SLOW, is_slow, shipped
    from sparring.metrics.neighbours import nearest

    if run.spec.kind != "pictures":
        raise SparringError(f"{run.folder} makes {run.spec.kind}, which cannot be laid side by side as pictures can")
    samples = run.sample(_number(asked, FEW), asked.seed, asked.given, asked.truncation)
    train, _ = run.parts()
    features = extractor("auto" if run.config.features == "none" else run.config.features, train)
    most = MOST_SLOW if is_slow(features) else MOST_QUICK
    fakes = shipped(run.gan, samples)
    _, which = nearest(features(fakes).double(), features_of(train, features, most))
    known = decode(torch.from_numpy(train.take(chosen(train, most)[which.numpy()])))
    few = f" (of {most:,} of {len(train):,})" if most < len(train) else ""
    what = f"{len(samples)} samples, each beside its nearest training picture by {features.name}{few},"
    return Drawn(what, draw.columns({"sample": fakes, "nearest in training": known}).save)


def _number(asked: Sample, usual: int) -> int:
    return usual if asked.n is None else asked.n
