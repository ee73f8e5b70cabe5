"""The tasks of proofs/super.py, what must be reached, and the tables of what was found."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from stacked import spread
from super_bench import COLUMNS, ENERGY, KD, PSNR, WINS

PIXEL, ADVERSARIAL, OFF = "pixel stage", "adversarial stage", "without its critic"
BICUBIC, RIDGE = "bicubic", "ridge regression"
BASELINES = ("nearest", BICUBIC, "bicubic, sharpened", RIDGE, "the truth")
DEGRADED = "degraded "
CLEAN_TRAINED = "x2"  # the task whose pixel stage the degraded one is held against

Values = list[float]
Rows = dict[str, dict[str, Values]]  # row -> figure -> a value a seed


class Goal(NamedTuple):
    """What a row must reach.

    Attributes:
        says: in words.
        row, figure: whose, and which.
        bound: from the means of all rows to what the figure must reach.
        low: whether it is to stay below.
        needs: rows that the bound is taken from.
    """

    says: str
    row: str
    figure: str
    bound: Callable[[dict[str, dict[str, float]]], float]
    low: bool = False
    needs: tuple[str, ...] = ()


class Task(NamedTuple):
    """One table."""

    title: str
    recipe: str
    scale: int
    settings: dict[str, Any]
    rounds: int
    goals: tuple[Goal, ...]
    columns: tuple[str, ...] = COLUMNS
    ablation: bool = True


def above(row: str, figure: str, more: float = 0.0) -> Callable[[dict[str, dict[str, float]]], float]:
    return lambda means: means[row][figure] + more


def fixed(value: float) -> Callable[[dict[str, dict[str, float]]], float]:
    return lambda means: value


LOOKS = (
    Goal("adversarial stage: at most 2.5 dB below the pixel stage", ADVERSARIAL, PSNR, above(PIXEL, PSNR, -2.5)),
    Goal("adversarial stage: energy at least 0.8 of the truth's", ADVERSARIAL, ENERGY, fixed(0.8)),
    Goal("adversarial stage: energy at most 1.2 of the truth's", ADVERSARIAL, ENERGY, fixed(1.2), True),
    Goal("adversarial stage: patches more real than bicubic's", ADVERSARIAL, KD, above(BICUBIC, KD), True),
    Goal("adversarial stage: patches more real than the pixel stage's", ADVERSARIAL, KD, above(PIXEL, KD), True),
    Goal(
        "adversarial stage: patches more real than without its critic",
        ADVERSARIAL,
        KD,
        above(OFF, KD),
        True,
        (OFF,),
    ),
)
ALONE = {"perceptual": "none"}  # which would be the judge's network

TASKS = {
    "x2": Task(
        "Twice the sides",
        "srgan",
        2,
        {**ALONE, "crop": "64"},
        3000,
        (
            Goal("pixel stage: 1.5 dB above bicubic", PIXEL, PSNR, above(BICUBIC, PSNR, 1.5)),
            Goal("pixel stage: above ridge regression", PIXEL, PSNR, above(RIDGE, PSNR)),
            Goal("pixel stage: better than bicubic on 95 % of the tiles", PIXEL, WINS, fixed(95)),
            *LOOKS,
        ),
    ),
    "x4": Task(
        "Four times the sides",
        "srgan",
        4,
        ALONE,
        3000,
        (
            Goal("pixel stage: 1 dB above bicubic", PIXEL, PSNR, above(BICUBIC, PSNR, 1.0)),
            Goal("pixel stage: above ridge regression", PIXEL, PSNR, above(RIDGE, PSNR)),
            *LOOKS,
        ),
    ),
    "degraded": Task(
        "Blurred, noisy, compressed pictures, twice the sides",
        "realesrgan",
        2,
        {**ALONE, "crop": "64"},
        2000,
        (
            Goal("degraded pictures: above bicubic", PIXEL, DEGRADED + PSNR, above(BICUBIC, DEGRADED + PSNR)),
            Goal(
                "degraded pictures: above the network that saw clean ones alone",
                PIXEL,
                DEGRADED + PSNR,
                above(CLEAN_TRAINED, DEGRADED + PSNR),
                needs=(CLEAN_TRAINED,),
            ),
            Goal("clean pictures: at most 0.5 dB below bicubic", PIXEL, PSNR, above(BICUBIC, PSNR, -0.5)),
            Goal(
                "clean pictures: at most 0.5 dB below the network that saw clean ones alone",
                PIXEL,
                PSNR,
                above(CLEAN_TRAINED, PSNR, -0.5),
                needs=(CLEAN_TRAINED,),
            ),
        ),
        (DEGRADED + PSNR, DEGRADED + KD, PSNR, KD, ENERGY),
        ablation=False,
    ),
}


def rows_of(name: str, jobs: Sequence[Any], kept: dict[str, Any]) -> Rows:
    """A task's rows, each with a value a seed."""
    found: Rows = {}
    for row, figures in kept[f"baselines x{TASKS[name].scale}"].items():
        found[row] = {figure: [value] for figure, value in figures.items()}

    def add(row: str, figures: dict[str, float]) -> None:
        for figure, value in figures.items():
            found.setdefault(row, {}).setdefault(figure, []).append(value)

    for job in jobs:
        if job.task == name and job.key in kept:
            for stage, figures in kept[job.key]["figures"].items():
                if job.critic or stage == OFF:
                    add(stage, figures)
        if name == "degraded" and job.task == CLEAN_TRAINED and job.critic and job.key in kept:
            add(CLEAN_TRAINED, kept[job.key]["figures"][PIXEL])
    return found


