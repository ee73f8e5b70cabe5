"""Checkpoints: written whole or not at all, checked on reading, and free of code (nothing is unpickled)."""

from __future__ import annotations

import errno
import os
import pickle
import shutil
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import torch
from torch import nn

from sparring.errors import SparringError

VERSION = 2
# What reading a damaged file can raise; UnicodeDecodeError is a ValueError.
DAMAGE = (zipfile.BadZipFile, OSError, RuntimeError, EOFError, ValueError, NotImplementedError, pickle.UnpicklingError)
NO_ROOM = 2**20  # bytes left on a disk that count as none
KEEP = 2  # the newest, and the one before it for when the newest turns out damaged


def fill(gan: nn.Module, weights: dict[str, torch.Tensor], names: Collection[str]) -> None:
    """Give the networks of these names, attributes of a GAN, the weights that a checkpoint has of them.

    Raises:
        SparringError: where the recipe builds other networks now than when they were saved.
    """
    try:
        missing, unknown = gan.load_state_dict(weights, strict=False)
        misfits = [*(key for key in missing if key.split(".")[0] in names), *unknown]
    except RuntimeError as error:  # of shapes, each in a line behind the first
        misfits = [line.strip(" \t.") for line in str(error).splitlines()[1:]]
    if misfits:
        raise SparringError(
            f"the weights do not fit the networks that {type(gan).__name__} builds now ({misfits[0]}): train anew, or "
            "use the release of Sparring that wrote them"
        )


def save(folder: Path, state: dict[str, Any], name: str | None = None) -> Path:
    """Write `state` (plain values and tensors; "count" names the file) and drop all but the newest KEEP files.

    Under a `name` of its own ("best") it takes the place of the last one of that name, and nothing else is dropped.

    The bytes are flushed to the disk under a temporary name before the file gets its own: a crash or a full disk
    leaves the earlier checkpoints as they were. OSError is left to the caller.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (f"{name}.pt" if name else f"step-{state['count']:08d}.pt")
    temporary = folder / f".{path.name}.{os.getpid()}"
    try:
        with open(temporary, "wb") as file:
            torch.save({**state, "version": VERSION}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except RuntimeError as error:  # torch's writer hides what the system said
        if shutil.disk_usage(folder).free < NO_ROOM:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder)) from error
        raise OSError(str(error)) from error
    finally:
        temporary.unlink(missing_ok=True)
    for old in files(folder)[:-KEEP]:
        old.unlink()
    return path


def files(folder: Path) -> list[Path]:
    """The folder's checkpoints, oldest first."""
    return sorted(folder.glob("step-*.pt"))


def load(path: Path) -> dict[str, Any]:
    """One checkpoint, on the CPU. SparringError when it is damaged or of a version that this release cannot read."""
    try:
        with zipfile.ZipFile(path) as archive:
            # torch itself does not compare the checksums, and reads garbage where an entry's attributes are damaged
            damaged = archive.testzip() or any(entry.external_attr for entry in archive.infolist())
        if damaged:
            raise SparringError(f"the checkpoint {path} is damaged")
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except DAMAGE as error:
        raise SparringError(f"the checkpoint {path} is damaged ({type(error).__name__})") from None
    if not isinstance(state, dict):
        raise SparringError(f"the checkpoint {path} is damaged (it holds no state)")
    if state.get("version") != VERSION:
        raise SparringError(
            f"the checkpoint {path} has version {state.get('version')}, and this release reads version {VERSION}; "
            "use the release of Sparring that wrote it"
        )
    return state


def newest(folder: Path) -> tuple[dict[str, Any], list[str]]:
    """-> (the newest checkpoint that can be read, one sentence for each damaged one that was passed over)."""
    complaints: list[str] = []
    for path in reversed(files(folder)):
        try:
            return load(path), complaints
        except SparringError as error:
            complaints.append(str(error))
    if complaints:
        raise SparringError("; ".join(complaints) + "; there is no other, so train anew")
    raise SparringError(f"there is no checkpoint in {folder}: training stopped before its first round, so train anew")
