"""The log of a run in columns: what became of it, and its curves, thinned to what a screen can show."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from sparring.run import Run

MOST_POINTS = 2000  # of one curve; no screen shows more
MARKED = ("resume", "restore", "heal", "alarm", "stop")  # the events that are marks on the charts
OUTCOMES = {"end": "finished", "interrupted": "interrupted", "start": "running", "resume": "running"}
FIGURES = ("value", "error", "floor", "mean_picture", "unchanged")  # what an evaluation says of a metric
REPORTED = ("step", "images", "seconds", "terms", "norms", "skipped")  # of a checkup, what reports tell more finely
GLANCE, SCORES = ("samples at a glance", "against real samples"), ("critic's scores", "of real samples against fakes")
SEEN = {  # which chart, and with what note, shows a number that a checkup has
    "spread": GLANCE,
    "coverage": GLANCE,
    "gap": GLANCE,
    "distance": GLANCE,
    "change": GLANCE,
    "separation": SCORES,
    "margin": SCORES,
    "bias": SCORES,
}
READING = {  # how to read a metric, by its name without the features in brackets
    "KD": "lower is better",
    "FD": "lower is better",
    "KID": "lower is better",
    "FID": "lower is better",
    "IS": "higher is better",
    "precision": "realistic; higher is better",
    "recall": "varied; higher is better",
    "density": "realistic; 1 is like real",
    "coverage": "varied; higher is better",
    "memorising": "0 copies, 1 is honest",
    "diversity": "as real is best",
    "PSNR": "decibels; higher is better",
    "SSIM": "higher is better, up to 1",
    "L1": "of 255; lower is better",
    "distance": "lower is better",
    "energy above half the band": "1 is like real",
    "ab error": "of colours; lower is better",
    "colourfulness": "as real is best",
}

Metrics = dict[str, dict[str, float | None]]  # name: each of FIGURES


class Chart(NamedTuple):
    """Which chart a curve is drawn in, and in which part of the page: players, checkups, others or quality."""

    part: str
    title: str
    note: str


PARTS = ("players", "checkups", "others", "quality")  # in the order of the page


@dataclass
class Curve:
    """The numbers of the places that have a value, the values, and the standard errors of those that have one."""

    at: list[int] = field(default_factory=list)
    y: list[float] = field(default_factory=list)
    errors: dict[int, float] = field(default_factory=dict)  # by the index into y


@dataclass
class History:
    """log.jsonl in columns.

    Attributes:
        places: of each report, checkup and evaluation: the step, the samples shown and the seconds trained.
        curves: (a chart, a curve's name) -> the curve.
        floors: of each metric, what real samples have against real ones, where the last evaluation says so.
        events: how many places came before it, and its record, of each event that is not a curve.
        last: the last report.
        evaluation: the last evaluation.
        best: the place of the evaluation that was the best, as far as the log says.
        checkups: how many there were.
        damaged: lines that could not be read.
        odd: what is damaged in lines that could be read, in sentences.
    """

    places: list[tuple[float, float, float]] = field(default_factory=list)
    curves: dict[tuple[Chart, str], Curve] = field(default_factory=dict)
    floors: dict[str, float] = field(default_factory=dict)
    events: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    last: dict[str, Any] = field(default_factory=dict)
    evaluation: dict[str, Any] = field(default_factory=dict)
    best: int | None = None
    checkups: int = 0
    damaged: int = 0
    odd: list[str] = field(default_factory=list)

    @property
    def outcome(self) -> str:
        """finished, interrupted or running, as the last start or end tells."""
        kinds = [str(record["event"]) for _, record in self.events]
        return next((OUTCOMES[kind] for kind in reversed(kinds) if kind in OUTCOMES), "running")

    @property
    def opening(self) -> dict[str, Any]:
        """The last start or resume: the data, the networks and the machine."""
        return next(iter(reversed(self.of("start", "resume"))), {})

    def of(self, *kinds: str) -> list[dict[str, Any]]:
        """The records of the events of these kinds, in order."""
        return [record for _, record in self.events if record["event"] in kinds]

    def add(self, record: dict[str, Any]) -> None:
        """Take a record in; one without a step counts as damaged."""
        kind = record.get("event")
        if number(record.get("step")) is None:
            self.damaged += 1
        elif kind == "checkup":
            self.checkups += 1
            self._draw(record, _checkup_values(record))
        elif kind == "evaluation":
            self._evaluated(record)
        elif "event" in record:
            self.events.append((len(self.places), record))
        else:
            self.last = record
            self._draw(record, _report_values(record))

    def _evaluated(self, record: dict[str, Any]) -> None:
        metrics, damaged = metrics_of(record)
        if damaged:
            self.odd.append(f"The evaluation at step {record['step']} has damaged values: {', '.join(damaged)}.")
        if record.get("best") is True:
            self.best = len(self.places)
        self.floors = {name: floor for name, figures in metrics.items() if (floor := figures["floor"]) is not None}
        self.evaluation = record
        self._draw(record, _evaluation_values(metrics))

    def _draw(self, record: dict[str, Any], values: Iterator[tuple[Chart, str, float, float | None]]) -> None:
        """Add a place, and its values to their curves."""
        for chart, name, value, error in values:
            curve = self.curves.setdefault((chart, name), Curve())
            if error is not None:
                curve.errors[len(curve.y)] = error
            curve.at.append(len(self.places))
            curve.y.append(value)
        self.places.append(self.place_of(len(self.places), record))

    def place_of(self, before: int, record: dict[str, Any]) -> tuple[float, float, float]:
        """Where on each axis a record stands, if need be as the places before it tell.

        A resume turns the clock back too; a restore does not.
        """
        step, images, seconds = (number(record.get(name)) for name in ("step", "images", "seconds"))
        step = step or 0.0
        if images is None or seconds is None:
            earlier = (self.places[i] for i in range(before - 1, -1, -1))
            _, images, seconds = next((place for place in earlier if place[0] <= step), (0.0, 0.0, 0.0))
            if record.get("event") in ("restore", "heal") and before:
                seconds = self.places[before - 1][2]
        return step, images, seconds

    def _floor_of(self, chart: Chart) -> dict[str, float]:
        known = chart.part == "quality" and chart.title in self.floors
        return {"floor": self.floors[chart.title]} if known else {}

    def columns(self) -> dict[str, Any]:
        """The curves and the marks as plain lists, for JSON.

        charts: part, title, note, floor where there is one, and series, each a name, `at` (indices into places),
        `y`, at most 2000 of them, and `errors` where there are any; places: [step, samples, seconds]; best: the place
        of the best evaluation, or None; marks: kind, label and place of what happened to the run.
        """
        charts: dict[Chart, list[dict[str, Any]]] = {}
        used: dict[int, int] = {}  # number of a place -> its index in the thinned places
        for (chart, name), curve in self.curves.items():
            kept = _thinned(np.asarray(curve.y))
            series = {
                "name": name,
                "at": [used.setdefault(curve.at[i], len(used)) for i in kept],
                "y": [_rounded(curve.y[i]) for i in kept],
            }
            if curve.errors:
                series["errors"] = [_rounded(curve.errors.get(i, 0.0)) for i in kept]
            charts.setdefault(chart, []).append(series)
        return {
            "charts": [
                {**chart._asdict(), **self._floor_of(chart), "series": charts[chart]}
                for chart in sorted(charts, key=lambda chart: PARTS.index(chart.part))  # else in the order of the log
            ],
            "places": [self.places[place] for place in used],
            "best": None if self.best is None else used.get(self.best),
            "marks": [
                {"kind": record["event"], "label": label_of(record), "place": self.place_of(before, record)}
                for before, record in self.events
                if record["event"] in MARKED
            ],
        }


def read_history(run: Run) -> History:
    """A run's log.jsonl, as far as it can be read; a missing one gives an empty history."""
    history, records = History(), 0
    for record in run.records():
        history.add(record)
        records += 1
    path = run.folder / "log.jsonl"
    if path.is_file():
        with open(path, "rb") as file:
            history.damaged += max(0, sum(1 for line in file if line.strip()) - records)
    return history


def number(value: Any) -> float | None:
    """A value out of JSON, where it is a finite number."""
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max:
        return value  # JSON knows integers that no float can hold
    return None


def numbers(values: Any) -> dict[str, float]:
    """What of a dictionary out of JSON is finite numbers; nothing where it is no dictionary."""
    found = values.items() if isinstance(values, dict) else ()
    return {name: value for name, value in found if number(value) is not None}


def metrics_of(evaluation: dict[str, Any]) -> tuple[Metrics, list[str]]:
    """The metrics of an evaluation, out of the log or metrics.json, and the names of what is damaged in them.

    A value that is null is not damaged: it could not be reckoned.
    """
    metrics, damaged = evaluation.get("metrics"), []
    if not isinstance(metrics, dict):
        return {}, ["metrics"]
    found: Metrics = {}
    for name, figures in metrics.items():
        figures = figures if isinstance(figures, dict) else {"value": figures}
        found[name] = {figure: number(figures.get(figure)) for figure in FIGURES}
        wrong = [figure for figure in FIGURES if figures.get(figure) is not None and found[name][figure] is None]
        damaged += [f"{name} ({figure.replace('_', ' ')})" for figure in wrong]
    return found, damaged


def reading(metric: str) -> str:
    """How to read a metric, in a few words; empty for one that is not known."""
    return READING.get(metric.partition("[")[0].strip(), "")


def label_of(event: dict[str, Any]) -> str:
    """An event in a word: for an alarm, which one."""
    return str(event.get("alarm") or "alarm") if event["event"] == "alarm" else str(event["event"])


def _report_values(record: dict[str, Any]) -> Iterator[tuple[Chart, str, float, float | None]]:
    """Every value that a report line holds, with its place."""
    for name, value in numbers(record.get("terms")).items():
        player, _, term = name.rpartition("/")
        yield Chart("players", player or "losses", "loss terms"), term, value, None
    for name, value in numbers(record.get("norms")).items():
        yield Chart("others", "gradient norms", "of each player"), name, value, None
    speed = number(record.get("images_per_second"))
    if speed is not None:
        yield Chart("others", "speed", "samples a second"), "samples a second", speed, None


def _checkup_values(record: dict[str, Any]) -> Iterator[tuple[Chart, str, float, float | None]]:
    """The critic's accuracy, and what else the watchdog has looked at."""
    for name, value in numbers(record.get("accuracy")).items():
        yield Chart("checkups", "critic accuracy", "share judged rightly"), name, value, None
    for name, value in numbers(record).items():
        if name not in REPORTED:
            yield Chart("checkups", *SEEN.get(name, (name, "at each checkup"))), name, value, None


def _evaluation_values(metrics: Metrics) -> Iterator[tuple[Chart, str, float, float | None]]:
    for name, figures in metrics.items():
        if figures["value"] is not None:
            yield Chart("quality", name, reading(name)), name, figures["value"], figures["error"]


def _rounded(value: float) -> float:
    """Five digits: more cannot be seen, and would make the page heavier."""
    return float(f"{value:.5g}")


def _thinned(values: np.ndarray) -> list[int]:
    """The indices to draw: the ends, and each stretch's lowest and highest, so that no spike is lost."""
    count = len(values)
    if count <= MOST_POINTS:
        return list(range(count))
    kept, start = {0, count - 1}, 0
    for stretch in np.array_split(values, MOST_POINTS // 2 - 1):
        kept |= {start + int(stretch.argmin()), start + int(stretch.argmax())}
        start += len(stretch)
    return sorted(kept)
