"""Changing a picture: nothing by nothing, anything by much, and always within the range."""

from __future__ import annotations

import torch

from sparring.networks.change import KEPT, changed


def test_it_is_the_sum_before_the_squashing() -> None:
    pictures, z = torch.rand(2, 3, 4, 5) * 2 - 1, 2 * torch.randn(2, 3, 4, 5)
    torch.testing.assert_close(changed(pictures, z.tanh()), ((KEPT * pictures).atanh() + z).tanh(), atol=1e-5, rtol=0)


def test_nothing_changes_little_and_much_gives_any_value() -> None:
    pictures = torch.tensor([-1.0, 0.0, 1.0])
    assert torch.equal(changed(pictures, torch.zeros(3)), KEPT * pictures)
    for end in (-1.0, 1.0):
        torch.testing.assert_close(changed(pictures, torch.full((3,), end)), torch.full((3,), end))


def test_white_and_black_can_be_moved() -> None:
    change = torch.zeros(2, requires_grad=True)
    changed(torch.tensor([-1.0, 1.0]), change).sum().backward()  # type: ignore[no-untyped-call]
    assert change.grad is not None
    assert (change.grad > 0.15).all()
