"""log.jsonl, read on from where the last look ended."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparring.history import number


@dataclass
class Tail:
    """A log that may still grow.

    Attributes:
        path: the log.
        mark: tells this log from another one that has taken its place.
        offset: bytes read so far; always the start of a line.
        damaged: lines that could not be read.
    """

    path: Path
    mark: str
    offset: int = 0
    damaged: int = 0

    @classmethod
    def open(cls, folder: Path, cursor: str = "") -> Tail:
        """The log of a run's folder, from `cursor` on; from its start where the cursor is not of this log.

        OSError when there is no log, or something else than a file in its place.
        """
        path = folder / "log.jsonl"
        if not path.is_file():
            raise FileNotFoundError(path)
        state = path.stat()
        # A deleted and recreated run may get the old one's inode: the config's time tells them apart.
        tail = cls(path, f"{state.st_ino:x}.{(folder / 'config.yaml').stat().st_mtime_ns:x}")
        found = re.fullmatch(r"([0-9a-f.]{1,64})-([0-9]{1,18})", cursor)
        if found and found[1] == tail.mark and int(found[2]) <= state.st_size:
            tail.offset = int(found[2])
        return tail

    @property
    def cursor(self) -> str:
        """Where to read on."""
        return f"{self.mark}-{self.offset}"

    def records(self) -> Iterator[dict[str, Any]]:
        """The whole lines from the offset on; a last line that is half written is left for the next look."""
        with open(self.path, "rb") as file:
            file.seek(self.offset)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                self.offset += len(line)
                record = _parsed(line)
                if record is not None:
                    yield record
                elif line.strip():
                    self.damaged += 1


def _parsed(line: bytes) -> dict[str, Any] | None:
    """A line's record; None where it is none, or has no step."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) and number(record.get("step")) is not None else None
