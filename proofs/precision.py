"""Claim: rounding to bfloat16, which `sparring train` does where a processor gains by it, costs no quality.

    python proofs/precision.py --write docs/precision.md
    python proofs/precision.py --recipe r3gan --data mnist --steps 500 --seeds 0 1

The same runs in float32 and in bf16, seed by seed: a seed gives both the same first weights, batches and latents. A
judge compares each with pictures that it never saw. The control stops halfway: if that were no worse, the figures would
tell nothing. The claim holds where the mean difference is no larger than twice its standard error.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from stacked import State, spread

import sparring
from sparring.cluster import Cluster
from sparring.environment import environment
from sparring.evaluate import evaluate
from sparring.run import write_atomically

WAYS = {"float32": ("fp32", 1.0), "bf16": ("bf16", 1.0), "control: float32, half of the rounds": ("fp32", 0.5)}
FIGURES = ("KD", "precision", "recall")


def one(asked: argparse.Namespace, way: str, seed: int, state: State) -> dict[str, float]:
    """The judge's figures of one run, unless the state has them already."""
    precision, share = WAYS[way]
    steps = round(asked.steps * share)
    key = f"{asked.recipe} on {asked.data}, {steps} rounds, {precision}, seed {seed}"
    if key not in state.kept:
        with tempfile.TemporaryDirectory() as folder:
            run = sparring.train(
                asked.recipe, asked.data, steps=steps, precision=precision, seed=seed, quiet=True, device="cpu",
                memory_format="channels_last", features="auto", evaluate_every=10**9, out=f"{folder}/run",
            )  # fmt: skip
            metrics = evaluate(run).metrics
        state.keep(key, {name.partition("[")[0]: score.value for name, score in metrics.items()})
        print(f"{key}: {state.kept[key]}", flush=True)
    found: dict[str, float] = state.kept[key]
    return found


def table(asked: argparse.Namespace, found: dict[str, list[dict[str, float]]]) -> tuple[list[str], bool]:
    """-> (lines of Markdown, whether the claim holds)"""
    lines = ["| | KD × 1000 | precision | recall |", "|---|---|---|---|"]
    for way, runs in found.items():
        values = {name: [run[name] for run in runs] for name in FIGURES}
        kd = spread([1000 * value for value in values["KD"]], ".2f")
        lines.append(f"| {way} | {kd} | {spread(values['precision'], '.3f')} | {spread(values['recall'], '.3f')} |")
    exact, rounded, half = ([1000 * run["KD"] for run in runs] for runs in found.values())
    gaps = [b - a for a, b in zip(exact, rounded, strict=True)]
    error = statistics.stdev(gaps) / len(gaps) ** 0.5 if len(gaps) > 1 else float("inf")
    mean, tells = statistics.mean(gaps), statistics.mean(half) > statistics.mean(exact)
    holds = mean <= 2 * error and tells and len(gaps) > 1
    lines += [
        "",
        f"bf16 less float32, seed by seed: KD × 1000 {mean:+.2f} ± {error:.2f} (standard error), "
        f"{'no worse than chance' if mean <= 2 * error else 'WORSE'}; half of the rounds "
        f"{'is worse, as it should be' if tells else 'is NO WORSE, so this tells nothing'}.",
    ]
    return lines, holds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="dcgan")
    parser.add_argument("--data", default="fashion-mnist")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3])
    parser.add_argument("--state", type=Path, help="a JSON file to keep finished runs in")
    parser.add_argument("--write", type=Path, help="write the table into this Markdown file")
    asked = parser.parse_args()
    state = State(asked.state)
    found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for seed in asked.seeds:
        for way, runs in found.items():
            runs.append(one(asked, way, seed, state))
    lines, holds = table(asked, found)
    place = environment(Cluster("cpu"))
    head = [
        "# Precision", "", "Written by `proofs/precision.py`: the same runs in float32 and in bfloat16.", "",
        f"{asked.recipe} on {asked.data}, {asked.steps} rounds with the defaults, {len(asked.seeds)} seeds.", "",
    ]  # fmt: skip
    said = ", ".join(map(str, asked.seeds))
    end = ["", f"{place['processor']}, torch {place['packages']['torch']}, commit {place['commit']}, seeds {said}"]
    print("\n".join([*head, *lines, *end]))
    if asked.write:
        write_atomically(asked.write, "\n".join([*head, *lines, *end, ""]))
    sys.exit(0 if holds else 1)


if __name__ == "__main__":
    main()
