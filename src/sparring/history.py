"""The log of a run in columns: what became of it, and its curves, thinned to what a screen can show."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sparring.run import Run

MOST_POINTS = 2000  # of one curve; no screen shows more
TERMS = "loss terms"  # the note under a player's chart


@dataclass
class History:
    """log.jsonl in columns.

    Attributes:
        places: of each report: the step, the samples shown and the seconds trained.
        curves: (a chart's title, its note, a curve's name) -> the numbers of its reports, and its values.
        events: how many reports came before it, and its record, of each event.
        last: the last report.
        damaged: lines that could not be read.
    """

    places: list[tuple[float, float, float]] = field(default_factory=list)
    curves: dict[tuple[str, str, str], tuple[list[int], list[float]]] = field(default_factory=dict)
    events: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    last: dict[str, Any] = field(default_factory=dict)
    damaged: int = 0

    @property
    def outcome(self) -> str:
        """finished, interrupted or running, as the last event tells."""
        kind = self.events[-1][1]["event"] if self.events else None
        return {"end": "finished", "interrupted": "interrupted"}.get(str(kind), "running")

    @property
    def opening(self) -> dict[str, Any]:
        """The last start or resume: the data, the networks and the machine."""
        openings = [record for _, record in self.events if record["event"] in ("start", "resume")]
        return openings[-1] if openings else {}

    def add(self, record: dict[str, Any]) -> None:
        """Take a record in; one without a step counts as damaged."""
        if number(record.get("step")) is None:
            self.damaged += 1
        elif "event" in record:
            self.events.append((len(self.places), record))
        else:
            step, images, seconds = (number(record.get(name)) for name in ("step", "images", "seconds"))
            for key, value in _values(record):
                at, y = self.curves.setdefault(key, ([], []))
                at.append(len(self.places))
                y.append(value)
            self.places.append((step or 0.0, images or 0.0, seconds or 0.0))
            self.last = record

    def place_of(self, before: int, record: dict[str, Any]) -> tuple[float, float, float]:
        """Where on each axis an event stands. A resume turns the clock back too; a restore does not."""
        earlier = (self.places[i] for i in range(before - 1, -1, -1))
        _, images, seconds = next((place for place in earlier if place[0] <= record["step"]), (0.0, 0.0, 0.0))
        if record["event"] == "restore" and before:
            seconds = self.places[before - 1][2]
        return float(record["step"]), images, seconds

    def columns(self) -> dict[str, Any]:
        """The curves and the marks as plain lists, for JSON.

        charts: title, note and series, each a name, `at` (indices into places) and `y`, at most 2000 of them;
        places: [step, samples, seconds]; marks: where training was resumed or restored.
        """
        charts: dict[tuple[str, str], list[dict[str, Any]]] = {}
        used: dict[int, int] = {}  # number of a report -> its index in the thinned places
        for (title, note, name), (at, y) in self.curves.items():
            kept = _thinned(np.asarray(y))
            places = [used.setdefault(at[i], len(used)) for i in kept]
            series = {"name": name, "at": places, "y": [float(f"{y[i]:.5g}") for i in kept]}
            charts.setdefault((title, note), []).append(series)
        marks = [
            {"kind": record["event"], "place": self.place_of(before, record)}
            for before, record in self.events
            if record["event"] in ("resume", "restore")
        ]
        # The players' charts first, in the order of the log; then the norms and the speed.
        order = sorted(charts, key=lambda chart: chart[1] != TERMS)
        return {
            "charts": [{"title": title, "note": note, "series": charts[title, note]} for title, note in order],
            "places": [self.places[report] for report in used],
            "marks": marks,
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
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return value
    return None


def _values(record: dict[str, Any]) -> Iterator[tuple[tuple[str, str, str], float]]:
    """Every value that a report line holds, with its place: (title, note, name)."""
    terms, norms = record.get("terms"), record.get("norms")
    for name, value in terms.items() if isinstance(terms, dict) else ():
        if number(value) is not None:
            player, _, term = name.rpartition("/")
            yield (player or "losses", TERMS, term), value
    for name, value in norms.items() if isinstance(norms, dict) else ():
        if number(value) is not None:
            yield ("gradient norms", "of each player", name), value
    if number(record.get("images_per_second")) is not None:
        yield ("speed", "samples a second", "samples a second"), record["images_per_second"]


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
