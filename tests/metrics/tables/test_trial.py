"""Is the advice right? Rows that are known to help, that are known to hurt, and areas that are made up."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest

from sparring.data.tables import codec, kinds
from sparring.data.tables.check import check
from sparring.metrics.tables.paired import DRAWN, Areas
from sparring.metrics.tables.trial import AREAS, ARMS, GAN, NOTHING, Bench, Trial, lines, recommend

NUMBERS, TELLING, RARE, COMMON = 300, 5, 100, 900


def frame(rare: int, common: int, seed: int) -> pd.DataFrame:
    """Of many numbers few tell a little, so that a classifier of few rare rows learns the others by heart."""
    chance = np.random.default_rng(seed)
    fraud = np.repeat([True, False], [rare, common])
    columns = {f"x{at}": chance.normal(0.9 * fraud * (at < TELLING)).round(3) for at in range(NUMBERS)}
    columns["kind"] = chance.choice(list("abc"), rare + common)
    return check(pd.DataFrame(columns).assign(fraud=np.where(fraud, "yes", "no")), "it")


def trial(make_rows: pd.DataFrame, classifier: str = "logistic", n: int | None = None) -> tuple[Trial, list[str]]:
    """The trial of a GAN that gives out rows of this table."""
    rows = frame(RARE, COMMON, 0)
    fields = codec.fit(rows, kinds.infer(rows))
    target = next(field for field in fields if field.name == "fraud")
    seen: list[tuple[int, int]] = []

    def make(known: pd.DataFrame, more: np.ndarray, seed: int) -> pd.DataFrame:
        seen.append((len(known), int(more.sum())))
        assert more[target.values.index("no")] == 0
        return make_rows.head(int(more.sum()))

    *told, found = Bench(fields, rows, target, 5, n, 0).play(make, classifier)
    assert isinstance(found, Trial)
    whole = COMMON - RARE if n is None else n
    assert seen == [((RARE + COMMON) * 4 // 5, whole * 4 // 5)] * 5
    return found, told


def test_fresh_rows_of_the_very_law_are_recommended() -> None:
    found, told = trial(frame(1000, 0, 1))
    assert found.advice == GAN
    assert found.over(GAN).low > 0
    assert len(told) == 5
    assert lines(found)[-1].startswith("CTGAN")


def test_rows_of_the_other_class_under_a_false_name_hurt_and_it_is_said() -> None:
    false = frame(0, 1000, 1).assign(fraud="yes")
    false[[f"x{at}" for at in range(TELLING)]] -= 1.2
    found, _ = trial(false)
    arm, why = recommend(found)
    assert arm != GAN
    assert why[0].startswith("CTGAN's rows hurt: AUROC -")


def test_the_classifier_is_the_better_one_without_help_and_so_many_rows_are_added(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "NUMBERS", 6)
    found, told = trial(frame(1000, 0, 1), "auto", n=100)
    assert found.classifier == "logistic"
    assert "logistic is the classifier" in told[0]
    assert "boosting alone has an AUROC of 0." in told[0]


def made_up(**gains: float) -> Trial:
    """A trial of three splits in which an arm gains so much, surely."""
    drawn = np.zeros(DRAWN)
    at = {arm: gains.get(arm.split("-")[0].split()[0], 0.0) for arm in ARMS}
    both = {arm: Areas(np.full(3, 0.7 + gain), drawn + 0.7 + gain) for arm, gain in at.items()}
    return Trial("boosting", {arm: dict.fromkeys(AREAS, one) for arm, one in both.items()})


@pytest.mark.parametrize(
    ("gains", "arm", "said"),
    [
        ({}, NOTHING, "not shown to help: AUROC +0.000"),
        ({"CTGAN": 0.1}, GAN, "rows help: AUROC +0.100"),
        ({"CTGAN": 0.1, "SMOTE": 0.1}, "SMOTE-NC", "not shown to do more than simpler ways do: +0.000"),
        ({"CTGAN": 0.1, "class": 0.2}, "class weights", "do more than simpler ways do: -0.100"),
        ({"CTGAN": -0.1, "class": 0.2}, "class weights", "rows hurt: AUROC -0.100"),
        ({"CTGAN": -0.1, "class": -0.2}, NOTHING, "rows hurt: AUROC -0.100"),
    ],
)
def test_a_gan_is_recommended_only_where_nothing_simpler_does_as_much(
    gains: dict[str, float], arm: str, said: str
) -> None:
    found, why = recommend(made_up(**gains))
    assert found == arm
    assert said in why[0]
    assert len(why) == 2


def test_a_gan_whose_average_precision_falls_is_not_recommended() -> None:
    better, worse = made_up(CTGAN=0.1), made_up(CTGAN=-0.1)
    better.found[GAN][AREAS[1]] = worse.found[GAN][AREAS[1]]
    arm, why = recommend(better)
    assert arm == NOTHING
    assert "but average precision -0.100" in why[0]
