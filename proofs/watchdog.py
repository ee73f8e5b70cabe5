"""Claim: the watchdog raises the right alarm on sabotaged runs in their first half, and none on healthy ones.

    python proofs/watchdog.py --first 0       # the seeds that the thresholds were chosen on
    python proofs/watchdog.py --first 1000 --write docs/watchdog.md     # seeds never used for that: what counts

Every run is a whole one: `sparring train`'s own session, its log read afterwards. A sabotage changes one thing in the
trainer before the first round. Which alarms are right for it was written down before the runs.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import multiprocessing
import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from sparring import recipes
from sparring.cluster import Cluster
from sparring.config import Config
from sparring.data.batches import Batch
from sparring.data.dataset import Dataset
from sparring.data.source import open_data
from sparring.data.split import split
from sparring.environment import environment
from sparring.errors import SparringError
from sparring.gan import Turn
from sparring.run import Run
from sparring.session import Session
from sparring.start import build
from sparring.trainer import Trainer

GOAL_SABOTAGED, GOAL_HEALTHY = 0.95, 0.05


class Bout(NamedTuple):
    """A recipe, small real data, and settings with which the game goes well."""

    recipe: str
    data: str
    settings: dict[str, Any]


BOUTS = (
    Bout("dcgan", "digits", {"steps": 800, "width": 8, "size": "16"}),
    Bout("dcgan", "fashion-mnist", {"steps": 800, "width": 8, "size": "16"}),
    Bout("vanilla", "digits", {"steps": 1500, "width": 128, "size": "16"}),
    Bout("vanilla", "ring", {"steps": 2000, "width": 64}),
)
TWENTY = 20


# ---------------------------------------------------------------- sabotages: (trainer, seed) -> None


def nothing(trainer: Trainer, seed: int) -> None:
    """A healthy run."""


def faster(trainer: Trainer, seed: int) -> None:
    """Learning rates fifty times as large."""
    for player in trainer.players.values():
        player.plan = dataclasses.replace(player.plan, lr=50 * player.plan.lr)


def no_critic_updates(trainer: Trainer, seed: int) -> None:
    """A critic that never learns."""
    trainer.players["critic"].optimiser.step = lambda *_: None  # type: ignore[method-assign]


def no_generator_updates(trainer: Trainer, seed: int) -> None:
    """A generator that never learns."""
    trainer.players["generator"].optimiser.step = lambda *_: None  # type: ignore[method-assign]


def no_noise(trainer: Trainer, seed: int) -> None:
    """A generator whose noise is cut, so that it must collapse."""
    for gan in (trainer.gan, trainer.ema.gan):
        gan.sample = _deaf(gan.sample)  # type: ignore[method-assign]
        gan.noise = lambda real: torch.zeros(len(real), *trainer.gan.noise_shape)  # type: ignore[method-assign]


def _deaf(sample: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    return lambda noise, given: sample(torch.zeros_like(noise), given)


def overpowering_critic(trainer: Trainer, seed: int) -> None:
    """A critic ten times too wide and fast, without the penalty and the BatchNorm that would tame it."""
    untamed = {"critic_norm": "none"} if hasattr(trainer.config, "critic_norm") else {}
    config = dataclasses.replace(trainer.config, width=10 * trainer.config.width, **untamed)  # type: ignore[attr-defined]
    wide = type(trainer.gan)(trainer.gan.spec, config)
    trainer.gan.critic = wide.critic
    trainer.gan.penalty = 0.0
    player = trainer._player("critic", [trainer.gan.critic])  # type: ignore[list-item]
    player.plan = dataclasses.replace(player.plan, lr=10 * player.plan.lr)
    trainer.players["critic"] = player


def one_nan(trainer: Trainer, seed: int) -> None:
    """A loss that is not a number, once, at a random step of the first half."""
    honest, at = trainer.gan.step, random.Random(seed).randrange(20, (trainer.config.steps or 0) * 2 // 5)

    def step(batches: Iterator[Batch]) -> Iterator[Turn]:
        for who, terms in honest(batches):
            yield who, {name: term * torch.nan if trainer.gan.count == at else term for name, term in terms.items()}

    trainer.gan.step = step  # type: ignore[method-assign]


class Sabotage(NamedTuple):
    """What is done to a run, and which alarms are right for it."""

    name: str
    act: Callable[[Trainer, int], None]
    right: frozenset[str]
    pictures_only: bool = False


SABOTAGES = (
    Sabotage("learning rates ×50", faster, frozenset({"divergence", "oscillation", "collapse"})),
    Sabotage("critic never learns", no_critic_updates, frozenset({"critic lost"})),
    Sabotage("generator never learns", no_generator_updates, frozenset({"stalled", "critic winning"})),
    Sabotage("noise cut", no_noise, frozenset({"collapse"})),
    Sabotage(
        "critic ×10 wide and fast", overpowering_critic, frozenset({"critic winning", "divergence", "oscillation"})
    ),
    Sabotage("20 training pictures", nothing, frozenset({"memorising"}), pictures_only=True),
    Sabotage("one NaN", one_nan, frozenset({"non finite"})),
)
HEALTHY = Sabotage("healthy", nothing, frozenset())


# ---------------------------------------------------------------- the runs


class Outcome(NamedTuple):
    """A run's alarms: the share of the run at which each was first raised."""

    bout: str
    sabotage: str
    seed: int
    alarms: dict[str, float]


