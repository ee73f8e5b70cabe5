"""What the watchdog sees: it changes nothing, and tells collapse, copying and noise from real samples."""

from __future__ import annotations

import copy
import dataclasses

import numpy as np
import pytest
import torch

from made_up import pairs, pictures, points, table
from sparring import recipes
from sparring.cluster import Cluster
from sparring.data.dataset import Dataset, decode
from sparring.data.source import open_data
from sparring.data.split import part, split
from sparring.eyes import KNOWN, SAMPLES, TO_TRANSLATE, Eyes, Sight, seen
from sparring.gan import GAN
from sparring.start import build
from sparring.trainer import Trainer


def trainer(dataset: Dataset, recipe: str = "dcgan") -> Trainer:
    found = recipes.find(recipe)
    config = found.config(steps=8, batch=8, precision="fp32", memory_format="contiguous", device="cpu")
    return build(found, dataset, config, Cluster("cpu"))


def sight(gan: GAN, train: Dataset, held_out: Dataset | None, fakes: torch.Tensor) -> Sight:
    """What eyes see of an averaged generator that makes `fakes`."""
    eyes = Eyes(gan, train, held_out, 0, torch.device("cpu"))
    averaged = copy.copy(gan)
    averaged.sample = lambda noise, given: fakes[: len(noise)]  # type: ignore[method-assign]
    return eyes.look(gan, averaged)


@pytest.fixture(scope="module")
def parts() -> tuple[Dataset, Dataset]:
    train, held_out = split(open_data("digits"), 0.1)
    assert held_out is not None
    return train, held_out


def test_looking_changes_no_weight_no_buffer_no_random_number_and_not_the_next_round() -> None:
    watched, alone = (trainer(pictures(1, 16, 16)) for _ in range(2))
    eyes = Eyes(watched.gan, pictures(1, 16, 16), pictures(1, 16, 16, count=6), 0, watched.device)
    for _ in range(3):
        watched.round()
        alone.round()
        before = torch.get_rng_state()
        eyes.look(watched.gan, watched.ema.gan)
        assert torch.equal(before, torch.get_rng_state())
    for mine, theirs in zip(watched.gan.state_dict().values(), alone.gan.state_dict().values(), strict=True):
        assert torch.equal(mine, theirs)


def test_held_out_samples_look_like_real_ones_and_copies_collapse_and_noise_do_not(
    parts: tuple[Dataset, Dataset],
) -> None:
    train, held_out = parts
    gan = trainer(train).gan
    real = decode(torch.from_numpy(train.take(torch.arange(len(train)).numpy())))
    fresh = sight(gan, train, held_out, decode(torch.from_numpy(held_out.take(torch.arange(SAMPLES).numpy()))))
    copied = sight(gan, train, held_out, real)
    one = sight(gan, train, held_out, real[:1].repeat(SAMPLES, 1, 1, 1))
    noise = sight(gan, train, held_out, torch.rand(SAMPLES, 1, 16, 16) * 2 - 1)
    for name, about in (("spread", 1.0), ("gap", 1.0), ("coverage", 0.4)):
        assert fresh[name] == pytest.approx(about, abs=0.2), name
    assert copied["gap"] < 0.6  # not every copied sample is among the known ones
    assert one["spread"] == pytest.approx(0, abs=1e-3)
    assert one["coverage"] < 0.05
    assert noise["gap"] > 2
    assert noise["distance"] > 1
    assert noise["coverage"] == 0


def test_change_is_what_the_same_latents_moved_since_the_last_look(parts: tuple[Dataset, Dataset]) -> None:
    gan = trainer(parts[0]).gan
    eyes = Eyes(gan, *parts, 0, torch.device("cpu"))
    assert "change" not in eyes.look(gan, gan)
    assert eyes.look(gan, gan)["change"] == 0
    with torch.no_grad():
        for weight in gan.generator.parameters():  # type: ignore[union-attr]
            weight.mul_(3)
    after = eyes.look(gan, gan)
    assert isinstance(after["change"], float)
    assert after["change"] > 0.01
    assert after["growth"] == pytest.approx({"generator": 3.0, "critic": 1.0})


