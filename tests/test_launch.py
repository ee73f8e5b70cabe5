"""Several processes from one command: the same weights as one process, and one sentence when a worker dies."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

import sparring
from fighting import assert_same_state
from sparring.run import Run
from test_session import SLOW, SMALL, flags, newest, start, train, wait_for


def workers(parent: int) -> list[int]:
    """The processes that a process has started (Linux)."""
    listing = Path(f"/proc/{parent}/task/{parent}/children").read_text()
    return [int(pid) for pid in listing.split()]


def test_processes_flag_equals_one_process_with_frozen_layers_too(tmp_path: Path, squares_folder: Path) -> None:
    data = str(squares_folder)
    old = train(tmp_path / "old", data, steps=3)
    settings = {**SLOW, "steps": 4, "from_run": str(old.folder), "freeze_critic": 1}
    one = train(tmp_path / "one", data, **settings)
    two = train(tmp_path / "two", data, processes=2, **settings)
    for part in ("gan", "ema"):
        assert_same_state(newest(one)[part], newest(two)[part], part, tolerance=1e-5)
    before, after = newest(old)["gan"], newest(two)["gan"]
    assert isinstance(before, dict)
    assert isinstance(after, dict)
    assert torch.equal(before["critic.body.0.weight"], after["critic.body.0.weight"])
    assert not torch.equal(before["critic.body.2.weight"], after["critic.body.2.weight"])
    more = sparring.resume(two.folder, quiet=True, steps=5, processes=1)
    assert newest(more)["count"] == 5, "a run may go on with another number of processes"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds the workers through /proc")
def test_a_killed_worker_ends_the_run_in_a_sentence(tmp_path: Path, squares_folder: Path) -> None:
    out = tmp_path / "run"
    settings = {**SMALL, "steps": 10**6, "checkpoint_every": 10, "processes": 2, "out": out}
    process = start("train", "dcgan", str(squares_folder), *flags(**settings))
    wait_for(out / "checkpoints" / "step-00000010.pt", process)
    os.kill(workers(process.pid)[-1], signal.SIGKILL)
    _, complaints = process.communicate(timeout=60)
    assert process.returncode == 2
    last = complaints.strip().splitlines()[-1]
    assert re.search(r"sparring: process \d of 2 died \(SIGKILL\).*--resume", last), complaints
    count = newest(Run(out))["count"]
    assert isinstance(count, int)
    assert count >= 10


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="signals a process group")
def test_ctrl_c_reaches_all_processes(tmp_path: Path, squares_folder: Path) -> None:
    out = tmp_path / "run"
    left_open = dict.fromkeys(("memory_format", "precision"), "auto")  # which both time, and settle alike
    settings = {**SMALL, **left_open, "steps": 10**6, "processes": 2, "out": out}
    words = ["train", "dcgan", str(squares_folder), *flags(**settings)]
    process = subprocess.Popen(
        [sys.executable, "-m", "sparring", *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    wait_for(out / "log.jsonl", process)
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    text, complaints = process.communicate(timeout=60)
    assert "--resume" in text, complaints
    assert process.returncode == 130
    count = newest(Run(out))["count"]
    assert isinstance(count, int)
    assert count > 0


def test_a_mistake_in_several_processes_is_a_sentence(tmp_path: Path) -> None:
    process = start("train", "dcgan", "digits", *flags(**{**SMALL, "batch": 15, "processes": 2}))
    _, complaints = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "choose a multiple of 2" in complaints
    assert "Traceback" not in complaints


def test_workers_share_the_cores() -> None:
    program = (
        "import os; os.environ['LOCAL_WORLD_SIZE'] = '1000'\n"
        "from sparring.cluster import Cluster; import torch; torch.set_num_threads(2)\n"
        "Cluster('cpu'); assert torch.get_num_threads() == 1"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
    assert torch.get_num_threads() >= 1
