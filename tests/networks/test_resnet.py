"""The residual networks of SNGAN, and how they and DCGAN's take what is given."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import avg_pool2d, interpolate

from sparring.networks import resnet

SHAPES = st.tuples(st.sampled_from([1, 3, 4]), st.integers(5, 50), st.integers(5, 50))
NETWORKS = {
    "dcgan": (resnet.dcgan_generator, resnet.dcgan_critic),
    "resnet": (resnet.residual_generator, resnet.residual_critic),
}


@given(SHAPES, st.integers(0, 3), st.sampled_from(sorted(NETWORKS)))
@settings(max_examples=40, deadline=None, derandomize=True)
def test_any_shape_goes_in_and_comes_out_and_every_weight_has_a_gradient(
    shape: tuple[int, int, int], many: int, kind: str
) -> None:
    make, judge = NETWORKS[kind]
    generator, critic = make(6, shape, 2, many), judge(shape, 2, many)
    wishes = torch.rand(3, many)
    pictures = generator(torch.randn(3, 6), wishes)
    assert pictures.shape == (3, *shape)
    assert -1 <= pictures.min() <= pictures.max() <= 1
    scores = critic(pictures, wishes)
    assert scores.shape == (3,)
    scores.sum().backward()
    assert all(p.grad is not None for net in (generator, critic) for p in net.parameters())


@pytest.mark.parametrize("kind", sorted(NETWORKS))
def test_the_class_changes_the_score_at_once_and_the_picture_once_it_is_learnt(kind: str) -> None:
    torch.manual_seed(0)
    make, judge = NETWORKS[kind]
    generator, critic = make(6, (1, 16, 16), 4, 3).eval(), judge((1, 16, 16), 4, 3)
    z, (first, second) = torch.randn(5, 6), (torch.eye(3)[[i] * 5] for i in (0, 1))
    pictures = generator(z, first)
    assert torch.equal(pictures, generator(z, second)), "every class begins alike"
    assert (critic(pictures, first) != critic(pictures, second)).all()
    generator(z, first).square().sum().backward()
    learnt = [module.change for module in generator.modules() if isinstance(module, resnet.ConditionalBatchNorm)]
    with torch.no_grad():
        for change in learnt:
            change += change.grad
    assert not torch.allclose(generator(z, first), generator(z, second))
    torch.testing.assert_close(pictures, generator(z, second), msg="what one class learns is not the others'")


def test_conditional_batch_norm_is_the_classes_own_scale_and_shift_of_normalised_maps() -> None:
    torch.manual_seed(0)
    norm = resnet.ConditionalBatchNorm(nn.BatchNorm2d(2), given=3)
    assert norm.change is not None
    nn.init.normal_(norm.change)
    x, wishes = torch.randn(6, 2, 4, 4), torch.eye(3).repeat(2, 1)
    plain = (x - x.mean((0, 2, 3), keepdim=True)) / (x.var((0, 2, 3), correction=0, keepdim=True) + 1e-5).sqrt()
    for i, out in enumerate(norm(x, wishes)):
        scale, shift = norm.change[i % 3].view(2, 2, 1, 1)
        torch.testing.assert_close(out, plain[i] * (1 + scale) + shift)


def test_a_critic_projects_its_features_on_what_is_given() -> None:
    """Miyato & Koyama 2018, eq. 3: the inner product with the class's vector is added; nothing given adds nothing."""
    torch.manual_seed(0)
    critic = resnet.Critic(nn.Flatten(1), features=4, given=2)
    assert critic.project is not None
    x = torch.randn(3, 1, 2, 2)
    alone = critic(x, torch.zeros(3, 2))
    torch.testing.assert_close(alone, x.flatten(1) @ critic.head.weight[0])
    second = torch.tensor([[0.0, 1.0]]).expand(3, 2)
    torch.testing.assert_close(critic(x, second) - alone, x.flatten(1) @ critic.project.weight[:, 1])


def test_shortcuts_are_cheaper_than_the_papers_order_and_compute_the_same() -> None:
    torch.manual_seed(0)
    up, down, x = resnet.Up(3, 5, 0), resnet.Down(3, 5), torch.randn(2, 3, 4, 6)
    for leave in (up.leave, down.leave):
        nn.init.zeros_(leave.weight)
        nn.init.zeros_(leave.bias)  # type: ignore[arg-type]
    doubled = interpolate(x, scale_factor=2, mode="nearest")
    torch.testing.assert_close(up(x, torch.zeros(2, 0)), up.short(doubled))
    torch.testing.assert_close(down(x), avg_pool2d(down.short(x), 2))


def test_a_block_that_keeps_its_size_is_the_identity_when_its_branch_is_silent() -> None:
    block, x = resnet.Down(4, 4, halve=False), torch.randn(2, 4, 5, 5)
    nn.init.zeros_(block.leave.weight)
    nn.init.zeros_(block.leave.bias)  # type: ignore[arg-type]
    assert torch.equal(block(x), x)


def test_the_first_block_sees_what_lies_below_zero_and_later_ones_do_not() -> None:
    torch.manual_seed(0)
    dark = [-torch.rand(1, 3, 8, 8) - 0.1 for _ in range(2)]
    first, later = resnet.Down(3, 4, first=True), resnet.Down(3, 4)
    for block in (first, later):
        nn.init.zeros_(block.short.weight)  # type: ignore[arg-type]
    assert not torch.allclose(first(dark[0]), first(dark[1]))
    torch.testing.assert_close(later(dark[0]), later(dark[1]))


def test_the_papers_widths_for_48_pixels() -> None:
    """Table 4: 512 to 64 channels in the generator; 64 to 512, and then 1024 by our rule 512, in the critic."""
    generator, critic = (
        resnet.residual_generator(128, (3, 48, 48), 64, 0),
        resnet.residual_critic((3, 48, 48), 64, 0),
    )
    assert [up.leave.out_channels for up in generator if isinstance(up, resnet.Up)] == [256, 128, 64]
    assert isinstance(critic.body, nn.Sequential)
    downs = [block for block in critic.body if isinstance(block, resnet.Down)]
    assert [(down.leave.out_channels, down.halve) for down in downs] == [
        (64, True),
        (128, True),
        (256, True),
        (512, False),
    ]


def test_initial_weights_have_the_papers_spread() -> None:
    """Glorot, times the square root of 2 in 3x3 convolutions: variance 4 / (what comes in + what goes out)."""
    torch.manual_seed(0)
    generator = resnet.residual_generator(128, (3, 32, 32), 16, 0)
    seen = 0
    for module in generator.modules():
        if isinstance(module, nn.Conv2d | nn.Linear) and module.weight.numel() > 4000:
            places = module.weight[0, 0].numel()
            fans = places * (module.weight.shape[0] + module.weight.shape[1])
            gain = 2.0 if places == 9 else 1.0
            assert float(module.weight.detach().var()) == pytest.approx(gain * 2 / fans, rel=0.1)
            assert not module.bias.any()  # type: ignore[union-attr]
            seen += 1
    assert seen >= 6
