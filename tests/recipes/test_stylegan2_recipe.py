"""What StyleGAN2 has of its own: truncation, mixed styles, path lengths, and how its penalty scales."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from made_up import pictures
from sparring.cluster import Cluster
from sparring.data.batches import Batch
from sparring.data.spec import Spec
from sparring.recipes import find
from sparring.recipes.stylegan2 import Config, StyleGAN2
from sparring.start import build

SMALL: dict[str, Any] = {"latent": 8, "style": 12, "width": 4, "widest": 8, "batch": 16}


def made(classes: tuple[str, ...] = (), side: int = 8, **changes: Any) -> StyleGAN2:
    torch.manual_seed(0)
    spec = Spec("pictures", "squares", (1, side, side), (-1.0, 1.0), 24, classes, "made-up")
    return StyleGAN2(spec, Config(**{**SMALL, **changes}))


def turns(gan: StyleGAN2, count: int = 0) -> dict[str, float]:
    """The terms of the round number `count`, by player/name."""
    gan.count = count
    gan.draws.at(count)
    numbers = torch.Generator().manual_seed(0)
    x = torch.rand(gan.config.batch, *gan.spec.shape, generator=numbers) * 2 - 1
    batch = Batch(x, torch.zeros(len(x), gan.spec.given))
    return {f"{who}/{name}": term.item() for who, terms in gan.step(iter([batch])) for name, term in terms.items()}


def test_truncation_goes_from_the_mean_to_the_sample() -> None:
    gan = made()
    z, none = gan.latents(6, 1), torch.zeros(6, 0)
    whole = gan.truncate(z, none, 1.0)
    torch.testing.assert_close(whole, gan.sample(z, none))
    spreads = [gan.truncate(z, none, psi).std(0).mean().item() for psi in (0.0, 0.5, 1.0)]
    assert spreads[0] == pytest.approx(0, abs=1e-6)
    assert spreads[0] < spreads[1] < spreads[2]
    mean = gan.generator.mapping(gan.latents(5000, 9), torch.zeros(5000, 0)).mean(0, keepdim=True)
    assert (gan.truncate(z, none, 0.0) - gan.generator.draw(mean)).abs().mean() < spreads[2] / 5


def test_truncation_keeps_what_is_asked_for_apart() -> None:
    gan = made(classes=("cat", "dog"))
    z, wishes = gan.latents(4, 1), torch.eye(2)[[0, 1, 1, 0]]
    means = gan.truncate(z, wishes, 0.0)
    torch.testing.assert_close(means[0], means[3])
    torch.testing.assert_close(means[1], means[2])
    assert not torch.allclose(means[0], means[1], atol=1e-3)
    torch.testing.assert_close(gan.truncate(z, wishes, 1.0), gan.sample(z, wishes))


@pytest.mark.parametrize(("mixing", "low", "high"), [(0.0, 0, 0), (0.5, 40, 88), (1.0, 128, 128)])
def test_mixed_fakes_have_one_style_for_coarse_layers_and_another_for_fine(mixing: float, low: int, high: int) -> None:
    gan = made(mixing=mixing)
    styles = gan.styles(torch.zeros(128, 1, 8, 8), torch.zeros(128, 0))
    assert styles.shape == (128, gan.generator.layers, 12)
    seams = (styles[:, 1:] != styles[:, :-1]).any(2).sum(1)
    assert seams.max() <= 1, "a style changes once at most"
    assert low <= int(seams.sum()) <= high
    if mixing:
        places = (styles[:, 1:] != styles[:, :-1]).any(2).any(0)
        assert places.all(), "it may change after any layer but the last"


def test_path_lengths_are_penalised_every_fourth_round_and_only_when_asked() -> None:
    asked = made(path_length=2.0)
    assert ["generator/path" in turns(asked, count) for count in range(5)] == [True, False, False, False, True]
    assert "generator/path" not in turns(made(), 0)
    assert turns(made(path_length=4.0))["generator/path"] == pytest.approx(2 * turns(asked)["generator/path"])


def test_path_lengths_that_are_all_alike_cost_nothing() -> None:
    """A generator that is linear in w, with orthogonal directions, lengthens all of them alike on the average."""
    gan, x = made(path_length=2.0), torch.zeros(64, 1, 8, 8)
    real = gan.path(x, torch.zeros(64, 0)).item()
    gan.generator.draw = lambda w: (w @ torch.eye(12, 64)).view(-1, 1, 8, 8)  # type: ignore[method-assign]
    linear = gan.path(x, torch.zeros(64, 0)).item()
    directions = torch.randn(4096, 12).norm(dim=1) / 8
    assert linear == pytest.approx(directions.var().item(), rel=0.5), "what is left is the chance in y"
    gan.generator.draw = lambda w: (w[:, :1] * 64**0.5).expand(-1, 64).view(-1, 1, 8, 8) * w.norm()  # type: ignore[method-assign]
    assert gan.path(x, torch.zeros(64, 0)).item() > 100 * linear
    assert real > 0


def test_r1_follows_the_rule_of_resolution_and_batch_where_that_is_not_too_little() -> None:
    assert made(side=64, batch=4).gamma == pytest.approx(0.0002 * 64 * 64 / 4)
    assert made(side=64, batch=4, r1=3.0).gamma == pytest.approx(0.0006 * 64 * 64 / 4)
    assert made(side=8).gamma == pytest.approx(0.1), "by the rule alone it would be next to nothing"
    assert ["critic/r1" in turns(made(r1_every=2), count) for count in range(4)] == [True, False, True, False]
    assert "critic/r1" not in turns(made(r1=0.0))
    once, sixteen = (turns(made(r1=1.0, r1_every=every))["critic/r1"] for every in (1, 16))
    assert sixteen == pytest.approx(16 * once)


@pytest.mark.parametrize(("batch", "group"), [(64, 4), (16, 4), (8, 2), (4, 1), (2, 1)])
def test_groups_are_of_four_and_smaller_in_small_batches(batch: int, group: int) -> None:
    assert made(batch=batch).critic.group == group
    assert made(batch=batch, group=1).critic.group == 1


@pytest.mark.parametrize("batch", [16, 18])
def test_fakes_and_reals_never_share_a_group(batch: int) -> None:
    """A batch that no group divides is scored in two passes."""
    gan = made(batch=batch)
    x, fake = torch.rand(batch, 1, 8, 8), torch.zeros(batch, 1, 8, 8)
    none = torch.zeros(batch, 0)
    scores = gan.judge(x, fake, none)
    torch.testing.assert_close(scores[0], gan.critic(x, none))
    torch.testing.assert_close(scores[1], gan.critic(fake, none))


def test_every_option_at_once_trains() -> None:
    recipe = find("stylegan2")
    settled = {"steps": 8, "precision": "bf16", "memory_format": "contiguous", "device": "cpu"}
    config = Config(**{**SMALL, **settled, "mixing": 0.9, "path_length": 2.0})
    learner = build(recipe, pictures(3, 13, 10), config, Cluster("cpu"))
    before = learner.gan.generator.constant.clone()
    for _ in range(5):
        learner.round()
    assert learner.is_finite()
    assert learner.guard.look()[0] == 0
    assert not torch.equal(before, learner.gan.generator.constant)
