"""Networks for tables: blocks are made and read alike, and the closed forms are what autograd says."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from made_up import table
from sparring.data.tables.field import Layout
from sparring.networks.table import Blocks, BlockSoftmax, Critic, Generator, expand, gumbel

LAYOUT = Layout(table().spec.fields)  # two places and blocks of 2, 4, 3 and 2
DRAWN = torch.Generator().manual_seed(0)


def normal(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=DRAWN)


def test_expanding_keeps_places_and_puts_a_one_for_each_code() -> None:
    rows = torch.tensor([[-0.5, 0.25, 1, 3, 0, 1], [0.5, 0, 0, 0, 2, 0]])
    first = [-0.5, 0.25, *(0, 1), *(0, 0, 0, 1), *(1, 0, 0), *(0, 1)]
    second = [0.5, 0, *(1, 0), *(1, 0, 0, 0), *(0, 0, 1), *(1, 0)]
    assert expand(LAYOUT, rows).tolist() == [first, second]


def test_what_is_drawn_hard_is_where_what_is_drawn_soft_is_largest() -> None:
    blocks, raw, chance = Blocks(LAYOUT), normal(200, 13), normal(200, 11)
    hard, soft = blocks.hard(raw, chance), blocks.soft(raw, chance, tau=0.05)
    assert torch.equal(hard[:, :2], raw[:, :2].tanh())
    assert torch.equal(soft[:, :2], hard[:, :2])
    most = [block.argmax(1) for block in soft[:, 2:].split([2, 4, 3, 2], 1)]
    assert torch.equal(torch.stack(most, 1), hard[:, 2:].long())
    for block in soft[:, 2:].split([2, 4, 3, 2], 1):
        torch.testing.assert_close(block.sum(1), torch.ones(200))
    assert (soft - expand(LAYOUT, hard)).abs().median() < 1e-3, "cold softmax is nearly a code"


@pytest.mark.parametrize("scale", [1, 60])
def test_the_softmax_of_blocks_and_its_gradient_are_those_of_a_softmax_a_block(scale: float) -> None:
    """At 60 one softmax over all would overflow, or lose the blocks with low logits."""
    blocks = Blocks(LAYOUT)
    x = (scale * normal(50, 11)).double().requires_grad_(True)
    ours = BlockSoftmax.apply(x, blocks.block, blocks.member.double())
    theirs = torch.cat([block.softmax(1) for block in x.split([2, 4, 3, 2], 1)], 1)
    torch.testing.assert_close(ours, theirs)
    weights = normal(50, 11).double()
    gradients = [torch.autograd.grad((y * weights).sum(), x, retain_graph=True)[0] for y in (ours, theirs)]
    torch.testing.assert_close(*gradients)


def test_normal_numbers_become_gumbel_numbers_that_draw_codes_by_their_odds() -> None:
    drawn = gumbel(normal(200_000))
    assert drawn.mean() == pytest.approx(np.euler_gamma, abs=0.01)
    assert drawn.var() == pytest.approx(np.pi**2 / 6, abs=0.02)
    odds = torch.tensor([0.7, 0.25, 0.05])
    codes = (odds.log() + gumbel(normal(100_000, 3))).argmax(1).bincount() / 100_000
    torch.testing.assert_close(codes, odds, atol=0.006, rtol=0)
    far = gumbel(torch.tensor([-40.0, -8.0, 0.0, 8.0, 12.0]))
    assert torch.isfinite(far).all()
    assert (far.diff() >= 0).all()
    assert far[3] == pytest.approx(-np.log(6.22096e-16), rel=1e-5), "exact far out, where 1 - u is all that is left"


def test_surprise_is_the_cross_entropy_of_the_asked_field_alone() -> None:
    raw, given = normal(3, 13), torch.zeros(3, 5)
    given[0, 1] = given[1, 3] = given[2, 4] = 1  # city=Oslo, retired=False, retired=True
    city, retired = raw[:, 8:11].log_softmax(1), raw[:, 11:].log_softmax(1)
    expected = -torch.stack([city[0, 1], retired[1, 0], retired[2, 1]])
    torch.testing.assert_close(Blocks(LAYOUT).surprise(raw, given), expected)


@pytest.mark.parametrize(("pac", "depth", "dropout"), [(1, 2, 0.0), (4, 2, 0.5), (2, 3, 0.3), (2, 1, 0.5)])
def test_the_slope_in_closed_form_is_the_gradient_and_so_is_its_penaltys(pac: int, depth: int, dropout: float) -> None:
    torch.manual_seed(0)
    critic, packs = Critic(7, pac, 32, depth, dropout).double(), 24 // pac
    real, fake = normal(24, 7).double(), normal(24, 7).double().flip(0)
    share, chance = torch.rand(packs, 1).double(), torch.rand(3 * packs, depth, 32)
    scores = critic.contrast(real, fake, share, chance)
    shares = share.repeat_interleave(pac, 0)
    between = (shares * real + (1 - shares) * fake).requires_grad_(True)
    torch.testing.assert_close(scores[0], critic(real, chance[:packs]))
    torch.testing.assert_close(scores[1], critic(fake, chance[packs : 2 * packs]))
    (gradient,) = torch.autograd.grad(critic(between, chance[2 * packs :]).sum(), between, create_graph=True)
    torch.testing.assert_close(scores[2], gradient.reshape(packs, -1))
    weights = [layer.weight for layer in critic.layers] + [critic.out.weight]
    penalties = [(slope.reshape(packs, -1).norm(dim=1) - 1).square().mean() for slope in (scores[2], gradient)]
    assert penalties[0] > 0
    for one, other in zip(*(torch.autograd.grad(p, weights, retain_graph=True) for p in penalties), strict=True):
        torch.testing.assert_close(one, other)


def test_the_slope_is_told_in_full_precision_where_the_networks_are_not() -> None:
    torch.manual_seed(0)
    critic = Critic(7, 1, 32, 2, 0.0)
    rows, share = (normal(40, 7), normal(40, 7).flip(0)), torch.rand(40, 1)
    full = critic.contrast(*rows, share)[2]
    with torch.autocast("cpu", torch.bfloat16):
        score, _, gradient = critic.contrast(*rows, share)
    assert score.dtype == torch.bfloat16
    assert gradient.dtype == torch.float32
    kinks = (gradient - full).abs().amax(1) > 1e-5  # where rounding has taken a unit across its kink
    assert kinks.float().mean() < 0.25


def test_a_score_is_of_one_pack_and_dropout_leaves_out_its_share() -> None:
    torch.manual_seed(0)
    critic = Critic(7, 3, 64, 2, 0.5)
    x = normal(12, 7)
    scores = critic(x)
    assert scores.shape == (4,)
    torch.testing.assert_close(critic(x[3:6]), scores[1:2])
    seen: list[torch.Tensor] = []
    critic.out.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        whole, some = critic(x.repeat(50, 1)), critic(x.repeat(50, 1), torch.rand(200, 2, 64))
    assert (seen[0] == 0).sum() == 0
    assert float((seen[1] == 0).float().mean()) == pytest.approx(0.5, abs=0.02)
    assert float(some.mean()) == pytest.approx(float(whole.mean()), abs=0.1), "those that are kept count twice"


def test_a_row_does_not_depend_on_the_others_of_its_batch() -> None:
    generator = Generator(LAYOUT, 9, 32, 2)
    x = normal(6, 9)
    assert generator(x).shape == (6, LAYOUT.expanded)
    torch.testing.assert_close(generator(x)[2:3], generator(x[2:3]))
