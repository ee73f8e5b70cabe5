"""What a run will cost, and which memory format is faster: the arithmetic, and that it is measured."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from made_up import table
from sparring import plan, recipes, start
from sparring.cluster import Cluster
from sparring.config import Config
from sparring.data.dataset import Dataset
from sparring.data.spec import Spec
from sparring.start import build, settle
from sparring.trainer import Trainer


def tiny(name: str, **changes: Any) -> Trainer:
    """A trainer of noise; pictures are 3 x 16 x 16."""
    recipe = recipes.find(name)
    chance = np.random.default_rng(0)
    if name == "vanilla":
        rows, card = chance.random((16, 2), np.float32), Spec("points", "noise", (2,), (0.0, 1.0), 16)
    else:
        rows = chance.integers(0, 256, (16, 3, 16, 16), np.uint8)
        card = Spec("pictures", "noise", (3, 16, 16), (-1.0, 1.0), 16)
    settled = {"precision": "fp32", "memory_format": "contiguous", "batch": 8, "width": 4, "steps": 1000, **changes}
    return build(recipe, Dataset(card, rows), recipe.config(**settled), Cluster("cpu"))


def takes(monkeypatch: pytest.MonkeyPatch, contiguous: float, channels_last: float) -> list[str]:
    """Let a round last so many seconds in each format. -> the formats that get timed"""
    asked: list[str] = []

    def seconds(trainer: Trainer, rounds: int = 5, warm_up: int = 2) -> float:
        asked.append(trainer.config.memory_format)
        return {"contiguous": contiguous, "channels_last": channels_last}[trainer.config.memory_format]

    monkeypatch.setattr(plan, "seconds_per_round", seconds)
    return asked


def rounds_last(monkeypatch: pytest.MonkeyPatch, **times: float) -> list[str]:
    """Let a round last so many seconds in each precision, on a processor that has both. -> what gets timed"""
    asked: list[str] = []

    def seconds(trainer: Trainer, rounds: int = 5, warm_up: int = 2) -> float:
        asked.append(trainer.config.precision)
        return times[trainer.config.precision]

    monkeypatch.setattr(plan, "seconds_per_round", seconds)
    monkeypatch.setattr(start, "multiplies_bfloat16", lambda: True)
    return asked


def precision(name: str) -> str:
    learner = tiny(name)
    return plan.faster_precision(lambda c: tiny(name, precision=c.precision), learner.config)


def chosen(name: str) -> str:
    learner = tiny(name)
    return plan.faster_memory_format(lambda c: tiny(name, memory_format=c.memory_format), learner.config)


def test_the_figures_of_an_estimate_agree_with_each_other_and_with_the_networks() -> None:
    learner = tiny("vanilla", depth=1, latent=3)
    costs = plan.estimate(learner, learner.config)
    assert costs["parameters"] == {"generator": (3 * 4 + 4) + (4 * 2 + 2), "critic": (2 * 4 + 4) + (4 * 1 + 1)}
    assert costs["rounds"] == 1000
    assert 0 < costs["seconds_per_round"] < 5
    assert costs["images_per_second"] == pytest.approx(8 / costs["seconds_per_round"])
    assert costs["seconds"] == pytest.approx(1000 * costs["seconds_per_round"])
    assert 10 < costs["peak_memory_mb"] < 1e6
    assert costs["memory_format"] == "contiguous"


def test_an_estimate_is_arithmetic_on_the_seconds_of_a_round(monkeypatch: pytest.MonkeyPatch) -> None:
    takes(monkeypatch, 0.25, 1.0)
    learner = tiny("vanilla")
    costs = plan.estimate(learner, learner.config)
    assert (costs["images_per_second"], costs["seconds"], costs["rounds"]) == (32.0, 250.0, 1000)
    minutes: Config = dataclasses.replace(learner.config, steps=None, minutes=2)
    costs = plan.estimate(learner, minutes)
    assert (costs["rounds"], costs["seconds"]) == (480, 120.0)


def test_a_rounds_time_is_the_median_after_warming_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now=0.0, perf_counter=lambda: clock.now)
    lasting = iter([100.0, 50.0, 3.0, 1.0, 90.0, 2.0, 4.0])

    def play() -> None:
        clock.now += next(lasting)

    monkeypatch.setattr(plan, "time", clock)
    fake: Any = SimpleNamespace(round=play, device=SimpleNamespace(type="cpu"))
    assert plan.seconds_per_round(fake) == 3.0
    assert next(lasting, None) is None, "two rounds to warm up, and five on the clock"


def test_timing_plays_real_rounds() -> None:
    learner = tiny("vanilla")
    assert plan.seconds_per_round(learner, rounds=3) > 0
    assert learner.gan.count == 2 + 3


def test_perceptrons_are_contiguous_and_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = takes(monkeypatch, 1.0, 0.1)
    assert chosen("vanilla") == "contiguous"
    assert asked == []


@pytest.mark.parametrize(
    ("channels_last", "format_"),
    [(0.5, "channels_last"), (0.96, "channels_last"), (0.98, "contiguous"), (2.0, "contiguous")],
)
def test_convolutions_take_the_faster_format_and_a_tie_keeps_the_plain_one(
    monkeypatch: pytest.MonkeyPatch, channels_last: float, format_: str
) -> None:
    asked = takes(monkeypatch, 1.0, channels_last)
    assert chosen("dcgan") == format_
    assert asked.count("contiguous") == asked.count("channels_last") > plan.PAIRS


def test_the_formats_that_are_timed_are_how_the_weights_lie() -> None:
    from torch import channels_last

    for wanted in ("contiguous", "channels_last"):
        learner = tiny("dcgan", memory_format=wanted)
        weights = [p for p in learner.gan.parameters() if p.dim() == 4]
        assert len(weights) >= 4
        assert all(p.is_contiguous(memory_format=channels_last) == (wanted == "channels_last") for p in weights)


def test_the_probe_works_unaided() -> None:
    assert chosen("dcgan") in ("contiguous", "channels_last")


def test_a_machine_that_slows_down_meanwhile_does_not_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every round takes a tenth longer than the one before: the pairs still tell the faster format."""
    clock = [1.0]

    def seconds(trainer: Trainer, rounds: int = 5, warm_up: int = 2) -> float:
        clock[0] *= 1.1
        return clock[0] * (0.8 if trainer.config.memory_format == "channels_last" else 1.0)

    monkeypatch.setattr(plan, "seconds_per_round", seconds)
    assert chosen("dcgan") == "channels_last"


