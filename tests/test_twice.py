"""Second derivatives against torch's own, for every kind of convolution and activation that a critic has."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sparring.twice import MINE, Twice

CRITICS: dict[str, Callable[[], nn.Module]] = {
    "strided": lambda: nn.Conv2d(4, 6, 4, 2, 1),
    "grouped": lambda: nn.Conv2d(4, 8, 3, padding=1, groups=2, bias=False),
    "uneven": lambda: nn.Conv2d(4, 6, (1, 3), (2, 1), (0, 1), (1, 2)),
    "named padding": lambda: nn.Conv2d(4, 6, 3, padding="same"),
    "deep": lambda: nn.Sequential(
        nn.Conv2d(4, 8, 4, 2, 1), nn.LeakyReLU(0.2, inplace=True), nn.Conv2d(8, 8, 3), nn.ReLU(), nn.Conv2d(8, 1, 2)
    ),
    "smooth": lambda: nn.Sequential(nn.Conv2d(4, 8, 3), nn.Tanh(), nn.ReLU(), nn.Conv2d(8, 2, 2)),
    "negative slope": lambda: nn.Sequential(nn.Conv2d(4, 8, 3), nn.LeakyReLU(-0.5), nn.Conv2d(8, 2, 2)),
}


def learnt(critic: nn.Module, x: Tensor, how: Callable[[], object]) -> list[Tensor]:
    """Gradients of a loss on the score and on its squared slope, in every weight and in what x was made of."""
    source = x.clone().requires_grad_(True)
    y = source * 1
    with how():  # type: ignore[attr-defined]
        scores = critic(y)
        (slope,) = torch.autograd.grad(scores.tanh().sum(), y, create_graph=True)
    loss = slope.square().sum() + scores.square().mean()
    return list(torch.autograd.grad(loss, [source, *critic.parameters()]))


@pytest.mark.parametrize("kind", CRITICS)
def test_what_is_learnt_is_what_torch_learns(kind: str) -> None:
    torch.manual_seed(0)
    critic, x = CRITICS[kind]().double(), torch.randn(3, 4, 8, 8).double()
    ours, theirs = learnt(critic, x, Twice), learnt(critic, x, torch.enable_grad)
    for mine, other in zip(ours, theirs, strict=True):
        assert other.abs().max() > 1e-6, "the control: there is something to learn"
        torch.testing.assert_close(mine, other)


def test_layers_that_do_not_learn_are_passed_through() -> None:
    torch.manual_seed(0)
    critic = CRITICS["deep"]().double()
    critic[0].requires_grad_(False)  # type: ignore[index]
    x = torch.randn(2, 4, 8, 8).double().requires_grad_(True)
    wanted = [p for p in critic.parameters() if p.requires_grad]
    found = []
    for how in (Twice, torch.enable_grad):
        with how():
            (slope,) = torch.autograd.grad(critic(x * 1).sum(), x, create_graph=True)
        found.append(torch.autograd.grad(slope.square().sum(), wanted, allow_unused=True))
    for mine, other in zip(*found, strict=True):
        assert (mine is None) == (other is None) or not (mine if other is None else other).any()
        if mine is not None and other is not None:
            torch.testing.assert_close(mine, other)


def test_in_place_activations_change_their_input_as_torchs_do() -> None:
    for act in (F.relu, F.leaky_relu):
        x, y = torch.randn(5), torch.empty(5)
        y.copy_(x)
        with Twice():
            act(x, inplace=True)
        act(y, inplace=True)
        assert torch.equal(x, y)


def test_it_ends_where_it_ends() -> None:
    """Outside, a convolution is torch's own, which gives gradients in weights under create_graph too."""
    with Twice():
        inside = torch.conv2d(torch.ones(1, 1, 2, 2), torch.ones(1, 1, 1, 1, requires_grad=True))
    outside = torch.conv2d(torch.ones(1, 1, 2, 2), torch.ones(1, 1, 1, 1, requires_grad=True))
    assert "_Conv" in type(inside.grad_fn).__name__
    assert "_Conv" not in type(outside.grad_fn).__name__
    assert torch.conv2d in MINE
