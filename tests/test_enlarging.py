"""Recipes that enlarge: two stages in one run, each with its checkpoint, and small pictures made or given."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import sparring
from fighting import assert_same_state, trainer
from made_up import pairs, pictures
from sparring import enlarging, losses, recipes
from sparring.cluster import Cluster
from sparring.config import Adam
from sparring.data.batches import Batch
from sparring.data.degrade import shrink
from sparring.draws import Draws
from sparring.errors import SparringError
from sparring.networks.srcritic import Critic
from sparring.run import Run
from sparring.showcase import EXAMPLES, Showcase
from sparring.start import build
from sparring.trainer import Trainer

ENLARGERS = [name for name in recipes.names() if recipes.find(name).gan.native]


def turns(name: str, progress: float, **changes: object) -> dict[str, list[str]]:
    """Whose turns a round has so far into a run, and which terms."""
    learner = trainer(name, **changes)
    learner.gan.progress = progress
    return {who: list(terms) for who, terms in learner.gan.step(iter(learner.batches[0]))}


@pytest.mark.parametrize("name", ENLARGERS)
def test_the_generator_learns_alone_and_then_plays(name: str) -> None:
    assert turns(name, 0.05) == {"pixel": ["l1"]}
    later = turns(name, 0.5)
    assert list(later) == ["critic", "generator"]
    assert later["generator"] == ["l1", "coarse", "texture", "unlike", "fool"]
    assert turns(name, 1.0, pixel_stage=1.0) == {"pixel": ["l1"]}
    assert "pixel" not in turns(name, 0.0, pixel_stage=0.0)
    alone = {"generator": ["l1", "coarse", "texture"]}
    assert turns(name, 0.5, adversarial=0.0) == alone, "a critic that learns nothing is no ruler"


@pytest.mark.parametrize("name", ENLARGERS)
def test_the_critic_is_not_asked_before_it_plays(name: str) -> None:
    gan = trainer(name).gan
    samples = torch.rand(3, *gan.spec.shape)
    gan.progress = 0.05
    assert gan.critique(samples, samples) is None
    gan.progress = 0.5
    assert gan.critique(samples, samples).shape == (3,)


def test_learning_rates_fall_in_each_stage_anew() -> None:
    learner = trainer("srgan", pixel_stage=0.5, pixel=Adam(1e-3, final=0.0), generator=Adam(1e-3, final=0.0))
    rates = []
    for progress in (0.0, 0.25, 0.499999, 0.5, 0.75, 1.0):
        learner.progress = progress
        learner.round()
        rates.append(learner.players["generator"].optimiser.param_groups[0]["lr"])
    assert rates == pytest.approx([1e-3, 5e-4, 0, 1e-3, 5e-4, 0], abs=1e-7)


def test_an_untrained_network_enlarges_as_well_as_none() -> None:
    """It begins as bicubic enlargement, so that even a minute's training is not worse."""
    gan = trainer("srgan").gan
    small = shrink(torch.from_numpy(pictures(3, 16, 16).rows[:4]).float() / 127.5 - 1, 2)
    with torch.no_grad():
        made = gan.sample(small.new_zeros(4, 0), small)
    plain = torch.nn.functional.interpolate(small, scale_factor=2, mode="bicubic").clamp(-1, 1)
    assert (made - plain).abs().mean() < 2 / 127.5


def test_small_pictures_are_made_of_the_large_unless_they_are_given() -> None:
    config = recipes.find("srgan").config(scale=2)
    large, draws = torch.rand(2, 3, 8, 8) * 2 - 1, Draws(0, 0, 1)
    assert torch.equal(enlarging.small(Batch(large, torch.zeros(2, 0)), config, draws), shrink(large, 2))
    own = torch.rand(2, 3, 4, 4)
    assert enlarging.small(Batch(large, own), config, draws) is own


def test_what_judges_is_degraded_alike_each_time_and_what_teaches_is_not() -> None:
    config = recipes.find("realesrgan").config(scale=2)
    batch, draws = Batch(torch.rand(4, 3, 32, 32) * 2 - 1, torch.zeros(4, 0)), Draws(0, 0, 1)
    assert torch.equal(enlarging.asked(batch, config), enlarging.asked(batch, config))
    draws.at(1)
    first = enlarging.small(batch, config, draws)
    draws.at(2)
    assert not torch.equal(first, enlarging.small(batch, config, draws))
    assert not torch.equal(first, shrink(batch.x, 2))


