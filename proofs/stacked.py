"""Claim: a judge's count of 1,000 modes tells the recipes that keep them from those that collapse.

    python proofs/stacked.py                          # every recipe for pictures, three seeds, five minutes each
    python proofs/stacked.py --recipes dcgan --seeds 1
    python proofs/stacked.py --equal-time rounds.json --seconds 300 --state stacked.json   # in rounds; can be stopped

Each picture of `stacked-digits` holds three digits, one a colour, which make a number of 1,000. A generator that has
collapsed misses some of them. The judge is a small classifier trained on three quarters of the real single digits, and
never a loss; it reads each of a sample's three colours by itself (Metz et al. 2016; Srivastava et al. 2017, "VEEGAN").
A mode counts as kept when one of 10,000 samples is read as it; the divergence is KL(samples' modes, uniform), in nats:
0 is even, 6.91 is a single mode. As a judge reads digits into noise too, the last columns count only what it reads with
a confidence above 0.7. The controls show whether the counts tell; where they do not, the exit status is 1.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from digits import CONFIDENT, train_judge
from torch import nn

import sparring
from sparring import recipes
from sparring.cluster import Cluster
from sparring.data.dataset import Dataset, decode
from sparring.data.given import draw
from sparring.data.source import open_data
from sparring.data.stacked import MODES
from sparring.draws import mix
from sparring.environment import environment
from sparring.errors import SparringError
from sparring.run import Run, write_atomically

DATA = "stacked-digits"
SAMPLES = 10_000
A_PASS = 1000  # pictures that the judge reads at once


class State:
    """Figures of finished runs in a JSON file, written after each, so that a proof can be stopped and gone on with.

    Args:
        path: the file, which need not be there yet; None keeps nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.kept: dict[str, Any] = json.loads(path.read_text()) if path and path.exists() else {}

    def keep(self, key: str, figures: dict[str, Any]) -> None:
        """Put a run's figures into the file, which is replaced as a whole."""
        self.kept[key] = figures
        if self.path:
            write_atomically(self.path, json.dumps(self.kept, indent=1) + "\n")


def rounds_in(seconds: float, file: Path, data: str, names: Sequence[str]) -> dict[str, int]:
    """How many rounds each recipe gets for so many quiet seconds, by what `proofs/equal_time.py` measured.

    Raises:
        SparringError: where a recipe was not measured; with the command that does it.
    """
    known = json.loads(file.read_text())["seconds"].get(data, {}) if file.exists() else {}
    if missing := [name for name in names if name not in known]:
        command = f"python proofs/equal_time.py --data {data} --recipes {' '.join(missing)} --write {file}"
        raise SparringError(f"{file} does not say how long a round takes on {data}; on a quiet machine run: {command}")
    return {name: max(1, round(seconds / known[name]["seconds"])) for name in names}


class Reading(NamedTuple):
    """What a judge makes of stacks."""

    modes: int  # of the 1,000, read at least once
    divergence: float  # KL of the modes from uniform, in nats
    clear: float  # share of which all three digits are read with confidence
    clear_modes: int  # read at least once among those


@torch.no_grad()
def read(judge: nn.Module, stacks: torch.Tensor) -> Reading:
    """Let the judge read stacks (b, 3, h, w), a colour at a time."""
    chances = torch.cat([judge(part.reshape(-1, 1, *part.shape[2:])).softmax(1) for part in stacks.split(A_PASS)])
    confidence, digit = (reading.view(-1, 3) for reading in chances.max(1))
    mode = digit @ torch.tensor([100, 10, 1])
    clear = (confidence > CONFIDENT).all(1)
    kept = torch.bincount(mode, minlength=MODES)
    clearly_kept = torch.bincount(mode[clear], minlength=MODES)
    return Reading(int((kept > 0).sum()), divergence(kept), float(clear.float().mean()), int((clearly_kept > 0).sum()))


def divergence(counts: torch.Tensor) -> float:
    """KL(p, uniform) of the shares p that counts (n,) make, in nats: 0..log n."""
    share = counts.double() / counts.sum()
    return float(torch.special.xlogy(share, share * len(counts)).sum())


