"""What grids show, and what generators are asked: latents, or pictures that they never learnt from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from made_up import labelled, pairs, pictures
from sparring import config
from sparring.asking import Questions
from sparring.data import draw
from sparring.data.dataset import Dataset, decode
from sparring.data.spec import Spec
from sparring.data.split import part
from sparring.gan import GAN
from sparring.showcase import EXAMPLES, Showcase, shown


class Negative(GAN):
    """Makes the negative of what it is given, in three channels."""

    translates = True

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec, config.Config())
        self.generator = nn.Linear(1, 1)

    def sample(self, noise: Tensor, given: Tensor) -> Tensor:
        assert noise.shape == (len(given), 0)
        return -given.expand(-1, 3, -1, -1)


class Ramp(GAN):
    """Shows a latent as a shade, and the class that it is given by a darker one."""

    conditional = True

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec, Latent())
        self.generator = nn.Linear(1, 1)

    def sample(self, noise: Tensor, given: Tensor) -> Tensor:
        return (torch.tanh(noise) / 2 - given[:, :1] / 2)[:, :, None, None].expand(-1, *self.spec.shape)


class Latent(config.Config):
    latent = 1


def test_translators_are_asked_for_pictures_of_the_data_each_once() -> None:
    dataset = pairs(count=20)
    questions = Questions(Negative(dataset.spec), dataset, 50, seed=0)
    assert len(questions) == 20
    noise, given = questions.take(slice(None))
    assert noise.shape == (20, 0)
    assert dataset.source is not None
    known = decode(torch.from_numpy(dataset.source.rows))
    assert torch.equal(given, known[questions.rows])
    assert sorted(questions.rows) == list(range(20))
    assert torch.equal(questions.take(np.array([3, 1]))[1], given[[3, 1]])


def test_of_sides_every_picture_to_translate_can_be_asked_for() -> None:
    dataset = pairs(kind="sides")
    assert dataset.source is not None
    questions = Questions(Negative(dataset.spec), dataset, 100, seed=0)
    assert len(questions) == len(dataset.source) > len(dataset)
    assert torch.equal(questions.take(slice(None))[1], decode(torch.from_numpy(dataset.source.rows))[questions.rows])


def test_other_recipes_are_asked_as_often_as_the_data_says() -> None:
    dataset = labelled(pictures(1, 8, 8))
    noise, given = Questions(Ramp(dataset.spec), dataset, 300, seed=0).take(slice(None))
    assert noise.shape == (300, 1)
    assert given[:, :3].sum(0).numpy() == pytest.approx(100, abs=30)


def test_a_translators_grid_has_the_input_the_output_and_the_truth_of_held_out_pictures() -> None:
    dataset = pairs(count=24)
    train, held = part(dataset, np.arange(12)), part(dataset, np.arange(12, 24))
    gan = Negative(dataset.spec)
    showcase = Showcase(gan, train, held, seed=0)
    assert showcase.dataset is held
    assert held.source is not None
    rows = showcase.questions.rows[:EXAMPLES]
    given = decode(torch.from_numpy(held.source.take(rows)))
    truth = decode(torch.from_numpy(held.take(rows)))
    wanted = draw.columns({"input": given, "output": -given.expand(-1, 3, -1, -1), "truth": truth})
    assert np.array_equal(np.asarray(showcase.picture(gan)), np.asarray(wanted))


def test_of_sides_no_truth_is_shown() -> None:
    whole = pairs(kind="sides")
    gan = Negative(whole.spec)
    picture = Showcase(gan, whole, None, seed=0).picture(gan)
    paired = pairs()
    assert picture.width < Showcase(Negative(paired.spec), paired, None, seed=0).picture(gan).width


def test_labels_are_shown_each_in_a_colour_of_its_own() -> None:
    spec = replace(pairs().spec, source=(5, 2, 3), labels=(0, 1, 2, 3, 255))
    codes = torch.tensor([[0, 1, 2], [3, 4, 0]])
    hot = torch.nn.functional.one_hot(codes, 5).permute(2, 0, 1)[None].float()
    colours = shown(spec, hot)[0].flatten(1).T
    assert colours.abs().max() <= 1
    distances = torch.cdist(colours[:5], colours[:5]).fill_diagonal_(9)
    assert distances.min() > 0.2
    assert torch.equal(colours[0], colours[5])


def test_a_grid_of_samples_stays_the_same_until_the_generator_changes() -> None:
    dataset: Dataset = labelled(pictures(1, 8, 8))
    gan = Ramp(dataset.spec)
    showcase = Showcase(gan, dataset, None, seed=0)
    first, again = (np.asarray(showcase.picture(gan)) for _ in range(2))
    assert np.array_equal(first, again)
    assert first.std() > 0