def test_the_critics_own_features_tell_pictures_apart_and_teach_the_generator_alone() -> None:
    critic = Critic(3, 8, 2)
    config = recipes.find("srgan").config(perceptual="critic")
    unlike = enlarging.unlikeness(config, critic)
    assert unlike
    true = torch.rand(2, 3, 16, 16)
    made = (true + 0.1 * torch.randn(true.shape)).requires_grad_()
    assert unlike(true, true) == 0
    far = unlike(made, true)
    (gradient,) = torch.autograd.grad(far, [made])
    assert far > 0
    assert gradient.abs().sum() > 0
    assert enlarging.unlikeness(recipes.find("srgan").config(perceptual="none"), critic) is None


def test_the_feature_network_is_asked_for_when_training_begins_and_by_nobody_else() -> None:
    """A run that learnt by a file of VGG enlarges where that file is not; and training says at once that it is not."""
    learner = trainer("srgan", perceptual="vgg:nowhere.pth")
    with torch.no_grad():
        assert learner.gan.sample(torch.zeros(1, 0), torch.zeros(1, 3, 5, 4)).shape == (1, 3, 10, 8)
    with pytest.raises(SparringError, match=r"nowhere\.pth"):
        learner.round()


def test_relativistic_scores_count_only_beside_those_of_the_same_scene() -> None:
    """ESRGAN's: what raises both scores of a scene alike changes nothing, whatever else is in the batch."""
    real, fake = torch.randn(4, 1, 3, 3), torch.randn(4, 1, 3, 3)
    shift = torch.tensor([0.0, 5.0, -3.0, 100.0]).view(4, 1, 1, 1)
    plain = losses.relativistic_average(real, fake)
    torch.testing.assert_close(losses.relativistic_average(real + shift, fake + shift), plain)
    assert losses.relativistic_average(real + 1, fake) < plain < losses.relativistic_average(real - 1, fake)
    equal = losses.relativistic_average(torch.zeros(2, 1, 3, 3), torch.zeros(2, 1, 3, 3))
    assert float(equal) == pytest.approx(np.log(2))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"pixel_stage": 1.5}, "pixel_stage"),
        ({"l1": 0.0, "coarse": 0.0, "texture": 0.0, "likeness": 0.0, "adversarial": 0.0}, "are weights"),
        ({"crop": None}, "crop"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, object], sentence: str) -> None:
    with pytest.raises(SparringError, match=sentence):
        recipes.find("srgan").config(**settings)


def test_crops_that_do_not_fit_the_scale_are_refused() -> None:
    with pytest.raises(SparringError, match="multiple of 4"):
        trainer("srgan", pictures(3, 18, 16), scale=4)
    with pytest.raises(SparringError, match="16x16"):
        trainer("srgan", pairs((3, 16, 16), 3), scale=2)


@pytest.mark.parametrize("name", ENLARGERS)
def test_small_pictures_that_are_given_are_not_to_be_degraded(name: str) -> None:
    with pytest.raises(SparringError, match="--degrade none"):
        trainer(name, pairs((3, 8, 8), 3), scale=2, degrade="real")


