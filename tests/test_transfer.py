"""Starting from another run: what is taken over, what stays as it came, and what does not fit."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import sparring
from fighting import assert_same_state, play, small
from made_up import labelled, made_up, pairs, pictures
from sparring import cli, recipes, transfer
from sparring.cluster import Cluster
from sparring.config import from_dict, to_dict
from sparring.console import Console
from sparring.data.dataset import Dataset
from sparring.errors import SparringError
from sparring.run import Run
from sparring.start import build
from sparring.trainer import Trainer
from test_session import newest, train


def source_of(name: str, dataset: Dataset, rounds: int, folder: Path, **changes: object) -> transfer.Source:
    """A run that played some rounds, in memory but for its config."""
    recipe = recipes.find(name)
    learner = play(build(recipe, dataset, small(recipe, **changes), Cluster("cpu")), rounds)
    run = Run.create(folder, name, "made up", learner.config)
    state = {**learner.state(), "spec": dataset.spec.to_dict(), "config": to_dict(learner.config)}
    return transfer.Source(str(folder), run, state, [])


def begun(name: str, dataset: Dataset, source: transfer.Source, **changes: object) -> tuple[Trainer, list[str]]:
    """A trainer at round 0 that started from a source, and what it was told."""
    recipe = recipes.find(name)
    config = small(recipe, from_run=source.folder, seed=7, **changes)
    learner = build(recipe, dataset, config, Cluster("cpu"))
    return learner, transfer.take_over(source, learner)


@pytest.mark.parametrize("name", ["dcgan", "sngan", "stylegan2", "fastgan"])
def test_at_round_0_the_networks_are_the_other_runs_and_all_else_is_new(name: str, tmp_path: Path) -> None:
    dataset = labelled(pictures(1, 8, 8))
    source = source_of(name, dataset, 3, tmp_path / "old")
    learner, _ = begun(name, dataset, source)
    state = learner.state()
    assert_same_state(state["gan"], source.state["gan"])
    assert_same_state(state["ema"], source.state["ema"])
    assert (state["count"], state["position"], learner.ema.gan.count) == (0, 0, 0)
    assert not any(player.optimiser.state for player in learner.players.values())
    untouched = build(recipes.find(name), dataset, small(recipes.find(name), seed=7), Cluster("cpu"))
    assert not torch.equal(*(next(iter(each.gan.generator.parameters())) for each in (untouched, learner)))


def test_the_average_goes_on_from_the_other_runs_and_is_not_forgotten_in_a_round(tmp_path: Path) -> None:
    dataset = pictures(1, 8, 8)
    source = source_of("dcgan", dataset, 3, tmp_path / "old")
    name = "generator.layers.0.weight"
    old = source.state["ema"][name].clone()
    learner, _ = begun("dcgan", dataset, source)
    play(learner, 1)
    live, mean = learner.state()["gan"][name], learner.state()["ema"][name]
    share = 1 - 0.5 ** (learner.config.batch / learner.config.ema)
    torch.testing.assert_close(mean, torch.lerp(old, live, share))
    assert share < 0.01


def test_other_classes_start_the_layers_they_are_given_to_anew(tmp_path: Path) -> None:
    few, many = labelled(pictures(1, 8, 8)), labelled(pictures(1, 8, 8))
    many = dataclasses.replace(many, spec=dataclasses.replace(many.spec, classes=("cat", "dog", "fish", "hen")))
    for name, anew in (
        ("cgan", {"generator.embedding", "critic.embedding"}),
        ("sngan", {"critic.project", "generator.2", "generator.5"}),
    ):
        source = source_of(name, few, 2, tmp_path / name)
        learner, told = begun(name, many, source)
        old, new = source.state["gan"], learner.state()["gan"]
        assert set(told[1].removesuffix(".").partition("start anew: ")[2].split(", ")) == anew
        for tensor, value in new.items():
            owner = tensor.split(".parametrizations")[0] if "parametrizations" in tensor else tensor.rpartition(".")[0]
            kept = tensor in old and old[tensor].shape == value.shape and torch.equal(old[tensor], value)
            assert kept == (owner not in anew), tensor
        assert play(learner, 2).is_finite()


def test_as_many_classes_of_other_names_take_their_places(tmp_path: Path) -> None:
    dataset = labelled(pictures(1, 8, 8))
    other = dataclasses.replace(dataset, spec=dataclasses.replace(dataset.spec, classes=("owl", "hen", "emu")))
    source = source_of("cgan", dataset, 2, tmp_path / "old")
    learner, told = begun("cgan", other, source)
    assert_same_state(learner.state()["gan"], source.state["gan"])
    assert "in its order: owl for cat, hen for dog, emu for fish and so on" in told[1]
    assert len(begun("cgan", dataset, source)[1]) == 1


@pytest.mark.parametrize(
    ("name", "there", "here", "dataset", "sentence"),
    [
        ("dcgan", {"width": 16}, {"width": 8}, pictures(1, 8, 8), r"have width 16, and .* width 8: give --width=16"),
        ("dcgan", {"latent": 9, "r1": 1.0}, {}, pictures(1, 8, 8), r"latent 9, and .* latent 100: give --latent=9$"),
        ("dcgan", {}, {}, pictures(1, 16, 16), r"pictures of 1×8×8, and squares holds .* 1×16×16: give --size 8$"),
        ("dcgan", {}, {}, pictures(3, 8, 8), r"1×8×8, .* 3×8×8: give --channels 1$"),
        ("dcgan", {}, {}, pictures(3, 16, 24), r"give --size 8 --channels 1$"),
        ("vanilla", {}, {}, made_up("points"), r"pictures of 1×8×8, and circle holds points of 2: .* leave out --from"),
        ("sngan", {"networks": "resnet"}, {}, pictures(1, 8, 8), r"give --networks=resnet$"),
        ("stylegan2", {}, {"batch": 4}, pictures(1, 8, 8), r"give --batch=8$"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told_with_what_would(
    name: str, there: dict[str, object], here: dict[str, object], dataset: Dataset, sentence: str, tmp_path: Path
) -> None:
    source = source_of(name, pictures(1, 8, 8), 1, tmp_path / "old", **there)
    with pytest.raises(SparringError, match=sentence):
        begun(name, dataset, source, **here)


def test_a_recipe_that_was_rewritten_is_noticed(tmp_path: Path) -> None:
    source = source_of("dcgan", pictures(1, 8, 8), 1, tmp_path / "old")
    source.state["gan"]["critic.head.weight"] = torch.zeros(1, 3)
    with pytest.raises(SparringError, match=r"critic\.head\.weight has the shape \(1, 3\) there"):
        begun("dcgan", pictures(1, 8, 8), source)


def test_settings_that_differ_are_said(tmp_path: Path) -> None:
    source = source_of("dcgan", pictures(1, 8, 8), 1, tmp_path / "old", generator_activation="tanh")
    _, told = begun("dcgan", pictures(1, 8, 8), source, freeze_critic=1)
    assert "generator_activation: tanh -> relu" in told[-1]
    assert "stay as they came: critic.body.0" in told[-2]


@pytest.mark.parametrize(
    ("folder", "sentence"),
    [
        ("nowhere", "there is no run in nowhere"),
        ("empty", "there is no checkpoint"),
        ("run", "can take over networks of"),
    ],
)
def test_what_is_no_run_to_start_from_is_told(
    folder: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = recipes.find("dcgan").config()
    Run.create(Path("empty"), "dcgan", "digits", config)
    Run.create(Path("run"), "vanilla", "ring", recipes.find("vanilla").config())
    with pytest.raises(SparringError, match=sentence):
        transfer.open_source(recipes.find("dcgan"), dataclasses.replace(config, from_run=folder))


def test_the_flag_the_file_and_the_argument_are_one_setting(tmp_path: Path) -> None:
    kind = recipes.find("dcgan").config
    (tmp_path / "my.yaml").write_text("from_run: runs/old\nfreeze_critic: 2\n")
    typed = cli._settle(["dcgan", "digits"], ["--from", "runs/old", "--freeze-critic", "2"], "train")[2]
    written = cli._settle(["dcgan", "digits", str(tmp_path / "my.yaml")], [], "train")[2]
    assert typed == written == kind(from_run="runs/old", freeze_critic=2)
    assert from_dict(kind, to_dict(typed), "here") == typed
    with pytest.raises(SparringError, match="there is no `from`; perhaps you meant from_run"):
        from_dict(kind, {"from": "runs/old"}, "here")


def test_a_whole_run_starts_from_another_and_resumes_without_it(tmp_path: Path) -> None:
    old = train(tmp_path / "old", steps=6, features="none")
    changes = {"from_run": str(old.folder), "freeze_critic": 1, "features": "none", "seed": 3}
    whole = train(tmp_path / "whole", steps=5, **changes)
    first = train(tmp_path / "first", steps=5, checkpoint_every=2, **changes)
    (event,) = [record for record in whole.records() if record.get("event") == "transfer"]
    assert (event["from"], event["from_step"]) == (str(old.folder), 6)
    assert first.config.from_run == str(old.folder.resolve())
    (first.checkpoints / "step-00000005.pt").unlink()
    shutil.rmtree(old.folder)  # which a run that goes on needs no more
    resumed = sparring.resume(first.folder, quiet=True)
    for part in ("gan", "ema", "optimisers"):
        assert_same_state(newest(whole)[part], newest(resumed)[part], part)
    with pytest.raises(SparringError, match="goes on with its own networks, so leave out --from"):
        sparring.resume(first.folder, quiet=True, from_run=str(tmp_path / "else"))


def test_round_0_shows_the_other_runs_samples(tmp_path: Path) -> None:
    """Both runs draw the grid of their seed, so the first grid of the one is the last of the other."""
    old = train(tmp_path / "old", steps=4, features="none")
    new = train(tmp_path / "new", steps=1, features="none", from_run=str(old.folder))
    grids = [folder / "samples" / name for folder, name in ((old.folder, "000004.png"), (new.folder, "000000.png"))]
    assert grids[0].read_bytes() == grids[1].read_bytes()


def test_it_starts_nearer_to_related_data_than_from_scratch(tmp_path: Path) -> None:
    """A circle learnt, then the circle turned into an ellipse: its mean distance to the samples at round 0."""
    circle = made_up("points")
    ellipse = Dataset(dataclasses.replace(circle.spec, hash="other"), circle.rows * np.array([1.2, 0.9], np.float32))
    recipe = recipes.find("vanilla")
    settled = dataclasses.replace(small(recipe, width=64, latent=4, batch=256, ema=500.0), **fast())
    learner = play(build(recipe, circle, settled, Cluster("cpu")), 250)
    run = Run.create(tmp_path / "old", "vanilla", "circle", settled)
    state = {**learner.state(), "spec": circle.spec.to_dict(), "config": to_dict(settled)}
    scratch = build(recipe, ellipse, dataclasses.replace(settled, seed=5), Cluster("cpu"))
    begun = build(recipe, ellipse, dataclasses.replace(settled, seed=5, from_run="old"), Cluster("cpu"))
    transfer.take_over(transfer.Source("old", run, state, []), begun)
    assert missed(begun, ellipse) < missed(scratch, ellipse) / 2


def fast() -> dict[str, object]:
    """Learning rates with which a few hundred rounds show something."""
    config = recipes.find("vanilla").config()
    return {who: getattr(config, who) for who in ("generator", "critic")}


@torch.no_grad()
def missed(learner: Trainer, dataset: Dataset) -> float:
    """The mean distance from each point of the data to the nearest of 500 samples."""
    gan = learner.ema.gan
    samples = gan.sample(gan.latents(500, 1), torch.zeros(500, 0))
    return float(torch.cdist(torch.from_numpy(dataset.rows), samples).min(1).values.mean())


def test_the_console_and_the_log_say_what_was_taken_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = source_of("dcgan", pictures(1, 8, 8), 1, tmp_path / "old")
    told = begun("dcgan", pictures(1, 8, 8), source)[1]
    run = Run.create(tmp_path / "new", "dcgan", "squares", recipes.find("dcgan").config())
    transfer.announce(told, source, run, Console(quiet=False))
    assert f"Starting from the networks of {source.folder}, round 1." in capsys.readouterr().out
    assert next(run.records())["notes"] == told


def test_a_history_of_fakes_is_not_taken_over_and_does_not_stand_in_the_way(tmp_path: Path) -> None:
    dataset = pairs(kind="sides", channels=3)
    source = source_of("cyclegan", dataset, 3, tmp_path / "old")
    assert source.state["gan"]["history.filled"].sum() > 0
    learner, _ = begun("cyclegan", dataset, source, batch=4, pool=12)
    assert learner.gan.state_dict()["history.filled"].sum() == 0
    name = "way_back.encoder.1.weight"
    assert torch.equal(learner.gan.state_dict()[name], source.state["gan"][name])


def test_networks_that_enlarge_go_on_with_crops_of_another_size(tmp_path: Path) -> None:
    source = source_of("srgan", pictures(3, 16, 16), 3, tmp_path / "old")
    learner, _ = begun("srgan", pictures(3, 24, 32), source)
    assert torch.equal(learner.gan.generator.first.weight, source.state["gan"]["generator.first.weight"])
    with pytest.raises(SparringError, match="give --size 16 --channels 3"):
        begun("srgan", pictures(1, 24, 24), source)
