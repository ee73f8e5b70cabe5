"""The contract: a recipe that leaves a part out is told which."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from sparring.data.spec import Spec
from sparring.gan import GAN

SPEC = Spec("points", "toy", (2,), (-1.0, 1.0), 8)


def bare() -> GAN:
    return GAN(SPEC, SimpleNamespace(seed=3, latent=4))


@pytest.mark.parametrize(
    ("call", "missing"),
    [
        (lambda gan: gan.players(), "players"),
        (lambda gan: gan.step(iter([])), "step"),
        (lambda gan: gan.sample(torch.zeros(1, 4), torch.zeros(1, 0)), "sample"),
    ],
)
def test_a_missing_part_is_named(call: object, missing: str) -> None:
    with pytest.raises(NotImplementedError, match=f"define `{missing}`"):
        call(bare())  # type: ignore[operator]


def test_noise_fits_the_batch_and_is_fresh() -> None:
    gan = bare()
    first, second = gan.noise(torch.zeros(5, 2)), gan.noise(torch.zeros(5, 2))
    assert first.shape == (5, 4)
    assert not torch.equal(first, second)


def test_latents_follow_the_seed_and_do_not_depend_on_how_many() -> None:
    gan = bare()
    assert torch.equal(gan.latents(100, 1)[:7], gan.latents(7, 1))
    assert not torch.equal(gan.latents(7, 1), gan.latents(7, 2))
    assert abs(float(gan.latents(5000, 0).std()) - 1) < 0.02


def test_what_ships_is_what_the_generator_brings() -> None:
    gan = bare()
    gan.one, gan.two, gan.judge = nn.Linear(1, 1), nn.Linear(1, 1), nn.Linear(1, 1)
    gan.players = lambda: {"generator": [gan.one, gan.two], "critic": [gan.judge]}  # type: ignore[method-assign]
    assert gan.shipped() == {"one": gan.one, "two": gan.two}
