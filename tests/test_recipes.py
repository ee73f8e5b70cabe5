"""Every recipe is tested merely by its existing: a new file in recipes/ is picked up here."""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from fighting import NAMES, assert_same_state, fitting, play, precisely, small, trainer
from made_up import labelled, pictures, table
from sparring import checkpoint, cli, helping, recipes
from sparring.cluster import Cluster
from sparring.config import from_dict, to_dict
from sparring.data import given
from sparring.data.batches import Batch, Batches
from sparring.gan import Turn
from sparring.trainer import Trainer

GANS = {name: recipes.find(name).gan for name in NAMES}
PAINTERS = [name for name, gan in GANS.items() if "pictures" in gan.kinds and not gan.translates]  # from noise


def check_terms_teach(trainer: Trainer) -> None:
    """Every loss term is finite, and has a gradient in the weights of the player whose turn it is."""
    for who, terms in trainer.gan.step(iter(trainer.batches[0])):
        for name, value in terms.items():
            assert torch.isfinite(value).all(), f"{who}/{name} is not finite"
            assert value.requires_grad, f"{who}/{name} has no gradient at all"
            weights = trainer.players[who].parameters
            gradients = torch.autograd.grad(value, weights, retain_graph=True, allow_unused=True)
            size = sum(float(g.abs().sum()) for g in gradients if g is not None)
            assert size > 0, f"{who}/{name} does not change the gradient of {who}"


@pytest.mark.parametrize("name", NAMES)
def test_every_term_teaches_its_player(name: str) -> None:
    for kind in recipes.find(name).gan.kinds:
        check_terms_teach(play(trainer(name, fitting(recipes.find(name), kind)), 2))


@pytest.mark.parametrize("name", [name for name in NAMES if recipes.find(name).gan.penalised])
def test_the_penalty_that_a_recipe_names_is_a_field_of_its_config(name: str) -> None:
    recipe = recipes.find(name)
    assert recipe.gan.penalised
    assert isinstance(getattr(recipe.config(), recipe.gan.penalised), float)


@pytest.mark.parametrize("who", ["generator", "critic"])
def test_a_recipe_with_a_detached_loss_fails_the_suite(who: str) -> None:
    sabotaged = trainer("dcgan")
    honest = sabotaged.gan.step

    def step(batches: Iterator[Batch]) -> Iterator[Turn]:
        for player, terms in honest(batches):
            yield player, {k: v.detach() if player == who else v for k, v in terms.items()}

    sabotaged.gan.step = step  # type: ignore[method-assign]
    with pytest.raises(AssertionError, match=f"{who}/.* has no gradient"):
        check_terms_teach(sabotaged)


@pytest.mark.parametrize("name", PAINTERS)
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 16, 24), (4, 13, 10)])
def test_builds_and_samples_at_any_shape(name: str, shape: tuple[int, ...]) -> None:
    gan = play(trainer(name, pictures(*shape)), 1).ema.gan
    with torch.no_grad():
        samples = gan.sample(gan.latents(5, seed=3), given.draw(gan.spec, 5, 3))
        again = gan.sample(gan.latents(3, seed=3), given.draw(gan.spec, 3, 3))
    low, high = gan.spec.range
    assert samples.shape == (5, *shape)
    assert low <= samples.min() <= samples.max() <= high
    assert samples.std() > 0
    torch.testing.assert_close(samples[:3], again)
    assert not torch.equal(gan.latents(3, seed=3), gan.latents(3, seed=4))


@pytest.mark.parametrize("name", [name for name in NAMES if "table" in recipes.find(name).gan.kinds])
def test_rows_of_a_table_are_places_and_codes_that_there_are(name: str) -> None:
    gan = play(trainer(name, table()), 3).ema.gan
    with torch.no_grad():
        rows = gan.sample(gan.latents(500, seed=3), given.draw(gan.spec, 500, 3))
        again = gan.sample(gan.latents(3, seed=3), given.draw(gan.spec, 3, 3))
    assert rows.shape == (500, 6)
    assert rows.dtype == torch.float32
    assert rows[:, :2].abs().max() <= 1
    for codes, size in zip(rows[:, 2:].T, (2, 4, 3, 2), strict=True):
        assert set(codes.tolist()) <= set(range(size))
        assert len(codes.unique()) > 1
    assert torch.equal(rows[:3, 2:], again[:, 2:]), "a latent means one row, in whatever company"
    torch.testing.assert_close(rows[:3], again)


