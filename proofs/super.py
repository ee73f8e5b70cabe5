"""Claim: recipes that enlarge come nearer to the truth than what enlarges without learning, and then look real.

    python proofs/super_data.py --out DATA          # says what to install
    python proofs/super.py --data DATA --state super.json --write docs/super.md
    python proofs/super.py --data DATA --state super.json --task x2 --seeds 0 --rounds 300        # a first look

Two photographs are held out whole and cut into tiles of 64 pixels, each shrunk (antialiased bicubic, 8 bits) and
enlarged by itself, the scale's border left out. Beside each stage of a run stand nearest and bicubic enlargement, ridge
regression on the 7x7 pixels around each place, which is the best linear filter, a sharpened bicubic, which has the
detail and not the right one, and the same run without its critic. What is found is kept in the state file, so that the
proof goes on where it was stopped. The recipes learn without a feature network here, for EfficientNet-Lite0 is the
judge's. A goal is reached where the mean over the seeds, less one standard deviation, reaches it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from stacked import State
from super_bench import LEARNT, Bench, Pictures, Ridge, sharpened, small_of, tiles_of
from super_table import ADVERSARIAL, BASELINES, OFF, PIXEL, TASKS, section
from torch import Tensor

import sparring
from sparring.apply.translate import Translator
from sparring.cluster import Cluster
from sparring.data import draw
from sparring.data.dataset import decode, encode
from sparring.environment import environment
from sparring.errors import SparringError
from sparring.gan import GAN
from sparring.run import write_atomically

SAID = {"device": "cpu", "held_out": 0.0, "features": "none", "augment": "none"}
SHOWN = 8


class Job(NamedTuple):
    """One run, of a recipe with or without its critic."""

    task: str
    rounds: int
    seed: int
    critic: bool

    @property
    def key(self) -> str:
        said = f"{self.task}: {self.rounds} rounds, seed {self.seed}"
        return said if self.critic else f"{said}, {OFF}"


def jobs(asked: argparse.Namespace) -> list[Job]:
    """What is to be run, the first seed of everything first, and last what has no critic."""
    return [
        Job(name, asked.rounds or TASKS[name].rounds, seed, critic)
        for critic in (True, False)
        for seed in asked.seeds
        for name in asked.task
        if critic or TASKS[name].ablation
    ]


class Test:
    """The held-out tiles of a task, as they are given and as they should become; and the same, degraded."""

    def __init__(self, data: Path, scale: int) -> None:
        true, self.scale = tiles_of(data / "test"), scale
        self.kinds = {"": small_of(true, scale, False), "degraded ": small_of(true, scale, True)}
        self.benches = {kind: Bench(Pictures(small, true), scale) for kind, small in self.kinds.items()}

    def measure(self, enlarge: Any) -> dict[str, float]:
        """Of clean tiles every figure, of degraded ones those that TASKS asks for, by their names."""
        found = {}
        for kind, small in self.kinds.items():
            made = enlarge(small)
            found |= {kind + name: value for name, value in self.benches[kind].measure(made).items()}
        return found


def train(job: Job, data: Path, test: Test) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """-> (the figures of each stage and what they took, what was made of some clean tiles at each)"""
    task = TASKS[job.task]
    weight = {} if job.critic else {"adversarial": 0.0}
    told = {**SAID, **task.settings, **weight, "scale": task.scale, "steps": job.rounds, "seed": job.seed}
    with tempfile.TemporaryDirectory() as scratch:
        cpu, wall = time.process_time(), time.perf_counter()
        run = sparring.train(task.recipe, str(data / "train"), quiet=True, out=str(Path(scratch) / "run"), **told)
        spent = {"CPU-s": time.process_time() - cpu, "s": time.perf_counter() - wall}
        gans = {PIXEL: sparring.load(run.folder, checkpoint="pixel").gan}
        gans = {**gans, ADVERSARIAL: run.gan} if job.critic else {OFF: run.gan}
        figures = {stage: test.measure(lambda small, gan=gan: enlarged(gan, small)) for stage, gan in gans.items()}
        shown = {stage: enlarged(gan, chosen(test.kinds[""])) for stage, gan in gans.items()}
    return {"figures": figures, "spent": spent, "commit": environment(Cluster("cpu"))["commit"]}, shown


def chosen(tiles: Tensor) -> Tensor:
    return tiles[torch.linspace(0, len(tiles) - 1, SHOWN).long()]


def enlarged(gan: GAN, small: Tensor) -> Tensor:
    """Each tile by itself, to the byte what `sparring upscale` writes."""
    translator = Translator(gan)
    made = [translator(np.ascontiguousarray(np.moveaxis(picture, 0, -1))) for picture in encode(small)]
    return decode(torch.from_numpy(np.moveaxis(np.stack(made), -1, 1).copy()))


def baselines(test: Test, data: Path) -> dict[str, dict[str, float]]:
    """What enlarges without a network."""
    scale = test.scale
    known = tiles_of(data / "train")
    known = known[torch.randperm(len(known), generator=torch.Generator().manual_seed(0))[:LEARNT]]
    ways = {
        "nearest": lambda small: small.repeat_interleave(scale, 2).repeat_interleave(scale, 3),
        "bicubic": lambda small: test.benches[""].bicubic(small),
        "bicubic, sharpened": lambda small: sharpened(test.benches[""].bicubic(small)),
        "ridge regression": Ridge(small_of(known, scale, False), known, scale),
        "the truth": lambda small: test.benches[""].true,
    }
    return {name: test.measure(ways[name]) for name in BASELINES}


def run_all(asked: argparse.Namespace, state: State) -> None:
    """Everything that is not in the state yet."""
    tests: dict[int, Test] = {}

    def test(scale: int) -> Test:
        if scale not in tests:
            tests[scale] = Test(asked.data, scale)
        return tests[scale]

    for scale in sorted({TASKS[name].scale for name in asked.task}):
        if (key := f"baselines x{scale}") not in state.kept:
            state.keep(key, baselines(test(scale), asked.data))
    for job in jobs(asked) if not asked.no_runs else []:
        if job.key in state.kept:
            continue
        found, shown = train(job, asked.data, test(TASKS[job.task].scale))
        asked.state.with_suffix("").mkdir(parents=True, exist_ok=True)
        for stage, pictures in shown.items():
            np.save(asked.state.with_suffix("") / f"{job.key.replace(': ', ', ')}, {stage}.npy", encode(pictures))
        state.keep(job.key, found)
        for stage, figures in found["figures"].items():
            words = ", ".join(f"{name} {value:.3f}" for name, value in figures.items())
            print(f"{job.key}, {stage}: {words} ({found['spent']['CPU-s']:.0f} CPU-s)", flush=True)


def show(name: str, asked: argparse.Namespace, folder: Path) -> None:
    """A picture: some held-out tiles, what each stage makes of them, and the truth."""
    test, job = Test(asked.data, TASKS[name].scale), jobs(asked)[asked.task.index(name)]
    columns = {"nearest": chosen(test.kinds[""]), "bicubic": chosen(test.benches[""].plain)}
    for stage in (PIXEL, ADVERSARIAL):
        path = asked.state.with_suffix("") / f"{job.key.replace(': ', ', ')}, {stage}.npy"
        if path.exists():
            columns[stage] = decode(torch.from_numpy(np.load(path)))
    folder.mkdir(parents=True, exist_ok=True)
    draw.columns({**columns, "truth": chosen(test.benches[""].true)}, 3).save(folder / f"super-{name}.png")


def command_line() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--data", type=Path, required=True, metavar="DIR", help="the folder that super_data.py has filled")
    add("--state", type=Path, required=True, metavar="FILE", help="what was found, to go on from")
    add("--task", nargs="+", choices=list(TASKS), default=list(TASKS))
    add("--rounds", type=int, help="of every run, for a first look; by default the task's own")
    add("--seeds", type=int, nargs="+", default=[1000, 1001, 1002], help="which tuning never saw")
    add("--no-runs", action="store_true", help="only baselines, and the tables of what is done")
    add("--write", type=Path, metavar="FILE", help="write the tables into this Markdown file")
    add("--pictures", type=Path, metavar="DIR", help="write a picture of each task's stages into this folder")
    return parser.parse_args()


def prove(asked: argparse.Namespace) -> bool:
    """Do what was asked. -> whether every goal is reached"""
    torch.set_num_threads(1)
    state = State(asked.state)
    run_all(asked, state)
    lines = [line for name in asked.task for line in section(name, jobs(asked), state.kept)]
    place = environment(Cluster("cpu"))
    seeds = ", ".join(map(str, asked.seeds))
    lines.append(f"{place['processor']}, 1 thread, torch {torch.__version__}, seeds {seeds}")
    print("\n".join(["", *lines]))
    if asked.write:
        heading = ["# Super-resolution", "", "Written by `proofs/super.py`, which says what is measured.", ""]
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
