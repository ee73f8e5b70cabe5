"""Places, heads and the contrast of patches: chosen without repeats, alike in shares, and told apart in one picture."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn.functional import normalize

from sparring.draws import Draws
from sparring.losses import patch_nce
from sparring.networks.patches import Heads, mirrored, places

MAPS = [torch.randn(6, 3, 9, 10), torch.randn(6, 5, 4, 4)]


def test_places_are_each_pictures_own_without_repeats_and_all_of_a_small_map() -> None:
    chosen, every = places(MAPS, 40, Draws(0, 0, 1))
    assert every is None
    assert chosen is not None
    assert chosen.shape == (6, 40)
    assert 0 <= chosen.min() <= chosen.max() < 90
    assert all(len(row.unique()) == 40 for row in chosen)
    assert len({tuple(row.tolist()) for row in chosen}) == 6
    whole, none = places(MAPS, 89, Draws(0, 0, 1)), places(MAPS, 90, Draws(0, 0, 1))
    assert whole[0] is not None
    assert none == [None, None]


def test_shares_of_a_batch_choose_what_the_whole_does() -> None:
    whole = places(MAPS, 12, Draws(3, 0, 1))
    shared = [places([each[3 * i : 3 * i + 3] for each in MAPS], 12, Draws(3, i, 2)) for i in (0, 1)]
    for layer, chosen in enumerate(whole):
        parts = [share[layer] for share in shared]
        assert chosen is not None
        assert torch.equal(chosen, torch.cat([part for part in parts if part is not None]))


def test_heads_give_directions_of_the_places_that_are_asked_for() -> None:
    heads = Heads([3, 5], 16)
    chosen = places(MAPS, 7, Draws(0, 0, 1))
    found, every = heads(MAPS, chosen), heads(MAPS, [None, None])
    for some, all_, which, of_layer in zip(found, every, chosen, MAPS, strict=True):
        assert some.shape == (6, 7, 16)
        assert all_.shape == (6, of_layer.shape[2] * of_layer.shape[3], 16)
        torch.testing.assert_close(some.norm(dim=2), torch.ones(6, 7))
        assert which is not None
        for i in range(6):
            torch.testing.assert_close(some[i], all_[i, which[i]])
    row = heads([each[:, :, 2:3, 3:4] for each in MAPS], [None, None])
    torch.testing.assert_close(row[0][:, 0], every[0][:, 2 * 10 + 3], msg="place = row * width + column")


def test_only_the_pictures_that_are_named_are_mirrored() -> None:
    which = torch.tensor([True, False, False, True, False, True])
    for before, after in zip(MAPS, mirrored(MAPS, which), strict=True):
        assert torch.equal(after[which], before[which].flip(3))
        assert torch.equal(after[~which], before[~which])


def test_the_contrast_is_the_papers_formula_place_by_place() -> None:
    q, k = (normalize(torch.randn(3, 5, 8), dim=2) for _ in range(2))
    expected = []
    for picture in range(3):
        for i in range(5):
            likeness = torch.stack([q[picture, i] @ k[picture, j] for j in range(5)]) / 0.2
            expected.append(-(likeness[i].exp() / likeness.exp().sum()).log())
    torch.testing.assert_close(patch_nce(q, k, 0.2), torch.stack(expected).mean())


def test_the_contrast_is_low_for_the_right_keys_chance_for_equal_ones_and_blind_to_other_pictures() -> None:
    q = normalize(torch.randn(2, 6, 8), dim=2)
    assert patch_nce(q, q) < 0.1 * patch_nce(q, q.roll(1, 1))
    same = q[:, :1].expand(-1, 6, -1)
    assert patch_nce(q, same).item() == pytest.approx(math.log(6), abs=1e-5)
    whole = patch_nce(q, q.roll(1, 1))
    torch.testing.assert_close(whole, (patch_nce(q[:1], q[:1].roll(1, 1)) + patch_nce(q[1:], q[1:].roll(1, 1))) / 2)


def test_keys_are_not_learnt_from() -> None:
    q, k = (torch.randn(2, 4, 3, requires_grad=True) for _ in range(2))
    patch_nce(q, k).backward()
    assert q.grad is not None
    assert q.grad.abs().sum() > 0
    assert k.grad is None