def verdict(goal: Goal, rows: Rows) -> str:
    """Whether a goal is reached, and by what."""
    if goal.row not in rows or any(row not in rows for row in goal.needs):
        return f"- {goal.says}: NOT FINISHED"
    values = rows[goal.row][goal.figure]
    bound = goal.bound({row: {name: statistics.mean(of) for name, of in found.items()} for row, found in rows.items()})
    slack = statistics.stdev(values) if len(values) > 1 else 0.0
    mean = statistics.mean(values)
    lacking = mean + slack - bound if goal.low else bound - mean + slack
    said = f"{spread(values, '.3f')}, at {'most' if goal.low else 'least'} {bound:.3f}"
    return f"- {goal.says}: {said}. {'Reached.' if lacking <= 0 else f'MISSED by {lacking:.3f}.'}"


def section(name: str, jobs: Sequence[Any], kept: dict[str, Any]) -> list[str]:
    """A task's heading, table, goals and command."""
    task, rows = TASKS[name], rows_of(name, jobs, kept)
    own = [job for job in jobs if job.task == name]
    lines = [f"## {task.title}: {task.recipe}", ""]
    lines += ["| | " + " | ".join(task.columns) + " |", "|---" * (len(task.columns) + 1) + "|"]
    for row, found in rows.items():
        title = f"srgan, {CLEAN_TRAINED}, pixel stage" if row == CLEAN_TRAINED else row
        lines.append(f"| {title} | {' | '.join(cell(found[figure]) for figure in task.columns)} |")
    lines += ["", *[verdict(goal, rows) for goal in task.goals], ""]
    told = " ".join(f"--{key.replace('_', '-')} {value}" for key, value in task.settings.items())
    lines.append(f"`sparring train {task.recipe} train/ --scale {task.scale} {told} --steps {own[0].rounds}`.")
    done = [kept[job.key] for job in own if job.key in kept]
    spent = [kept[job.key]["spent"]["CPU-s"] for job in own if job.critic and job.key in kept]
    if spent:
        commits = " and ".join(sorted({found.get("commit", "unknown") for found in done}))
        lines.append(f"At commit {commits}; a run took {statistics.median(spent):.0f} CPU-s (median of {len(spent)}).")
    return [*lines, ""]


def cell(values: Values) -> str:
    return spread(values, ".3f" if abs(values[0]) < 2 else ".2f")
