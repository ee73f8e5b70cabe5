"""Our Adam is torch's fused one to the bit, their states are interchangeable, and torch.compile is not imported."""

import copy
import subprocess
import sys

import pytest
import torch
from torch import nn

from sparring.adam import Adam


def weights() -> list[nn.Parameter]:
    chance = torch.Generator().manual_seed(0)
    return [nn.Parameter(torch.randn(shape, generator=chance)) for shape in ((3, 4), (5,), ())]


def play(optimiser: Adam | torch.optim.Optimizer, parameters: list[nn.Parameter], steps: range) -> None:
    """With a rate that changes, a parameter that is idle at first, and a step that is left out."""
    for step in steps:
        chance = torch.Generator().manual_seed(step + 1)
        optimiser.zero_grad()
        for p in parameters[step < 2 :]:
            p.grad = torch.randn(p.shape, generator=chance)
        optimiser.param_groups[0]["lr"] = 0.1 / (1 + step)
        optimiser.found_inf = torch.tensor(float(step == 3))  # type: ignore[union-attr]
        optimiser.step()


def both() -> tuple[list[nn.Parameter], Adam, list[nn.Parameter], torch.optim.Adam]:
    ours, theirs = weights(), weights()
    return ours, Adam(ours, 0.1, (0.5, 0.9)), theirs, torch.optim.Adam(theirs, 0.1, (0.5, 0.9), fused=True)


def test_it_is_torchs_own_to_the_bit() -> None:
    ours, mine, theirs, torchs = both()
    play(mine, ours, range(8))
    play(torchs, theirs, range(8))
    assert all(map(torch.equal, ours, theirs))
    assert not torch.equal(ours[0], weights()[0])


def test_a_state_goes_into_either_and_is_a_copy() -> None:
    ours, mine, theirs, torchs = both()
    play(torchs, theirs, range(4))
    saved = torchs.state_dict()
    for p, q in zip(ours, theirs, strict=True):
        p.data.copy_(q.data)
    mine.load_state_dict(saved)
    play(mine, ours, range(4, 8))
    assert saved["state"][1]["step"] == 3, "loading has not tied the two together"
    play(torchs, theirs, range(4, 8))
    assert all(map(torch.equal, ours, theirs))
    torchs.load_state_dict({**torchs.state_dict(), "state": copy.deepcopy(mine.state_dict()["state"])})
    play(mine, ours, range(8, 10))
    play(torchs, theirs, range(8, 10))
    assert all(map(torch.equal, ours, theirs))


def test_the_state_of_other_parameters_is_refused() -> None:
    ours, mine, *_ = both()
    with pytest.raises(ValueError, match="3 parameters for 2"):
        Adam(ours[:2], 0.1).load_state_dict(mine.state_dict())


def test_a_step_imports_neither_torch_compile_nor_sympy() -> None:
    code = """
import sys, torch
from sparring.adam import Adam
p = torch.nn.Parameter(torch.ones(2)); p.grad = torch.ones(2)
a = Adam([p], 0.1); a.step(); a.zero_grad(); a.load_state_dict(a.state_dict())
print([name for name in ("torch._dynamo", "sympy") if name in sys.modules])
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