# ---------------------------------------------------------------- whole runs


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve pictures of stripes in all directions, of 40 pixels."""
    folder = tmp_path_factory.mktemp("photos")
    y, x = np.mgrid[:40, :40] / 3
    for i in range(12):
        stripes = np.sin(np.cos(i) * x + np.sin(i) * y)
        colours = np.stack([stripes, np.roll(stripes, i, 0), -stripes], -1)
        Image.fromarray((colours * 90 + 128).astype(np.uint8)).save(folder / f"{i:02d}.png")
    return folder


SMALL = {"scale": 2, "crop": "16", "batch": 4, "width": 8, "blocks": 1, "critic_width": 8, "perceptual": "critic"}


@pytest.fixture(scope="module")
def run(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = tmp_path_factory.mktemp("runs") / "run"
    settings = {**SMALL, "steps": 20, "pixel_stage": 0.5, "held_out": 0.3, "device": "cpu"}
    return sparring.train("srgan", str(photos), quiet=True, out=str(out), **settings)


def test_each_stage_leaves_its_checkpoint(run: Run) -> None:
    assert [record["stage"] for record in run.records() if record.get("event") == "stage"] == ["pixel", "adversarial"]
    pixel, again, last = (Run(run.folder, name).gan for name in ("pixel", "adversarial", "last"))
    assert (pixel.count, last.count) == (10, 20)
    assert not torch.equal(pixel.generator.first.weight, last.generator.first.weight)
    assert_same_state(again.generator.state_dict(), last.generator.state_dict())
    with pytest.raises(SparringError, match=r"no checkpoint `middle`: it has last, adversarial, .*pixel"):
        _ = Run(run.folder, "middle").gan


def test_the_report_shows_the_stages_beside_what_needs_no_network(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    train, held_out = run.parts()
    gans = {"pixel stage": Run(run.folder, "pixel").gan, "adversarial stage": run.gan}
    shown: dict[str, torch.Tensor] = {}
    monkeypatch.setattr("sparring.showcase.draw.columns", lambda pictures, times: shown.update(pictures))
    Showcase(run.gan, train, held_out, run.config.seed).stages(gans)
    assert list(shown) == ["nearest", "bicubic", "pixel stage", "adversarial stage", "truth"]
    assert torch.equal(shown["nearest"], shrink(shown["truth"], 2))
    assert not torch.equal(shown["pixel stage"], shown["adversarial stage"])
    with Image.open(run.folder / "stages.png") as picture:
        assert picture.height > 2 * 16 * len(shown["truth"])
    assert "What each stage adds" in (run.folder / "report.html").read_text()


def test_a_run_that_is_cut_off_in_the_first_stage_goes_on_into_the_second_to_the_bit(run: Run) -> None:
    def learner() -> Trainer:
        return build(run.recipe, run.parts()[0], run.config, Cluster("cpu"))

    def go(trainer: Trainer, rounds: int) -> Trainer:
        for _ in range(rounds):
            trainer.progress = trainer.gan.count / 20
            trainer.round()
        return trainer

    whole, first, second = go(learner(), 14), go(learner(), 9), learner()
    second.load_state(first.state())
    assert_same_state(whole.state(), go(second, 5).state())


def test_pairs_of_two_sizes_teach_as_well(photos: Path, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    for path in photos.glob("*.png"):
        with Image.open(path) as picture:
            picture.resize((20, 20), Image.Resampling.BOX).save(small / path.name)
    run = sparring.train(
        "srgan", a=str(small), b=str(photos), quiet=True, out=str(tmp_path / "run"), steps=4, features="none", **SMALL
    )
    assert run.spec.source == (3, 8, 8)
    assert run.config.a == str(small)


def test_some_of_the_degraded_pictures_are_clean_lest_clean_ones_be_smoothed() -> None:
    config = recipes.find("realesrgan").config(scale=2)
    large, draws = torch.rand(64, 3, 16, 16) * 2 - 1, Draws(0, 0, 1)
    small, clean = enlarging.small(Batch(large, torch.zeros(64, 0)), config, draws), shrink(large, 2)
    same = (small == clean).flatten(1).all(1).float().mean()
    assert 0.1 < same < 0.45


def test_a_run_enlarges_files_from_python(run: Run, photos: Path, tmp_path: Path) -> None:
    done = run.apply(photos / "00.png", tmp_path / "large.png")
    assert (done.pictures, done.failed) == (1, [])
    with Image.open(tmp_path / "large.png") as picture:
        assert picture.size == (80, 80)
    pixel = sparring.load(run.folder, checkpoint="pixel")
    pixel.apply(photos / "00.png", tmp_path / "pixel.png")
    assert (tmp_path / "large.png").read_bytes() != (tmp_path / "pixel.png").read_bytes()


def test_what_is_shown_are_the_pictures_of_most_detail() -> None:
    data = pictures(3, 16, 16, count=40)
    rows = np.full_like(data.rows, 90)
    rows[::4] = np.random.default_rng(0).integers(0, 255, rows[::4].shape)
    shown = Showcase(trainer("srgan").gan, replace(data, rows=rows), None, seed=3).questions
    assert len(shown) == EXAMPLES
    assert set(shown.rows % 4) == {0}
    assert len(shown.take(slice(None))[1]) == EXAMPLES
