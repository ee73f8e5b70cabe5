"""How fast is translation: a training step of CycleGAN, `sparring apply` through torch and ONNX Runtime, its memory.

    python benchmarks/translate_speed.py --write docs/translate_speed.md
    python benchmarks/translate_speed.py --parts steps --sizes 64 --repeats 5

translate_steps.py and translate_apply.py say what is measured. Contestants take turns in one process, so ratios are of
neighbours in time; memory is of processes of their own.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch
import translate_apply
import translate_steps

from sparring.cluster import Cluster
from sparring.environment import environment

PARTS = {"steps": translate_steps.section, "apply": translate_apply.through, "memory": translate_apply.memory}


def main() -> None:
    """Run, print, write; exit status 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--sizes", nargs="+", type=int, default=[64, 128], help="sides of `steps`, of 64 and 128")
    parser.add_argument("--repeats", type=int, default=11)
    parser.add_argument("--rounds", type=int, default=1, help="of `steps`, in each repeat")
    parser.add_argument("--memory-format", default="auto", help="of Sparring in `steps`")
    parser.add_argument("--recipes", nargs="+", choices=translate_apply.RECIPES, default=list(translate_apply.RECIPES))
    parser.add_argument("--megapixels", nargs="+", type=float, default=list(translate_apply.MEGAPIXELS))
    parser.add_argument("--write", type=Path, help="write the tables into this Markdown file")
    parser.add_argument("--only", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--tile", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.only:
        run, source, target = asked.only
        translate_apply.only(run, source, target, asked.tile)
        return
    place = environment(Cluster("cpu"))
    end = f"{place['processor']}, torch {torch.__version__}, commit {place['commit']}, seed 0"
    lines = ["# The speed of translation", "", "Written by `benchmarks/translate_speed.py`."]
    for part in asked.parts:
        lines += ["", *PARTS[part](asked)]
        if asked.write:  # after each, since all of them take long
            asked.write.write_text("\n".join([*lines, "", end, ""]), encoding="utf-8")
    print("\n".join([*lines, "", end]))
    sys.exit(1 if any("MISSED" in line for line in lines) else 0)


if __name__ == "__main__":
    main()
