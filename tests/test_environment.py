"""What a run ran on is told truly."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch

from sparring import environment as env
from sparring.cluster import Cluster


def test_the_environment_is_this_one(alone: Cluster) -> None:
    told = env.environment(alone)
    assert told["packages"]["torch"] == torch.__version__.split(" ")[0]
    assert told["threads"] == torch.get_num_threads()
    assert told["cores"] == os.cpu_count()
    assert told["device"] == "cpu"
    assert told["processor"]


def test_a_package_that_is_not_there_has_no_version() -> None:
    assert env._version("no-such-package-anywhere") is None


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_peak_memory_grows_with_what_was_held_and_forgets_the_parent() -> None:
    program = (
        "import torch; from sparring.environment import peak_memory\n"
        "d = torch.device('cpu'); before = peak_memory(d); torch.ones(50_000_000); print(before, peak_memory(d))"
    )
    weight = torch.ones(200_000_000)  # 800 MB that the child must not count as its own
    text = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    del weight
    before, after = map(float, text.split())
    assert before < 700
    assert 150 < after - before < 300
