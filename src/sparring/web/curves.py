"""Log records -> what the live page draws; each curve is thinned while it is read, so that memory stays small."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sparring.history import MARKED, MOST_POINTS, number

MOST_STRETCHES = MOST_POINTS // 4 * 2 - 2  # of two points each; even, and with room for the last point
LONGEST_TEXT = 2000  # characters of one text that the page shows
KEPT_OF_METRIC = ("value", "error", "floor", "mean_picture", "unchanged")

Place = tuple[float, float | None, float | None]  # step, samples shown, seconds trained


class Curve:
    """One curve: of each stretch the lowest and the highest point, so that no spike is lost; at most MOST_POINTS.

    The stretches double in length whenever there are too many, so the whole curve is thinned alike.
    """

    def __init__(self) -> None:
        self.stretches: list[list[tuple[Place, float]]] = []
        self.length = 2  # points that a stretch stands for
        self.filled = 0  # points that the last stretch stands for
        self.last: tuple[Place, float] | None = None

    def add(self, place: Place, value: float) -> None:
        """Take a point in."""
        if not self.stretches or self.filled == self.length:
            if len(self.stretches) == MOST_STRETCHES:
                pairs = zip(self.stretches[::2], self.stretches[1::2], strict=True)
                self.stretches = [_ends([*first, *second]) for first, second in pairs]
                self.length *= 2
            self.stretches.append([])
            self.filled = 0
        self.last = (place, value)
        stretch = self.stretches[-1]
        if len(stretch) < 2:
            stretch.append(self.last)
        elif not min(stretch[0][1], stretch[1][1]) <= value <= max(stretch[0][1], stretch[1][1]):
            stretch[:] = _ends([*stretch, self.last])
        self.filled += 1

    def columns(self) -> dict[str, list[float | None]]:
        """step, images, seconds and y, in the order of the log; the last point is always among them."""
        points = [point for stretch in self.stretches for point in stretch]
        if self.last is not None and (not points or points[-1] is not self.last):
            points.append(self.last)
        return {
            "step": [place[0] for place, _ in points],
            "images": [place[1] for place, _ in points],
            "seconds": [place[2] for place, _ in points],
            "y": [float(f"{value:.5g}") for _, value in points],
        }


class Chapter:
    """A stretch of a run's log, made ready for the page.

    Attributes:
        curves: (group, chart, name) -> its points; the groups are losses, accuracy, norms and speed.
        evaluations, alarms, marks: such events, with nothing in them but finite numbers, truths and texts.
        checkups: how many there were.
    """

    def __init__(self) -> None:
        self.curves: dict[tuple[str, str, str], Curve] = {}
        self.evaluations: list[dict[str, Any]] = []
        self.alarms: list[dict[str, Any]] = []
        self.marks: list[dict[str, Any]] = []
        self.checkups = 0

    def add(self, record: dict[str, Any]) -> None:
        """Take in a record that has a step; what is not of the known form is passed over."""
        where = place_of(record)
        event = record.get("event")
        for key, value in _checkup(record) if event == "checkup" else _report(record) if event is None else ():
            self.curves.setdefault(key, Curve()).add(where, value)
        named = dict(zip(("step", "images", "seconds"), where, strict=True))
        if event == "checkup":
            self.checkups += 1
        elif event == "evaluation":
            self.evaluations.append({**named, **_evaluation(record)})
        elif event == "alarm":
            self.alarms.append({**named, **{name: text(record.get(name)) for name in ("alarm", "seen", "try")}})
        if event in MARKED:
            self.marks.append({**named, "kind": event, "about": _about(record)})

    def page(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        curves = [
            {"group": group, "chart": chart, "name": name, **curve.columns()}
            for (group, chart, name), curve in self.curves.items()
        ]
        events = {"evaluations": self.evaluations, "alarms": self.alarms, "marks": self.marks}
        return {"curves": curves, **events, "checkups": self.checkups}


def text(value: Any) -> str:
    """A value out of JSON as text of bearable length."""
    return "" if value is None else str(value)[:LONGEST_TEXT]


def place_of(record: dict[str, Any]) -> Place:
    """Where a record stands on each axis."""
    return number(record.get("step")) or 0.0, number(record.get("images")), number(record.get("seconds"))


def mapping(value: Any) -> dict[str, Any]:
    """A value out of JSON where it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def _ends(points: list[tuple[Place, float]]) -> list[tuple[Place, float]]:
    """The lowest and the highest of some points, in their order."""
    low = min(points, key=lambda point: point[1])
    high = max(reversed(points), key=lambda point: point[1])
    return [point for point in points if point is low or point is high]


def _report(record: dict[str, Any]) -> Iterator[tuple[tuple[str, str, str], float]]:
    """Every value of a report, with the place where it is drawn."""
    for name, value in mapping(record.get("terms")).items():
        player, _, term = name.rpartition("/")
        if (found := number(value)) is not None:
            yield ("losses", player or "losses", term), found
    for name, value in mapping(record.get("norms")).items():
        if (found := number(value)) is not None:
            yield ("norms", "gradient norms", name), found
    if (speed := number(record.get("images_per_second"))) is not None:
        yield ("speed", "speed", "samples a second"), speed


def _checkup(record: dict[str, Any]) -> Iterator[tuple[tuple[str, str, str], float]]:
    for name, value in mapping(record.get("accuracy")).items():
        if (found := number(value)) is not None:
            yield ("accuracy", "critic accuracy", name), found


def _evaluation(record: dict[str, Any]) -> dict[str, Any]:
    """An evaluation's protocol, metrics and notes; a metric may be a bare number."""
    metrics = {}
    for name, metric in mapping(record.get("metrics")).items():
        parts = metric if isinstance(metric, dict) else {"value": metric}
        metrics[name] = {part: number(parts.get(part)) for part in KEPT_OF_METRIC}
    notes = record.get("notes")
    return {
        "metrics": metrics,
        "protocol": {name: text(value) for name, value in mapping(record.get("protocol")).items()},
        "notes": [text(note) for note in notes] if isinstance(notes, list) else [],
        "best": record.get("best") is True,
    }


def _about(record: dict[str, Any]) -> str:
    """What a mark on the charts says beside its kind."""
    return next((text(record[name]) for name in ("remedy", "reason", "alarm") if record.get(name)), "")
