"""Claim: a judge's count of 1,000 modes tells the recipes that keep them from those that collapse.

    python proofs/stacked.py                          # every recipe for pictures, three seeds, five minutes each
    python proofs/stacked.py --recipes dcgan --seeds 1

Each picture of `stacked-digits` holds three digits, one a colour, which make a number of 1,000. A generator that has
collapsed misses some of them. The judge is a small classifier trained on three quarters of the real single digits, and
never a loss; it reads each of a sample's three colours by itself (Metz et al. 2016; Srivastava et al. 2017, "VEEGAN").
A mode counts as kept when one of 10,000 samples is read as it; the divergence is KL(samples' modes, uniform), in nats:
0 is even, 6.91 is a single mode. As a judge reads digits into noise too, the last columns count only what it reads with
a confidence above 0.7. The controls show whether the counts tell; where they do not, the exit status is 1.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

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
from sparring.run import Run

SAMPLES = 10_000
A_PASS = 1000  # pictures that the judge reads at once


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


def contest(judge: nn.Module, chosen: Sequence[str], seeds: int, budget: dict[str, float], folder: Path) -> list[str]:
    """Train each recipe with each seed on the same budget. -> the table's lines, and a summary for each recipe"""
    rows, summaries = [], []
    for name in chosen:
        readings: list[Reading] = []
        for seed in range(seeds):
            run = sparring.train(
                name, "stacked-digits", seed=seed, out=str(folder / f"{name}-{seed}"), quiet=True, **budget
            )
            end = next(record for record in reversed(list(run.records())) if record.get("event") == "end")
            readings.append(read(judge, run.sample(SAMPLES, seed=100 + seed)))
            rows.append(row(f"{name}, seed {seed}: {end['steps']:,} rounds in {end['seconds']:.0f} s", readings[-1]))
            print(rows[-1], flush=True)
        rows.append(row(f"control: {name}, untrained", read(judge, untrained(run))))
        modes, nats, _, clear_modes = (list(column) for column in zip(*readings, strict=True))
        summaries.append(
            f"- {name}: {spread(modes, '.0f')} modes, {spread(nats, '.3f')} nats; "
            f"{spread(clear_modes, '.0f')} modes read clearly"
        )
    return [*rows, "", *summaries]


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


def prove(chosen: Sequence[str], seeds: int, budget: dict[str, float], folder: Path) -> tuple[list[str], bool]:
    """-> (the lines of the table and what the controls say, whether they are as they must be)"""
    size = "x".join(map(str, open_data("stacked-digits").spec.shape[1:]))
    judge, pictures, labels, right = judge_of(open_data("digits", size=size))
    readings = {name: read(judge, stacks) for name, stacks in controls(pictures, labels).items()}
    doubts = complaints(readings)
    each = ", ".join(f"{value:g} {unit}" for unit, value in budget.items())
    lines = [
        f"The judge is right on {right:.1%} of {len(pictures)} held-out digits. {SAMPLES:,} samples a row; "
        f"each run trained for {each}.",
        "",
        f"| pictures | modes of {MODES:,} | KL from uniform, nats | all three read clearly | modes among those |",
        "|---|---|---|---|---|",
        *(row(name, reading) for name, reading in readings.items()),
        *contest(judge, chosen, seeds, budget, folder),
        "",
        *(doubts or ["The controls are read as they must be."]),
    ]
    place = environment(Cluster("cpu"))
    versions = f"torch {place['packages']['torch']}, commit {place['commit']}, seeds 0 to {seeds - 1}"
    return [*lines, "", f"{place['processor']}, {place['threads']} threads, {versions}"], not doubts


def main() -> None:
    """Train, judge, print; exit status 1 when the controls show that the count does not tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    every = [name for name in recipes.names() if "pictures" in recipes.find(name).gan.kinds]
    parser.add_argument("--recipes", nargs="+", default=every, choices=every, metavar="NAME", help=", ".join(every))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=5.0, help="of training for each run")
    parser.add_argument("--steps", type=int, help="rounds for each run, instead of minutes")
    parser.add_argument("--write", type=Path, help="write the table into this Markdown file")
    asked = parser.parse_args()
    budget = {"steps": asked.steps} if asked.steps else {"minutes": asked.minutes}
    with tempfile.TemporaryDirectory() as scratch:
        lines, good = prove(asked.recipes, asked.seeds, budget, Path(scratch))
    print("\n".join(["", *lines]))
    if asked.write:
        heading = ["# Stacked digits", "", "Written by `proofs/stacked.py`: how many of 1,000 modes are kept.", ""]
        asked.write.write_text("\n".join([*heading, *lines, ""]), encoding="utf-8")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
