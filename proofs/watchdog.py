"""Claim: the watchdog raises the right alarm on sabotaged runs in their first half, and none on healthy ones.

    python proofs/watchdog.py --first 0       # the seeds that the thresholds were chosen on
    python proofs/watchdog.py --first 2000 --state runs/watchdog.jsonl --write docs/watchdog.md   # seeds never used
                                              # for that: what counts; and the same again with --augment none

Every run is a whole one: `sparring train`'s own session, its log read afterwards. A sabotage changes one thing in the
trainer before the first round. Which alarms are right for it was written down before the runs. With the shipped
default, `--augment auto`, few pictures are trained with adaptive augmentation, which treats some of what the watchdog
is to see. Whether it cures, the memorising ratio tells, by pictures that neither player was ever shown.
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
from watchdog_table import HEALTHY as WELL
from watchdog_table import Kept, Outcome, table

from sparring import recipes
from sparring.choice import augmentation
from sparring.cluster import Cluster
from sparring.config import Config
from sparring.data.batches import Batch
from sparring.data.dataset import Dataset, decode
from sparring.data.source import open_data
from sparring.data.split import part, split
from sparring.environment import environment
from sparring.errors import SparringError
from sparring.eyes import seen
from sparring.gan import Turn
from sparring.metrics.neighbours import memorising
from sparring.run import Run
from sparring.session import Session
from sparring.start import build
from sparring.trainer import Trainer


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
UNSEEN = 1000  # pictures to tell copies by


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
HEALTHY = Sabotage(WELL, nothing, frozenset())


# ---------------------------------------------------------------- the runs


def few(dataset: Dataset, seed: int) -> tuple[Dataset, Dataset]:
    """Twenty samples, drawn by the seed, and others that the run never sees."""
    order = np.random.default_rng(seed).permutation(len(dataset))
    chosen = np.sort(order[:TWENTY])
    spec = dataclasses.replace(dataset.spec, count=TWENTY, hash=f"{dataset.spec.hash}-{seed}")
    labels = None if dataset.labels is None else dataset.labels[chosen]
    return Dataset(spec, dataset.take(chosen), labels), part(dataset, np.sort(order[TWENTY : TWENTY + UNSEEN]))


class Task(NamedTuple):
    """One run to play."""

    bout: Bout
    sabotage: Sabotage
    augment: str
    seed: int

    @property
    def key(self) -> tuple[str, str, str, int]:
        """As its outcome's."""
        return f"{self.bout.recipe} on {self.bout.data}", self.sabotage.name, self.augment, self.seed


def play(task: Task) -> Outcome:
    """One whole run, on one thread."""
    bout, sabotage, augment, seed = task
    torch.set_num_threads(1)
    recipe = recipes.find(bout.recipe)
    fixed = {"precision": "fp32", "memory_format": "contiguous", "device": "cpu", "features": "none", "seed": seed}
    config: Config = recipe.config(**{**bout.settings, **fixed})  # type: ignore[arg-type]
    whole = open_data(bout.data, size=config.size, channels=config.channels)
    some_of_it, unseen = few(whole, seed) if sabotage.pictures_only else (whole, None)
    train, held_out = split(some_of_it, config.held_out)
    config = dataclasses.replace(config, augment=augmentation(train.spec) if augment == "auto" else augment)  # type: ignore[arg-type]
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
    wanted = train.spec.kind == "pictures" and sabotage.act is nothing
    ratio = newness(trainer, train, unseen or held_out, seed) if wanted else None
    told = ", ".join(f"{name} at {at:.0%}" for name, at in found.items()) or "no alarm"
    copied = "" if ratio is None else f"; memorising ratio {ratio:.2f}"
    print(f"{task.key[0]}, {sabotage.name}, seed {seed}: {told}{copied}", file=sys.stderr, flush=True)
    return Outcome(*task.key, found, ratio)


@torch.no_grad()
def newness(trainer: Trainer, train: Dataset, unseen: Dataset | None, seed: int) -> float:
    """The memorising ratio of the averaged generator's pictures, by pixels."""
    assert unseen is not None
    gan, draws = trainer.ema.gan, np.random.default_rng(seed)
    fakes = gan.sample(gan.latents(UNSEEN, seed), torch.empty(UNSEEN, 0))  # all bouts' recipes are asked for nothing
    known, fresh = (
        decode(torch.from_numpy(of.take(np.sort(draws.permutation(len(of))[:most]))))
        for of, most in ((train, 5 * UNSEEN), (unseen, UNSEEN))
    )
    return memorising(*(seen(pictures, train.spec) for pictures in (known, fresh, fakes))).ratio


