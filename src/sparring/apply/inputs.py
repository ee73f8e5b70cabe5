"""From the words on the command line to jobs: what is read, and where what becomes of it is written."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sparring.data.files import ENDINGS
from sparring.errors import SparringError

STANDARD = "-"
VIDEOS = frozenset([".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".mpg", ".mpeg", ".ts", ".wmv", ".flv", ".ogv"])


@dataclass(frozen=True)
class Job:
    """One file to translate.

    Attributes:
        source: what to read; None for the standard input.
        target: what to write; None for the standard output.
    """

    source: Path | None
    target: Path | None

    @property
    def name(self) -> str:
        """What the user calls it."""
        return str(self.source or "the standard input")

    @property
    def is_video(self) -> bool:
        return self.source is not None and self.source.suffix.lower() in VIDEOS


@dataclass
class Found:
    """What there is to do.

    Attributes:
        jobs: the files to translate.
        others: files below folders that are passed over, for they are neither pictures nor videos.
        again: linked folders that are not followed, for what they lead to is read under another name.
        folder: what all is written into; None for the standard output.
    """

    jobs: list[Job] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)
    folder: Path | None = None


def collect(words: Sequence[str], out: str) -> Found:
    """List all that is to be done, before any work.

    Args:
        words: files, folders (with all below them), patterns such as `photos/**/*.jpg`, or - for the standard input.
        out: a folder; for one file also a file; or - for the standard output.

    Raises:
        SparringError: for what is not there, for two files that would be written to one, for a file that would be
            written onto one that is read, and for an output that no picture can be written to.
    """
    found = Found()
    listed: list[tuple[Path | None, Path]] = []  # what to read, and its place below a folder of outputs
    for word in words:
        listed += _listed(word, out, found)
    alone = len(listed) == 1 and not (len(words) == 1 and Path(words[0]).is_dir())
    if out == STANDARD:
        if not alone:
            raise SparringError(f"the standard output takes one picture, not {len(listed)}: give a folder")
        found.jobs = [Job(listed[0][0], None)]
    elif alone and (ending := _ending(out)):
        found.jobs = [Job(listed[0][0], Path(out))]
        found.folder = Path(out).parent
        if ending not in VIDEOS and not (listed[0][0] and ending == listed[0][0].suffix.lower()):
            from sparring.apply.save import format_of

            format_of(Path(out))
    else:
        if _ending(out) in ENDINGS | VIDEOS and not Path(out).exists():
            raise SparringError(f"{out} names one file, and several files or a folder go in: name a folder, or {out}/")
        if Path(out).exists() and not Path(out).is_dir():
            raise SparringError(f"{len(listed)} files cannot be written into {out}, which is no folder: give another")
        found.jobs = [Job(source, Path(out) / place) for source, place in listed]
        found.folder = Path(out)
    _check(found.jobs, others=f"; it holds {', '.join(found.others[:5])}" if found.others else "", words=words)
    return found


def beside(words: Sequence[str], scale: int) -> str:
    """Where to write what no place was named for: beside what goes in, picture.jpg -> picture-x4.jpg.

    Args:
        words: as in `collect`: a file, a folder, or - for the standard input, whose result goes to the standard output.
        scale: how many times larger the result is.

    Raises:
        SparringError: for several of them, a pattern, what has no name that could be added to, and where something is
            there already.
    """
    if list(words) == [STANDARD]:
        return STANDARD
    if len(words) != 1 or (glob.has_magic(words[0]) and not Path(words[0]).exists()):
        raise SparringError(f"say where to write what {' '.join(words)} becomes: name a folder after it")
    path = Path(words[0]) if Path(words[0]).name not in ("", "..") else Path(words[0]).resolve()
    if not path.exists():
        raise SparringError(f"there is no file and no folder {words[0]}")
    if not path.name or (path.is_file() and not path.suffix):
        raise SparringError(f"say where to write what {words[0]} becomes: name a file such as larger.png after it")
    mark = f"-x{scale}"
    out = path.with_name(path.name + mark if path.is_dir() else path.stem + mark + path.suffix)
    if out.exists():
        other = f"name it behind {words[0]} to write into it, or another" if out.is_dir() else "name another output"
        raise SparringError(f"{out} is there already and would be written over: {other}")
    return str(out)


def _ending(out: str) -> str:
    """Of an output that names a file, in small letters; empty where it is a folder, or is to be one."""
    return "" if out.endswith(("/", os.sep)) or Path(out).is_dir() else Path(out).suffix.lower()


def _listed(word: str, out: str, found: Found) -> list[tuple[Path | None, Path]]:
    path = Path(word)
    if word == STANDARD:
        return [(None, Path("picture"))]  # the ending is added when its format is known
    if path.is_dir():
        return _below(path, Path(out), found)
    if path.is_file():
        return [(path, Path(path.name))]
    if not glob.has_magic(word):
        raise SparringError(f"there is no file and no folder {word}")
    fixed = Path(*_before_magic(path))
    own: dict[Path, Path] = {}  # real place -> the name with the fewest links in it
    for one in sorted(set(_matching(path)), key=lambda one: (_links(one.parent), one)):
        if one.is_file():
            own.setdefault(one.parent.resolve() / one.name, one)
    if not own:
        raise SparringError(f"no file is called like {word}")
    return [(one, one.relative_to(fixed)) for one in sorted(own.values())]


def _before_magic(path: Path) -> list[str]:
    """The folders of a pattern before the first that has a *, ? or [ in it."""
    parts = []
    for part in path.parts[:-1]:
        if glob.has_magic(part):
            break
        parts.append(part)
    return parts


def _matching(pattern: Path) -> Iterator[Path]:
    """What a pattern stands for; `**` is every folder below, a linked one only where it leads to one not seen yet."""
    if "**" not in pattern.parts:
        yield from map(Path, glob.glob(str(pattern)))
        return
    at = pattern.parts.index("**")
    rest = pattern.parts[at + 1 :] or ("*",)
    seen: set[Path] = set()
    for top in sorted(_matching(Path(*pattern.parts[:at])), key=_links) if at else [Path()]:
        for folder, _ in _walk(top, seen, []):
            yield from _matching(Path(glob.escape(str(folder)), *rest))


def _below(folder: Path, out: Path, found: Found) -> list[tuple[Path | None, Path]]:
    """All pictures and videos below a folder, in order, but none that is hidden or in the folder of outputs."""
    listed: list[tuple[Path | None, Path]] = []
    for here, names in _walk(folder, set(), found.again, out):
        for name in names:
            place = here / name
            if place.suffix.lower() in ENDINGS | VIDEOS:
                listed.append((place, place.relative_to(folder)))
            else:
                found.others.append(str(place))
    return listed


def _walk(folder: Path, seen: set[Path], again: list[str], out: Path | None = None) -> Iterator[tuple[Path, list[str]]]:
    """A folder and all below it but `out`, each with the names of its files; nothing hidden, and nothing twice.

    Linked folders come last, so that what lies here itself goes by its own name.

    Args:
        seen: the real folders that were handed out; added to.
        again: gets the links that lead to one of these.
    """
    links: list[Path] = []
    for parent, folders, names in os.walk(folder):
        here = Path(parent)
        if here.resolve() in seen:
            folders[:] = []
            continue
        seen.add(here.resolve())
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and not (out and _same(here / name, out))
        )
        links += [here / name for name in folders if (here / name).is_symlink()]
        yield here, sorted(name for name in names if not name.startswith("."))
    for link in links:
        if link.resolve() in seen:
            again.append(str(link))
        else:
            yield from _walk(link, seen, again, out)


def _links(path: Path) -> int:
    """How many parts of a path are links."""
    return sum(part.is_symlink() for part in (path, *path.parents))


def _same(a: Path, b: Path) -> bool:
    return a.resolve() == b.resolve()


def _check(jobs: list[Job], others: str, words: Sequence[str]) -> None:
    if not jobs:
        raise SparringError(f"there are no pictures and no videos in {' '.join(words)}{others}")
    sources = {job.source.resolve(): job.source for job in jobs if job.source}
    targets: dict[Path, Job] = {}
    for job in jobs:
        if job.target is None:
            continue
        place = job.target.resolve()
        if place in sources:
            raise SparringError(f"{job.target} is among what is read and would be written over: give another output")
        if place in targets:
            raise SparringError(f"{targets[place].name} and {job.name} would both be written to {job.target}")
        targets[place] = job
    if sum(job.source is None for job in jobs) > 1:
        raise SparringError("the standard input can be read once only")
    for job in jobs:
        if job.is_video and (job.target is None or job.target.suffix.lower() not in VIDEOS):
            raise SparringError(f"{job.name} is a video: give an output that ends in {job.source.suffix}")  # type: ignore[union-attr]
