"""How fast is `sparring upscale`, and how much memory it takes: through torch and through ONNX Runtime, by size.

    python benchmarks/upscale.py --write docs/upscale.md
    python benchmarks/upscale.py --quick                       # a minute, small pictures only
    python benchmarks/upscale.py --run runs/srgan-photos-1     # a run's own network

Each picture goes through in a process of its own, from a file into a file, as the command does it. Neither speed nor
memory depends on what was learnt, so without --run the network has the weights that training starts from.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from translate_apply import NEEDED, ThroughOnnx, cause, furthest, photograph

from sparring.apply import save
from sparring.apply.enlarge import through
from sparring.apply.files import any_size, read
from sparring.apply.translate import Translator
from sparring.cluster import Cluster
from sparring.data.spec import Spec
from sparring.environment import environment, peak_memory
from sparring.gan import GAN
from sparring.networks.srresnet import SRResNet

WAYS = {"torch": "torch", "onnx": "ONNX Runtime"}
LEAST, MOST, SIZES, QUICK = 0.1, 50.0, 8, (0.1, 0.4, 1.6)  # megapixels that come out
WIDTH, BLOCKS = 32, 8
SIDES = 1.5  # width to height
GOALS = {"r2": 0.99, "exponent": 0.1, "flat": 1.5}  # at least; from 1 at most; largest to smallest at most


class Untrained(GAN):
    """A network as a recipe of super-resolution begins with it."""

    translates = True

    def __init__(self, scale: int) -> None:
        spec = Spec("pictures", "nothing", (3, 64, 64), (-1.0, 1.0), 1)
        super().__init__(spec, SimpleNamespace(seed=0, memory_format="contiguous"))
        torch.manual_seed(0)
        self.generator = SRResNet(3, WIDTH, BLOCKS, scale)
        self.multiple, self.scale, self.reach = self.generator.multiple, scale, self.generator.reach

    def sample(self, noise: Tensor, given: Tensor) -> Tensor:
        made: Tensor = self.generator(given)
        return made


def network(run: str, scale: int) -> GAN:
    if not run:
        return Untrained(scale).eval()
    from sparring.run import Run

    return Run(run).gan


# ---------------------------------------------------------------- one picture in a process of its own


class FromFile(Translator):
    """A translator whose network is in an ONNX file; `ThroughOnnx` is what writes it."""

    def __init__(self, gan: GAN, path: Path, tile: int | None) -> None:
        import onnxruntime

        super().__init__(gan, tile=tile)
        self._memory_a_pixel()  # by torch, for what goes on in ONNX Runtime is not seen: so tiles are the same
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        self._work = lambda pictures: torch.from_numpy(session.run(None, {name: pictures.numpy()})[0])


def resident(reset: bool = False) -> float:
    """Megabytes that this process holds now; the largest so far counts from here on where `reset` is given."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    if reset:
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) * 1024 / 1e6


def only(asked: argparse.Namespace) -> None:
    """One picture from file to file, and what it took, as JSON."""
    way, source, target, file = asked.only
    gan = network(asked.run, asked.scale)
    translator = FromFile(gan, Path(file), asked.tile) if way == "onnx" else Translator(gan, tile=asked.tile)
    translator(photograph(32, 48))  # what is made once is made before the clock runs
    translator._memory_a_pixel()
    begun = time.perf_counter()
    with any_size():
        picture = read(Path(source), scale=gan.scale)
    side = translator._side(picture.pixels)
    before, reading = resident(reset=True), time.perf_counter() - begun
    begun = time.perf_counter()
    made = through(translator, picture.pixels, picture.alpha)
    seconds = time.perf_counter() - begun
    working = peak_memory(torch.device("cpu")) - before - made.nbytes / 1e6
    begun = time.perf_counter()
    save.whole(Path(target), lambda out: save.write(picture, made, out, "PNG"))
    told = {"seconds": seconds, "files": reading + time.perf_counter() - begun, "working": working}
    told |= {"whole": peak_memory(torch.device("cpu")), "pieces": max(picture.pixels.shape[:2]) > side, "tile": side}
    print(json.dumps(told | {"in": picture.pixels.size / 3e6, "out": made.size / 3e6}))


