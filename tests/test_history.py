"""The log in columns: what becomes a curve, what a mark, and what is damaged."""

from __future__ import annotations

import math
from typing import Any

import pytest

from made_up_log import alarm, checkup, evaluation, heal, line, opening
from sparring.history import History, metrics_of, number, reading


def history_of(*records: dict[str, Any]) -> History:
    history = History()
    for record in records:
        history.add(record)
    return history


def charts_of(history: History) -> dict[tuple[str, str], dict[str, Any]]:
    """(part, title) -> the chart."""
    return {(chart["part"], chart["title"]): chart for chart in history.columns()["charts"]}


def test_checkups_and_evaluations_are_curves_and_not_events() -> None:
    history = history_of(opening(), line(10), checkup(10), evaluation(10), line(20), checkup(20), evaluation(20))
    assert [record["event"] for _, record in history.events] == ["start"]
    assert (history.checkups, history.evaluation["step"], history.last["step"]) == (2, 20, 20)
    charts = charts_of(history)
    accuracy = charts["checkups", "critic accuracy"]["series"]
    assert {one["name"]: one["y"] for one in accuracy} == {
        "real": [0.75] * 2,
        "fake": [0.875] * 2,
        "held-out": [0.5] * 2,
    }
    assert charts["checkups", "samples at a glance"]["series"][0]["name"] == "spread"
    kernel = charts["quality", "KD[x]"]
    assert kernel["floor"] == 0.001
    assert (kernel["series"][0]["y"], kernel["series"][0]["errors"]) == ([0.1, 0.05], [0.0123] * 2)
    recall = charts["quality", "recall"]
    assert "floor" not in recall
    assert "errors" not in recall["series"][0]


def test_what_reports_tell_is_not_drawn_again_from_checkups() -> None:
    drawn = {title for _, title in charts_of(history_of(checkup(10, gap=1.0, novelty=0.5)))}
    assert drawn == {"critic accuracy", "samples at a glance", "novelty"}


def test_points_stand_at_their_own_steps() -> None:
    columns = history_of(line(10), evaluation(15), line(20), evaluation(25)).columns()
    (kernel,) = [chart["series"][0] for chart in columns["charts"] if chart["title"] == "KD[x]"]
    assert [columns["places"][at] for at in kernel["at"]] == [(15, 960, 1.5), (25, 1600, 2.5)]


def test_the_last_evaluation_that_was_the_best_is_marked() -> None:
    columns = history_of(evaluation(10, True), line(15), evaluation(20, True), evaluation(30)).columns()
    assert columns["places"][columns["best"]][0] == 20
    assert history_of(evaluation(10)).columns()["best"] is None


def test_alarms_heals_and_stops_are_marks() -> None:
    stop = {"event": "stop", "step": 50, "images": 3200, "seconds": 5.0, "reason": "no better"}
    history = history_of(line(10), line(40), alarm(45), heal(45, 10), line(20), stop, {"event": "end", "step": 50})
    assert history.columns()["marks"] == [
        {"kind": "alarm", "label": "collapse", "place": (45, 2880, 4.5)},
        {"kind": "heal", "label": "heal", "place": (10, 640, 4.0)},  # the clock has gone on
        {"kind": "stop", "label": "stop", "place": (50, 3200, 5.0)},
    ]


@pytest.mark.parametrize("later", [alarm(60), {"event": "unjudged", "step": 60, "reason": "x"}, evaluation(60)])
def test_what_is_logged_after_the_end_leaves_the_run_finished(later: dict[str, Any]) -> None:
    assert history_of(opening(), line(50), {"event": "end", "step": 50}, later).outcome == "finished"
    assert history_of(opening(), line(50), later).outcome == "running"


def test_damaged_values_are_named_and_the_others_kept() -> None:
    damaged = {"a": {"value": "x", "error": 0.5}, "b": math.nan, "c": None, "d": 2, "e": {"value": 1, "floor": []}}
    history = history_of(evaluation(10, **damaged), {**evaluation(20), "metrics": 7}, checkup(30, accuracy="x", gap={}))
    assert history.odd == [
        "The evaluation at step 10 has damaged values: a (value), b (value), e (floor).",
        "The evaluation at step 20 has damaged values: metrics.",
    ]
    assert {title for part, title in charts_of(history) if part == "quality"} == {"d", "e"}


def test_metrics_of_keeps_what_is_known() -> None:
    metrics, damaged = metrics_of({"metrics": {"a": 2, "b": {"value": 3, "mean_picture": 4}}})
    assert metrics["a"] == {"value": 2, "error": None, "floor": None, "mean_picture": None, "unchanged": None}
    assert (metrics["b"]["value"], metrics["b"]["mean_picture"], damaged) == (3, 4, [])


@pytest.mark.parametrize("value", [math.nan, math.inf, True, "1", None, [1], 10**400])
def test_what_is_no_number(value: Any) -> None:
    assert number(value) is None


def test_how_to_read_a_metric() -> None:
    assert reading("KD[trained-x]") == reading("KID") == "lower is better"
    assert reading("never heard of") == ""
