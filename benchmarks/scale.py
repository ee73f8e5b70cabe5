"""Cost grows linearly: time and memory a picture at 32, 64 and 128 pixels, and with 1,000 to 100,000 pictures.

    python benchmarks/scale.py --plot docs/scale.svg

Each point is a process of its own that plays rounds of DCGAN. The number of stages grows with the side, up to 8 times
the width, so a picture of twice the side may cost somewhat more than four times as much.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from train_speed import noise_pictures, seconds

from sparring import recipes
from sparring.cluster import Cluster
from sparring.data.dataset import Dataset
from sparring.environment import peak_memory
from sparring.start import build

SIDES, COUNTS, BATCH = (32, 64, 128), (1_000, 10_000, 100_000), 16
BARS = {"ms a picture": "#4878d0", "ns a pixel": "#ee854a", "peak memory, MB": "#6acc64"}
Point = tuple[int, int, float, float]  # side, pictures, seconds a picture, MB


def one(side: int, count: int, repeats: int) -> tuple[float, float]:
    """-> (seconds a picture, peak megabytes). The pictures lie in a file that is mapped, as prepared data does."""
    spec = noise_pictures(side, 1).spec
    with tempfile.NamedTemporaryFile(suffix=".npy") as file:
        rows = np.lib.format.open_memmap(file.name, "w+", np.uint8, (count, 3, side, side))
        chance = np.random.default_rng(0)
        for at in range(0, count, 500):
            rows[at : at + 500] = chance.integers(0, 256, rows[at : at + 500].shape, np.uint8)
        rows.flush()
        del rows
        recipe = recipes.find("dcgan")
        config = recipe.config(
            steps=10**6, batch=BATCH, device="cpu", precision="fp32", memory_format="channels_last", augment="none"
        )
        data = Dataset(spec.__class__("pictures", "noise", (3, side, side), (-1.0, 1.0), count, (), "noise"),
                       np.load(file.name, mmap_mode="r"))  # fmt: skip
        step = build(recipe, data, config, Cluster("cpu")).round
        seconds(step, 8)
        times = [seconds(step, 8) for _ in range(repeats)]
    return statistics.median(times) / BATCH, peak_memory(torch.device("cpu"))


def measure(repeats: int = 5) -> list[Point]:
    """Every side with 1,000 pictures, then every number of pictures at 32 pixels."""
    points = []
    for side, count in [*((side, COUNTS[0]) for side in SIDES), *((SIDES[0], count) for count in COUNTS[1:])]:
        words = [sys.executable, __file__, "--only", str(side), str(count), "--repeats", str(repeats)]
        told = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout
        each, memory = json.loads(told.splitlines()[-1])
        points.append((side, count, each, memory))
        print(points[-1], flush=True)
    return points


def draw(points: list[Point]) -> str:
    """An SVG of bars: what a picture, a pixel and the process cost at each point."""
    values = {
        "ms a picture": [1e3 * p[2] for p in points],
        "ns a pixel": [1e9 * p[2] / p[0] ** 2 for p in points],
        "peak memory, MB": [p[3] for p in points],
    }
    parts = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 660" font-family="sans-serif" font-size="12">']
    parts.append('<rect width="720" height="660" fill="white"/>')
    for panel, (title, heights) in enumerate(values.items()):
        floor = 180 + 215 * panel
        parts.append(f'<text x="40" y="{floor - 155}" font-size="14">{title}</text>')
        for i, (point, height) in enumerate(zip(points, heights, strict=True)):
            tall, left = 125 * height / max(heights), 50 + 130 * i
            figure = f"{height:,.0f}" if height >= 100 else f"{height:.3g}"
            parts.append(
                f'<rect x="{left}" y="{floor - tall:.1f}" width="80" height="{tall:.1f}" fill="{BARS[title]}"/>'
            )
            parts.append(f'<text x="{left + 40}" y="{floor - tall - 4:.1f}" text-anchor="middle">{figure}</text>')
            label = f"{point[0]}×{point[0]}, {point[1]:,}"
            parts.append(f'<text x="{left + 40}" y="{floor + 16}" text-anchor="middle">{label}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def section(plot: Path, repeats: int = 5) -> list[str]:
    """The table, as lines of Markdown; the plot goes into a file beside it."""
    points = measure(repeats)
    plot.write_text(draw(points), encoding="utf-8")
    lines = [
        "## Scale", "",
        f"DCGAN with its defaults, batch {BATCH}, {torch.get_num_threads()} threads, each point a process of its own; "
        "the pictures lie in a mapped file, whose pages count as memory once read.", "",
        f"![Cost by side and by number of pictures]({plot.name})", "",
        "| side | pictures | ms a picture | ns a pixel | peak memory |", "|---|---|---|---|---|",
    ]  # fmt: skip
    for side, count, each, memory in points:
        lines.append(f"| {side} | {count:,} | {each * 1e3:.2f} | {each * 1e9 / side**2:.0f} | {memory:.0f} MB |")
    return lines


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plot", type=Path, default=Path("docs/scale.svg"))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", nargs=2, type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.only:
        print(json.dumps(one(*asked.only, asked.repeats)))
    else:
        print("\n".join(section(asked.plot, asked.repeats)))
