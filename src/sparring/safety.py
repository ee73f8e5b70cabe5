"""What surrounds a sitting of training: full disks and Ctrl-C, neither of which may lose anything."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from sparring import checkpoint
from sparring.errors import SparringError


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """A full disk or an unwritable folder in one sentence."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error).split("\n")[0]
        remedy = "give a folder that can be written as --out"
        if checkpoint.files(folder / "checkpoints"):
            remedy = f"the checkpoints there are intact, so make room and type `sparring train --resume {folder}`"
        raise SparringError(f"cannot write to {error.filename or folder}: {reason}; {remedy}") from None


@contextmanager
def catching_interrupts(ask_to_stop: Callable[[], None], alone: bool) -> Iterator[None]:
    """The first Ctrl-C calls `ask_to_stop`, so that training saves and stops; a second one stops at once.

    Among several processes (not `alone`) there is no second one: their launcher passes on the Ctrl-C that the terminal
    sent too.
    """

    def ask(number: int, frame: FrameType | None) -> None:
        ask_to_stop()
        if alone:
            signal.signal(signal.SIGINT, before)

    try:
        before = signal.signal(signal.SIGINT, ask)
    except ValueError:  # not in the main thread, as in some notebooks and servers
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