@pytest.mark.parametrize(("bf16", "expected"), [(0.5, "bf16"), (0.89, "bf16"), (0.91, "fp32"), (2.0, "fp32")])
def test_a_processor_rounds_to_bf16_only_where_it_gains_much(
    monkeypatch: pytest.MonkeyPatch, bf16: float, expected: str
) -> None:
    asked = rounds_last(monkeypatch, fp32=1.0, bf16=bf16)
    assert precision("dcgan") == expected
    assert asked.count("fp32") == asked.count("bf16") > plan.PAIRS


def test_perceptrons_are_not_timed_in_bf16_but_those_of_tables_are(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = rounds_last(monkeypatch, fp32=1.0, bf16=0.1)
    assert precision("vanilla") == "fp32"
    assert asked == []
    recipe, data = recipes.find("ctgan"), table()
    config = recipe.config(width=8, batch=20, device="cpu")
    assert settle(recipe, data, config, Cluster("cpu")).precision == "bf16"
    assert set(asked) == {"fp32", "bf16"}


class Follower(Cluster):
    """Not the chief of its cluster, who has found whether processors multiply bfloat16."""

    def tell(self, value: Any) -> Any:
        return self.found if isinstance(value, bool) else value

    found = False


@pytest.mark.parametrize("found", [False, True])
def test_all_processes_time_bf16_or_none(found: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """They play the rounds together: one that found otherwise would wait for the others for ever."""
    asked = rounds_last(monkeypatch, fp32=1.0, bf16=0.1)
    monkeypatch.setattr(start, "multiplies_bfloat16", lambda: not found)
    monkeypatch.setattr(Follower, "found", found)
    recipe, data = recipes.find("dcgan"), tiny("dcgan").batches[0].dataset
    config = recipe.config(width=4, batch=8, device="cpu", memory_format="contiguous")
    assert settle(recipe, data, config, Follower("cpu")).precision == ("bf16" if found else "fp32")
    assert bool(asked) == found


def test_whether_a_processor_multiplies_bf16_is_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now=0.0, perf_counter=lambda: clock.now)
    monkeypatch.setattr(plan, "time", clock)
    for lasting in (0.1, 10.0):

        def multiply(a: Any, b: Any, lasting: float = lasting) -> None:
            clock.now += lasting if a.dtype == plan.torch.bfloat16 else 1.0

        monkeypatch.setattr(plan.torch, "mm", multiply)
        assert plan.multiplies_bfloat16() == (lasting < 1)


@pytest.mark.parametrize(("name", "expected"), [("dcgan", "bf16"), ("colourise", "fp32")])
def test_what_makes_pictures_from_pictures_stays_exact_on_a_processor(
    monkeypatch: pytest.MonkeyPatch, name: str, expected: str
) -> None:
    rounds_last(monkeypatch, fp32=1.0, bf16=0.5)
    recipe, data = recipes.find(name), tiny("dcgan").batches[0].dataset
    config = recipe.config(width=4, batch=8, device="cpu", memory_format="contiguous")
    assert settle(recipe, data, config, Cluster("cpu")).precision == expected
    said = dataclasses.replace(config, precision="fp32")
    assert settle(recipe, data, said, Cluster("cpu")).precision == "fp32", "what the user says holds"
