"""What is SNGAN's own: turns of the critic, weights that turns and micro-batches share, and classes."""

from __future__ import annotations

import copy
import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from made_up import pictures
from sparring import checkpoint, recipes
from sparring.cluster import Cluster
from sparring.data.dataset import Dataset
from sparring.data.given import parse
from sparring.errors import SparringError
from sparring.networks.spectral import tighten
from sparring.recipes.sngan import Config
from sparring.start import build
from sparring.trainer import Trainer


def labelled() -> Dataset:
    """Pictures of two classes: dark ones and bright ones."""
    plain = pictures(1, 8, 8)
    labels = np.arange(plain.spec.count) % 2
    rows = (plain.rows // 4 + 170 * labels[:, None, None, None]).astype(np.uint8)
    spec = dataclasses.replace(plain.spec, classes=("dark", "bright"), shares=(0.5, 0.5))
    return dataclasses.replace(plain, spec=spec, rows=rows, labels=labels)


def trainer(dataset: Dataset | None = None, **changes: object) -> Trainer:
    settled = {"batch": 8, "precision": "fp32", "memory_format": "contiguous", "device": "cpu", "width": 8}
    config = Config(steps=8, **{**settled, **changes})  # type: ignore[arg-type]
    return build(recipes.find("sngan"), dataset or pictures(1, 8, 8), config, Cluster("cpu"))


def play(learner: Trainer, rounds: int) -> Trainer:
    for _ in range(rounds):
        learner.round()
    return learner


def estimates(learner: Trainer) -> dict[str, torch.Tensor]:
    state = learner.gan.critic.state_dict()
    return {key: value.clone() for key, value in state.items() if key.endswith((".u", ".v"))}


@pytest.mark.parametrize("turns", [1, 3])
def test_the_critic_has_as_many_turns_as_asked_for_each_with_a_fresh_batch(turns: int) -> None:
    learner = trainer(critic_turns=turns)
    who = [name for name, _ in learner.gan.step(iter(learner.batches[0]))]
    assert who == ["critic"] * turns + ["generator"]
    assert learner.batches[0].position == turns


def test_no_turns_are_refused_in_a_sentence() -> None:
    with pytest.raises(SparringError, match="`critic_turns` must be 1 or more; it is 0"):
        Config(critic_turns=0)


@pytest.mark.parametrize("networks", ["dcgan", "resnet"])
def test_every_weight_matrix_of_the_critic_and_none_of_the_generator_is_normalised(networks: str) -> None:
    gan = play(trainer(labelled(), networks=networks), 3).gan
    for _ in range(200):
        tighten(gan.critic)
    layers = [m for m in gan.critic.modules() if isinstance(m, torch.nn.Linear | torch.nn.Conv2d)]
    assert len(layers) > 3
    for layer in layers:
        assert float(torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2)) == pytest.approx(1, abs=1e-2)
    assert not any("original" in name for name, _ in gan.generator.named_parameters())


def test_a_turn_iterates_once_however_many_micro_batches_it_is_cut_into() -> None:
    whole, cut = trainer(), trainer(accumulate=4)
    for learner in (whole, cut):
        for player in learner.players.values():
            player.optimiser.step = lambda *_: None  # type: ignore[method-assign]
    before = estimates(whole)
    after, after_cut = (estimates(play(learner, 1)) for learner in (whole, cut))
    assert any(not torch.equal(before[key], after[key]) for key in before)
    assert all(torch.equal(after[key], after_cut[key]) for key in after)


def test_looking_at_the_critic_does_not_move_its_estimates() -> None:
    learner = play(trainer(), 2)
    before = estimates(learner)
    for _ in range(2):
        learner.gan.critique(torch.zeros(4, 1, 8, 8), torch.zeros(4, 0))
    assert all(torch.equal(value, before[key]) for key, value in estimates(learner).items())


@pytest.mark.parametrize("networks", ["dcgan", "resnet"])
def test_resume_is_exact_with_classes_and_several_turns(networks: str, tmp_path: Path) -> None:
    made = {"networks": networks, "critic_turns": 2}
    whole = play(trainer(labelled(), **made), 5)
    checkpoint.save(tmp_path, play(trainer(labelled(), **made), 3).state())
    second = trainer(labelled(), **made)
    second.load_state(checkpoint.newest(tmp_path)[0])
    state = play(second, 2).state()
    for part in ("gan", "ema"):
        assert all(torch.equal(value, state[part][key]) for key, value in whole.state()[part].items())


def test_pictures_follow_the_class_that_is_asked_for() -> None:
    learner = play(trainer(labelled(), batch=16), 150)
    gan = copy.deepcopy(learner.ema.gan)
    latents = gan.latents(32, seed=1)
    with torch.no_grad():
        dark, bright = (gan.sample(latents, parse(gan.spec, name, 32)).mean() for name in ("dark", "bright"))
    rows = torch.from_numpy(labelled().rows).float() / 127.5 - 1
    apart = float(rows[1::2].mean() - rows[::2].mean())
    assert float(bright - dark) == pytest.approx(apart, rel=0.4)


def test_conditional_no_passes_over_the_classes() -> None:
    gan = trainer(labelled(), conditional="no").gan
    latents, wishes = gan.latents(4, seed=1), [parse(gan.spec, name, 4) for name in ("dark", "bright")]
    assert not gan.conditional
    assert torch.equal(*(gan.eval().sample(latents, wish) for wish in wishes))
    assert torch.equal(*(gan.critique(gan.sample(latents, wishes[0]), wish) for wish in wishes))
    assert trainer(labelled()).gan.conditional