def few(dataset: Dataset, seed: int) -> Dataset:
    """Twenty samples, drawn by the seed."""
    chosen = np.sort(np.random.default_rng(seed).permutation(len(dataset))[:TWENTY])
    spec = dataclasses.replace(dataset.spec, count=TWENTY, hash=f"{dataset.spec.hash}-{seed}")
    labels = None if dataset.labels is None else dataset.labels[chosen]
    return Dataset(spec, dataset.take(chosen), labels)


def play(task: tuple[Bout, Sabotage, int]) -> Outcome:
    """One whole run, on one thread."""
    bout, sabotage, seed = task
    torch.set_num_threads(1)
    recipe = recipes.find(bout.recipe)
    fixed = {"precision": "fp32", "memory_format": "contiguous", "device": "cpu", "features": "none", "seed": seed}
    fixed["augment"] = "none"  # which would treat what the watchdog is to see
    config: Config = recipe.config(**{**bout.settings, **fixed})  # type: ignore[arg-type]
    whole = open_data(bout.data, size=config.size, channels=config.channels)
    train, held_out = split(few(whole, seed) if sabotage.pictures_only else whole, config.held_out)
    trainer = build(recipe, train, config, Cluster("cpu"))
    sabotage.act(trainer, seed)
    with tempfile.TemporaryDirectory() as scratch:
        run = Run.create(Path(scratch) / "run", recipe.reference, bout.data, config)
        with contextlib.suppress(SparringError):  # stopped for good, which the log tells of
            Session(run, trainer, train, held_out, config, quiet=True).play()
        records = [json.loads(line) for line in (run.folder / "log.jsonl").read_text().splitlines()]
    found: dict[str, float] = {}
    for record in records:
        if record.get("event") == "alarm":
            found.setdefault(record["alarm"], record["step"] / bout.settings["steps"])
    outcome = Outcome(f"{bout.recipe} on {bout.data}", sabotage.name, seed, found)
    told = ", ".join(f"{name} at {at:.0%}" for name, at in found.items()) or "no alarm"
    print(f"{outcome.bout}, {sabotage.name}, seed {seed}: {told}", file=sys.stderr, flush=True)
    return outcome


def tasks(first: int, healthy: int, sabotaged: int) -> list[tuple[Bout, Sabotage, int]]:
    """Every bout with so many seeds of health and of each sabotage, each with a seed of its own."""
    bouts = [bout for bout in BOUTS if _is_here(bout)]
    wanted = [(bout, HEALTHY) for bout in bouts for _ in range(healthy)]
    for sabotage in SABOTAGES:
        fit = [bout for bout in bouts if bout.data != "ring" or not sabotage.pictures_only]
        wanted += [(bout, sabotage) for bout in fit for _ in range(sabotaged)]
    return [(bout, sabotage, first + i) for i, (bout, sabotage) in enumerate(wanted)]


