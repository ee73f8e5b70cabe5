"""Claim: pictures that are made from pictures are what they should be, and not merely like it.

    python proofs/translate_data.py --out DATA --google ... --twitter ... --openmoji ...   # says what to install
    python proofs/translate.py --data DATA --state translate.json --write docs/translate.md
    python proofs/translate.py --data DATA --state translate.json --task map --seeds 0 --steps 500        # a first look

Every run is one of `sparring.train`, from the folders and with the settings that are printed, on one thread; what it
learns from, its judges have not seen, and the other way round (translate_data.py says how each task is held out). What
is found is kept in the state file, so that the proof goes on where it was stopped. Beside each recipe stand

- the input as it is, and the best of what can be had without a network;
- real pictures: of the figures that ask for realism, what cannot be surpassed;
- the same recipe without its critic, which must lose where realism is asked for;
- the outputs beside the true pictures of other inputs: a figure that does not fall to chance would tell nothing.

A goal is reached where the mean over the seeds, less one standard deviation, reaches it.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from stacked import State, spread
from torch import Tensor
from translate_baselines import BASELINES, Pictures, shuffle
from translate_bench import WORSE, Bench
from translate_tasks import CONTROL, OFF, ON, REAL, TASKS, Goal, Rows, Task

import sparring
from sparring.apply.translate import translate_picture
from sparring.cluster import Cluster
from sparring.data import draw
from sparring.data.dataset import decode, encode
from sparring.environment import environment, peak_memory
from sparring.errors import SparringError
from sparring.gan import GAN
from sparring.metrics.features import coloured
from sparring.run import write_atomically

SHOWN = 8
SAID = {"device": "cpu", "held_out": 0.0, "features": "none"}  # of every run: all that there is, and all the time


class Job(NamedTuple):
    """One run: a recipe with or without its critic, and a seed."""

    task: str
    recipe: str
    settings: dict[str, Any]
    steps: int
    seed: int
    critic: bool

    @property
    def key(self) -> str:
        words = ", ".join(f"{name} {value}" for name, value in self.settings.items())
        said = ", ".join(filter(None, [f"{self.task}: {self.recipe}", words, f"{self.steps} steps, seed {self.seed}"]))
        return said if self.critic else f"{said}, {OFF}"


def jobs(asked: argparse.Namespace) -> list[Job]:
    """What is to be run, the first seed of everything first."""
    return [
        Job(name, recipe, settings, asked.steps or steps, seed, critic)
        for seed in asked.seeds
        for name in asked.task
        for recipe, (settings, steps) in TASKS[name].recipes.items()
        if not asked.recipes or recipe in asked.recipes
        for critic in (True, False)
    ]


def train(job: Job, pictures: Pictures) -> tuple[Tensor, dict[str, float]]:
    """-> (what the trained recipe makes of the held-out pictures, what it took)"""
    sides = {side: str(pictures.folder / "train" / side) for side in "ab"}
    data: dict[str, Any] = {"data": sides["b"]} if TASKS[job.task].alone else sides
    weight = {} if job.critic else {"adversarial": 0.0}
    with tempfile.TemporaryDirectory() as scratch:
        cpu, wall = time.process_time(), time.perf_counter()
        told = {**SAID, **job.settings, **weight, "steps": job.steps, "seed": job.seed}
        run = sparring.train(job.recipe, **data, quiet=True, out=str(Path(scratch) / "run"), **told)
        spent = {"CPU-s": time.process_time() - cpu, "s": time.perf_counter() - wall}
        made = translated(run.gan, pictures.given)
    return made, {**spent, "peak MB": peak_memory(torch.device("cpu"))}


def translated(gan: GAN, given: Tensor) -> Tensor:
    """Each picture by itself, to the byte what `sparring apply` writes."""
    given = coloured(given, (gan.spec.source or gan.spec.shape)[0])
    made = [translate_picture(gan, np.moveaxis(picture, 0, -1)) for picture in encode(given)]
    return decode(torch.from_numpy(np.moveaxis(np.stack(made), -1, 1).copy()))


def play(job: Job, pictures: Pictures, bench: Bench, folder: Path) -> dict[str, Any]:
    """Train and judge; the outputs are kept beside the state file."""
    made, spent = train(job, pictures)
    folder.mkdir(parents=True, exist_ok=True)
    np.save(file_of(job, folder), encode(made))
    found: dict[str, Any] = {"figures": bench.measure(made), "spent": spent}
    found["control"] = bench.measure(made[shuffle(len(made))], looks=False)
    return {**found, "commit": environment(Cluster("cpu"))["commit"]}


def file_of(job: Job, folder: Path) -> Path:
    return folder / f"{job.key.replace(': ', ', ').replace('/', '-')}.npy"


def run_all(asked: argparse.Namespace, state: State) -> None:
    """Everything that is not in the state yet."""
    benches: dict[str, tuple[Pictures, Bench]] = {}

    def bench(task: str) -> tuple[Pictures, Bench]:
        if task not in benches:
            benches.clear()  # one task's pictures at a time
            pictures = Pictures(asked.data / task)
            benches[task] = pictures, Bench(pictures, TASKS[task].columns)
        return benches[task]

    for name in asked.task:
        for row in (*TASKS[name].baselines, REAL):
            if (key := f"{name}: {row}") not in state.kept:
                pictures, judge = bench(name)
                found = judge.ceiling() if row == REAL else judge.measure(BASELINES[row](pictures))
                state.keep(key, found)
                print(f"{key}: {in_words(found)}", flush=True)
        if f"{name}: notes" not in state.kept:
            state.keep(f"{name}: notes", {"lines": bench(name)[1].notes()})
    for job in jobs(asked) if not asked.no_runs else []:
        if job.key not in state.kept:
            state.keep(job.key, play(job, *bench(job.task), asked.state.with_suffix("")))
            print(f"{job.key}: {in_words(state.kept[job.key]['figures'])}", flush=True)


def in_words(figures: dict[str, float]) -> str:
    return ", ".join(f"{name} {number(value)}" for name, value in figures.items())


def number(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 2 else f"{value:.2f}"


# ---------------------------------------------------------------- the document


def rows_of(name: str, recipe: str, asked: argparse.Namespace, state: State) -> Rows:
    """A task's rows for one recipe: each a list of figures, one a seed."""
    rows = {row: [state.kept[f"{name}: {row}"]] for row in (*TASKS[name].baselines, REAL)}
    for job in jobs(asked):
        if (job.task, job.recipe) == (name, recipe) and job.key in state.kept:
            found = state.kept[job.key]
            rows.setdefault(ON if job.critic else OFF, []).append(found["figures"])
            if job.critic:
                rows.setdefault(CONTROL, []).append(found["control"])
    return rows


