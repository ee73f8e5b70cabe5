"""The tables of `proofs/watchdog.py`, and the file that keeps its finished runs."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from sparring import watchdog
from sparring.errors import SparringError

GOAL_SABOTAGED, GOAL_HEALTHY = 0.95, 0.05
HEALTHY = "healthy"


class Outcome(NamedTuple):
    """What a run came to.

    Attributes:
        bout, sabotage, augment, seed: which run it was.
        alarms: the share of the run at which each alarm was first raised.
        memorising: the ratio of metrics.neighbours.memorising at the end of the run, by pixels: 0 for copies of the
            training set, about 1 for samples as new as those never seen. None where it was not asked for.
    """

    bout: str
    sabotage: str
    augment: str
    seed: int
    alarms: dict[str, float]
    memorising: float | None = None

    @property
    def key(self) -> tuple[str, str, str, int]:
        """By which it is found again."""
        return self.bout, self.sabotage, self.augment, self.seed


class Kept:
    """Finished runs, a line each, so that a proof can be stopped and started again.

    Args:
        path: of the file; None to keep nothing.
        protocol: what all of its runs have in common. Runs of another protocol or of other thresholds are refused.
    """

    def __init__(self, path: Path | None, protocol: dict[str, Any]) -> None:
        thresholds = {name: value for name, value in vars(watchdog).items() if name.isupper()}
        head = json.dumps({"thresholds": thresholds, **protocol})
        self.path, self.outcomes = path, list[Outcome]()
        if path is None:
            return
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(head + "\n", encoding="utf-8")
        first, *lines = path.read_text(encoding="utf-8").splitlines()
        if first != head:
            raise SparringError(f"{path} holds runs of other thresholds or games; give another --state.")
        self.outcomes = [Outcome(**json.loads(line)) for line in lines]

    def add(self, outcome: Outcome) -> None:
        """Keep one more."""
        self.outcomes.append(outcome)
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(outcome._asdict()) + "\n")


def table(outcomes: list[Outcome], right: dict[str, frozenset[str]]) -> tuple[list[str], bool]:
    """-> (the confusion table and the verdict, whether both goals are reached)

    Args:
        outcomes: of healthy and of sabotaged runs.
        right: the alarms that are right for each sabotage.
    """
    names = sorted({name for outcome in outcomes for name in outcome.alarms})
    lines = [
        "Runs in which each alarm was raised, in the first half where the run was sabotaged, at any time where not.",
        "",
        f"| run | runs | {' | '.join(names)} | right alarm in the first half | memorising ratio at the end |",
        f"|---|---|{'---|' * len(names)}---|---|",
    ]
    good = {}
    for sabotage in (HEALTHY, *right):
        rows = [outcome for outcome in outcomes if outcome.sabotage == sabotage]
        line, good[sabotage] = _row(sabotage, rows, names, right.get(sabotage))
        lines.append(line)
    healthy = sum(outcome.sabotage == HEALTHY for outcome in outcomes)
    total, false = len(outcomes) - healthy, good.pop(HEALTHY)
    caught, mistaken = sum(good.values()) / max(total, 1), false / max(healthy, 1)
    reached = caught >= GOAL_SABOTAGED and mistaken <= GOAL_HEALTHY
    lines += [
        "",
        f"Sabotaged runs with the right alarm (bold) in their first half: {sum(good.values())} of {total}, "
        f"{caught:.1%} (goal {GOAL_SABOTAGED:.0%} or more). Healthy runs with any alarm: {false} of {healthy}, "
        f"{mistaken:.1%} (goal {GOAL_HEALTHY:.0%} or less). {'Reached' if reached else 'MISSED'}.",
    ]
    return lines, reached


def _row(sabotage: str, rows: list[Outcome], names: list[str], right: frozenset[str] | None) -> tuple[str, int]:
    """-> (the line of one sabotage, the runs with a right alarm; of healthy ones (no `right`) with any)"""
    early = [{name for name, at in row.alarms.items() if right is None or at <= 0.5} for row in rows]
    counts = [sum(name in alarms for alarms in early) for name in names]
    cells = [f"**{n}**" if name in (right or ()) else str(n) for name, n in zip(names, counts, strict=True)]
    good = sum(bool(alarms if right is None else alarms & right) for alarms in early)
    told = f"any alarm: {good}" if right is None else f"{good} of {len(rows)}"
    return f"| {' | '.join([sabotage, str(len(rows)), *cells, told, _ratios(rows)])} |", good


def _ratios(rows: list[Outcome]) -> str:
    """The middle one and the ends."""
    ratios = [row.memorising for row in rows if row.memorising is not None]
    return f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})" if ratios else ""
