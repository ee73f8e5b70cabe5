"""What is pix2pix's own: the terms and their weights, a critic that sees both pictures, and any size in use."""

from __future__ import annotations

import pytest
import torch

from made_up import pictures
from sparring import recipes
from sparring.cluster import Cluster
from sparring.config import Adam
from sparring.data.batches import Batch
from sparring.data.dataset import Dataset
from sparring.data.spec import Spec
from sparring.errors import SparringError
from sparring.networks.translator import ResNet
from sparring.recipes.pix2pix import LOSSES, Config, Pix2Pix
from sparring.start import build
from sparring.trainer import Trainer

PAPERS = {name: Config.PAPER[name] for name in ("norm", "dropout", "upsample", "loss")}  # but not its width


def pairs(channels: int = 1, height: int = 16, width: int = 16, before: int = 3) -> Dataset:
    """Squares, each beside its negative in other channels."""
    source = pictures(before, height, width)
    rows = (255 - source.rows[:, :1]).repeat(channels, 1)
    shape = (channels, height, width)
    spec = Spec("pairs", "negatives", shape, (-1.0, 1.0), len(rows), hash="made-up", source=source.spec.shape)
    return Dataset(spec, rows, source=source)


def trainer(dataset: Dataset | None = None, **changes: object) -> Trainer:
    settled = {"batch": 8, "precision": "fp32", "memory_format": "contiguous", "device": "cpu", "width": 8}
    config = Config(steps=8, **{**settled, "critic_width": 8, "augment": "none", **changes})  # type: ignore[arg-type]
    return build(recipes.find("pix2pix"), dataset or pairs(), config, Cluster("cpu"))


def network_of(**changes: object) -> Pix2Pix:
    gan = trainer(**changes).gan  # type: ignore[arg-type]
    assert isinstance(gan, Pix2Pix)
    return gan


def turns(learner: Trainer) -> dict[str, dict[str, torch.Tensor]]:
    return dict(learner.gan.step(iter(learner.batches[0])))


@pytest.mark.parametrize("loss", LOSSES)
def test_the_critic_plays_first_and_every_weight_scales_its_term(loss: str) -> None:
    plain, double = (turns(trainer(loss=loss, adversarial=k * 1.5, l1=k * 20.0, matching=k * 5.0)) for k in (1.0, 2.0))
    assert [*plain] == ["critic", "generator"]
    assert {*plain["critic"]} == {"real", "fake"}
    assert {*plain["generator"]} == {"l1", "fool", "matching"}
    for name, value in plain["generator"].items():
        torch.testing.assert_close(double["generator"][name], 2 * value)
    learner = trainer(l1=100.0)
    batch = next(learner.batches[0])
    expected = 100 * (learner.gan.sample(batch.x, batch.given) - batch.x).abs().mean()
    torch.testing.assert_close(turns(trainer(l1=100.0))["generator"]["l1"], expected)


@pytest.mark.parametrize("off", ["l1", "matching"])
def test_a_weight_of_nothing_leaves_its_term_out(off: str) -> None:
    weights = {"adversarial": 1.0, "l1": 1.0, "matching": 1.0, off: 0.0}
    assert {*turns(trainer(**weights))["generator"]} == {"l1", "fool", "matching"} - {off}  # type: ignore[arg-type]


def test_without_a_game_the_critic_has_no_turns_and_no_opinion() -> None:
    learner = trainer(adversarial=0.0)
    assert {who: {*terms} for who, terms in turns(learner).items()} == {"generator": {"l1"}}
    x, given = next(learner.batches[0])
    assert learner.gan.critique(x, given) is None
    learner.round()


def test_a_share_of_everything_to_leave_out_is_refused_in_a_sentence() -> None:
    with pytest.raises(SparringError, match="`dropout` is a share"):
        Config(dropout=1.0)


@pytest.mark.parametrize("weights", [{"adversarial": 0.0, "l1": 0.0}, {"l1": -1.0}])
def test_weights_that_teach_nothing_are_refused_in_a_sentence(weights: dict[str, float]) -> None:
    with pytest.raises(SparringError, match="`adversarial`, `l1` and `matching` are weights: 0 or more"):
        Config(**weights)  # type: ignore[arg-type]