def child(way: str, source: Path, target: Path, file: Path, asked: argparse.Namespace) -> Any:
    words = [sys.executable, str(Path(__file__)), "--only", way, str(source), str(target), str(file)]
    words += ["--run", asked.run, "--scale", str(asked.scale)]
    words += [] if asked.tile is None else ["--tile", str(asked.tile)]
    told = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout
    return json.loads(told.splitlines()[-1])


# ---------------------------------------------------------------- all of them


def measured(asked: argparse.Namespace, gan: GAN) -> tuple[dict[str, list[Any]], list[str]]:
    """What each way took for each size, from small to large, and remarks."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        file, source = folder / "network.onnx", folder / "picture.png"
        ways, remarks = exported(gan, file)
        print(heading(), flush=True)
        found: dict[str, list[Any]] = {way: [] for way in ways}
        for megapixels in asked.megapixels:
            height = max(1, round((megapixels * 1e6 / SIDES) ** 0.5 / gan.scale))
            Image.fromarray(photograph(height, round(SIDES * height))).save(source)
            for way in ways:
                tries = [child(way, source, folder / "larger.png", file, asked) for _ in range(asked.repeats)]
                found[way].append(min(tries, key=lambda one: one["seconds"]))
                print(row(way, found[way][-1]), flush=True)
    return found, remarks


def exported(gan: GAN, file: Path) -> tuple[list[str], list[str]]:
    """The ways that there are here, and remarks on the exported file."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        return ["torch"], [f"ONNX Runtime was not measured, for {', '.join(missing)} is missing: pip install them."]
    try:
        with torch.no_grad():
            other = ThroughOnnx(gan, file)
    except torch.onnx.OnnxExporterError as error:
        return ["torch"], [f"ONNX Runtime was not measured, for the network was not exported: {cause(error)}."]
    import onnx

    opset = max(one.version for one in onnx.load(str(file)).opset_import if not one.domain)
    far = furthest(Translator(gan), other)
    if far > 1:
        raise SystemExit(f"ONNX Runtime's pictures are {far} of 255 shades from torch's")
    return list(WAYS), [
        f"The exported file (opset {opset}) takes pictures of any height and width; its pictures are at most {far} of "
        "255 shades from torch's, at two sizes that the export has not seen."
    ]


def heading() -> str:
    return (
        "| megapixels out | way | in tiles | s | s a megapixel in | s a megapixel out | files, s | working memory | "
        "whole process |\n|---|---|---|---|---|---|---|---|---|"
    )


def row(way: str, one: Any) -> str:
    tiles = f"of {one['tile']}" if one["pieces"] else "no"
    return (
        f"| {one['out']:.3g} | {WAYS[way]} | {tiles} | {one['seconds']:.3g} | {one['seconds'] / one['in']:.3g} | "
        f"{one['seconds'] / one['out']:.3g} | {one['files']:.2g} | {one['working']:.0f} MB | {one['whole']:.0f} MB |"
    )


def fitted(told: list[Any]) -> dict[str, float]:
    """How near seconds by megapixels are to a straight line, which power of the megapixels they grow with, and memory.

    Returns:
        "r2" and "slope" of the least squares' line; "exponent" of the line through the logarithms; "flat", the largest
        working memory by the smallest among pictures in tiles, NaN where there are not two; "bytes", what a further
        pixel that comes out adds to the working memory of these.
    """
    x, y = (np.array([one[name] for one in told]) for name in ("out", "seconds"))
    slope, start = np.polyfit(x, y, 1)
    left = ((y - slope * x - start) ** 2).sum() / ((y - y.mean()) ** 2).sum()
    tiled = [one for one in told if one["pieces"]]
    flat = growth = float("nan")
    if len(tiled) > 1:
        memory = np.array([max(1.0, one["working"]) for one in tiled])
        flat = float(memory.max() / memory.min())
        growth = float(np.polyfit([one["out"] for one in tiled], memory, 1)[0])
    exponent = float(np.polyfit(np.log(x), np.log(y), 1)[0])
    return {"r2": float(1 - left), "slope": float(slope), "exponent": exponent, "flat": flat, "bytes": growth}


