"""Areas equal scikit-learn's, and intervals are as wide as what chance does."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from sparring.metrics.tables.paired import DRAWN, Areas, ahead, areas, redrawn, together


@pytest.mark.parametrize("digits", [0, 1, 8])  # few digits give ties
def test_areas_of_weighted_rows_are_those_of_scikit_learn(digits: int) -> None:
    chance = np.random.default_rng(digits)
    truth = chance.random(80) < 0.3
    scores = (truth + chance.normal(0, 1, 80)).round(digits)
    weights = chance.integers(0, 4, (5, 80))
    roc, precision = areas(truth, scores, weights)
    for at, weight in enumerate(weights):
        assert roc[at] == pytest.approx(roc_auc_score(truth, scores, sample_weight=weight))
        assert precision[at] == pytest.approx(average_precision_score(truth, scores, sample_weight=weight))


def test_each_class_keeps_its_number_of_rows_in_every_draw() -> None:
    y = np.repeat([0, 1, 2], [50, 3, 1])
    counts = redrawn(y, 0)
    assert counts.shape == (1 + DRAWN, 54)
    assert (counts[0] == 1).all()
    for one, count in enumerate([50, 3, 1]):
        assert (counts[:, y == one].sum(1) == count).all()
    assert len(np.unique(counts, axis=0)) > DRAWN / 2


def test_the_interval_is_the_wider_of_two() -> None:
    flat = np.zeros(DRAWN)
    base = Areas(np.array([0.8, 0.7, 0.9]), flat)
    steady, shaky = Areas(base.splits + 0.1, flat), Areas(base.splits + np.array([0.0, 0.1, 0.2]), flat)
    assert ahead(base, base) == (0, 0, 0)
    assert ahead(steady, base) == pytest.approx((0.1, 0.0, 0.1))  # the draws say that nothing is gained
    gap = ahead(shaky, base)
    assert gap.mean == pytest.approx(0.1)
    half = 4.302653 * 0.1 * np.sqrt(1 / 3 + 1 / 2)  # Student's t of two degrees of freedom
    assert gap.low == pytest.approx(0.1 - half)
    assert gap.high == pytest.approx(0.1 + half)
    rows = Areas(base.splits + 0.1, flat + np.linspace(-1, 1, DRAWN))
    assert ahead(rows, base).low == pytest.approx(-0.95, abs=0.01)
    back = ahead(base, rows)
    assert (back.mean, back.low, back.high) == pytest.approx((-0.1, -0.95, 0.95), abs=0.01)


def test_splits_come_together() -> None:
    lines = [np.full(1 + DRAWN, 0.5), np.append(0.7, np.full(DRAWN, 0.9))]
    found = together(lines)
    assert found.splits.tolist() == [0.5, 0.7]
    assert found.mean == pytest.approx(0.6)
    assert found.drawn == pytest.approx(0.7)
