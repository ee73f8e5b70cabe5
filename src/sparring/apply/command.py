"""`sparring apply`: every picture and video of a folder through a trained translator."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import Positional, arg

from sparring.apply.inputs import Found, Job, beside, collect
from sparring.errors import SparringError

if TYPE_CHECKING:
    import rich.console

    from sparring.apply.files import Picture
    from sparring.apply.translate import Translator
    from sparring.run import Run

SHOWN = 5  # names of files that were passed over, or failed
LEAST_TILE = 32  # pixels; with smaller ones a picture takes hours
FAILED = 1  # the exit status where some files could not be done
Bar = Callable[[list[Job]], AbstractContextManager[tuple[Iterable[Job], Callable[[str], object]]]]


@dataclass
class Apply:
    """Translate pictures and videos by a run that learnt from picture to picture (pix2pix, cyclegan, cut, colourise).

    Size, format, bit depth, orientation, colour profile and transparency stay as they are in each file.
    """

    run: Annotated[Positional[str], arg(metavar="RUN")]
    """The run's folder."""
    paths: Annotated[Positional[tuple[str, ...]], arg(metavar="IN... OUT")]
    """Files, folders or quoted patterns; then the folder to write into, or a file where there is one to write. What is
    there already is written over. - is the standard input, and the standard output."""
    backwards: bool = False
    """From what the run makes to what it makes it from, for recipes that learn both ways."""
    tile: int | None = None
    """Side of the tiles, in pixels, through which large pictures go: 32 or more, or 0 for none. Chosen by the memory
    that is free."""
    best: bool = False
    """Use the checkpoint that was judged best in training, and not the last."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where the network runs."""


@dataclass
class Done:
    """What has been done so far.

    Attributes:
        pictures, pixels: how many were written, and how many pixels they had before.
        frames: of videos.
        failed: a line for each file that was not done, or not all of whose frames were.
        notes: lines on files that were done with a reservation.
    """

    pictures: int = 0
    pixels: int = 0
    frames: int = 0
    failed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def carry_out(asked: Apply) -> None:
    """Translate what was asked for, and report.

    Raises:
        SparringError: for what cannot be begun: a run that does not translate, files that are not there.
        SystemExit: with FAILED where some files failed; the others are done.
    """
    if len(asked.paths) < 2:
        raise SparringError("give what to translate and where to write it: sparring apply RUN IN... OUT")
    from sparring.run import Run

    run = Run(asked.run, "best" if asked.best else "last")
    perform(run, asked.paths[:-1], asked.paths[-1], asked.backwards, asked.tile, asked.device)


def perform(
    run: Run, words: Sequence[str], out: str, backwards: bool = False, tile: int | None = None, device: str = "auto"
) -> None:
    """What the commands `apply` and `upscale` do: the work, with a bar, and a report. Arguments and errors as there."""
    begun = time.monotonic()
    found, done = _work(run, words, out, backwards, tile, device, _bar)
    _report(found, done, time.monotonic() - begun, out)
    if done.failed:
        raise SystemExit(FAILED)


def apply_files(
    run: Run,
    paths: str | Path | Sequence[str | Path],
    out: str | Path | None = None,
    *,
    backwards: bool = False,
    tile: int | None = None,
    device: str = "auto",
) -> Done:
    """Put files through a run that learnt from picture to picture, as `sparring apply` does.

    Args:
        run: one of a recipe that translates.
        paths: a file, a folder or a pattern such as "photos/**/*.jpg", or several.
        out: the folder to write into, or a file where there is one to write. None writes beside the one file or folder
            that went in, as "picture-x4.jpg", where the run enlarges pictures.
        backwards, tile, device: as the flags of `sparring apply`.

    Raises:
        SparringError: for what cannot be begun; and at the end, where some files failed. The others are done.
    """
    words = [str(path) for path in ([paths] if isinstance(paths, str | Path) else paths)]
    refuse_noise(run)
    if out is None:
        if run.gan.scale == 1:
            raise SparringError("say where to write: give `out`, a file or a folder")
        out = beside(words, run.gan.scale)
    found, done = _work(run, words, str(out), backwards, tile, device, _no_bar)
    if done.failed:
        more = "; ..." if len(done.failed) > SHOWN else ""
        raise SparringError(
            f"{len(done.failed)} of {len(found.jobs)} files failed: {'; '.join(done.failed[:SHOWN])}{more}"
        )
    return done


def _work(
    run: Run, words: Sequence[str], out: str, backwards: bool, tile: int | None, device: str, bar: Bar
) -> tuple[Found, Done]:
    refuse_noise(run)
    found, done = collect(words, out), Done()
    if tile and 0 < tile < LEAST_TILE:
        raise SparringError(
            f"with tiles of {tile} pixels it would hardly end: give {LEAST_TILE} or more, or 0 for none"
        )
    from sparring.apply import save
    from sparring.apply.files import any_size
    from sparring.apply.translate import Translator
    from sparring.cluster import choose_device

    translator = Translator(run.gan.to(choose_device(device)), backwards, tile)
    if found.folder:
        save.ready(found.folder)
    with any_size(), bar(found.jobs) as (jobs, tell):
        for job in jobs:
            try:
                _do(job, translator, done, tell)
            except Exception as error:  # decoders raise anything on a broken file; the others must be done
                done.failed.append(_failed(job, error))
    done.notes += [translator.seams] if translator.seams else []
    return found, done


