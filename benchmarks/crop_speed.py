"""How many crops a second the recipes of super-resolution learn from, in each of their stages; for recipe_speed.py."""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
from typing import Any

import torch
from train_speed import noise_pictures, seconds

from sparring import recipes
from sparring.cluster import Cluster
from sparring.data.dataset import Dataset
from sparring.environment import peak_memory
from sparring.start import build
from sparring.trainer import Trainer

RECIPES = ("srgan", "esrgan", "realesrgan")
SCALES = (2, 4)
CROP, TILE = 96, 128  # pixels a side
STAGES = {"pixel": 0.0, "adversarial": 0.999}  # how far through a run
ROUNDS = 2  # in each repeat


def crops(count: int = 128) -> Dataset:
    """Tiles of noise, larger than the crops that training takes of them: speed does not depend on what they show."""
    tiles = noise_pictures(TILE, count)
    return dataclasses.replace(tiles, spec=dataclasses.replace(tiles.spec, shape=(3, CROP, CROP)))


def learner(name: str, scale: int) -> Trainer:
    recipe = recipes.find(name)
    config = recipe.config(
        steps=10**6, scale=scale, crop=str(CROP), device="cpu", precision="fp32", memory_format="channels_last",
        augment="none",
    )  # fmt: skip
    return build(recipe, crops(), config, Cluster("cpu"))


def one(name: str, repeats: int) -> list[dict[str, Any]]:
    """The rows of one recipe: seconds a round and peak megabytes, by scale and stage, in this process."""
    rows = []
    for scale in SCALES:
        for stage, progress in STAGES.items():
            trainer = learner(name, scale)
            trainer.progress = progress
            seconds(trainer.round, 1)
            times = [seconds(trainer.round, ROUNDS) for _ in range(repeats)]
            memory = peak_memory(torch.device("cpu"))
            told = {"scale": scale, "stage": stage, "seconds": statistics.median(times), "memory": memory}
            rows.append({**told, "batch": trainer.config.batch})
    return rows


def section(told: dict[str, list[dict[str, Any]]], repeats: int) -> list[str]:
    """The table, as lines of Markdown, from the rows of each recipe."""
    lines = [
        "## Super-resolution", "",
        f"Each with its defaults, large crops of {CROP} pixels in colour cut from tiles, channels_last, "
        f"{torch.get_num_threads()} threads; medians of {repeats} repeats of {ROUNDS} rounds. Small crops are made of "
        "the large ones within the round. Memory is that of the process so far.", "",
        "| recipe | scale | stage | crops/s | ms a round | peak memory |",
        "|---|---|---|---|---|---|",
    ]  # fmt: skip
    for name, rows in told.items():
        lines += [
            f"| {name} | {row['scale']} | {row['stage']} | {row['batch'] / row['seconds']:.1f} "
            f"| {row['seconds'] * 1000:.0f} | {row['memory']:.0f} MB |"
            for row in rows
        ]
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", choices=RECIPES)
    parser.add_argument("--repeats", type=int, default=7)
    asked = parser.parse_args()
    print(json.dumps(one(asked.recipe, asked.repeats)))


if __name__ == "__main__":
    main()
