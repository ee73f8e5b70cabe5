"""The networks of DCGAN: any shape, the activations and norms asked for, and the paper's initial weights."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from sparring.networks.dcgan import Critic, Generator
from sparring.networks.mlp import ACTIVATIONS, MLP, activation

SHAPES = st.tuples(st.sampled_from([1, 3, 4]), st.integers(5, 50), st.integers(5, 50))
KINDS = {"relu": nn.ReLU, "leaky_relu": nn.LeakyReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}

WEIGHTED = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)


def is_norm(module: nn.Module) -> bool:
    return isinstance(module, nn.BatchNorm2d)


def count(network: nn.Module, kind: type[nn.Module]) -> int:
    return sum(isinstance(module, kind) for module in network.modules())


@given(SHAPES, st.integers(1, 4), st.sampled_from(["batch", "none"]))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_latents_become_pictures_and_pictures_scores_of_any_shape(
    shape: tuple[int, int, int], width: int, norm: str
) -> None:
    generator, critic = Generator(6, shape, width, "relu", norm), Critic(shape, width, "relu", norm)
    latents = torch.randn(3, 6, requires_grad=True)
    pictures = generator(latents)
    assert pictures.shape == (3, *shape)
    assert -1 <= pictures.min() <= pictures.max() <= 1
    scores = critic(pictures)
    assert scores.shape == (3,)
    scores.sum().backward()
    assert all(p.grad is not None for net in (generator, critic) for p in net.parameters())


@given(SHAPES)
@settings(max_examples=15, deadline=None, derandomize=True)
def test_a_critic_sees_every_pixel(shape: tuple[int, int, int]) -> None:
    critic, x = Critic(shape, 4, "leaky_relu", "none"), torch.randn(1, *shape, requires_grad=True)
    critic(x).sum().backward()
    assert x.grad is not None
    assert (x.grad != 0).all()


def test_a_score_and_a_picture_depend_on_their_own_sample_only() -> None:
    generator, critic = Generator(6, (3, 12, 20), 4, "relu", "none"), Critic((3, 12, 20), 4, "relu", "none")
    latents = torch.randn(4, 6)
    pictures = generator(latents)
    torch.testing.assert_close(generator(latents[2:3]), pictures[2:3])
    torch.testing.assert_close(critic(pictures[2:3]), critic(pictures)[2:3])


@pytest.mark.parametrize("name", sorted(KINDS))
def test_the_activation_asked_for_lies_between_the_layers(name: str) -> None:
    others = [kind for other, kind in KINDS.items() if other not in (name, "tanh")]
    generator, critic = Generator(6, (3, 32, 32), 4, name, "none"), Critic((3, 32, 32), 4, name, "none")
    perceptron = MLP([2, 5, 5, 1], name)
    assert count(generator, KINDS[name]) == 3 + (name == "tanh"), "one a layer but the last, which is tanh"
    assert isinstance(generator.layers[-1], nn.Tanh)
    assert count(critic, KINDS[name]) == 3
    assert count(perceptron, KINDS[name]) == 2
    assert all(count(net, kind) == 0 for net in (generator, critic, perceptron) for kind in others)


def test_every_activation_has_its_name_and_leaks_a_fifth() -> None:
    assert ACTIVATIONS.keys() == KINDS.keys()
    x = torch.tensor([-2.0, 3.0])
    torch.testing.assert_close(activation("leaky_relu")(x), torch.tensor([-0.4, 3.0]))
    torch.testing.assert_close(activation("relu")(x), torch.tensor([0.0, 3.0]))
    torch.testing.assert_close(activation("tanh")(x), x.tanh())
    torch.testing.assert_close(activation("sigmoid")(x), x.sigmoid())


def test_norm_none_has_no_batch_norm_and_every_layer_its_bias() -> None:
    for net in (Generator(6, (3, 32, 32), 4, "relu", "none"), Critic((3, 32, 32), 4, "relu", "none")):
        assert count(net, nn.BatchNorm2d) == 0
        layers = [module for module in net.modules() if isinstance(module, WEIGHTED)]
        assert len(layers) == 4
        assert all(layer.bias is not None for layer in layers)


def test_norm_batch_is_after_every_layer_but_the_generators_last_and_the_critics_first_and_last() -> None:
    orders = []
    for net in (Generator(6, (3, 32, 32), 4, "relu", "batch"), Critic((3, 32, 32), 4, "relu", "batch")):
        parts = [
            module for module in net.modules() if isinstance(module, (*WEIGHTED, nn.ReLU, nn.Tanh)) or is_norm(module)
        ]
        orders.append("".join("n" if is_norm(part) else "w" if isinstance(part, WEIGHTED) else "a" for part in parts))
        before = [part for part, after in pairwise(parts) if is_norm(after)]
        assert all(layer.bias is None for layer in before), "a bias there would be subtracted again"
    assert orders == ["wnawnawnawa", "wawnawnaw"]


def test_channels_double_up_to_eight_times_the_width() -> None:
    critic, generator = Critic((3, 256, 256), 2, "relu", "none"), Generator(6, (3, 256, 256), 2, "relu", "none")
    maps: dict[nn.Module, list[int]] = {critic: [], generator: []}
    for net in maps:
        for module in net.modules():
            if isinstance(module, nn.ReLU):
                module.register_forward_hook(lambda _, __, out, net=net: maps[net].append(out.shape[1]))
    critic(generator(torch.randn(2, 6)))
    assert maps[critic] == [2, 4, 8, 16, 16, 16]
    assert maps[generator] == [16, 16, 16, 8, 4, 2]


def test_initial_weights_have_the_papers_spread() -> None:
    torch.manual_seed(0)
    seen = 0
    for net in (Generator(100, (3, 32, 32), 32, "relu", "batch"), Critic((3, 32, 32), 32, "relu", "batch")):
        for module in net.modules():
            if isinstance(module, WEIGHTED) and module.weight.numel() > 1000:
                assert module.weight.std().item() == pytest.approx(0.02, rel=0.1)
                assert module.weight.mean().item() == pytest.approx(0, abs=2e-3)
                seen += 1
            if is_norm(module):
                assert module.weight.mean().item() == pytest.approx(1, abs=0.02)
                assert module.weight.std().item() == pytest.approx(0.02, rel=0.5)
                assert not module.bias.any()
    assert seen == 8, "every layer has more than 1000 weights"
