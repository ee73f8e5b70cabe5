"""Claim: what `sparring train auto` picks is the best recipe for pictures at equal time, or within 5 % of the best.

    python proofs/equal_time.py --data mnist fashion-mnist --write rounds.json                     # on a quiet machine
    python proofs/pictures.py --equal-time rounds.json --state runs/pictures.json --measure-auto   # the same
    python proofs/pictures.py --equal-time rounds.json --state runs/pictures.json --write docs/pictures.md
    python proofs/pictures.py ... --share 0/2 & python proofs/pictures.py ... --share 1/2          # in two processes

Every recipe gets the rounds that take so many seconds on a quiet machine, with its default settings. Each finished
run's figures are kept at once in the state file, so the proof can be stopped and started again; seed 0 of everything
comes first. A last contest has 200 training pictures only, with augmentation off, adaptive and full.

The judge of a data set is the same for every run: the package's own choice of features, 2,000 samples of the averaged
generator, and real pictures that nothing was trained on (the test parts that MNIST and Fashion-MNIST come with). For
conditional recipes a reader that learnt from real labels says how often a sample shows the class that was asked for.
Colour pictures are a folder of yours, such as the 64×64 emoji of npm's emoji-datasource-google: `npm pack
emoji-datasource-google`, unpack it, and give `--colour package/img/google/64`; then equal_time.py needs
`--data package/img/google/64@64 --recipes ...` without cgan and acgan, which learn from labels.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from equal_time import for_pictures
from pictures_runs import FEW, Job, Proof, Source, measure_auto, opened
from pictures_table import document
from stacked import State

from sparring.data import draw
from sparring.data.dataset import decode
from sparring.errors import SparringError
from sparring.run import write_atomically


def files_of(state: Path) -> list[Path]:
    """The state files of all shares, and the one of a proof in a single process."""
    return [path for path in [state, *sorted(state.parent.glob(f"{state.stem}.*of*.json"))] if path.exists()]


def merged(state: Path) -> dict[str, Any]:
    """What all processes have kept."""
    return {key: value for path in files_of(state) for key, value in json.loads(path.read_text()).items()}


def is_done(job: Job, kept: dict[str, Any]) -> bool:
    """Whether the figures of this very run are there: another budget or other settings make another run."""
    figures = kept.get(job.key, {})
    return all(figures.get(key) == getattr(job, key) for key in ("recipe", "settings", "rounds"))


def run_all(proof: Proof, jobs: list[Job], state: Path, share: str) -> None:
    """Play this process's share of the jobs that are not done yet."""
    mine, of = (int(word) for word in share.split("/"))
    own = State(state if of == 1 else state.with_name(f"{state.stem}.{mine}of{of}.json"))
    protocol = {"seconds": proof.asked.seconds, "fakes": proof.asked.fakes}
    if merged(state).get("protocol", protocol) != protocol:
        raise SparringError(
            f"{state} holds runs of another protocol, {merged(state)['protocol']}; give another --state"
        )
    own.keep("protocol", protocol)
    for place, job in enumerate(jobs):
        if place % of != mine or is_done(job, merged(state)):
            continue
        if (controls := f"controls: {job.group}") not in merged(state):
            own.keep(controls, proof.bench(job.group).controls())
        figures = proof.play(job)
        own.keep(job.key, figures)
        fd = next(score["value"] for name, score in figures["metrics"].items() if name.startswith("F"))
        print(f"{job.key}: {job.rounds:,} rounds, FD {fd:.3g}", flush=True)


def show(proof: Proof, folder: Path) -> None:
    """A picture a table: a row of samples for each of its entries, of seed 0."""
    folder.mkdir(parents=True, exist_ok=True)
    for group in [*(source.name for source in proof.sources), "few"]:
        found = sorted((proof.folder / "samples").glob(f"{group}, *.npy"))
        rows = {path.stem.partition(", ")[2]: decode(torch.from_numpy(np.load(path))) for path in found}
        if rows:
            draw.rows(opened(proof.source(group))[0].spec, rows).save(folder / f"pictures-{group}.png")


def forget(state: Path, names: list[str]) -> None:
    """Drop the figures of recipes from every state file, so that they are made anew."""
    for path in files_of(state):
        kept = {key: value for key, value in json.loads(path.read_text()).items() if value.get("recipe") not in names}
        write_atomically(path, json.dumps(kept, indent=1) + "\n")


def command_line() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add, every = parser.add_argument, for_pictures()
    add("--equal-time", type=Path, required=True, metavar="FILE", help="what proofs/equal_time.py wrote")
    add("--state", type=Path, required=True, metavar="FILE", help="figures of finished runs, to go on with")
    add("--sets", nargs="*", default=["mnist", "fashion-mnist"], choices=["mnist", "fashion-mnist"])
    add("--colour", metavar="DIR", help="a folder of colour pictures, for a third data set")
    add("--colour-size", default="64", metavar="SIDE")
    add("--recipes", nargs="+", default=every, choices=every, metavar="NAME", help=", ".join(every))
    add("--seeds", type=int, default=3)
    add("--seconds", type=float, default=60.0, help="of a quiet machine for each run, as rounds")
    add("--fakes", type=int, default=2000, help="samples of each run that are judged")
    add("--few", default="fashion-mnist", help=f"which data set to train on {FEW} pictures of; none for none")
    add("--share", default="0/1", metavar="I/N", help="play every N-th run, from the I-th on, beside other processes")
    add("--no-runs", action="store_true", help="only write the tables of what is done")
    add(
        "--measure-auto", action="store_true", help="only ask `auto` what it picks, and put it into the equal-time file"
    )
    add("--forget", nargs="+", metavar="NAME", help="only drop these recipes' figures, so that they are made anew")
    add("--write", type=Path, metavar="FILE", help="write the tables into this Markdown file")
    add("--pictures", type=Path, metavar="DIR", help="write a picture of each table's samples into this folder")
    return parser.parse_args()


def prove(asked: argparse.Namespace) -> bool:
    """Do what was asked. -> whether every goal that can be told is reached"""
    sources = [Source(name, name) for name in asked.sets]
    sources += [Source("colour", asked.colour, asked.colour_size)] if asked.colour else []
    if asked.forget:
        forget(asked.state, asked.forget)
        return True
    if asked.measure_auto:
        found = {source.key: measure_auto(source, asked.seconds, asked.equal_time) for source in sources}
        known = json.loads(asked.equal_time.read_text())
        known["auto"] = {**known.get("auto", {}), **found}
        write_atomically(asked.equal_time, json.dumps(known, indent=2) + "\n")
        print("\n".join(line for choice in found.values() for line in choice["reasons"]))
        return True
    proof = Proof(asked, sources)
    jobs = list(proof.jobs())
    if not asked.no_runs:
        run_all(proof, jobs, asked.state, asked.share)
    kept = merged(asked.state)
    records = [kept[job.key] for job in jobs if is_done(job, kept)]
    lines, good = document(records, kept, proof.picked, proof.refused, jobs_in_all=len(jobs))
    machine = json.loads(asked.equal_time.read_text()).get("machine", "an unnamed machine")
    lines += ["", f"Rounds that take {asked.seconds:g} s, measured on {machine}."]
    print("\n".join(["", *lines]))
    if asked.write:
        write_atomically(asked.write, "\n".join([*lines, ""]))
    if asked.pictures:
        show(proof, asked.pictures)
    return good


def main() -> None:
    """Exit status 1 when a goal is missed, or something is wrong."""
    try:
        good = prove(command_line())
    except SparringError as error:
        sys.exit(f"error: {error}")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