@pytest.mark.parametrize("name", NAMES)
def test_every_player_learns(name: str) -> None:
    learner = trainer(name)
    before = {who: [p.clone() for p in player.parameters] for who, player in learner.players.items()}
    play(learner, 2)
    for who, player in learner.players.items():
        unmoved = [p for p, old in zip(player.parameters, before[who], strict=True) if torch.equal(p, old)]
        assert not unmoved, f"{len(unmoved)} weights of {who} never moved"


@pytest.mark.parametrize("name", NAMES)
def test_resume_is_exact_to_the_bit(name: str, tmp_path: Path) -> None:
    whole = play(trainer(name), 5)
    first = play(trainer(name), 2)
    checkpoint.save(tmp_path, first.state())
    second = trainer(name)
    torch.randn(100)  # what other code does to the global generators must not matter
    second.load_state(checkpoint.newest(tmp_path)[0])
    play(second, 3)
    assert_same_state(whole.state(), second.state())


@pytest.mark.parametrize("name", NAMES)
def test_micro_batches_equal_the_large_batch(name: str) -> None:
    """Batch statistics aside: BatchNorm is passed through here."""
    trainers = [precisely(trainer(name)), precisely(trainer(name, accumulate=4))]
    for each in trainers:
        for module in each.gan.modules():
            if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
                module.forward = lambda x: x  # type: ignore[method-assign]
        play(each, 3)
    assert_same_state(trainers[0].state()["gan"], trainers[1].state()["gan"], tolerance=1e-5)


def play_in_process(rank: int, folder: str) -> None:
    """One of two processes: play every recipe, and save what it came to."""
    import os

    os.environ |= {"RANK": str(rank), "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"}
    cluster = Cluster("cpu")
    for name in NAMES:
        fighter = play(precisely(trainer(name, cluster=cluster, processes=2)), 3)
        fighter.gather()
        torch.save(fighter.state(), f"{folder}/{name}-{rank}.pt")
    cluster.leave()


@pytest.fixture(scope="module")
def two_processes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes that trained together came to, for every recipe, started once, whatever worker asks first."""
    import os
    import socket
    import time

    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "two-processes"
    done = folder / "done"
    try:
        folder.mkdir()
    except FileExistsError:
        while not done.exists():  # pytest's own limit ends the wait
            time.sleep(0.2)
        return folder
    try:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            os.environ["MASTER_PORT"] = str(probe.getsockname()[1])
        torch.multiprocessing.spawn(play_in_process, (str(folder),), nprocs=2)
    finally:
        done.touch()
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_two_processes_equal_one(name: str, two_processes: Path) -> None:
    one = play(precisely(trainer(name)), 3).state()
    states = [torch.load(two_processes / f"{name}-{rank}.pt", weights_only=True) for rank in (0, 1)]
    assert_same_state(states[0], states[1])
    for part in ("gan", "ema"):
        assert_same_state(one[part], states[0][part], part, tolerance=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_config_survives_yaml_and_the_help_explains_every_field_for_its_data(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = recipes.find(name)
    config = small(recipe, seed=5)
    assert from_dict(recipe.config, to_dict(config), "here") == config
    monkeypatch.setattr(sys, "argv", ["sparring", "train", name, "--help"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0
    text = capsys.readouterr().out
    for field in dataclasses.fields(recipe.config):
        flag, suits = f"--{field.name.replace('_', '-')}", helping.FOR.get(field.name, recipe.gan.kinds)
        shown = re.search(rf"{flag}\b(?!-)", text) is not None
        assert shown == bool(set(suits) & set(recipe.gan.kinds)), f"{flag} in --help: {shown}"
    assert recipes.summary(name).split(":")[0] in text


@pytest.mark.parametrize("name", NAMES)
def test_bf16_trains(name: str) -> None:
    recipe = recipes.find(name)
    learner = play(trainer(name, labelled(fitting(recipe, recipe.gan.kinds[0])), precision="bf16"), 2)
    assert learner.is_finite()
    assert all(p.dtype == torch.float32 for p in learner.gan.parameters())
    assert learner.guard.look()[0] == 0


def test_batches_are_the_data() -> None:
    """The pictures that a recipe sees in an epoch are all of the data, once."""
    dataset = pictures(1, 8, 8)
    batches = Batches(dataset, 8, seed=0)
    seen = torch.cat([next(batches).x for _ in range(3)])
    known = torch.from_numpy(dataset.rows).float() / 127.5 - 1
    assert sorted(map(float, seen.sum((1, 2, 3)))) == pytest.approx(sorted(map(float, known.sum((1, 2, 3)))))
