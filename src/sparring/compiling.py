"""`--compile`: networks turned into machine code by torch.compile, while a round is played and at no other time."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

from sparring.errors import SparringError
from sparring.gan import GAN


class Compiled:
    """The players' networks of a GAN, compiled in place: their parameters, buffers and names stay as they are.

    Where they are called by their methods instead (`critic.maps(x)`), and within gradient penalties, which
    torch.compile cannot differentiate twice, they run as they always do. Shapes are taken for constant: what is
    compiled for a batch then does not depend on which batches came before, and a resumed run is exact to the bit.

    Args:
        gan: on its device and in its memory format. Copies of it are not compiled.
    """

    def __init__(self, gan: GAN) -> None:
        _demand_a_compiler(next(gan.parameters()).device)
        self._nets: list[nn.Module] = [net for nets in gan.players().values() for net in nets]
        self._ways = [_compile(net) for net in self._nets]

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Within it, calls run the machine code. Checkups and evaluations, of other shapes, would compile anew."""
        for net, way in zip(self._nets, self._ways, strict=True):
            net._compiled_call_impl = way
        try:
            yield
        finally:
            for net in self._nets:
                net._compiled_call_impl = None


def _compile(net: nn.Module) -> Callable[..., Any]:
    """What `net.compile()` would make, which leaves out torch's own classes, such as a bare nn.Sequential."""

    def call(*args: Any, **kwargs: Any) -> Any:
        return net._call_impl(*args, **kwargs)  # type: ignore[no-untyped-call]

    return torch.compile(call, dynamic=False)


def _demand_a_compiler(device: torch.device) -> None:
    """SparringError where torch.compile would fail for want of a C++ compiler, minutes later and at length."""
    wanted = os.environ.get("CXX") or {"darwin": "clang++", "win32": "cl"}.get(sys.platform, "g++")
    if device.type in ("cpu", "cuda") and shutil.which(wanted) is None:
        raise SparringError(
            f"--compile needs a C++ compiler, and `{wanted}` is not on this machine; install one (Debian and Ubuntu: "
            "apt-get install g++), name it in the environment variable CXX, or train without --compile"
        )
