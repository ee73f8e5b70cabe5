"""R3GAN: both penalties in one pass and through augmentation; a schedule; pairs of fresh pictures; two networks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pytest
import torch

from made_up import pictures
from sparring.data.batches import Batch, Batches
from sparring.data.dataset import Dataset
from sparring.draws import Draws
from sparring.losses import relativistic
from sparring.recipes.r3gan import R3GAN, SMALL, Config, gamma_for


def labelled(count: int = 24) -> Dataset:
    plain = pictures(1, 16, 16, count)
    labels = np.arange(count, dtype=np.int64) % 3
    return replace(plain, spec=replace(plain.spec, classes=("a", "b", "c")), labels=labels)


BOTH = pytest.mark.parametrize("networks", ["dcgan", "residual"])


def gan(dataset: Dataset, networks: Literal["dcgan", "residual"] = "residual", **changes: Any) -> R3GAN:
    torch.manual_seed(0)
    settled = {"steps": 8, "batch": 8, "width": 8, "widest": 16, "deep": 1}
    made = R3GAN(dataset.spec, Config(**{**settled, "networks": networks, **changes}))
    for p in made.parameters():  # blocks begin as the identity, which would hide mistakes
        torch.nn.init.normal_(p, 0.0, 0.3) if not p.any() else None
    return made


def first_turn(made: R3GAN, dataset: Dataset) -> dict[str, torch.Tensor]:
    made.draws = Draws(0, 0, 1)
    return next(iter(made.step(Batches(dataset, 8, seed=0))))[1]


@BOTH
@pytest.mark.parametrize("augmentation", [0.0, 0.7])
def test_one_pass_gives_the_losses_and_penalties_that_separate_passes_give(augmentation: float, networks: Any) -> None:
    """R1 and R2 are in the pictures before they are augmented, and the loss in the very pictures that these became."""
    dataset = labelled()
    made = gan(dataset, networks, gamma=3.0, penalty_every=1)
    made.augmentation = augmentation
    terms = first_turn(made, dataset)

    made.draws = Draws(0, 0, 1)
    x, wishes = next(Batches(dataset, 8, seed=0))
    with torch.no_grad():
        fake = made.generator(made.noise(x), wishes)
    scores, steepness = [], []
    for samples in (x, fake):
        samples.requires_grad_(True)
        score = made.critic(made.augment(samples), wishes)
        (gradient,) = torch.autograd.grad(score.sum(), samples)
        scores.append(score)
        steepness.append(gradient.square().sum((1, 2, 3)).mean())
    torch.testing.assert_close(terms["pairs"], relativistic(*scores))
    torch.testing.assert_close(terms["penalty"].detach(), 3.0 / 2 * (steepness[0] + steepness[1]))


@BOTH
def test_every_turn_has_pictures_of_its_own_and_a_fake_has_its_partners_class(networks: Any) -> None:
    dataset, shown, asked = labelled(), [], []
    made = gan(dataset, networks)

    class Watched(Batches):
        def __next__(self) -> Batch:
            shown.append(super().__next__())
            return shown[-1]

    made.generator.register_forward_pre_hook(lambda _, given: asked.append(given[1]))
    assert [who for who, _ in made.step(Watched(dataset, 8, seed=0))] == ["critic", "generator"]
    assert len(shown) == len(asked) == 2
    assert not torch.equal(shown[0].x, shown[1].x)
    assert all(torch.equal(batch.given, rows) for batch, rows in zip(shown, asked, strict=True))


def test_gamma_falls_to_a_tenth_along_half_a_cosine_and_stays_without_a_plan_in_rounds() -> None:
    made = gan(pictures(1, 16, 16), gamma=2.0, steps=8)
    course = []
    for made.count in (0, 4, 8, 9):
        course.append(made.gamma_now())
    assert course == pytest.approx([2.0, 1.1, 0.2, 0.2])
    timed = gan(pictures(1, 16, 16), gamma=2.0, steps=None, minutes=1.0)
    timed.count = 500
    assert timed.gamma_now() == 2.0


def test_gamma_follows_the_papers_sizes_unless_it_is_given_and_strictness_multiplies_it() -> None:
    assert [gamma_for(side) for side in (16, 64, 256, 512)] == pytest.approx([2.0, 2.0, 150.0, 150.0])
    between = [gamma_for(side) for side in range(16, 520, 8)]
    assert between == sorted(between)
    assert gan(pictures(1, 96, 96)).gamma == pytest.approx(gamma_for(96))
    assert gan(pictures(1, 32, 32), strictness=4.0).gamma == pytest.approx(8.0)
    assert gan(pictures(1, 32, 32), gamma=1.0, strictness=4.0).gamma == 4.0
    assert gan(pictures(1, 64, 256)).gamma == pytest.approx(gamma_for(128)), "as many pixels as a square of 128"


def test_penalties_now_and_then_count_for_the_rounds_between() -> None:
    dataset = pictures(1, 16, 16)
    every, third = gan(dataset, gamma=1.0, penalty_every=1), gan(dataset, gamma=1.0, penalty_every=3)
    torch.testing.assert_close(first_turn(third, dataset)["penalty"], 3 * first_turn(every, dataset)["penalty"])
    torch.testing.assert_close(first_turn(third, dataset)["pairs"], first_turn(every, dataset)["pairs"])
    third.count, every.count = 1, 1
    assert first_turn(third, dataset).keys() == {"pairs"}
    torch.testing.assert_close(first_turn(third, dataset)["pairs"], first_turn(every, dataset)["pairs"])


def test_what_the_trainer_multiplies_the_penalty_by_multiplies_it() -> None:
    dataset = pictures(1, 16, 16)
    made = gan(dataset)
    before = first_turn(made, dataset)["penalty"]
    made.penalty = 4.0
    torch.testing.assert_close(first_turn(made, dataset)["penalty"], 4 * before)


@BOTH
def test_the_generators_turn_reaches_the_generator_alone_through_fakes_alone(networks: Any) -> None:
    dataset = pictures(1, 16, 16)
    made = gan(dataset, networks)
    turns: Iterator[Any] = iter(made.step(Batches(dataset, 8, seed=0)))
    _, terms = next(turns)
    assert all(
        g is None for g in torch.autograd.grad(sum(terms.values()), made.generator.parameters(), allow_unused=True)
    )
    _, terms = next(turns)
    assert all(g.any() for g in torch.autograd.grad(terms["pairs"], list(made.generator.parameters())))


def test_only_the_generator_of_dcgan_has_batch_norm_and_the_penalty_suits_the_networks() -> None:
    dataset = pictures(1, 64, 256)
    made = R3GAN(dataset.spec, Config(batch=8))
    kinds = {who: {type(m) for m in net.modules()} for who, net in made.named_children()}
    assert torch.nn.BatchNorm2d in kinds["generator"]
    assert torch.nn.BatchNorm2d not in kinds["critic"]
    assert made.gamma == SMALL
    assert gan(dataset).gamma == pytest.approx(gamma_for(128))
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in gan(dataset).modules())


def test_samples_stay_in_range_although_the_generator_is_unbounded() -> None:
    dataset = pictures(3, 16, 16)
    made = gan(dataset)
    loud = 10 * made.latents(4, seed=0)
    assert made.generator(loud, torch.zeros(4, 0)).abs().max() > 1
    assert made.sample(loud, torch.zeros(4, 0)).abs().max() == 1
