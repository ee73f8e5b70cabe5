"""Claim: `sparring train`, as a stranger types it, makes digits that a judge trained on real ones can read.

    python proofs/digits.py                 # three seeds of the README's command, then the table
    python proofs/digits.py --runs runs/a   # judge runs that are there already

The judge is a small classifier trained on three quarters of the real digits, and never a loss. What counts is the
share of samples that it reads with a confidence above 0.7, beside that share of the held-out real digits.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

import sparring
from sparring.cluster import Cluster
from sparring.data.dataset import decode
from sparring.data.source import open_data
from sparring.environment import environment
from sparring.run import Run
from sparring.start import build

CONFIDENT = 0.7
GOAL = 0.80  # of the held-out real digits' share
SAMPLES = 2000


def train_judge(pictures: torch.Tensor, labels: torch.Tensor) -> nn.Module:
    """A classifier of (b, 1, h, w) digits, with shifts and noise so that its confidence means something."""
    torch.manual_seed(1)
    height, width = pictures.shape[-2:]
    judge = nn.Sequential(
        nn.Conv2d(1, 32, 3, 1, 1), nn.ReLU(), nn.Conv2d(32, 32, 3, 2, 1), nn.ReLU(),
        nn.Conv2d(32, 64, 3, 2, 1), nn.ReLU(), nn.Flatten(),
        nn.Linear(64 * -(-height // 4) * -(-width // 4), 128), nn.ReLU(), nn.Dropout(0.3), nn.Linear(128, 10),
    )  # fmt: skip
    optimiser = torch.optim.AdamW(judge.parameters(), 1e-3, weight_decay=1e-2)
    for _ in range(800):
        chosen = torch.randint(len(pictures), (64,))
        shift = tuple(int(s) for s in torch.randint(-1, 2, (2,)))
        x = pictures[chosen].roll(shift, (2, 3)) + 0.1 * torch.randn(64, 1, height, width)
        loss = cross_entropy(judge(x), labels[chosen], label_smoothing=0.05)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return judge.eval()


class Reading(NamedTuple):
    """What a judge makes of pictures."""

    share: float  # read with confidence
    digits: int  # of the ten, seen among those
    rarest: float  # the rarest digit's share of those


@torch.no_grad()
def read(judge: nn.Module, pictures: torch.Tensor) -> Reading:
    """Let the judge read pictures (b, 1, h, w)."""
    confidence, digit = judge(pictures).softmax(1).max(1)
    seen = torch.bincount(digit[confidence > CONFIDENT], minlength=10)
    share = float((confidence > CONFIDENT).float().mean())
    return Reading(share, int((seen > 0).sum()), float(seen.min() / seen.sum().clamp(min=1)))


def controls(pictures: torch.Tensor) -> dict[str, torch.Tensor]:
    """Pictures that are no digits: a judge that reads these would prove nothing."""
    chance = torch.Generator().manual_seed(2)
    partner = torch.randperm(len(pictures), generator=chance)
    pixels = torch.rand(pictures.flatten(1).shape, generator=chance).argsort(1)
    return {
        "control: the mean picture": pictures.mean(0, keepdim=True),
        "control: uniform noise": torch.rand(pictures.shape, generator=chance) * 2 - 1,
        "control: digits, pixels shuffled": pictures.flatten(1).gather(1, pixels).view_as(pictures),
        "control: two digits, half and half": (pictures + pictures[partner]) / 2,
    }


def train(seed: int, folder: Path) -> Run:
    """The README's command, with a seed."""
    return sparring.train(seed=seed, out=str(folder))


def judged(judge: nn.Module, runs: list[Run], real: Reading, rows: list[str]) -> list[float]:
    """Add a row for each run and for its generator before training. -> each run's share of the held-out share"""
    shares = []
    for i, run in enumerate(runs):
        end = next(record for record in reversed(list(run.records())) if record.get("event") == "end")
        reading = read(judge, run.sample(SAMPLES, seed=100 + i))
        name = f"seed {run.config.seed}: {end['steps']:,} rounds in {end['seconds']:.0f} s"
        rows.append(row(name, reading, real))
        shares.append(reading.share / real.share if reading.digits == 10 else 0.0)
    untrained = build(runs[0].recipe, open_data("digits", size=runs[0].config.size), runs[0].config, Cluster("cpu"))
    with torch.no_grad():
        rows.append(
            row(
                "control: untrained",
                read(judge, untrained.gan.sample(untrained.gan.latents(500, 0), torch.zeros(500, 10))),
                real,
            )
        )
    return shares


def row(name: str, reading: Reading, real: Reading) -> str:
    """One line of the table."""
    return (
        f"| {name} | {reading.share:.1%} | {reading.share / real.share:.1%} | {reading.digits} | {reading.rarest:.1%} |"
    )


def prove(runs: list[Run]) -> tuple[list[str], bool]:
    """-> (the lines of the table and the verdict, whether the goal is reached)"""
    data = open_data("digits", size=runs[0].config.size)
    assert data.labels is not None
    pictures, labels = decode(torch.from_numpy(np.array(data.rows))), torch.from_numpy(data.labels)
    order = torch.randperm(len(pictures), generator=torch.Generator().manual_seed(0))
    held, known = order[: len(order) // 4], order[len(order) // 4 :]
    judge = train_judge(pictures[known], labels[known])
    accuracy = float((judge(pictures[held]).argmax(1) == labels[held]).float().mean())
    real = read(judge, pictures[held])
    rows = [
        f"The judge is right on {accuracy:.1%} of {len(held)} held-out digits. {SAMPLES:,} samples a run, read with a "
        f"confidence above {CONFIDENT}.",
        "",
        "| pictures | read | of the held-out share | digits seen | the rarest digit's share |",
        "|---|---|---|---|---|",
        row("held-out real digits", real, real),
    ]
    rows += [row(name, read(judge, fakes), real) for name, fakes in controls(pictures).items()]
    shares = judged(judge, runs, real, rows)
    low = statistics.mean(shares) - (statistics.stdev(shares) if len(shares) > 1 else 0.0)
    verdict = "reached" if low >= GOAL else "MISSED"
    rows += ["", f"Mean less one standard deviation: {low:.1%}; goal {GOAL:.0%} and all ten digits: {verdict}."]
    place = environment(Cluster("cpu"))
    seeds = ", ".join(str(run.config.seed) for run in runs)
    versions = f"torch {place['packages']['torch']}, commit {place['commit']}, seeds {seeds}"
    return [*rows, "", f"{place['processor']}, {place['threads']} threads, {versions}"], low >= GOAL


def main() -> None:
    """Train, judge, print; exit status 1 when the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--runs", nargs="*", help="judge these run folders instead of training")
    parser.add_argument("--write", type=Path, help="write the table into this Markdown file")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        seeds = range(asked.seeds)
        runs = [sparring.load(f) for f in asked.runs or []] or [train(s, Path(scratch) / str(s)) for s in seeds]
        lines, good = prove(runs)
    print("\n".join(["", *lines]))
    if asked.write:
        heading = ["# Results", "", "Written by `proofs/digits.py`: what a judge reads of the README's first run.", ""]
        asked.write.write_text("\n".join([*heading, *lines, ""]), encoding="utf-8")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
