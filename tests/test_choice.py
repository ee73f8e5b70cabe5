"""What is chosen suits the data, follows the machine's speed, says why, and is decided around what is asked for."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from fighting import UNPROBED
from made_up import labelled, pictures, points
from sparring import choice, recipes
from sparring.cluster import Cluster
from sparring.data.dataset import Dataset
from sparring.data.spec import Spec
from sparring.errors import SparringError
from sparring.start import build, settle

TEN = tuple("0123456789")


def spec(*shape: int, count: int = 5_000, classes: tuple[str, ...] = ()) -> Spec:
    kind = "pictures" if len(shape) == 3 else "points"
    return Spec(kind, "made-up", shape, (-1.0, 1.0), count, classes)


def lasting(seconds: float, **by_width: float) -> Callable[[dict[str, Any]], float]:
    """A machine on which a round takes so long, whatever it is; or so long at a width: w32=0.5."""
    return lambda settings: by_width.get(f"w{settings.get('width')}", seconds)


def chosen(card: Spec, seconds: float = 0.03, **asked: Any) -> choice.Choice:
    return choice.choose(card, asked, lasting(seconds))


# ---------------------------------------------------------------- the recipe


@pytest.mark.parametrize(
    ("card", "recipe", "fact"),
    [
        (spec(2), "vanilla", "points of 2 numbers"),
        (spec(1, 16, 16, classes=TEN), "cgan", "10 classes"),
        (spec(1, 16, 16), "dcgan", "5,000 pictures of 16×16 without labels"),
        (spec(1, 16, 16, classes=("digits",)), "dcgan", "without labels"),
        (
            spec(3, 64, 64, count=2_000, classes=tuple(map(str, range(500)))),
            "dcgan",
            "enough of each of the 500 classes",
        ),
        (spec(3, 32, 32, count=200, classes=TEN), "fastgan", "200 pictures are few"),
        (spec(3, 128, 192, count=90_000), "fastgan", "pictures of 128×192 are large"),
        (labelled(pictures(3, 16, 24)).spec, "fastgan", "24 pictures"),
        (dataclasses.replace(labelled(pictures(3, 16, 24)).spec, count=5_000, classes=()), "cgan", "smiling, age"),
    ],
)
def test_a_recipe_is_picked_by_the_data_and_the_reason_names_the_fact(card: Spec, recipe: str, fact: str) -> None:
    found = chosen(card)
    assert found.recipe == recipe
    assert f"auto: {recipe}, because " in found.reasons[0]
    assert fact in found.reasons[0]


def test_tables_get_ctgan_where_it_is_there_and_never_a_recipe_for_something_else() -> None:
    card = dataclasses.replace(spec(20), kind="table")
    assert choice.pick(card, ["ctgan", "dcgan"])[0] == "ctgan"
    with pytest.raises(SparringError, match="no recipe for data of the kind table"):
        choice.pick(card, ["dcgan", "fastgan"])


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 16, 24), (4, 13, 10), (3, 64, 48), (1, 128, 128)])
@pytest.mark.parametrize("count", [30, 1_500])
@pytest.mark.parametrize("named", [False, True])
def test_what_is_picked_builds_and_plays(shape: tuple[int, ...], count: int, named: bool) -> None:
    data = pictures(*shape)
    data = labelled(data) if named else data
    card = dataclasses.replace(data.spec, count=count)
    found = choice.choose(card, {"steps": 1, "width": 4, "batch": 4}, lasting(1.0))
    recipe = recipes.find(found.recipe)
    config = recipe.config(**{**found.settings, "steps": 1, "width": 4, "batch": 4, **UNPROBED})
    config = settle(recipe, data, config, Cluster("cpu"))
    build(recipe, data, config, Cluster("cpu")).round()


def test_every_rule_names_a_recipe_that_learns_its_kind() -> None:
    for rule in choice.RULES:
        if rule.recipe in recipes.names():
            assert rule.kind in recipes.find(rule.recipe).gan.kinds


# ---------------------------------------------------------------- the settings


def test_enough_time_gives_the_usual_rounds_and_too_little_as_many_as_fit() -> None:
    digits, mnist = spec(1, 16, 16, count=1_617), spec(1, 28, 28, count=55_000)
    usual = chosen(digits, 0.03)
    assert usual.settings["steps"] == choice.default_steps(digits, 64) == 2_344
    assert "each sample 92.8 times" in usual.reasons[-1]
    assert "30 ms" in usual.reasons[-1]
    bounded = chosen(mnist, 0.05)
    assert bounded.settings["steps"] == 0.8 * 600 / 0.05
    assert "--steps 68750" in bounded.reasons[-1]
    assert bounded.settings["steps"] * 0.05 < 600 < 68_750 * 0.05


@pytest.mark.parametrize("card", [spec(1, 28, 28, count=55_000), spec(3, 64, 64, count=9_000), spec(3, 200, 200)])
def test_a_slower_machine_never_gets_more_to_do(card: Spec) -> None:
    """Seconds of a round fall with the width, by half when it is halved."""
    last: tuple[float, float] = (10**9, 10**9)
    for seconds in (0.001, 0.01, 0.1, 1.0, 10.0):
        found = choice.choose(card, {}, lambda s, slow=seconds: slow * s["width"] / 32)  # type: ignore[misc]
        usual = recipes.find(found.recipe).config().width  # type: ignore[attr-defined]
        width: int = found.settings.get("width", usual)
        now = (width, found.settings["steps"])
        assert now[0] <= last[0]
        assert now[0] < last[0] or now[1] <= last[1]
        last = now
    assert width < usual
    assert f"width {width}: too few rounds" in "\n".join(found.reasons)


def test_networks_are_narrowed_no_further_than_needed() -> None:
    found = choice.choose(spec(1, 28, 28, count=55_000), {}, lasting(1.0, w32=1.0, w16=0.1, w8=0.01))
    assert found.settings["width"] == 16
    assert found.settings["steps"] == 4_800


def test_large_pictures_get_smaller_batches_more_time_and_a_heavier_penalty() -> None:
    small, large = (chosen(spec(3, side, side, count=20_000), 1.0).settings for side in (32, 96))
    assert "batch" not in small
    assert "r1" not in small
    assert large["batch"] == 32
    assert large["r1"] == pytest.approx(0.9)
    assert large["steps"] > small["steps"]
    assert "augment" not in chosen(spec(2)).settings
    assert chosen(spec(3, 16, 16, count=5)).settings["batch"] == 4


@pytest.mark.parametrize(
    ("count", "augment"), [(5_000, "adaptive"), (29_999, "adaptive"), (100_000, "adaptive"), (100_001, "none")]
)
def test_pictures_are_augmented_unless_there_are_many(count: int, augment: str) -> None:
    found = chosen(spec(3, 32, 32, count=count))
    assert found.settings["augment"] == augment
    assert f"{count:,} pictures" in "\n".join(found.reasons)


def test_few_pictures_keep_the_augmentation_of_the_recipe_for_few() -> None:
    assert "augment" not in chosen(spec(3, 32, 32, count=100)).settings


def test_what_is_asked_for_is_kept_and_decided_around() -> None:
    card = spec(1, 28, 28, count=55_000)
    found = chosen(card, 0.05, width=64, batch=128, seed=3)
    assert not {"width", "batch", "seed"} & found.settings.keys()
    assert found.settings["steps"] == 9_600
    assert found.reasons[-1] == "  as asked: --width=64 --batch=128 --seed=3"
    assert "steps" not in chosen(card, 0.05, steps=7).settings
    minutes = chosen(card, 0.05, minutes=2.0)
    assert "steps" not in minutes.settings, "a run has one plan"
    assert "about 1,920 rounds" in "\n".join(minutes.reasons)
    assert chosen(card, 9.0, from_run="runs/a").settings.keys() == {"augment", "steps"}, "its networks fix the width"


# ---------------------------------------------------------------- augmentation of any run


@pytest.mark.parametrize(
    ("data", "recipe", "augment"),
    [
        (pictures(1, 8, 8), "dcgan", "adaptive"),
        (pictures(1, 8, 8), "fastgan", "full"),
        (points(), "vanilla", "none"),
        (dataclasses.replace(pictures(1, 8, 8), spec=spec(1, 8, 8, count=100_001)), "dcgan", "none"),
    ],
)
def test_a_run_settles_its_augmentation(data: Dataset, recipe: str, augment: str, alone: Cluster) -> None:
    method = recipes.find(recipe)
    config = settle(method, data, method.config(memory_format="contiguous", precision="fp32"), alone)
    assert config.augment == augment
    asked = method.config(memory_format="contiguous", precision="fp32", augment="none")
    assert settle(method, data, asked, alone).augment == "none"