def test_matching_is_nothing_for_the_true_picture_and_grows_with_the_distance() -> None:
    gan, batch = network_of(), next(trainer().batches[0])
    true = torch.cat([batch.given, batch.x], 1)

    @torch.no_grad()
    def unlike(x: torch.Tensor) -> float:
        return float(gan.unlike(gan.critic.features(torch.cat([batch.given, x], 1)), true))

    assert unlike(batch.x) == 0
    assert 0 < unlike(batch.x + 0.02 * torch.randn_like(batch.x)) < unlike(torch.randn_like(batch.x))


@pytest.mark.parametrize("loss", LOSSES)
def test_the_critic_judges_a_picture_beside_what_it_was_made_from(loss: str) -> None:
    gan, batch = network_of(loss=loss), next(trainer().batches[0])
    scores = gan.critique(batch.x, batch.given)
    assert scores is not None
    assert scores.shape == (8,)
    assert (scores != gan.critique(batch.x, batch.given.roll(1, 0))).all()
    assert (scores != gan.critique(batch.x.roll(1, 0), batch.given)).all()
    maps = gan.critic(torch.cat([batch.given, batch.x], 1))
    torch.testing.assert_close(scores, maps.mean((1, 2, 3)) - (0.5 if loss == "lsgan" else 0))


def test_one_pass_over_real_and_fake_says_what_two_would() -> None:
    gan, (y, x) = network_of(), next(trainer().batches[0])
    fake = torch.randn_like(y)
    one = gan.judge(x, y, fake)
    two = gan.critic(torch.cat([x, y], 1)), gan.critic(torch.cat([x, fake], 1))
    torch.testing.assert_close(one, two)


@pytest.mark.parametrize("changes", [{}, PAPERS, {"network": "resnet"}, {"network": "resnet", **PAPERS}])
@pytest.mark.parametrize("size", [(16, 16), (13, 10), (24, 40)])
def test_pictures_of_any_size_and_a_picture_means_the_same_in_any_company(
    changes: dict[str, object], size: tuple[int, int]
) -> None:
    learner = trainer(pairs(4, *size), **changes)
    learner.round()
    gan = learner.ema.gan
    assert isinstance(gan, Pix2Pix)
    for height, width in (size, (32, 16), (1, 1)):
        given = torch.rand(3, 3, height, width) * 2 - 1
        with torch.no_grad():
            made, alone = gan.sample(torch.zeros(3, 0), given), gan.translate(given[1:2])
        assert made.shape == (3, 4, height, width)
        assert -1 <= made.min() <= made.max() <= 1
        torch.testing.assert_close(made[1:2], alone)
    assert isinstance(gan.generator, ResNet) == ("network" in changes)
    assert any(isinstance(layer, torch.nn.ConvTranspose2d) for layer in gan.generator.modules()) == ("norm" in changes)
    assert (gan.multiple, gan.reach, gan.scale) == (gan.generator.multiple, gan.generator.reach, 1)


@pytest.mark.parametrize("network", ["unet", "resnet"])
def test_without_a_norm_a_place_is_made_from_its_neighbourhood_alone(network: str) -> None:
    """Which tiles rely on; a norm tells every place of the whole picture."""
    for norm, far in (("none", False), ("instance", True)):
        gan = network_of(network=network, norm=norm)
        picture = torch.rand(1, 3, 16, 256) * 2 - 1
        other = picture.clone()
        other[..., gan.reach + 16 :] = 0.5
        with torch.no_grad():
            assert torch.equal(gan.translate(picture)[..., :16], gan.translate(other)[..., :16]) != far


def test_a_map_of_labels_may_have_any_number_of_channels() -> None:
    assert turns(trainer(pairs(3, before=7)))["generator"]["l1"].isfinite()


def test_it_learns_to_make_one_from_the_other_on_pictures_that_it_never_saw() -> None:
    unseen = pictures(3, 16, 16, 200)
    fresh = torch.from_numpy(unseen.rows[100:]).float() / 127.5 - 1
    learner = trainer(generator=Adam(lr=2e-3), ema=0.0)
    for _ in range(60):
        learner.round()
    with torch.no_grad():
        error = float((learner.ema.gan.translate(fresh) + fresh[:, :1]).abs().mean())
    assert error < 0.25 * float((2 * fresh[:, :1]).abs().mean()), "the true picture is the negative"


def test_batches_hold_what_belongs_together() -> None:
    batch = next(trainer().batches[0])
    assert isinstance(batch, Batch)
    torch.testing.assert_close(batch.x, -batch.given[:, :1], atol=1e-5, rtol=0)
