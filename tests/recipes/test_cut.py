"""What is CUT's own: patches that are compared, the identity of the other side, and the fast form."""

from __future__ import annotations

import pytest
import torch

from made_up import pairs
from sparring import losses, recipes
from sparring.cluster import Cluster
from sparring.config import Adam
from sparring.data.dataset import Dataset
from sparring.draws import Draws
from sparring.errors import SparringError
from sparring.recipes.cut import CUT, Config
from sparring.start import build
from sparring.trainer import Trainer


def sides(channels: int = 3, height: int = 16, width: int = 16) -> Dataset:
    return pairs((3, height, width), channels, kind="sides")


def trainer(dataset: Dataset | None = None, **changes: object) -> Trainer:
    settled = {"batch": 4, "precision": "fp32", "memory_format": "contiguous", "device": "cpu", "blocks": 2}
    own = {**settled, "width": 4, "critic_width": 8, "critic_layers": 1, "heads": 8, "augment": "none", **changes}
    config = Config(steps=8, **own)  # type: ignore[arg-type]
    return build(recipes.find("cut"), dataset or sides(), config, Cluster("cpu"))


def network(learner: Trainer) -> CUT:
    assert isinstance(learner.gan, CUT)
    return learner.gan


def turns(learner: Trainer) -> dict[str, dict[str, torch.Tensor]]:
    return dict(learner.gan.step(iter(learner.batches[0])))


def contrast(gan: CUT, made: torch.Tensor, given: torch.Tensor, mirror: bool = False) -> torch.Tensor:
    """As the authors write it: each set of features in a pass of its own, all places."""
    queries, keys = (gan.generator.features(pictures, gan.layers) for pictures in (made, given))
    queries = [of_layer.flip(3) for of_layer in queries] if mirror else queries
    found, right = (gan.heads(maps, [None] * len(maps)) for maps in (queries, keys))
    return torch.stack([losses.patch_nce(q, k) for q, k in zip(found, right, strict=True)]).mean()


@pytest.mark.parametrize("skip", [True, False])
def test_the_critic_plays_first_and_keys_are_found_on_the_way(skip: bool) -> None:
    learner = trainer(patches=10_000, skip=skip)
    gan, (y, x) = network(learner), next(trainer().batches[0])
    fake = gan.translate(x)
    expected = {
        "critic": {"real": (gan.critic(y) - 1).square().mean() / 2, "fake": gan.critic(fake).square().mean() / 2},
        "generator": {
            "fool": (gan.critic(fake) - 1).square().mean(),
            "nce": contrast(gan, fake, x) / 2,
            "identity": contrast(gan, gan.translate(y), y) / 2,
        },
    }
    found = turns(learner)
    assert [*found] == ["critic", "generator"], "the order of the authors' code"
    for who, terms in expected.items():
        assert {*found[who]} == {*terms}
        for name, value in terms.items():
            torch.testing.assert_close(found[who][name], value)


@pytest.mark.parametrize("chance", [0.0, 0.9])
def test_the_fast_form_mirrors_what_goes_in_and_expects_it_mirrored(
    chance: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = trainer(patches=10_000, fast=True)
    gan, x = network(learner), next(trainer().batches[0]).given
    monkeypatch.setattr(Draws, "uniform", lambda self, n, *shape: torch.full((n, *shape), chance))
    mirror = chance < 0.5
    fake = gan.translate(x.flip(3) if mirror else x)
    terms = turns(learner)["generator"]
    assert {*terms} == {"fool", "nce"}
    torch.testing.assert_close(terms["nce"], 10 * contrast(gan, fake, x, mirror))
    torch.testing.assert_close(terms["fool"], (gan.critic(fake) - 1).square().mean())


@pytest.mark.parametrize("weight", ["adversarial", "nce", "identity"])
@pytest.mark.parametrize("fast", [False, True])
def test_a_weight_scales_its_term_and_nothing_leaves_it_out(weight: str, fast: bool) -> None:
    once, twice, without = (turns(trainer(fast=fast, **{weight: k * 3.0}))["generator"] for k in (1, 2, 0))
    name = "fool" if weight == "adversarial" else weight
    for term, value in once.items():
        torch.testing.assert_close(twice[term], (1 + (term == name)) * value)
    assert {*without} == {*once} - {name}


@pytest.mark.parametrize(
    "weights", [{"adversarial": 0.0, "nce": 0.0}, {"nce": -1.0}, {"identity": -0.5}, {"adversarial": -1.0}]
)
def test_weights_that_teach_nothing_are_refused_in_a_sentence(weights: dict[str, float]) -> None:
    with pytest.raises(SparringError, match="`adversarial`, `nce` and `identity` are weights: 0 or more"):
        Config(**weights)  # type: ignore[arg-type]


def test_sides_of_different_channels_are_refused_in_a_sentence() -> None:
    with pytest.raises(SparringError, match="they have 1 and 3: give --channels 1, or take cyclegan"):
        trainer(sides(1))


def test_without_a_game_the_critic_has_no_turns_and_no_opinion() -> None:
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


def test_heads_learn_with_the_generator_from_the_start_and_do_not_ship() -> None:
    learner = trainer()
    gan = network(learner)
    learning = {id(p) for p in learner.players["generator"].parameters}
    assert {id(p) for p in gan.heads.parameters()} < learning
    assert {name.split(".")[0] for name in learner.state()["ema"]} == {"generator"}
    before = [p.clone() for p in gan.heads.parameters()]
    learner.round()
    assert all((p != old).any() for p, old in zip(gan.heads.parameters(), before, strict=True))


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("size", [(16, 16), (13, 10)])
def test_pictures_of_any_size(fast: bool, size: tuple[int, int]) -> None:
    learner = trainer(sides(3, *size), fast=fast, patches=8)
    learner.round()
    for height, width in (size, (1, 1), (20, 8)):
        with torch.no_grad():
            made = learner.ema.gan.translate(torch.rand(2, 3, height, width) * 2 - 1)
        assert made.shape == (2, 3, height, width)


def test_what_it_makes_looks_like_the_other_side_and_shows_what_went_in() -> None:
    """Sides are pictures and negatives; a picture that is made is told by its patches from those made of others."""
    learner = trainer(sides(), generator=Adam(lr=2e-3), critic=Adam(lr=2e-3), ema=0.0, width=8)
    x, given = next(learner.batches[0])
    before = turns(learner)["generator"]["nce"].item()
    for _ in range(60):
        learner.round()
    with torch.no_grad():
        made = learner.gan.translate(given)
    assert turns(learner)["generator"]["nce"].item() < 0.5 * before
    assert abs(float(made.mean() - x.mean())) < 0.5 * abs(float(given.mean() - x.mean())), "negatives are bright"
