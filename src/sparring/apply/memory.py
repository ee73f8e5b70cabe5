"""How much memory a network needs for a pixel, and how much there is."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

WORKSPACE = 2.0  # convolutions take further memory, which no tensor shows: up to as much again
UNKNOWN = 2 << 30  # bytes that are taken to be free where the system does not tell


def bytes_a_pixel(work: Callable[[Tensor], Tensor], picture: Tensor) -> float:
    """The most memory that `work` takes at any moment, for each pixel of a picture (1, c, h, w)."""
    with _Living() as living, torch.no_grad():
        work(picture)
    most: int = living.most
    return WORKSPACE * most / (picture.shape[2] * picture.shape[3])


class _Living(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of all tensors that come to life within, on any device.

    Attributes:
        most: the most that lived at once.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now, self.most = 0, 0
        self._sizes: dict[int, int] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        known = {one.untyped_storage()._cdata for one in tree_leaves((args, kwargs)) if isinstance(one, Tensor)}
        out = func(*args, **(kwargs or {}))
        for one in tree_leaves(out):
            if not isinstance(one, Tensor):
                continue
            storage = one.untyped_storage()
            if storage._cdata not in known and storage._cdata not in self._sizes:
                self._sizes[storage._cdata] = storage.nbytes()
                self.now += storage.nbytes()
                weakref.finalize(storage, self._forget, storage._cdata)
        self.most = max(self.most, self.now)
        return out

    def _forget(self, key: int) -> None:
        self.now -= self._sizes.pop(key, 0)


def available(device: torch.device) -> int:
    """Bytes that are free on a device; of the machine's own memory what the system would give, within its limits."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return int(free) + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        free = next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError, StopIteration):
        try:  # macOS tells how much there is, not how much is free
            free = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
        except (OSError, ValueError, AttributeError):
            free = UNKNOWN
    return min(free, _allowed())


def _allowed(folder: Path = Path("/sys/fs/cgroup")) -> int:
    """What is left of a container's limit; files that the system keeps at hand can be given up for it."""
    try:
        limit, used = (int((folder / name).read_text()) for name in ("memory.max", "memory.current"))
        kept = (line.split() for line in (folder / "memory.stat").read_text().splitlines())
        return limit - used + next(int(value) for name, value in kept if name == "inactive_file")
    except (OSError, ValueError, StopIteration):  # "max", or no such files
        return 1 << 62
