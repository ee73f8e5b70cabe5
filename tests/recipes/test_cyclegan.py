"""What is CycleGAN's own: both ways, there and back again, who plays when, and the histories of fakes."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from made_up import pairs
from sparring import recipes
from sparring.cluster import Cluster
from sparring.config import Adam
from sparring.data.dataset import Dataset
from sparring.errors import SparringError
from sparring.recipes.cyclegan import Config, CycleGAN
from sparring.start import build
from sparring.trainer import Trainer

WEIGHTED = {
    "adversarial": {"fool", "fool_back"},
    "cycle": {"cycle", "cycle_back"},
    "identity": {"identity", "identity_back"},
}


def sides(channels: int = 3, height: int = 16, width: int = 16) -> Dataset:
    return pairs((3, height, width), channels, kind="sides")


def trainer(dataset: Dataset | None = None, **changes: object) -> Trainer:
    settled = {"batch": 4, "precision": "fp32", "memory_format": "contiguous", "device": "cpu", "blocks": 1}
    own = {**settled, "width": 4, "critic_width": 8, "critic_layers": 1, "augment": "none", **changes}
    config = Config(steps=8, **own)  # type: ignore[arg-type]
    return build(recipes.find("cyclegan"), dataset or sides(), config, Cluster("cpu"))


def network(learner: Trainer) -> CycleGAN:
    assert isinstance(learner.gan, CycleGAN)
    return learner.gan


def turns(learner: Trainer) -> dict[str, dict[str, torch.Tensor]]:
    return dict(learner.gan.step(iter(learner.batches[0])))


@pytest.mark.parametrize("skip", [True, False])
def test_the_generators_play_first_and_three_passes_say_what_six_would(skip: bool) -> None:
    learner = trainer(skip=skip, identity=0.5, cycle=10.0)
    gan, (y, x) = network(learner), next(trainer().batches[0])
    fake_y, fake_x = gan.forth(x), gan.back(y)
    expected = {
        "generator": {
            "fool": (gan.critic(fake_y) - 1).square().mean(),
            "fool_back": (gan.critic_back(fake_x) - 1).square().mean(),
            "cycle": 10 * (gan.back(fake_y) - x).abs().mean(),
            "cycle_back": 10 * (gan.forth(fake_x) - y).abs().mean(),
            "identity": 5 * (gan.forth(y) - y).abs().mean(),
            "identity_back": 5 * (gan.back(x) - x).abs().mean(),
        },
        "critic": {
            "real": (gan.critic(y) - 1).square().mean() / 2,
            "fake": gan.critic(fake_y).square().mean() / 2,
            "real_back": (gan.critic_back(x) - 1).square().mean() / 2,
            "fake_back": gan.critic_back(fake_x).square().mean() / 2,
        },
    }
    found = turns(learner)
    assert [*found] == ["generator", "critic"], "the order of the authors' code"
    for who, terms in expected.items():
        assert {*found[who]} == {*terms}
        for name, value in terms.items():
            torch.testing.assert_close(found[who][name], value, msg=lambda text, name=name: f"{name}: {text}")


@pytest.mark.parametrize("weight", ["adversarial", "cycle"])
def test_a_weight_scales_its_terms_and_nothing_leaves_them_out(weight: str) -> None:
    once, twice, without = (turns(trainer(identity=0.5, **{weight: k * 2.0}))["generator"] for k in (1, 2, 0))
    scaled = WEIGHTED[weight] | (WEIGHTED["identity"] if weight == "cycle" else set())
    for name, value in once.items():
        torch.testing.assert_close(twice[name], (1 + (name in scaled)) * value)
    assert {*without} == {*once} - scaled


def test_identity_is_a_share_of_cycle_for_networks_that_make_pictures_anew() -> None:
    anew = {"cycle": 6.0, "skip": False}
    plain, more = (turns(trainer(identity=share, **anew))["generator"] for share in (None, 1.0))  # type: ignore[arg-type]
    for name in WEIGHTED["identity"]:
        torch.testing.assert_close(more[name], 2 * plain[name])
    without = {*plain} - WEIGHTED["identity"]
    assert {*turns(trainer(identity=0.0, skip=False))["generator"]} == without
    assert {*turns(trainer(skip=True))["generator"]} == without
    assert {*turns(trainer(sides(1), skip=False))["generator"]} == without
    assert turns(trainer(sides(1)))["critic"]
    with pytest.raises(SparringError, match="has 1, what is made 3: leave out --identity"):
        trainer(sides(1), identity=0.5)


@pytest.mark.parametrize(("channels", "skip"), [(3, True), (3, False), (1, True)])
def test_untrained_networks_pass_pictures_on_where_they_change_them(channels: int, skip: bool) -> None:
    gan, batch = network(trainer(sides(channels), skip=skip)), next(trainer(sides(channels)).batches[0])
    with torch.no_grad():
        for weights in gan.shipped().values():
            torch.nn.init.zeros_(weights.decoder[-2].weight)
        there, back = gan.translate(batch.given), gan.back(batch.x)
    torch.testing.assert_close(there, 0.9 * batch.given if skip and channels == 3 else torch.zeros_like(batch.x))
    torch.testing.assert_close(back, 0.9 * batch.x if skip and channels == 3 else torch.zeros_like(batch.given))


def test_maps_of_labels_become_pictures_without_an_identity_loss() -> None:
    dataset = sides()
    codes = dataset.source.rows[:, :1] // 86  # type: ignore[union-attr]
    source = replace(dataset.source, rows=codes, spec=replace(dataset.source.spec, kind="labels"))  # type: ignore[union-attr, type-var]
    dataset = replace(dataset, spec=replace(dataset.spec, labels=(0, 1, 2)), source=source)
    learner = trainer(dataset)
    assert not {*turns(learner)["generator"]} & WEIGHTED["identity"]
    learner.round()
    with pytest.raises(SparringError, match="has 3 labels"):
        trainer(dataset, identity=0.5)


@pytest.mark.parametrize("weights", [{"adversarial": 0.0, "cycle": 0.0}, {"cycle": -1.0}, {"identity": -0.5}])
def test_weights_that_teach_nothing_are_refused_in_a_sentence(weights: dict[str, float]) -> None:
    with pytest.raises(SparringError, match="`adversarial`, `cycle` and `identity` are weights: 0 or more"):
        Config(**weights)  # type: ignore[arg-type]


def test_without_a_game_the_critics_have_no_turns_and_no_opinion() -> None:
    learner = trainer(adversarial=0.0)
    assert {*turns(learner)} == {"generator"}
    x, given = next(learner.batches[0])
    assert learner.gan.critique(x, given) is None
    learner.round()


def test_the_critic_scores_a_picture_by_the_mean_over_its_patches() -> None:
    gan, batch = network(trainer()), next(trainer().batches[0])
    scores = gan.critique(batch.x, batch.given)
    assert scores is not None
    torch.testing.assert_close(scores, gan.critic(batch.x).mean((1, 2, 3)) - 0.5)


def test_critics_also_see_older_fakes_which_are_in_the_checkpoint() -> None:
    """Two fakes a place: in the third round about half of the eight come from the history."""
    learner = trainer(batch=8, pool=16)
    gan, made = network(learner), []
    for _ in range(2):
        learner.round()
    for pool in (gan.history, gan.history_back):
        assert (pool.filled == 2).all()
        old = pool.kept.clone()
        made.append(pool(torch.full((8, 3, 16, 16), 9.0), learner.draws[0]).flatten(1))
        from_history = (made[-1] != 9).all(1)
        assert 0 < from_history.sum() < 8
        assert all((row == old[i]).all(1).any() for i, row in enumerate(made[-1]) if from_history[i])
    kept = {name for name in learner.state()["gan"] if name.startswith("history")}
    assert kept == {f"{pool}.{name}" for pool in ("history", "history_back") for name in ("kept", "filled")}
    assert not {name for name in learner.state()["ema"] if name.startswith("history")}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(16, 16), (13, 10)])
def test_both_generators_ship_and_go_both_ways_at_any_size(channels: int, size: tuple[int, int]) -> None:
    learner = trainer(sides(channels, *size))
    learner.round()
    gan = learner.ema.gan
    assert isinstance(gan, CycleGAN)
    assert {*gan.shipped()} == {"generator", "way_back"}
    for height, width in (size, (1, 1), (20, 8)):
        given = torch.rand(2, channels, height, width) * 2 - 1
        with torch.no_grad():
            made = gan.translate(given)
            again = gan.back(made)
        assert made.shape == (2, 3, height, width)
        assert again.shape == given.shape
        assert -1 <= again.min() <= again.max() <= 1


def test_there_and_back_again_comes_to_where_one_started_and_looks_like_the_other_side() -> None:
    learner = trainer(sides(), generator=Adam(lr=2e-3), critic=Adam(lr=2e-3), ema=0.0, width=8)
    x, given = next(learner.batches[0])
    with torch.no_grad():
        before = float((network(learner).back(learner.gan.translate(given)) - given).abs().mean())
    for _ in range(80):
        learner.round()
    gan = network(learner)
    with torch.no_grad():
        made = gan.translate(given)
        assert float((gan.back(made) - given).abs().mean()) < 0.4 * before
        assert abs(float(made.mean() - x.mean())) < 0.4 * abs(float(given.mean() - x.mean())), "negatives are bright"