def verdict(goal: Goal, rows: Rows) -> str:
    """Whether a goal is reached, and by what."""
    if goal.row not in rows or any(row not in rows for row in goal.needs):
        return f"- {goal.says}: NOT FINISHED"
    values = [figures[goal.figure] for figures in rows[goal.row]]
    bound = goal.bound({row: means(found) for row, found in rows.items()})
    low = (goal.figure in WORSE) != (goal.row == CONTROL)  # a control is to be as bad as chance
    slack = statistics.stdev(values) if len(values) > 1 and goal.row != CONTROL else 0.0
    lacking = statistics.mean(values) + slack - bound if low else bound - statistics.mean(values) + slack
    said = f"{spread(values, '.3f')}, at {'most' if low else 'least'} {bound:.3f}"
    return f"- {goal.says}: {said}. {'Reached.' if lacking <= 0 else f'MISSED by {lacking:.3f}.'}"


def means(found: list[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.mean(figures[name] for figures in found) for name in found[0]}


def section(name: str, asked: argparse.Namespace, state: State) -> list[str]:
    task = TASKS[name]
    lines = [f"## {task.title}", "", *state.kept[f"{name}: notes"]["lines"], ""]
    for recipe, (settings, steps) in task.recipes.items():
        if asked.recipes and recipe not in asked.recipes:
            continue
        rows = rows_of(name, recipe, asked, state)
        told = " ".join(f"--{key.replace('_', '-')} {value}" for key, value in settings.items())
        lines += [f"### {recipe}", "", *table(task, recipe, rows), ""]
        lines += [verdict(goal, rows) for goal in task.goals]
        lines += ["", f"`sparring train {recipe} --steps {asked.steps or steps} {told}`".replace(" `", "`")]
        spent = [state.kept[job.key]["spent"] for job in jobs(asked) if job.key in state.kept and job.recipe == recipe]
        if spent:
            lines += [f"A run took {statistics.median(one['CPU-s'] for one in spent):.0f} CPU-s (median)."]
        lines += [""]
    return lines


def table(task: Task, recipe: str, rows: Rows) -> list[str]:
    lines = ["| | " + " | ".join(task.columns) + " |", "|---" * (len(task.columns) + 1) + "|"]
    for row, found in rows.items():
        cells = [
            spread([figures[name] for figures in found], ".3f" if abs(found[0][name]) < 2 else ".2f")
            if name in found[0]
            else ""
            for name in task.columns
        ]
        title = row.replace(ON, recipe).replace(OFF, f"{recipe}, {OFF}")
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return lines


def show(name: str, asked: argparse.Namespace, folder: Path) -> None:
    """A picture: some held-out inputs, what is made of them with and without a critic, and the truth."""
    pictures, task = Pictures(asked.data / name), TASKS[name]
    chosen = torch.linspace(0, len(pictures.true) - 1, SHOWN).long()
    columns = {"given": pictures.given[chosen], task.baselines[-2]: BASELINES[task.baselines[-2]](pictures)[chosen]}
    for job in jobs(asked):
        if (job.task, job.seed) == (name, asked.seeds[0]) and (
            kept := file_of(job, asked.state.with_suffix(""))
        ).exists():
            heading = job.recipe if job.critic else f"{job.recipe}, {OFF}"
            columns[heading] = decode(torch.from_numpy(np.load(kept)))[chosen]
    folder.mkdir(parents=True, exist_ok=True)
    draw.columns({**columns, "true": pictures.true[chosen]}).save(folder / f"translate-{name}.png")


def command_line() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--data", type=Path, required=True, metavar="DIR", help="the folder that translate_data.py has filled")
    add("--state", type=Path, required=True, metavar="FILE", help="what was found, to go on from")
    add("--task", nargs="+", choices=list(TASKS), default=list(TASKS))
    add("--recipes", nargs="+", metavar="NAME", help="only these of the tasks' recipes")
    add("--steps", type=int, help="of every run, for a first look; by default the task's own")
    add("--seeds", type=int, nargs="+", default=[1000, 1001, 1002], help="which tuning never saw")
    add("--no-runs", action="store_true", help="only baselines, and the tables of what is done")
    add("--write", type=Path, metavar="FILE", help="write the tables into this Markdown file")
    add("--pictures", type=Path, metavar="DIR", help="write a picture of each task's outputs into this folder")
    return parser.parse_args()


def prove(asked: argparse.Namespace) -> bool:
    """Do what was asked. -> whether every goal is reached"""
    torch.set_num_threads(1)
    state = State(asked.state)
    run_all(asked, state)
    lines = [line for name in asked.task for line in section(name, asked, state)]
    place = environment(Cluster("cpu"))
    commits = " and ".join(sorted({found["commit"] for found in state.kept.values() if "commit" in found}))
    seeds = ", ".join(map(str, asked.seeds))
    lines.append(f"{place['processor']}, 1 thread, torch {torch.__version__}, commit {commits}, seeds {seeds}")
    print("\n".join(["", *lines]))
    if asked.write:
        heading = [
            "# From picture to picture",
            "",
            "Written by `proofs/translate.py`, which says what is measured.",
            "",
        ]
        write_atomically(asked.write, "\n".join([*heading, *lines, ""]))
    for name in asked.task if asked.pictures else []:
        show(name, asked, asked.pictures)
    return not any("MISSED" in line or "NOT FINISHED" in line for line in lines)


def main() -> None:
    """Exit status 1 when a goal is missed, or something is wrong."""
    try:
        good = prove(command_line())
    except SparringError as error:
        sys.exit(f"error: {error}")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
