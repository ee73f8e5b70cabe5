"""What is colourise's own: lightness that stays, colours in Lab, and pictures without colour."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from made_up import pictures
from sparring import recipes
from sparring.cluster import Cluster
from sparring.config import Adam
from sparring.data.batches import Batch
from sparring.data.dataset import Dataset
from sparring.errors import SparringError
from sparring.networks.lab import from_lab, lightness, to_lab
from sparring.recipes.colourise import Colourise, Config
from sparring.start import build
from sparring.trainer import Trainer


def skies() -> Dataset:
    """Dark squares are blue and bright ones yellow, so lightness tells the colour."""
    plain = pictures(3, 16, 16)
    grey = plain.rows.max(1).astype(np.float32)
    rows = np.stack([grey, grey * 0.9, 255 - grey], 1).astype(np.uint8)
    return dataclasses.replace(plain, rows=rows)


def trainer(dataset: Dataset | None = None, **changes: object) -> Trainer:
    settled = {"batch": 8, "precision": "fp32", "memory_format": "contiguous", "device": "cpu", "width": 8}
    config = Config(steps=8, **{**settled, "critic_width": 8, "augment": "none", **changes})  # type: ignore[arg-type]
    return build(recipes.find("colourise"), dataset or skies(), config, Cluster("cpu"))


def played(rounds: int, **changes: object) -> Trainer:
    learner = trainer(**changes)  # type: ignore[arg-type]
    for _ in range(rounds):
        learner.round()
    return learner


@pytest.mark.parametrize("norm", ["instance", "none"])
@pytest.mark.parametrize("size", [(16, 16), (32, 48), (7, 1)])
def test_the_lightness_that_comes_out_is_the_one_that_went_in(size: tuple[int, int], norm: str) -> None:
    gan = played(2, norm=norm).ema.gan
    assert any(isinstance(layer, torch.nn.InstanceNorm2d) for layer in gan.generator.modules()) == (norm == "instance")
    asked = torch.rand(3, 1, *size) * 2 - 1
    with torch.no_grad():
        made = gan.sample(torch.zeros(3, 0), asked)
    assert made.shape == (3, 3, *size)
    assert (lightness(made) - asked).abs().max() * 50 < 0.01
    assert (made[:, 0] - made[:, 2]).abs().max() > 0, "grey would be right as well"


def test_pictures_own_colours_are_passed_over() -> None:
    gan, x = played(1).ema.gan, next(trainer().batches[0]).x
    grey = from_lab(to_lab(x) * torch.tensor([1.0, 0.0, 0.0]).view(3, 1, 1))
    with torch.no_grad():
        torch.testing.assert_close(gan.translate(x), gan.sample(torch.zeros(8, 0), gan.asked(Batch(x, x))))
        torch.testing.assert_close(gan.translate(x), gan.translate(grey), atol=1e-3, rtol=0)
        torch.testing.assert_close(gan.translate(grey), gan.translate(grey[:, :1]), atol=1e-3, rtol=0)


def test_the_critic_plays_first_and_sees_colours_beside_their_lightness() -> None:
    learner = trainer(adversarial=2.0, l1=30.0)
    turns = dict(learner.gan.step(iter(learner.batches[0])))
    assert {who: {*terms} for who, terms in turns.items()} == {"critic": {"real", "fake"}, "generator": {"l1", "fool"}}
    gan = learner.gan
    assert isinstance(gan, Colourise)
    x = next(trainer().batches[0]).x
    lab = to_lab(x)
    fake = gan.coloured(lab[:, :1])
    torch.testing.assert_close(turns["generator"]["l1"], 30 * (fake - lab)[:, 1:].abs().mean())
    torch.testing.assert_close(turns["generator"]["fool"], (gan.critic(fake) - 1).square().mean())
    scores = gan.critique(x, lightness(x))
    torch.testing.assert_close(scores, gan.critic(lab).mean((1, 2, 3)) - 0.5)


def test_without_its_weight_the_critic_has_no_turns_and_no_opinion() -> None:
    learner = trainer(adversarial=0.0)
    turns = dict(learner.gan.step(iter(learner.batches[0])))
    assert {who: {*terms} for who, terms in turns.items()} == {"generator": {"l1"}}
    assert learner.gan.critique(torch.zeros(2, 3, 16, 16), torch.zeros(2, 1, 16, 16)) is None
    with pytest.raises(SparringError, match="`adversarial` and `l1` are weights: 0 or more"):
        Config(adversarial=0.0, l1=0.0)


def test_it_learns_the_colours_of_lights_and_darks() -> None:
    learner, x = played(60, generator=Adam(lr=2e-3), ema=0.0), next(trainer().batches[0]).x
    with torch.no_grad():
        made = learner.ema.gan.translate(x)
    wrong = (to_lab(made) - to_lab(x))[:, 1:].abs().mean()
    assert wrong < 0.3 * to_lab(x)[:, 1:].abs().mean(), "0 is grey"


def test_pictures_without_colour_are_refused_in_a_sentence() -> None:
    with pytest.raises(SparringError, match=r"squares holds grey pictures: .* give such, or --channels 3"):
        trainer(pictures(1, 16, 16))
