"""--freeze-critic: the critic's first layers stay as they came from another run."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from fighting import NAMES, assert_same_state, play, trainer
from made_up import labelled, pictures
from sparring import recipes, transfer
from sparring.errors import SparringError
from sparring.trainer import Trainer
from test_transfer import begun, source_of

FROZEN = 2


def critics_weights(learner: Trainer) -> dict[str, torch.Tensor]:
    """Copies of the critic's weights, by their names within the GAN."""
    wanted = {id(p) for net in learner.gan.players()["critic"] for p in net.parameters()}
    return {name: p.detach().clone() for name, p in learner.gan.named_parameters() if id(p) in wanted}


@pytest.mark.parametrize("name", NAMES)
def test_frozen_layers_stay_to_the_bit_and_all_else_learns(name: str) -> None:
    if not transfer.layers(trainer(name).gan):
        pytest.skip("has no critic")
    learner = trainer(name, from_run="elsewhere", freeze_critic=FROZEN, clip=1.0)
    names = [layer for layer, _ in transfer.layers(learner.gan)[:FROZEN]]
    still = {id(p) for _, weights in transfer.layers(learner.gan)[:FROZEN] for p in weights}
    before = critics_weights(learner)
    play(learner, 4)
    after, frozen = critics_weights(learner), 0
    for weight, p in learner.gan.named_parameters():
        if weight in before:
            stays = id(p) in still
            frozen += stays
            assert torch.equal(before[weight], after[weight]) == stays, f"{weight}; frozen are {names}"
    assert frozen >= FROZEN


def test_nothing_is_frozen_unless_asked_for() -> None:
    learner = trainer("dcgan", from_run="elsewhere")
    before = critics_weights(learner)
    play(learner, 2)
    assert not any(torch.equal(before[name], weight) for name, weight in critics_weights(learner).items())


def test_frozen_layers_stay_where_momentum_and_clipped_weights_would_move_them() -> None:
    """WGAN clips by itself, and the critic's old weights lie outside the box."""
    learner = trainer("wgan", from_run="elsewhere", freeze_critic=1, clipping=1e-3)
    (_, weights), *_ = transfer.layers(learner.gan)
    before = [p.clone() for p in weights]
    play(learner, 2)
    assert max(float(p.detach().abs().max()) for p in weights) > 1e-3
    assert all(map(torch.equal, before, weights))
    assert max(float(p.detach().abs().max()) for p in learner.players["critic"].parameters) < 0.01


@pytest.mark.parametrize(
    ("name", "changes", "first"),
    [
        ("dcgan", {}, {"critic.body.0.weight", "critic.body.0.bias", "critic.body.2.weight", "critic.body.3.weight"}),
        ("sngan", {"conditional": "no"}, {"critic.body.0.bias", "critic.body.0.parametrizations.weight.original"}),
        ("vanilla", {}, {"critic.layers.0.weight", "critic.layers.0.bias", "critic.layers.2.weight"}),
        ("stylegan2", {}, {"critic.colours.weight", "critic.colours.bias", "critic.blocks.0.first.weight"}),
    ],
)
def test_a_layer_is_a_convolution_or_a_linear_one_with_the_norm_behind_it(
    name: str, changes: dict[str, object], first: set[str]
) -> None:
    gan = trainer(name, pictures(1, 16, 16), **changes).gan
    names = {id(p): weight for weight, p in gan.named_parameters()}
    found = {names[id(p)] for _, weights in transfer.layers(gan)[:FROZEN] for p in weights}
    assert first <= found
    every = [p for _, weights in transfer.layers(gan) for p in weights]
    assert len(every) == len({id(p) for p in every}) == len(list(gan.players()["critic"][0].parameters()))


def test_more_layers_than_there_are_cannot_be_frozen() -> None:
    depth = len(transfer.layers(trainer("dcgan").gan))
    trainer("dcgan", from_run="elsewhere", freeze_critic=depth - 1)
    with pytest.raises(SparringError, match=f"has {depth} layers.*give --freeze-critic {depth - 1} or less"):
        trainer("dcgan", from_run="elsewhere", freeze_critic=depth)
    with pytest.raises(SparringError, match="goes with --from RUN"):
        recipes.find("dcgan").config(freeze_critic=1)
    with pytest.raises(SparringError, match="must be 0 or more"):
        recipes.find("dcgan").config(freeze_critic=-1, from_run="elsewhere")


def test_micro_batches_equal_the_large_batch_with_frozen_layers() -> None:
    whole, parts = (
        play(
            trainer("dcgan", from_run="x", freeze_critic=1, critic_norm="none", generator_norm="none", accumulate=n), 3
        )
        for n in (1, 4)
    )
    assert_same_state(whole.state()["gan"], parts.state()["gan"], tolerance=1e-5)


def test_a_layer_that_starts_anew_cannot_stay_as_it_came(tmp_path: Path) -> None:
    """The first layer of a critic with maps beside the colours is the embedding that makes them."""
    few, many = labelled(pictures(1, 8, 8)), labelled(pictures(1, 8, 8))
    many = dataclasses.replace(many, spec=dataclasses.replace(many.spec, classes=("cat", "dog", "fish", "hen")))
    source = source_of("cgan", few, 1, tmp_path / "old", conditioning="concat")
    begun("cgan", few, source, conditioning="concat", freeze_critic=1)
    with pytest.raises(SparringError, match=r"layer critic\.embedding starts anew.*leave out --freeze-critic"):
        begun("cgan", many, source, conditioning="concat", freeze_critic=1)
