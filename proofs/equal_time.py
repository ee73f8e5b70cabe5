"""Equal time for every recipe, whatever else this machine is doing: how many rounds fit into so many quiet seconds.

    python proofs/equal_time.py --data mnist stacked-digits --write rounds.json

Contests between recipes give each the rounds that it would play in the same wall-clock time. Counting rounds, and not
seconds, makes the contests exact: a busy machine, or another number of processes, changes nothing. The seconds of a
round are measured here, on a machine that does nothing else, with all the threads that a training would use.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from sparring import recipes
from sparring.cluster import Cluster
from sparring.environment import environment
from sparring.errors import SparringError
from sparring.start import build, parts, settle

WARM_UP, TIMED = 4, 32  # rounds: lazy penalties come every 16


def seconds_of_a_round(name: str, data: str, **settings: Any) -> float:
    """The mean seconds of a round of a recipe with its default settings, but for those given."""
    recipe, cluster = recipes.find(name), Cluster("cpu")
    config = recipe.config(steps=1, **settings)
    dataset, _ = parts(data, config)
    trainer = build(recipe, dataset, settle(recipe, dataset, config, cluster), cluster)
    for _ in range(WARM_UP):
        trainer.round()
    begun = time.perf_counter()
    for _ in range(TIMED):
        trainer.round()
    return (time.perf_counter() - begun) / TIMED


def for_pictures() -> list[str]:
    """The recipes that learn pictures."""
    return [name for name in recipes.names() if "pictures" in recipes.find(name).gan.kinds]


def main() -> None:
    """Measure, print, write; what a file holds already is kept unless it is measured anew."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data", nargs="+", required=True, help="data sets, with a size where wanted: mnist, photos@32"
    )
    parser.add_argument("--recipes", nargs="+", default=for_pictures(), metavar="NAME")
    parser.add_argument("--write", type=Path, required=True, help="the JSON file to write")
    asked = parser.parse_args()
    known = json.loads(asked.write.read_text()) if asked.write.exists() else {"seconds": {}}
    place = environment(Cluster("cpu"))
    known["machine"] = f"{place['processor']}, {place['threads']} threads, torch {place['packages']['torch']}"
    for wanted in asked.data:
        data, _, size = wanted.partition("@")
        for name in asked.recipes:
            try:
                seconds = seconds_of_a_round(name, data, **({"size": size} if size else {}))
            except SparringError as error:  # such as a conditional recipe where there are no labels
                print(f"{wanted:20} {name:12} {error}", flush=True)
                continue
            known["seconds"].setdefault(wanted, {})[name] = {"seconds": seconds, "commit": place["commit"]}
            print(f"{wanted:20} {name:12} {seconds * 1000:8.1f} ms a round", flush=True)
            asked.write.write_text(json.dumps(known, indent=2) + "\n")


if __name__ == "__main__":
    main()