def _is_here(bout: Bout) -> bool:
    try:
        open_data(bout.data, size=bout.settings.get("size"))
    except SparringError as error:
        print(f"left out: {error}", file=sys.stderr)
        return False
    return True


# ---------------------------------------------------------------- the table


def table(outcomes: list[Outcome]) -> tuple[list[str], bool]:
    """-> (the confusion table and the verdict, whether both goals are reached)"""
    names = sorted({name for outcome in outcomes for name in outcome.alarms})
    lines = [
        "Runs in which each alarm was raised, in the first half where the run was sabotaged, at any time where not.",
        "",
        f"| run | runs | {' | '.join(names)} | right alarm in the first half |",
        f"|---|---|{'---|' * len(names)}---|",
    ]
    right_ones = total = 0
    for sabotage in (HEALTHY, *SABOTAGES):
        rows = [outcome for outcome in outcomes if outcome.sabotage == sabotage.name]
        until = 1.0 if sabotage is HEALTHY else 0.5
        early = [{name for name, at in row.alarms.items() if at <= until} for row in rows]
        counts = " | ".join(
            f"**{n}**" if name in sabotage.right else str(n)
            for name, n in ((name, sum(name in alarms for alarms in early)) for name in names)
        )
        good = sum(bool(alarms & sabotage.right) for alarms in early)
        if sabotage is HEALTHY:
            false, healthy = sum(map(bool, early)), len(rows)
            told = f"any alarm: {false}"
        else:
            right_ones, total = right_ones + good, total + len(rows)
            told = f"{good} of {len(rows)}"
        lines.append(f"| {sabotage.name} | {len(rows)} | {counts} | {told} |")
    caught, mistaken = right_ones / max(total, 1), false / max(healthy, 1)
    reached = caught >= GOAL_SABOTAGED and mistaken <= GOAL_HEALTHY
    lines += [
        "",
        f"Sabotaged runs with the right alarm (bold) in their first half: {right_ones} of {total}, {caught:.1%} (goal "
        f"{GOAL_SABOTAGED:.0%} or more). Healthy runs with any alarm: {false} of {healthy}, {mistaken:.1%} (goal "
        f"{GOAL_HEALTHY:.0%} or less). {'Reached' if reached else 'MISSED'}.",
    ]
    return lines, reached


def main() -> None:
    """Run, print, write; exit status 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first", type=int, default=0, help="the first seed; each run has one of its own")
    parser.add_argument("--healthy", type=int, default=6, help="healthy runs of each bout")
    parser.add_argument("--sabotaged", type=int, default=2, help="runs of each sabotage in each bout")
    parser.add_argument("--jobs", type=int, default=2, help="runs at once")
    parser.add_argument("--write", type=Path, help="write the table into this Markdown file")
    asked = parser.parse_args()
    planned = tasks(asked.first, asked.healthy, asked.sabotaged)
    with multiprocessing.get_context("spawn").Pool(asked.jobs) as pool:
        outcomes = pool.map(play, planned, chunksize=1)
    lines, good = table(outcomes)
    place = environment(Cluster("cpu"))
    bouts = "; ".join(f"{bout.recipe} on {bout.data}, {bout.settings}" for bout in BOUTS)
    seeds = f"seeds {asked.first} to {asked.first + len(planned) - 1}"
    versions = f"torch {place['packages']['torch']}, commit {place['commit']}, {seeds}"
    lines += ["", f"Games: {bouts}.", "", f"{place['processor']}, one thread a run, {versions}"]
    print("\n".join(["", *lines]))
    if asked.write:
        heading = ["# The watchdog, measured", "", f"Written by `proofs/watchdog.py --first {asked.first}`.", ""]
        asked.write.write_text("\n".join([*heading, *lines, ""]), encoding="utf-8")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
