"""The two sides of benchmarks/tables.py, and what memory they take.

python tables_sides.py TABLE.csv '{"batch": 500}'       # Sparring under orders, as peer_ctgan.py is ctgan
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import pandas as pd
from peer_ctgan import answer, orders

from sparring import config, recipes, rows
from sparring.cluster import Cluster
from sparring.data.tables import check, codec, dataset, kinds
from sparring.start import build, settle


class Ours:
    """Sparring's side of the contest, with the acts of peer_ctgan.Peer, as `sparring train` would have it here.

    Args:
        path: a CSV file.
        settings: of CTGAN's Config.
    """

    def __init__(self, path: str, settings: dict[str, Any]) -> None:
        self.frame = pd.read_csv(path)
        self.data = dataset.table("adult", check.check(self.frame, path))
        recipe, alone = recipes.find("ctgan"), Cluster("cpu")
        told = config.from_dict(recipe.config, {"steps": 10**6, "device": "cpu", **settings}, "tables.py")
        self.trainer = build(recipe, self.data, settle(recipe, self.data, told, alone), alone)

    def obey(self) -> None:
        """Until no more orders come."""
        answer("ready")
        for act, *arguments in orders():
            answer(getattr(self, act)(*arguments))

    def transforms(self) -> dict[str, float]:
        """-> CPU-s of fitting and applying alone, as ctgan is told the kinds; seconds with all that training does"""
        begun = time.perf_counter()
        dataset.table("adult", check.check(self.frame, "adult"))
        wall = time.perf_counter() - begun
        frame = check.check(self.frame, "adult")
        decisions = kinds.infer(frame)
        cpu = time.process_time()
        codec.encode(codec.fit(frame, decisions), frame)
        return {"cpu": time.process_time() - cpu, "wall": wall}

    def epochs(self, n: int) -> dict[str, float]:
        begun, steps = time.perf_counter(), n * (len(self.frame) // 500)
        for _ in range(steps):
            self.trainer.round()
        return {"seconds": time.perf_counter() - begun, "steps": steps}

    def sample(self, n: int, path: str | None = None) -> float:
        begun = time.perf_counter()
        made = rows.together(rows.Rows(self.trainer.ema.gan), n)
        seconds = time.perf_counter() - begun
        if path:
            made.to_csv(path, index=False)
        return seconds


class Side:
    """One of the two, as a process that takes orders."""

    def __init__(self, words: list[str], threads: int) -> None:
        env = {**os.environ, "OMP_NUM_THREADS": str(threads)}
        self.process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=env
        )

    def __enter__(self) -> Side:
        self.hear()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.process.kill()
        self.process.wait()

    def hear(self) -> Any:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{' '.join(self.process.args)} has ended")  # type: ignore[arg-type]
        return json.loads(line)

    def ask(self, *order: Any) -> Any:
        assert self.process.stdin
        print(json.dumps(order), file=self.process.stdin, flush=True)
        return self.hear()


class Watch:
    """The most memory that a process and all below it held at once, in megabytes, looked at every 20 ms."""

    def __init__(self, pid: int) -> None:
        self.pid, self.most, self.over = pid, 0.0, threading.Event()
        self.thread = threading.Thread(target=self._look)

    def __enter__(self) -> Watch:
        self.thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.over.set()
        self.thread.join()

    def _look(self) -> None:
        while not self.over.wait(0.02):
            self.most = max(self.most, sum(map(_resident, _family(self.pid))) / 1e6)


def _family(pid: int) -> list[int]:
    """A process and all that it started, and they."""
    children = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children += [int(child) for child in task.read_text().split()]
        except OSError:
            continue  # it has just ended
    return [pid, *(one for child in children for one in _family(child))]


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


if __name__ == "__main__":
    Ours(sys.argv[1], json.loads(sys.argv[2])).obey()