def tasks(first: int, healthy: int, sabotaged: int, augment: str) -> list[Task]:
    """Every bout with so many seeds of health and of each sabotage, each with a seed of its own."""
    bouts = [bout for bout in BOUTS if _is_here(bout)]
    wanted = [(bout, HEALTHY) for bout in bouts for _ in range(healthy)]
    for sabotage in SABOTAGES:
        fit = [bout for bout in bouts if bout.data != "ring" or not sabotage.pictures_only]
        wanted += [(bout, sabotage) for bout in fit for _ in range(sabotaged)]
    return [Task(bout, sabotage, augment, first + i) for i, (bout, sabotage) in enumerate(wanted)]


def _is_here(bout: Bout) -> bool:
    try:
        open_data(bout.data, size=bout.settings.get("size"))
    except SparringError as error:
        print(f"left out: {error}", file=sys.stderr)
        return False
    return True


def finish(planned: list[Task], kept: Kept, jobs: int) -> None:
    """Play what is not there yet, so many at once."""
    there = {outcome.key for outcome in kept.outcomes}
    left = [task for task in planned if task.key not in there]
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        for outcome in pool.imap_unordered(play, left, chunksize=1):
            kept.add(outcome)


def parser() -> argparse.ArgumentParser:
    """The flags."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first", type=int, default=0, help="the first seed; each run has one of its own")
    parser.add_argument("--augment", choices=("auto", "none"), default="auto", help="as of `sparring train`")
    parser.add_argument("--healthy", type=int, default=6, help="healthy runs of each bout")
    parser.add_argument("--sabotaged", type=int, default=2, help="runs of each sabotage in each bout")
    parser.add_argument("--jobs", type=int, default=2, help="runs at once")
    parser.add_argument("--state", type=Path, help="keep finished runs in this file, to go on with")
    parser.add_argument("--write", type=Path, help="write a table of each finished --augment into this Markdown file")
    return parser


RATIO = (
    "The memorising ratio is the distance of samples from the training pictures over that from pictures that the run "
    "never saw, beside the same ratio of such pictures themselves: 0 for copies, about 1 for what is as new as these. "
    "It is measured by pixels at the end of the runs: the middle one, the least and the largest."
)
HEADINGS = {
    "auto": "## As shipped (`--augment auto`: adaptive augmentation for pictures, where the recipe augments)",
    "none": "## Without augmentation (`--augment none`)",
}


def main() -> None:
    """Run, print, write; exit status 1 when a goal is missed."""
    asked = parser().parse_args()
    kept = Kept(asked.state, {"games": [bout._asdict() for bout in BOUTS]})
    finish(tasks(asked.first, asked.healthy, asked.sabotaged, asked.augment), kept, asked.jobs)
    lines, good = [], {}
    for augment, heading in HEADINGS.items():
        keys = {task.key for task in tasks(asked.first, asked.healthy, asked.sabotaged, augment)}
        there = [outcome for outcome in kept.outcomes if outcome.key in keys]
        if len(there) == len(keys):
            part_of_it, good[augment] = table(there, {sabotage.name: sabotage.right for sabotage in SABOTAGES})
            lines += [heading, "", *part_of_it, ""]
    place = environment(Cluster("cpu"))
    bouts = "; ".join(f"{bout.recipe} on {bout.data}, {bout.settings}" for bout in BOUTS)
    seeds = f"seeds {asked.first} to {asked.first + len(keys) - 1}"
    versions = f"torch {place['packages']['torch']}, commit {place['commit']}, {seeds}"
    lines += [RATIO, "", f"Games: {bouts}.", "", f"{place['processor']}, one thread a run, {versions}"]
    print("\n".join(["", *lines]))
    if asked.write:
        heading = f"Written by `proofs/watchdog.py --first {asked.first}`."
        asked.write.write_text("\n".join(["# The watchdog, measured", "", heading, "", *lines, ""]), encoding="utf-8")
    sys.exit(0 if good[asked.augment] else 1)


if __name__ == "__main__":
    main()
