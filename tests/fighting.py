"""Trainers of any recipe on data made up for it, and how to compare what they come to."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch

from made_up import labelled, made_up, pairs, pictures, small_and_large
from sparring import recipes
from sparring.cluster import Cluster
from sparring.config import Adam, Config
from sparring.data.batches import Batch
from sparring.data.dataset import Dataset
from sparring.recipes import Recipe
from sparring.start import build
from sparring.trainer import Trainer

NAMES = recipes.names()
# What `sparring train` would else time at the start.
UNPROBED: dict[str, Any] = {"device": "cpu", "memory_format": "contiguous", "precision": "fp32"}
# Hinge losses: at first the gradients of real and fake cancel in some biases, and Adam makes a whole step of what
# rounding leaves. With a larger epsilon two orders of summing agree to 3e-8 (micro-batches) and 2e-7 (processes).
# In ctgan's few packs the same: a unit's slope is one of three values.
CANCELLING = ("sngan", "r3gan", "ctgan")
# ctgan: packs, which must be cut alike by micro-batches and processes. Those that enlarge: a round of the pixel stage
# alone, no feature network, which would take longer than all else, and pictures that are clean: those that are made
# worse are rounded to 8 bits after so much arithmetic that here and there one batch rounds up and its halves down.
ENLARGING = {"pixel_stage": 0.1, "perceptual": "critic", "scale": 2, "degrade": "none"}
OWN: dict[str, dict[str, object]] = {"ctgan": {"pac": 2}, **dict.fromkeys(("srgan", "esrgan", "realesrgan"), ENLARGING)}


def small(recipe: Recipe, **changes: object) -> Config:
    """The recipe's own defaults, resolved, with a small batch.

    Learning rates are those of most papers: Adam turns rounding into steps of up to the learning rate, so how closely
    two orders of summing agree depends on it.
    """
    config = recipe.config(steps=8, batch=8, **UNPROBED, **OWN.get(recipe.name, {}))  # type: ignore[arg-type]
    slow = {k: dataclasses.replace(v, lr=2e-4) for k, v in vars(config).items() if isinstance(v, Adam)}
    return dataclasses.replace(config, **{**slow, **changes})  # type: ignore[arg-type]


def fitting(recipe: Recipe, kind: str) -> Dataset:
    """A small data set of a kind that a recipe can learn; translators learn from pictures with colours."""
    if not recipe.gan.translates:
        return made_up(kind)
    if kind == "pictures":
        return pictures(3, 16, 16)
    return small_and_large() if recipe.gan.native else pairs((3, 16, 16), 3, kind=kind)


def trainer(name: str, dataset: Dataset | None = None, cluster: Cluster | None = None, **changes: object) -> Trainer:
    recipe = recipes.find(name)
    dataset = dataset or fitting(recipe, recipe.gan.kinds[0])
    dataset = labelled(dataset) if recipe.gan.conditional else dataset
    fighter = build(recipe, dataset, small(recipe, **changes), cluster or Cluster("cpu"))
    if name in CANCELLING:
        for player in fighter.players.values():
            player.optimiser.param_groups[0]["eps"] = 1e-4
    return fighter


def precisely(trainer: Trainer) -> Trainer:
    """In float64 where a recipe translates: absolute differences and instance norms make large steps of rounding."""
    if not trainer.gan.translates:
        return trainer
    honest = trainer.gan.step
    trainer.gan.double()
    trainer.ema.gan.double()
    trainer.gan.step = lambda batches: honest(Batch(x.double(), y.double()) for x, y in batches)  # type: ignore
    return trainer


def play(trainer: Trainer, rounds: int) -> Trainer:
    for _ in range(rounds):
        trainer.progress = trainer.gan.count / 8
        trainer.round()
    return trainer


def assert_same_state(a: object, b: object, at: str = "state", tolerance: float = 0.0) -> None:
    """Compare nested states; tensors to the bit, or to a tolerance."""
    if isinstance(a, torch.Tensor):
        assert isinstance(b, torch.Tensor)
        if tolerance:
            torch.testing.assert_close(a, b, atol=tolerance, rtol=0, msg=lambda text: f"{at}: {text}")
        else:
            assert torch.equal(a, b), f"{at} differs by {(a - b).abs().max()}"
    elif isinstance(a, dict):
        assert isinstance(b, dict)
        assert a.keys() == b.keys(), at
        for key in a:
            assert_same_state(a[key], b[key], f"{at}.{key}", tolerance)
    elif isinstance(a, list | tuple):
        assert isinstance(b, list | tuple)
        assert len(a) == len(b), at
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            assert_same_state(x, y, f"{at}[{i}]", tolerance)
    else:
        assert a == b, f"{at}: {a} is not {b}"
