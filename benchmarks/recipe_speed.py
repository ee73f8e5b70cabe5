"""How fast a round of each picture recipe is, eager and compiled; and what gradient penalties cost.

    python benchmarks/recipe_speed.py --peers PEERS --write docs/performance.md   # all of docs/performance.md
    python benchmarks/recipe_speed.py --recipes dcgan r3gan --repeats 5 --no-compile

Every recipe runs in a process of its own, so that its peak memory is its own. A round and this machine's matrix
products take turns, so the share of the peak is a ratio of neighbours in time; so do eager and compiled rounds. PEERS
is explained in peers.py; without it that table is left out.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import crop_speed
import numpy as np
import peers
import penalty_speed
import scale
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry
from train_speed import matrix_peak, noise_pictures, seconds

from sparring import recipes
from sparring.cluster import Cluster
from sparring.data.dataset import Dataset
from sparring.environment import environment, peak_memory
from sparring.start import build

PICTURES = ("dcgan", "lsgan", "wgan", "wgan_gp", "cgan", "acgan", "sngan", "r3gan", "stylegan2", "fastgan")
CYCLE = 16  # rounds: the longest interval of a lazy penalty, so that every repeat holds its share of them
PAYS = 1.05


class Flops(TorchDispatchMode):
    """Counts floating-point operations; torch's own counter cannot be there when a gradient penalty is taken."""

    total = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if count := flop_registry.get(func._overloadpacket):
            self.total += count(*args, **(kwargs or {}), out_val=out)
        return out


def in_ten_classes(data: Dataset) -> Dataset:
    """The same pictures, each of one of ten classes: some recipes learn nothing without."""
    spec = dataclasses.replace(data.spec, classes=tuple("0123456789"), shares=(0.1,) * 10)
    return dataclasses.replace(data, spec=spec, labels=np.arange(len(data)) % 10)


def one(name: str, asked: argparse.Namespace) -> dict[str, Any]:
    """A recipe's figures, in this process: seconds a round, GFLOP a round, and the peak's GFLOP/s, by repeat."""
    data, recipe = noise_pictures(32), recipes.find(name)
    if recipe.gan.conditional:
        data = in_ten_classes(data)
    config = recipe.config(
        steps=10**6, batch=asked.batch, device="cpu", precision="fp32", memory_format=asked.memory_format
    )
    eager = build(recipe, data, dataclasses.replace(config, augment="none"), Cluster("cpu")).round
    with Flops() as counter:
        seconds(eager, CYCLE)
    figures: dict[str, Any] = {"flops": counter.total / 1e9 / CYCLE, "eager": [], "peak": []}
    figures["memory"] = peak_memory(torch.device("cpu"))
    steps = {"eager": eager}
    if asked.compile:
        compiled = build(recipe, data, dataclasses.replace(config, augment="none", compile=True), Cluster("cpu")).round
        figures["start"], figures["compiled"] = seconds(compiled, 1), []
        steps["compiled"] = compiled
    for step in steps.values():
        seconds(step, 2)
    for _ in range(asked.repeats):
        figures["peak"].append(matrix_peak())
        for way, step in steps.items():
            figures[way].append(seconds(step, CYCLE))
    return figures


def row(name: str, figures: dict[str, Any], batch: int) -> str:
    """A line of the table."""
    round_ = statistics.median(figures["eager"])
    share = statistics.median(figures["flops"] / s / p for s, p in zip(figures["eager"], figures["peak"], strict=True))
    line = f"| {name} | {batch / round_:.0f} | {round_ * 1000:.0f} | {figures['flops']:.1f} | {share:.0%} "
    line += f"| {figures['memory']:.0f} MB |"
    if "compiled" not in figures:
        return f"{line} | | |"
    gain = statistics.median(a / b for a, b in zip(figures["eager"], figures["compiled"], strict=True))
    return f"{line} {gain:.2f}x | {'yes' if gain >= PAYS else 'no'} | {figures['start']:.0f} s |"


def section(asked: argparse.Namespace) -> list[str]:
    """The table of recipes, as lines of Markdown."""
    lines = [
        "## Recipes", "",
        f"Each with its defaults, unaugmented, 32x32 in colour, batch {asked.batch}, {asked.memory_format}, "
        f"{torch.get_num_threads()} threads; medians of {asked.repeats} repeats of {CYCLE} rounds, which hold every "
        "lazy penalty. The share is of the best float32 matrix product, measured before each repeat; depthwise and "
        "other thin convolutions cannot reach it.", "",
        "| recipe | images/s | ms a round | GFLOP a round | share of the peak | peak memory | compiled is faster by "
        "| --compile pays | its first round |",
        "|---|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for name in asked.recipes:
        words = [sys.executable, __file__, "--only", name, "--batch", str(asked.batch), "--repeats", str(asked.repeats)]
        words += ["--memory-format", asked.memory_format, "--compile" if asked.compile else "--no-compile"]
        told = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout
        lines.append(row(name, json.loads(told.splitlines()[-1]), asked.batch))
        print(lines[-1], flush=True)
    return lines


def enlarging(asked: argparse.Namespace) -> list[str]:
    """The table of what enlarges pictures, each recipe in a process of its own."""
    told = {}
    for name in crop_speed.RECIPES:
        words = [sys.executable, crop_speed.__file__, name, "--repeats", str(asked.repeats)]
        told[name] = json.loads(subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout)
    lines = crop_speed.section(told, asked.repeats)
    print("\n".join(lines), flush=True)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipes", nargs="+", choices=PICTURES, default=list(PICTURES))
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--memory-format", default="channels_last")
    parser.add_argument("--compile", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--peers", type=Path, help="folder of installed peers: see peers.py")
    parser.add_argument("--write", type=Path, help="write all tables into this Markdown file, and the plot beside it")
    parser.add_argument("--only", choices=PICTURES, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.only:
        print(json.dumps(one(asked.only, asked)))
        return
    place = environment(Cluster("cpu"))
    end = f"{place['processor']}, torch {place['packages']['torch']}, commit {place['commit']}, seed 0"
    parts = [lambda: section(asked)]
    if asked.write:
        parts.append(lambda: enlarging(asked))
        parts.append(lambda: penalty_speed.section(asked.batch, asked.repeats, asked.compile))
        parts += [lambda: peers.section(asked.peers, asked.batch, 2 * asked.repeats + 1)] if asked.peers else []
        parts.append(lambda: scale.section(asked.write.with_name("scale.svg")))
    lines = ["# Performance", "", "Written by `benchmarks/recipe_speed.py`."]
    for part in parts:
        lines += ["", *part()]
        if asked.write:  # after each, since all of them take long
            asked.write.write_text("\n".join([*lines, "", end, ""]), encoding="utf-8")
    print("\n".join([*lines, "", end]))


if __name__ == "__main__":
    main()
