"""Every recipe that makes pictures from pictures, tested merely by its existing."""

from __future__ import annotations

import pytest
import torch

from fighting import NAMES, play, trainer
from made_up import pairs, pictures
from sparring import recipes
from sparring.asking import Questions
from sparring.data.dataset import Dataset

TRANSLATORS = [name for name in NAMES if recipes.find(name).gan.translates]


def suited(name: str, height: int, width: int) -> Dataset:
    kind = recipes.find(name).gan.kinds[0]
    return pictures(3, height, width) if kind == "pictures" else pairs((3, height, width), 3, kind=kind)


@pytest.mark.parametrize("name", TRANSLATORS)
@pytest.mark.parametrize("size", [(16, 24), (13, 10), (32, 32)])
def test_it_builds_and_translates_at_any_size(name: str, size: tuple[int, int]) -> None:
    if recipes.find(name).gan.native:
        size = (size[0] // 2 * 2, size[1])  # which are enlarged twice here
    dataset = suited(name, *size)
    gan = play(trainer(name, dataset), 1).ema.gan
    noise, given = Questions(gan, dataset, 5, seed=0).take(slice(None))
    with torch.no_grad():
        made, again = gan.sample(noise, given), gan.sample(noise[:2], given[:2])
    assert made.shape == (5, *gan.spec.shape)
    assert -1 <= made.min() <= made.max() <= 1
    assert made.std() > 0
    torch.testing.assert_close(made[:2], again)


@pytest.mark.parametrize("name", TRANSLATORS)
def test_a_trained_run_translates_pictures_of_other_sizes(name: str) -> None:
    """Sides that are multiples of what the recipe says, which `sparring apply` sees to."""
    gan = play(trainer(name, suited(name, 16, 16)), 1).ema.gan
    channels = (gan.spec.source or gan.spec.shape)[0]
    picture = torch.rand(1, channels, 3 * gan.multiple, 2 * gan.multiple) * 2 - 1
    with torch.no_grad():
        made = gan.translate(picture)
        assert torch.equal(made, gan.translate(picture)), "the same picture gives the same"
    assert made.shape == (1, gan.spec.shape[0], 3 * gan.multiple * gan.scale, 2 * gan.multiple * gan.scale)
    assert gan.reach > 0


@pytest.mark.parametrize("name", TRANSLATORS)
def test_what_comes_out_depends_on_what_goes_in(name: str) -> None:
    dataset = suited(name, 16, 16)
    gan = play(trainer(name, dataset), 2).ema.gan
    noise, given = Questions(gan, dataset, 6, seed=0).take(slice(None))
    with torch.no_grad():
        made = gan.sample(noise, given)
    assert (made - made.mean(0)).abs().amax((1, 2, 3)).min() > 1e-4


@pytest.mark.parametrize("name", TRANSLATORS)
def test_without_its_critic_the_other_losses_teach_alone(name: str) -> None:
    """The ablation that proofs need: no adversarial term, and no turn of the critic that would be for nothing."""
    learner = trainer(name, suited(name, 16, 16), adversarial=0.0)
    learner.gan.progress = 0.5  # past the stage in which some learn without a critic anyway
    turns = dict(learner.gan.step(iter(learner.batches[0])))
    assert "critic" not in turns
    assert turns["generator"]
