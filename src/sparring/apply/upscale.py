"""`sparring upscale`: `sparring apply` for runs that enlarge pictures, under the name that people look for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import Positional, arg

from sparring.apply.command import Done, apply_files, perform, refuse_noise
from sparring.apply.inputs import STANDARD, beside
from sparring.errors import SparringError

if TYPE_CHECKING:
    from sparring.run import Run


@dataclass
class Upscale:
    """Enlarge pictures and videos by a run of super-resolution (srgan, esrgan, realesrgan).

    Pictures of any size and form: transparent, grey, of 16 bits, in any colour space, whole folders and videos. All but
    the size stays as it is in each file.

    sparring upscale RUN picture.jpg writes picture-x4.jpg beside it, where the run enlarges 4 times;
    sparring upscale RUN photos/ writes a folder photos-x4/ beside it;
    sparring upscale RUN a.png b.png film.mp4 larger/ writes all into the folder larger/.
    """

    run: Annotated[Positional[str], arg(metavar="RUN")]
    """The run's folder."""
    paths: Annotated[Positional[tuple[str, ...]], arg(metavar="IN... [OUT]")]
    """Files, folders or quoted patterns; then the folder to write into, or a file where there is one to write. One path
    alone is written beside what it was, and nothing that is there already is written over. - is the standard input, and
    the standard output."""
    scale: int | None = None
    """How many times larger. The run was trained for one scale, so this only makes sure that it is the one you mean."""
    stage: str | None = None
    """Use the networks as they were when a stage of training ended: pixel (true to each pixel, and soft), or
    adversarial (sharp). The last that was reached, unless said otherwise."""
    tile: int | None = None
    """Side of the tiles, in pixels of what goes in, through which large pictures go: 32 or more, or 0 for none. Chosen
    by the memory that is free."""
    best: bool = False
    """Use the checkpoint that was judged best in training, and not the last."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where the network runs."""


def carry_out(asked: Upscale) -> None:
    """Enlarge what was asked for, and report.

    Raises:
        SparringError: for what cannot be begun: a run that does not enlarge, another scale, files that are not there.
        SystemExit: with a status other than 0 where some files failed; the others are done.
    """
    if not asked.paths:
        raise SparringError("give what to enlarge: sparring upscale RUN IN... [OUT]")
    if asked.best and asked.stage:
        raise SparringError("--best and --stage both say which checkpoint to use: leave out one of them")
    run = _at_stage(asked.run, asked.stage) if asked.stage else _run(asked.run, "best" if asked.best else "last")
    refuse(run, asked.scale)
    *words, out = asked.paths if len(asked.paths) > 1 else (*asked.paths, beside(asked.paths, run.gan.scale))
    if len(asked.paths) == 2 and words[0] != STANDARD and Path(out).is_file():
        raise SparringError(
            f"{out} is there already and would be written over: name another output; to enlarge {words[0]} and {out} "
            "both, name a folder behind them"
        )
    perform(run, words, out, tile=asked.tile, device=asked.device)


def upscale_files(
    run: Run,
    paths: str | Path | Sequence[str | Path],
    out: str | Path | None = None,
    *,
    stage: str | None = None,
    tile: int | None = None,
    device: str = "auto",
) -> Done:
    """Enlarge files by a run of super-resolution.

    Args:
        paths, out, tile, device: as in `command.apply_files`.
        stage: the networks as they were when this stage of training ended, "pixel" or "adversarial"; None for the
            run's own checkpoint.

    Raises:
        SparringError: for a run that does not enlarge, or has not come to that stage; and as `apply_files` does.
    """
    if stage:
        run = _at_stage(str(run.folder), stage)
    refuse(run)
    return apply_files(run, paths, out, tile=tile, device=device)


def refuse(run: Run, scale: int | None = None) -> None:
    """See that a run enlarges pictures, and so many times.

    Raises:
        SparringError: where it does not.
    """
    refuse_noise(run)
    own = run.gan.scale
    if own == 1:
        raise SparringError(
            f"{run.folder} is a run of {run.recipe.name}, which makes pictures as large as those that go in: "
            f"use `sparring apply {run.folder}`"
        )
    if scale not in (None, own):
        raise SparringError(
            f"{run.folder} enlarges {own} times: leave out --scale, or train a run for it with "
            f"`sparring train {run.recipe.name} DATA --scale {scale}`"
        )


def _run(folder: str, checkpoint: str) -> Run:
    from sparring.run import Run

    return Run(folder, checkpoint)


def _at_stage(folder: str, stage: str) -> Run:
    """A run as it was when a stage ended; while the stage goes on, and after the last, its newest checkpoint."""
    named, newest = _run(folder, stage), _run(folder, "last")
    refuse(newest)
    there = (named.checkpoints / f"{stage}.pt").is_file()
    return newest if not there and newest.gan.stage(newest.gan.progress)[0] == stage else named