def verdict(way: str, told: list[Any]) -> list[str]:
    """Two sentences on one way: time and memory."""
    if len(told) < 2:
        return [f"{WAYS[way]}: two sizes or more are needed to say how time and memory grow."]
    fit, least, most = fitted(told), told[0]["out"], told[-1]["out"]
    straight = fit["r2"] >= GOALS["r2"] and abs(fit["exponent"] - 1) <= GOALS["exponent"]
    said = (
        f"{WAYS[way]}: from {least:.2g} to {most:.2g} megapixels, {fit['slope']:.3g} s for a further one, R² of the "
        f"straight line {fit['r2']:.4f} (goal: {GOALS['r2']} or more), exponent {fit['exponent']:.2f} (goal: within "
        f"{GOALS['exponent']} of 1): {'reached' if straight else 'MISSED'}."
    )
    if np.isnan(fit["flat"]):
        return [said, f"{WAYS[way]}: too few of the pictures went through tiles to say whether memory is flat."]
    flat = "reached" if fit["flat"] <= GOALS["flat"] else "MISSED"
    return [
        said,
        f"{WAYS[way]}: the working memory of pictures in tiles is at most {fit['flat']:.2f} times the least (goal: "
        f"{GOALS['flat']}), and a further pixel adds {fit['bytes']:.1f} bytes: {flat}.",
    ]


def described(run: str, gan: GAN) -> str:
    if not run:
        return f"an SRResNet of {WIDTH} channels and {BLOCKS} blocks, untrained"
    weights = sum(weight.numel() for network in gan.shipped().values() for weight in network.parameters())
    return f"the network of {Path(run).name}, {weights:,} weights"


def page(asked: argparse.Namespace, gan: GAN) -> list[str]:
    """The document, as lines of Markdown."""
    found, remarks = measured(asked, gan)
    lines = [
        "# The speed of `sparring upscale`", "", "Written by `benchmarks/upscale.py`.", "",
        f"{gan.scale} times the sides, by {described(asked.run, gan)}, on {torch.get_num_threads()} threads, the "
        f"quickest of {asked.repeats}. A PNG file is read, enlarged and written, each picture in a process of its own. "
        "Seconds are those of enlarging; reading and writing are beside them. Working memory is what the process holds "
        "at its most while enlarging, without what it held before (Python, torch, the network, the picture) and "
        "without the picture that comes out. The whole process also holds these, and at its end Pillow's copy of the "
        "picture while it is written: Pillow writes no picture in parts, so it grows with the picture. The tiles are "
        f"{'those' if asked.tile is None else 'given by --tile, not those'} that the command chooses by itself; a "
        "picture smaller than a tile goes through in one piece and needs less.",
        "", *remarks, "", heading(),
    ]  # fmt: skip
    order = [(way, i) for i in range(len(asked.megapixels)) for way in found]
    lines += [row(way, found[way][i]) for way, i in order]
    for way, told in found.items():
        lines += ["", *verdict(way, told)]
    if len(found) > 1:
        ratios = [a["seconds"] / b["seconds"] for a, b in zip(found["torch"], found["onnx"], strict=True)]
        lines += ["", f"ONNX Runtime is {min(ratios):.2f} to {max(ratios):.2f} times as fast as torch."]
    return lines


def main() -> None:
    """Run, print, write; exit status 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", default="", help="a run of super-resolution; without it an untrained network")
    parser.add_argument("--scale", type=int, default=4, choices=(2, 3, 4, 8), help="of the untrained network")
    parser.add_argument("--megapixels", nargs="+", type=float, help="that come out, from small to large")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} megapixels only")
    parser.add_argument("--tile", type=int, help="as in `sparring upscale`")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--write", type=Path, help="write the document into this Markdown file")
    parser.add_argument("--only", nargs=4, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.only:
        only(asked)
        return
    asked.megapixels = asked.megapixels or (QUICK if asked.quick else np.geomspace(LEAST, MOST, SIZES).tolist())
    lines, place = page(asked, network(asked.run, asked.scale)), environment(Cluster("cpu"))
    lines += ["", f"{place['processor']}, torch {torch.__version__}, commit {place['commit']}, seed 0"]
    print("\n".join(lines))
    if asked.write:
        asked.write.write_text("\n".join([*lines, ""]), encoding="utf-8")
    sys.exit(1 if any("MISSED" in line for line in lines) else 0)


if __name__ == "__main__":
    main()
