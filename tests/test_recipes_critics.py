"""The critic of every recipe, tested merely by its existing: the watchdog asks it."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from fighting import NAMES, fitting
from made_up import labelled
from sparring import recipes
from sparring.cluster import Cluster
from sparring.data.dataset import Dataset
from sparring.recipes import Recipe
from sparring.start import build
from sparring.trainer import Trainer

TURNS = 150  # of the critic alone, after which it tells the real
FEWER = 40  # the same of critics that score patches: every picture has many


@pytest.mark.parametrize("name", NAMES)
def test_the_critic_of_every_recipe_can_be_asked_and_learns_to_tell_the_real(name: str) -> None:
    """For the watchdog: one score a sample, and after some turns of the critic alone reals score above fakes.

    All but the batch is as shipped: rates, sizes, packs. The worst gap seen is 0.97 deviations (ctgan, six seeds).
    """
    recipe = recipes.find(name)
    for kind in recipe.gan.kinds[: 1 if recipe.gan.translates else None]:  # pairs are to them as sides
        fighter = lone_critic(recipe, fitting(recipe, kind))
        before = gap(fighter)
        for i in range(fighter.config.steps):
            fighter.progress = i / fighter.config.steps
            fighter.round()
        assert gap(fighter) > max(0.45, 1.5 * before), "an untrained critic may prefer the real by chance"


def lone_critic(recipe: Recipe, dataset: Dataset) -> Trainer:
    """A trainer of the shipped settings, whose generator stays as it is, for TURNS of its critic."""
    config = recipe.config(batch=8, precision="fp32", memory_format="contiguous", device="cpu")
    config = dataclasses.replace(
        config, steps=(FEWER if recipe.gan.translates else TURNS) // getattr(config, "critic_turns", 1)
    )
    dataset = labelled(dataset) if recipe.gan.conditional else dataset
    fighter = build(recipe, dataset, config, Cluster("cpu"))
    fighter.players["generator"].optimiser.step = lambda *_: None  # type: ignore[method-assign]
    return fighter


def gap(trainer: Trainer) -> float:
    """How much higher reals score than fakes, in standard deviations of the scores within each."""
    own = trainer.batches[0]
    batch = next(type(own)(own.dataset, 256, seed=1))
    real, wishes = batch.x, trainer.gan.asked(batch)
    with torch.no_grad():
        fake = trainer.gan.sample(trainer.gan.latents(256, 0), wishes)
        scores = [trainer.gan.critique(x, wishes) for x in (real, fake)]
    assert all(each is not None and each.shape == (256,) for each in scores)
    within = torch.cat([each - each.mean() for each in scores]).std()
    return float((scores[0].mean() - scores[1].mean()) / within)