def test_the_critics_opinion_is_read_off_its_scores(parts: tuple[Dataset, Dataset]) -> None:
    gan = trainer(parts[0]).gan
    eyes = Eyes(gan, *parts, 0, torch.device("cpu"))
    brightness = lambda x: x.flatten(1).mean(1)  # noqa: E731
    gan.sample = lambda noise, given: torch.full((len(noise), 1, 16, 16), -0.9)  # type: ignore[method-assign]
    gan.critique = lambda x, given: brightness(x) + 0.7  # type: ignore[method-assign]
    dark = eyes.look(gan, gan)
    assert dark["separation"] == 1
    assert dark["accuracy"]["fake"] == 1  # type: ignore[index]
    gan.critique = lambda x, given: -brightness(x) - 2  # type: ignore[method-assign]
    wrong = eyes.look(gan, gan)
    assert wrong["separation"] == 0
    assert wrong["accuracy"] == {"real": 0, "fake": 1, "held-out": 0}
    assert wrong["bias"] == -1
    gan.critique = lambda x, given: torch.zeros(len(x))  # type: ignore[method-assign]
    assert eyes.look(gan, gan)["separation"] == 0.5
    gan.critique = lambda x, given: None  # type: ignore[method-assign]
    assert "separation" not in eyes.look(gan, gan)


def test_large_pictures_are_seen_at_16_pixels_and_large_data_through_a_part_of_it() -> None:
    assert seen(torch.zeros(2, 3, 64, 32), pictures(3, 64, 32).spec).shape == (2, 3 * 16 * 8)
    eyes = Eyes(trainer(points(3000), "vanilla").gan, points(3000), None, 0, torch.device("cpu"))
    assert len(eyes.known) == KNOWN


def test_data_too_small_or_all_alike_to_compare_leaves_numbers_out_instead_of_nan() -> None:
    alike = pictures(1, 8, 8, count=4)
    alike = dataclasses.replace(alike, rows=alike.rows[:1].repeat(4, 0))
    for dataset in (pictures(1, 8, 8, count=1), pictures(1, 8, 8, count=2), alike):
        gan = trainer(dataset, "vanilla").gan
        eyes = Eyes(gan, dataset, None, 0, torch.device("cpu"))
        for _ in range(2):
            found = eyes.look(gan, gan)
            assert all(isinstance(value, dict) or abs(value) < 1e12 for value in found.values())


def test_rows_of_a_table_are_seen_by_their_codes_and_copies_are_told_from_fresh_ones() -> None:
    data = table(1200)
    assert seen(torch.from_numpy(data.rows), data.spec).shape == (1200, 13)
    train, held_out = split(data, 0.2)
    gan = trainer(train, "wgan_gp").gan
    shown = {
        name: sight(gan, train, held_out, torch.from_numpy(rows))
        for name, rows in {"copies": train.take(np.arange(SAMPLES)), "fresh": held_out.take(np.arange(SAMPLES))}.items()
    }
    assert shown["copies"]["gap"] == 0
    assert 0.5 < shown["fresh"]["gap"] < 2  # type: ignore[operator]


def test_a_translator_is_asked_for_what_it_never_saw_so_that_what_it_learnt_is_no_copy() -> None:
    whole = pairs(count=60)
    train, held_out = part(whole, np.arange(40)), part(whole, np.arange(40, 60))
    gan = trainer(train, "pix2pix").gan
    eyes = Eyes(gan, train, held_out, 0, torch.device("cpu"))
    assert held_out.source is not None
    known = decode(torch.from_numpy(held_out.source.rows[held_out.chosen]))
    assert len(eyes.wishes) == 20
    assert (torch.cdist(eyes.wishes.flatten(1), known.flatten(1)).min(1).values == 0).all()
    assert "gap" in eyes.look(gan, gan)
    alone = Eyes(gan, train, None, 0, torch.device("cpu"))
    assert len(alone.wishes) == TO_TRANSLATE
    assert "gap" not in alone.look(gan, gan), "what it was taught to make of them is near to the training pictures"
