"""R1 and the interpolated penalty against critics whose gradients are known by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from sparring.penalties import interpolated, r1


@pytest.fixture
def real() -> torch.Tensor:
    return torch.randn(5, 2, 3, 4, generator=torch.Generator().manual_seed(0))


def curved_critic() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(24, 6), nn.Tanh(), nn.Linear(6, 1))


def test_a_linear_critics_penalty_is_its_squared_slope(real: torch.Tensor) -> None:
    w = torch.randn(24)
    penalty = r1(lambda x: x.flatten(1) @ w + 7, real)
    assert penalty.shape == ()
    assert penalty.item() == pytest.approx(w.square().sum().item(), rel=1e-5)


def test_a_quadratic_critics_penalty_is_the_mean_over_samples_of_a_sum_over_values(
    real: torch.Tensor,
) -> None:
    a = torch.randn(2, 3, 4)
    penalty = r1(lambda x: (0.5 * a * x.square()).flatten(1).sum(1), real)  # its gradient is a x
    by_hand = sum(float((a * x).square().sum()) for x in real) / len(real)
    assert penalty.item() == pytest.approx(by_hand, rel=1e-5)


def test_a_critic_with_many_scores_a_sample_is_summed_over_them(real: torch.Tensor) -> None:
    """Patch critics give a map of scores: their sum is what is differentiated."""
    penalty = r1(lambda x: torch.stack([3 * x[:, 0, 0, 0], 4 * x[:, 0, 0, 0]], 1), real)
    assert penalty.item() == pytest.approx(49.0)


def test_its_gradient_in_the_critics_weights_is_that_of_finite_differences(real: torch.Tensor) -> None:
    critic, h = curved_critic(), 1e-2
    weight = critic[1].weight
    r1(critic, real).backward()  # type: ignore[no-untyped-call]
    gradient = weight.grad
    assert gradient is not None
    assert gradient.abs().max() > 0.01
    for place in [(0, 0), (2, 11), (5, 23)]:
        sides = []
        for step in (h, -h):
            with torch.no_grad():
                weight[place] += step
            sides.append(r1(critic, real).item())
            with torch.no_grad():
                weight[place] -= step
        assert gradient[place].item() == pytest.approx((sides[0] - sides[1]) / (2 * h), rel=1e-2, abs=1e-4)


def test_under_bf16_autocast_it_is_computed_in_float32(real: torch.Tensor) -> None:
    critic = curved_critic()
    plain = r1(critic, real)
    with torch.autocast("cpu", torch.bfloat16):
        rough = critic(real)
        penalty = r1(critic, real)
    assert rough.dtype == torch.bfloat16, "the control: autocast is on"
    assert penalty.dtype == torch.float32
    assert torch.equal(penalty, plain)
    assert r1(critic, real.bfloat16()).dtype == torch.float32


@pytest.mark.parametrize("wanted", [False, True])
def test_the_batch_is_left_as_it_was(real: torch.Tensor, wanted: bool) -> None:
    real.requires_grad_(wanted)
    before = real.detach().clone()
    r1(curved_critic(), real).backward()  # type: ignore[no-untyped-call]
    assert real.requires_grad is wanted
    assert real.grad is None
    assert torch.equal(real, before)


def test_it_leaves_the_critics_gradients_alone_until_backward(real: torch.Tensor) -> None:
    critic = curved_critic()
    r1(critic, real)
    assert all(p.grad is None for p in critic.parameters())


def shares(n: int = 5) -> torch.Tensor:
    return torch.rand(n, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("slope", [0.0, 0.25, 1.0, 3.0])
def test_a_linear_critics_interpolated_penalty_is_its_slopes_squared_distance_from_one(
    real: torch.Tensor, slope: float
) -> None:
    w = torch.randn(24)
    w = slope * w / w.norm()
    penalty = interpolated(lambda x: x.flatten(1) @ w - 7, real, torch.randn_like(real), shares())
    assert penalty.shape == ()
    assert penalty.item() == pytest.approx((slope - 1) ** 2, rel=1e-4, abs=1e-6)


def test_it_is_taken_between_a_real_and_a_fake_of_the_same_place_at_the_given_share(real: torch.Tensor) -> None:
    """The gradient of half the squared size is x itself, so the norm tells where the penalty was taken."""
    fake, share = torch.randn_like(real), shares()
    penalty = interpolated(lambda x: x.square().flatten(1).sum(1) / 2, real, fake, share)
    between = [float(e) * x + (1 - float(e)) * y for e, x, y in zip(share, real, fake, strict=True)]
    by_hand = sum((float(x.norm()) - 1) ** 2 for x in between) / len(between)
    assert penalty.item() == pytest.approx(by_hand, rel=1e-5)


@pytest.mark.parametrize(("share", "factor"), [(1.0, 3.0), (0.0, 5.0)])
def test_a_share_of_one_is_the_real_and_none_is_the_fake(share: float, factor: float) -> None:
    """Of a critic that is 3 times as steep as it should be on one side and 5 times on the other."""
    real, fake = torch.ones(4, 1, 1, 1), -torch.ones(4, 1, 1, 1)
    penalty = interpolated(lambda x: torch.where(x > 0, 3 * x, 5 * x).flatten(), real, fake, torch.full((4,), share))
    assert penalty.item() == pytest.approx((factor - 1) ** 2)


def test_a_flat_critic_costs_one_and_its_weights_can_learn_from_it(real: torch.Tensor) -> None:
    """At a slope of exactly 0 the root has no derivative; the penalty's must be finite all the same."""
    w = torch.zeros(24, requires_grad=True)
    penalty = interpolated(lambda x: x.flatten(1) @ w, real, -real, shares())
    assert penalty.item() == pytest.approx(1, rel=1e-4)
    (gradient,) = torch.autograd.grad(penalty, w)
    assert torch.isfinite(gradient).all()


def test_the_interpolated_penalty_teaches_the_critic_and_not_the_generator(real: torch.Tensor) -> None:
    critic, fake = curved_critic(), torch.randn_like(real).requires_grad_(True)
    interpolated(critic, real, fake, shares()).backward()  # type: ignore[no-untyped-call]
    assert fake.grad is None
    weights = critic[1].weight
    assert weights.grad is not None
    before = interpolated(critic, real, fake, shares()).item()
    with torch.no_grad():
        weights -= 0.05 * weights.grad
    assert interpolated(critic, real, fake, shares()).item() < before


def test_the_interpolated_penalty_is_computed_in_float32_under_bf16_autocast(real: torch.Tensor) -> None:
    critic = curved_critic()
    plain = interpolated(critic, real, -real, shares())
    with torch.autocast("cpu", torch.bfloat16):
        penalty = interpolated(critic, real, -real, shares())
    assert penalty.dtype == torch.float32
    assert torch.equal(penalty, plain)