def refuse_noise(run: Run) -> None:
    """SparringError for a run whose recipe makes no pictures from pictures."""
    if not run.recipe.gan.translates:
        raise SparringError(
            f"{run.folder} is a run of {run.recipe.name}, which makes its samples from noise: "
            f"use `sparring sample {run.folder}`"
        )


def _failed(job: Job, error: Exception) -> str:
    """A line on a file that was not done: its name, and why not."""
    place = getattr(error, "filename", None)
    where = f"{place}: " if place and str(place) != job.name else ""  # of the output, where that is what failed
    reason = where + _why(error)
    return reason if reason.startswith(job.name) else f"{job.name}: {reason}"


def _why(error: Exception) -> str:
    from sparring.data.gallery import why

    if isinstance(error, MemoryError) or "allocate memory" in str(error) or "out of memory" in str(error).lower():
        return "there is too little memory for it; give a smaller --tile"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(why(error).split())


def _do(job: Job, translator: Translator, done: Done, tell: Callable[[str], object]) -> None:
    if job.is_video:
        from sparring.apply.video import translate_video

        assert job.source
        assert job.target
        result = translate_video(translator, job.source, job.target, tell)
        done.frames += result.frames
        done.notes += [f"{job.name}: {note}" for note in result.notes]
        count = f"{result.failed:,} of {result.frames:,} frames"
        passed = f"{count} were passed through as they were ({result.why})" if result.failed else ""
        if trouble := "; ".join(filter(None, [passed, result.early])):
            done.failed.append(f"{job.name}: {trouble}")
        return
    from sparring.apply import save
    from sparring.apply.enlarge import through
    from sparring.apply.files import read

    picture = read(job.source or sys.stdin.buffer.read(), translator.labels, job.name, translator.scale)
    target = _target(job, picture)
    form = save.form_for(picture, job.source, target, translator.scale)
    made = through(translator, picture.pixels, picture.alpha)
    if target:
        save.whole(target, lambda file: save.write(picture, made, file, form))
    else:
        whole = io.BytesIO()
        save.write(picture, made, whole, form)
        sys.stdout.buffer.write(whole.getvalue())
        sys.stdout.buffer.flush()
    done.pictures += 1
    done.pixels += picture.pixels.shape[0] * picture.pixels.shape[1]
    if picture.note:
        done.notes.append(f"{job.name}: {picture.note}")


def _target(job: Job, picture: Picture) -> Path | None:
    """Where to write; what comes from the standard input gets its ending now that its format is known."""
    if job.source or not job.target or job.target.suffix:
        return job.target
    from PIL import Image

    form = picture.format.replace("MPO", "JPEG")
    endings = [ending for ending, one in Image.registered_extensions().items() if one == form]
    return job.target.with_suffix(".jpg" if form == "JPEG" else endings[0])  # the first that is known is .jfif


@contextmanager
def _bar(jobs: list[Job]) -> Iterator[tuple[Iterable[Job], Callable[[str], object]]]:
    """The jobs, whose bar moves as they are taken, and what tells how far one is; on a terminal's standard error."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    out = _console()
    words = TextColumn("{task.description}")
    columns = words, BarColumn(bar_width=24), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=out, transient=True, disable=not out.is_terminal) as bar:
        task = bar.add_task("translating", total=len(jobs))
        yield bar.track(jobs, task_id=task), lambda far: bar.update(task, description=f"translating, {far}")


@contextmanager
def _no_bar(jobs: list[Job]) -> Iterator[tuple[Iterable[Job], Callable[[str], object]]]:
    yield jobs, lambda far: None


def _console() -> rich.console.Console:
    import rich.console

    return rich.console.Console(stderr=True, highlight=False, soft_wrap=True)


def _report(found: Found, done: Done, seconds: float, out: str) -> None:
    """What was done and how fast; then a line for each file that was not."""
    said = sys.stderr if out == "-" else sys.stdout
    parts = [f"{done.pictures:,} picture{'s' * (done.pictures != 1)}"] if done.pictures or not done.frames else []
    parts += [f"{done.frames:,} frames of video"] if done.frames else []
    speed = f"{(done.pictures + done.frames) / seconds:,.3g} a second"
    speed += f", {done.pixels / 1e6 / seconds:,.3g} megapixels/s" if done.pixels else ""
    print(f"{' and '.join(parts)}{'' if out == '-' else f' in {out}'}: {seconds:.1f} s, {speed}", file=said)
    if found.others:
        more = ", ..." if len(found.others) > SHOWN else ""
        names = ", ".join(found.others[:SHOWN])
        print(f"  passed over, for they are no pictures: {len(found.others)} ({names}{more})", file=said)
    if found.again:
        print(f"  linked folders that are read under another name: {', '.join(found.again)}", file=said)
    for note in done.notes:
        print(f"  {note}", file=said)
    if done.failed:
        print(f"{len(done.failed)} of {len(found.jobs)} files failed:", file=sys.stderr)
        for line in done.failed:
            print(f"  {line}", file=sys.stderr)
