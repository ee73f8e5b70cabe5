"""Run folders -> what the live page asks for: the list of runs, what is new in one, and its pictures."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sparring.config import read_yaml
from sparring.data.spec import SAMPLE
from sparring.errors import SparringError
from sparring.history import number
from sparring.web.curves import Chapter, place_of, text
from sparring.web.tail import Tail

SILENT_SECONDS = 180.0  # without a line in the log, after which a run is no longer called running
PNG = b"\x89PNG\r\n\x1a\n"
SITTINGS = {"start": "running", "resume": "running", "end": "finished", "interrupted": "interrupted"}


@dataclass
class Summary:
    """A run in the list, kept up to date by reading on in its log."""

    tail: Tail
    state: str = "running"
    place: tuple[float, float | None, float | None] = (0.0, None, None)
    speed: float | None = None
    alarms: int = 0
    data: str = ""
    kind: str = ""
    settings: dict[str, Any] = field(default_factory=dict)

    def read_on(self) -> None:
        """Take in what the log has got since."""
        for record in self.tail.records():
            event = record.get("event")
            self.state = SITTINGS.get(str(event), self.state)
            self.alarms += event == "alarm"
            card = record.get("data")
            if event in ("start", "resume") and isinstance(card, dict):
                self.data, self.kind = text(card.get("name")), text(card.get("kind"))
            if event is None:
                self.place = place_of(record)
                self.speed = number(record.get("images_per_second"))


class Feed:
    """Everything that the page may read: one run, or the runs directly in a folder.

    No path is ever built from what a browser sends: names are looked up among those that the folder holds, and what
    leads out of the folder (a symbolic link) is as good as absent.

    Args:
        folder: a run's folder, or a folder of run folders; it may be empty. SparringError when it is not there.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise SparringError(f"there is no folder {folder}; give the folder of a run, or one that holds run folders")
        self.name = str(folder)
        self.root = folder.resolve()
        self._summaries: dict[str, Summary] = {}
        self._lock = threading.Lock()  # requests are answered in several threads

    def folders(self) -> dict[str, Path]:
        """The runs that there are now, by name."""
        if self._holds_run(self.root):
            return {self.root.name: self.root}
        try:
            found = sorted(self.root.iterdir())
        except OSError:
            return {}
        return {path.name: path for path in found if _is_text(path.name) and self._holds_run(path)}

    def runs(self) -> list[dict[str, Any]]:
        """A line for each run, the newest first.

        name, recipe, data, sample (what one is called, such as "row"); state (empty, running, silent, finished,
        interrupted), silent (seconds since the log last grew); step, images, seconds, speed (samples a second), steps
        and minutes (as planned), alarms.
        """
        with self._lock:
            folders = self.folders()
            for gone in self._summaries.keys() - folders.keys():
                del self._summaries[gone]
            lines = [(_begun(folder), self._line(name, folder)) for name, folder in folders.items()]
        return [line for _, line in sorted(lines, key=lambda pair: pair[0], reverse=True)]

    def read(self, name: str, cursor: str = "") -> dict[str, Any] | None:
        """What is new in a run since `cursor`, as a Chapter's page; None where there is no such run.

        Besides: cursor (for the next call), anew (all of the log is in this answer: forget what came before),
        damaged (lines passed over), samples ([file, version] by step) and neighbours (its version, or None).
        """
        folder = self.folders().get(name)
        if folder is None:
            return None
        chapter, place = Chapter(), {"cursor": "", "anew": True, "damaged": 0}
        try:
            tail = Tail.open(folder, cursor) if self._inside(folder / "log.jsonl") else None
            if tail is not None:
                anew = tail.offset == 0
                for record in tail.records():
                    chapter.add(record)
                place = {"cursor": tail.cursor, "anew": anew, "damaged": tail.damaged}
        except OSError:  # no log yet, or the run was deleted meanwhile
            pass
        pictures = {"samples": self._samples(folder), "neighbours": _version(folder / "neighbours.png")}
        return {**place, **pictures, **chapter.page()}

    def picture(self, name: str, file: str) -> bytes | None:
        """A run's neighbours.png or samples/NNNNNN.png as it is on the disk; None where there is no such picture."""
        folder = self.folders().get(name)
        if folder is None or not re.fullmatch(r"neighbours\.png|samples/[0-9]{1,15}\.png", file):
            return None
        path = folder / file
        try:
            data = path.read_bytes() if path.is_file() and self._inside(path) else b""
        except OSError:
            return None
        return data if data.startswith(PNG) else None

    def _line(self, name: str, folder: Path) -> dict[str, Any]:
        summary, silent = self._summarised(name, folder)
        state = summary.state if summary else "empty"
        if state == "running" and silent > SILENT_SECONDS:
            state = "silent"
        settings = summary.settings if summary else _settings(folder)
        step, images, seconds = summary.place if summary else (0.0, None, None)
        return {
            "name": name,
            "recipe": text(settings.get("recipe")),
            "data": (summary.data if summary else "") or text(settings.get("data")),
            "sample": SAMPLE.get(summary.kind if summary else "", "sample"),
            "state": state,
            "silent": round(silent),
            "step": step,
            "images": images,
            "seconds": seconds,
            "speed": summary.speed if summary else None,
            "steps": number(settings.get("steps")),
            "minutes": number(settings.get("minutes")),
            "alarms": summary.alarms if summary else 0,
        }

    def _summarised(self, name: str, folder: Path) -> tuple[Summary | None, float]:
        """A run's summary, read on, and for how many seconds its log has not grown; None without a log."""
        try:
            if not self._inside(folder / "log.jsonl"):
                return None, 0.0
            known = self._summaries.get(name)
            tail = Tail.open(folder, known.tail.cursor if known else "")
            if known is None or tail.cursor != known.tail.cursor:
                known = self._summaries[name] = Summary(tail, settings=_settings(folder))
            known.read_on()
            return known, max(0.0, time.time() - known.tail.path.stat().st_mtime)
        except OSError:
            self._summaries.pop(name, None)
            return None, 0.0

    def _samples(self, folder: Path) -> list[list[str]]:
        """The sample grids by step, each with what changes when it is drawn anew."""
        try:
            found = (folder / "samples").iterdir() if self._inside(folder / "samples") else ()
            names = [path.name for path in found]
        except OSError:
            return []
        grids = sorted((int(name[:-4]), name) for name in names if re.fullmatch(r"[0-9]{1,15}\.png", name))
        versions = ((name, _version(folder / "samples" / name)) for _, name in grids)
        return [[name, version] for name, version in versions if version]

    def _holds_run(self, folder: Path) -> bool:
        try:
            return self._inside(folder) and (folder / "config.yaml").is_file()
        except OSError:
            return False

    def _inside(self, path: Path) -> bool:
        return path.resolve().is_relative_to(self.root)


def _settings(folder: Path) -> dict[str, Any]:
    """config.yaml, or nothing where it is damaged."""
    try:
        return read_yaml(folder / "config.yaml")
    except (SparringError, OSError):
        return {}


def _version(path: Path) -> str | None:
    """Changes when the file does; None without one."""
    try:
        state = path.stat()
    except OSError:
        return None
    return f"{state.st_mtime_ns:x}-{state.st_size:x}"


def _begun(folder: Path) -> float:
    """When the last sitting wrote its settings; the log's time would shuffle runs that train side by side."""
    try:
        return (folder / "config.yaml").stat().st_mtime
    except OSError:
        return 0.0


def _is_text(name: str) -> bool:
    """Whether a name can stand in a web address: file systems allow bytes that are no text."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
