"""cgan and acgan: fakes are made for what was asked, and judged by it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from sparring import config
from sparring.data.batches import Batch
from sparring.data.columns import describe
from sparring.data.spec import Spec
from sparring.errors import SparringError
from sparring.gan import GAN
from sparring.networks.conditional import ConcatCritic, ProjectionCritic
from sparring.recipes.acgan import ACGAN
from sparring.recipes.acgan import Config as ACGANConfig
from sparring.recipes.cgan import CGAN
from sparring.recipes.cgan import Config as CGANConfig

PLAIN = Spec("pictures", "pets", (1, 8, 8), (-1.0, 1.0), 6)
COLUMNS = tuple(
    describe(name, np.array(values, np.float32))
    for name, values in (("smiling", [0, 1, 1]), ("age", [30, 40, 50]), ("happy", [0, 1, 0]))
)
CLASSES = replace(PLAIN, classes=("cat", "dog"))
EVERYTHING = replace(CLASSES, columns=COLUMNS)


def batches(spec: Spec, n: int = 6) -> Iterator[Batch]:
    """Endless, all alike, with a class for each sample and numbers in the columns."""
    given = torch.zeros(n, spec.given)
    given[torch.arange(n), torch.arange(n) % 2] = 1
    given[:, len(spec.classes) :] = torch.rand(n, len(spec.columns)).round()
    while True:
        yield Batch(torch.rand(n, *spec.shape), given)


@pytest.mark.parametrize(("gan", "settings"), [(CGAN, CGANConfig()), (ACGAN, ACGANConfig())])
def test_data_without_classes_and_columns_is_refused(gan: type[GAN], settings: config.Config) -> None:
    with pytest.raises(SparringError, match="neither classes nor columns"):
        gan(PLAIN, settings)


@pytest.mark.parametrize(("name", "kind"), [("projection", ProjectionCritic), ("concat", ConcatCritic)])
def test_the_critic_is_the_one_asked_for(name: str, kind: type[nn.Module]) -> None:
    assert isinstance(CGAN(CLASSES, CGANConfig(conditioning=name)).critic, kind)  # type: ignore[arg-type]


@pytest.mark.parametrize("norm", ["batch", "none"])
@pytest.mark.parametrize("conditioning", ["projection", "concat"])
def test_fakes_are_made_and_judged_for_what_the_real_batch_was_given(norm: str, conditioning: str) -> None:
    settings = CGANConfig(conditioning=conditioning, critic_norm=norm, r1_every=1)  # type: ignore[arg-type]
    gan = CGAN(CLASSES, settings)
    asked: list[torch.Tensor] = []
    for network in (gan.generator, gan.critic):
        network.register_forward_pre_hook(lambda _, inputs: asked.append(inputs[1]))
    given = next(batches(CLASSES)).given
    turns = [who for who, _ in gan.step(batches(CLASSES))]
    assert turns == ["critic", "generator"]
    assert len(asked) == (5 if norm == "batch" else 4), "made once; judged twice or at once; R1; and to fool"
    assert all(torch.equal(rows, given) for wish in asked for rows in wish.split(6))


def test_one_pass_without_batch_norm_scores_as_two_would() -> None:
    gan, (x, y) = CGAN(CLASSES, CGANConfig(critic_norm="none")), next(batches(CLASSES))
    real, false = gan.judge(x, -x, y)
    torch.testing.assert_close(real, gan.critic(x, y))
    torch.testing.assert_close(false, gan.critic(-x, y))


def test_the_critic_of_cgan_is_asked_about_what_was_given_and_that_of_acgan_is_not() -> None:
    x, y = next(batches(CLASSES))
    for gan, told in ((CGAN(CLASSES, CGANConfig()), True), (ACGAN(CLASSES, ACGANConfig()), False)):
        gan.eval()
        scores, swapped = gan.critique(x, y), gan.critique(x, 1 - y)
        assert scores is not None
        assert swapped is not None
        assert torch.equal(scores, swapped) is not told


def test_every_kind_of_column_has_its_cost_in_both_turns() -> None:
    turns = dict(ACGAN(EVERYTHING, ACGANConfig()).step(batches(EVERYTHING)))
    kinds = ("class", "flags", "numbers")
    assert list(turns["critic"]) == ["real", "fake", *(f"{k}_{w}" for w in ("real", "fake") for k in kinds), "r1"]
    assert list(turns["generator"]) == ["fool", *(f"{k}_fake" for k in kinds)]
    classes_alone = dict(ACGAN(CLASSES, ACGANConfig()).step(batches(CLASSES)))
    assert list(classes_alone["generator"]) == ["fool", "class_fake"]


def test_wrong_guesses_cost_what_is_worked_out_by_hand() -> None:
    gan = ACGAN(EVERYTHING, ACGANConfig(guessing=2.0))
    three = float(np.log(3))  # a logit of three to one
    guess = torch.tensor([[three, 0.0, three, 1.5, 0.0]])
    costs = gan.wrong(guess, torch.tensor([[0.0, 1.0, 1.0, -0.5, 1.0]]), "real")
    assert costs["class_real"].item() == pytest.approx(2 * np.log(4))  # a quarter for what it was
    assert costs["flags_real"].item() == pytest.approx(2 * (np.log(4 / 3) + np.log(2)) / 2)
    assert costs["numbers_real"].item() == pytest.approx(2 * 2.0**2)


def test_the_generator_of_acgan_learns_to_be_named_as_asked() -> None:
    """Against a critic that stands still, its guesses alone move the generator towards what was asked for."""
    torch.manual_seed(0)
    gan = ACGAN(CLASSES, ACGANConfig(width=8))
    optimiser = torch.optim.Adam(gan.generator.parameters(), 2e-3)
    costs = []
    for _ in range(40):
        gan.count += 1
        terms = dict(gan.step(batches(CLASSES, 32)))["generator"]
        optimiser.zero_grad()
        terms["class_fake"].backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        costs.append(terms["class_fake"].item())
    assert costs[-1] < 0.8 * np.log(2), (
        "log 2 is what pictures cost that do not tell which of two classes was asked for"
    )