def stacks_of(pictures: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    """Single digits (n, 1, h, w) and (b, 3) of their numbers -> (b, 3, h, w)."""
    return pictures[:, 0][chosen]


def controls(pictures: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
    """Stacks of digits that the judge never saw, and what a count that tells must tell from them."""
    chance = torch.Generator().manual_seed(2)
    drawn = torch.randint(len(pictures), (SAMPLES, 3), generator=chance)
    # Each of the ten digits with equal chances: what the counts of 10,000 would be if the data were even.
    wanted = torch.randint(10, (SAMPLES, 3), generator=chance)
    places = [torch.nonzero(labels == digit)[:, 0] for digit in range(10)]
    one_each = torch.stack([place[torch.randint(len(place), (SAMPLES, 3), generator=chance)] for place in places])
    even = one_each.gather(0, wanted[None])[0]
    return {
        "held-out digits, stacked": stacks_of(pictures, drawn),
        "control: held-out digits, every number equally likely": stacks_of(pictures, even),
        "control: one real stack, repeated": stacks_of(pictures, drawn[:1]).expand(SAMPLES, -1, -1, -1),
        "control: uniform noise": torch.rand(SAMPLES, 3, *pictures.shape[2:], generator=chance) * 2 - 1,
    }


def row(name: str, reading: Reading) -> str:
    """One line of the table."""
    return f"| {name} | {reading.modes:,} | {reading.divergence:.3f} | {reading.clear:.1%} | {reading.clear_modes:,} |"


def judge_of(data: Dataset) -> tuple[nn.Module, torch.Tensor, torch.Tensor, float]:
    """-> (a judge of single digits, the digits that it never saw, their labels, the share that it gets right)"""
    assert data.labels is not None
    pictures, labels = decode(torch.from_numpy(np.array(data.rows))), torch.from_numpy(data.labels)
    order = torch.randperm(len(pictures), generator=torch.Generator().manual_seed(0))
    held, known = order[: len(order) // 4], order[len(order) // 4 :]
    judge = train_judge(pictures[known], labels[known])
    with torch.no_grad():
        right = (judge(pictures[held]).argmax(1) == labels[held]).float().mean()
    return judge, pictures[held], labels[held], float(right)


def untrained(run: Run) -> torch.Tensor:
    """Samples of a run's generator before training."""
    torch.manual_seed(mix("weights", run.config.seed))
    gan = run.recipe.gan(run.spec, run.config).eval()
    with torch.no_grad():
        passes = zip(gan.latents(SAMPLES, 0).split(A_PASS), draw(run.spec, SAMPLES, 0).split(A_PASS), strict=True)
        return torch.cat([gan.sample(noise, given) for noise, given in passes])


def contest(
    judge: nn.Module, budgets: dict[str, dict[str, float]], seeds: int, folder: Path, state: State
) -> list[str]:
    """Train each recipe with each seed on its budget. -> the table's lines, and a summary for each recipe"""
    rows, summaries = [], []
    for name, budget in budgets.items():
        readings = []
        for seed in range(seeds):
            figures = one(judge, name, seed, budget, folder, state)
            readings.append(Reading(*figures["reading"]))
            title = f"{name}, seed {seed}: {figures['steps']:,} rounds in {figures['seconds']:.0f} s"
            rows.append(row(title, readings[-1]))
            print(rows[-1], flush=True)
        rows.append(row(f"control: {name}, untrained", Reading(*figures["untrained"])))
        modes, nats, _, clear_modes = (list(column) for column in zip(*readings, strict=True))
        summaries.append(
            f"- {name}: {spread(modes, '.0f')} modes, {spread(nats, '.3f')} nats; "
            f"{spread(clear_modes, '.0f')} modes read clearly"
        )
    return [*rows, "", *summaries]


def one(judge: nn.Module, name: str, seed: int, budget: dict[str, float], folder: Path, state: State) -> dict[str, Any]:
    """A run's figures: those that the state has already, or else of the run that is trained now."""
    key = f"{name}, seed {seed}, {in_words(budget)}"
    if key not in state.kept:
        settings = {"out": str(folder / f"{name}-{seed}"), "features": "none", **budget}  # all the time for the game
        run = sparring.train(name, DATA, seed=seed, quiet=True, **settings)
        end = next(record for record in reversed(list(run.records())) if record.get("event") == "end")
        figures = {
            "reading": read(judge, run.sample(SAMPLES, seed=100 + seed)),
            "untrained": read(judge, untrained(run)),
        }
        place = environment(Cluster("cpu"))
        state.keep(key, {**figures, "steps": end["steps"], "seconds": end["seconds"], "commit": place["commit"]})
    return dict(state.kept[key])


def in_words(budget: dict[str, float]) -> str:
    """{"steps": 900} -> "900 steps"."""
    return ", ".join(f"{value:g} {unit}" for unit, value in budget.items())


def spread(values: Sequence[float], form: str) -> str:
    """The mean, and the standard deviation over the seeds where there are several."""
    mean = format(statistics.mean(values), form)
    return f"{mean} ± {format(statistics.stdev(values), form)}" if len(values) > 1 else mean


def complaints(readings: dict[str, Reading]) -> list[str]:
    """What the controls say against the count; empty where it tells."""
    real, even, collapsed, noise = readings.values()
    checks = {
        "held-out digits do not show all but ten of the modes": real.modes >= 990,
        "an even draw is not read as even": even.modes >= 990 and even.divergence < 0.1,
        "a repeated picture is not read as one mode": (collapsed.modes, round(collapsed.divergence, 2))
        == (1, round(math.log(MODES), 2)),
        "the judge reads noise clearly": noise.clear < 0.05,
    }
    return [f"The count does not tell: {complaint}." for complaint, fine in checks.items() if not fine]


def prove(
    budgets: dict[str, dict[str, float]], said: str, seeds: int, folder: Path, state: State
) -> tuple[list[str], bool]:
    """-> (the lines of the table and what the controls say, whether they are as they must be)"""
    size = "x".join(map(str, open_data(DATA).spec.shape[1:]))
    judge, pictures, labels, right = judge_of(open_data("digits", size=size))
    readings = {name: read(judge, stacks) for name, stacks in controls(pictures, labels).items()}
    doubts = complaints(readings)
    lines = [
        f"The judge is right on {right:.1%} of {len(pictures)} held-out digits. {SAMPLES:,} samples a row; "
        f"each run trained for {said}.",
        "",
        f"| pictures | modes of {MODES:,} | KL from uniform, nats | all three read clearly | modes among those |",
        "|---|---|---|---|---|",
        *(row(name, reading) for name, reading in readings.items()),
        *contest(judge, budgets, seeds, folder, state),
        "",
        *(doubts or ["The controls are read as they must be."]),
    ]
    place = environment(Cluster("cpu"))
    commits = " and ".join(sorted({figures["commit"] for figures in state.kept.values()}))
    versions = f"torch {place['packages']['torch']}, commit {commits}, seeds 0 to {seeds - 1}"
    return [*lines, "", f"{place['processor']}, {place['threads']} threads, {versions}"], not doubts


def budgets_of(asked: argparse.Namespace) -> tuple[dict[str, dict[str, float]], str]:
    """What each recipe may spend, and that in words."""
    if asked.equal_time:
        try:
            rounds = rounds_in(asked.seconds, asked.equal_time, DATA, asked.recipes)
        except SparringError as error:
            sys.exit(f"error: {error}")
        said = f"the rounds that take {asked.seconds:g} s on a quiet machine"
        return {name: {"steps": count} for name, count in rounds.items()}, said
    budget = {"steps": asked.steps} if asked.steps else {"minutes": asked.minutes}
    return dict.fromkeys(asked.recipes, budget), in_words(budget)


def main() -> None:
    """Train, judge, print; exit status 1 when the controls show that the count does not tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    every = [name for name in recipes.names() if "pictures" in recipes.find(name).gan.kinds]
    parser.add_argument("--recipes", nargs="+", default=every, choices=every, metavar="NAME", help=", ".join(every))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=5.0, help="of training for each run")
    parser.add_argument("--steps", type=int, help="rounds for each run, instead of minutes")
    parser.add_argument(
        "--equal-time", type=Path, help="what proofs/equal_time.py wrote: with --seconds, instead of both"
    )
    parser.add_argument("--seconds", type=float, default=300.0, help="of a quiet machine for each run, as rounds")
    parser.add_argument("--state", type=Path, help="a JSON file of finished runs, to go on with")
    parser.add_argument("--write", type=Path, help="write the table into this Markdown file")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        lines, good = prove(*budgets_of(asked), asked.seeds, Path(scratch), State(asked.state))
    print("\n".join(["", *lines]))
    if asked.write:
        heading = ["# Stacked digits", "", "Written by `proofs/stacked.py`: how many of 1,000 modes are kept.", ""]
        asked.write.write_text("\n".join([*heading, *lines, ""]), encoding="utf-8")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
