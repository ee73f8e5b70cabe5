"""How fast is a round of DCGAN: ratios measured in one run, alternating, medians of several.

    python benchmarks/train_speed.py                      # 32x32, batch 64, 64 base channels
    python benchmarks/train_speed.py --write docs/speed.md

Contestants, all with the same batch, data and threads, and the same networks (the last in its own layers):

- sparring: the trainer, as `sparring train dcgan` runs it: memory format and precision by its probes;
- sparring, fp32: the same with `--precision fp32`, which is what it is without instructions for bfloat16;
- bare, fp32: the same round (same losses, fused Adam, EMA, memory format) written by hand, with nothing around it: what
  the trainer's guards, logs and turns cost;
- examples: the loop that PyTorch's own DCGAN example publishes, written from its description: a transposed convolution
  of a 1x1 map as the first layer, two critic passes with a backward each, sigmoid and binary cross-entropy, gradients
  of the critic made in the generator's turn too, plain Adam, losses read by `.item()` at every step, default memory
  format, no EMA.
"""

from __future__ import annotations

import argparse
import copy
import dataclasses
import math
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy, softplus
from torch.utils.flop_counter import FlopCounterMode

from sparring import recipes
from sparring.cluster import Cluster
from sparring.data.dataset import Dataset, decode
from sparring.data.spec import Spec
from sparring.environment import environment, peak_memory
from sparring.recipes.dcgan import DCGAN, Config
from sparring.start import build, settle
from sparring.trainer import Trainer

Step = Callable[[], None]
GOALS = {"overhead": 0.03, "examples": 1.25, "peak": 0.85}


def noise_pictures(size: int, count: int = 4096) -> Dataset:
    """Uniform noise: speed does not depend on what the pictures show."""
    rows = np.random.default_rng(0).integers(0, 256, (count, 3, size, size), np.uint8)
    return Dataset(Spec("pictures", "noise", (3, size, size), (-1.0, 1.0), count, (), "noise"), rows)


def trainer(config: Config, data: Dataset) -> Trainer:
    return build(recipes.find("dcgan"), data, config, Cluster(config.device))


def sparring_step(config: Config, data: Dataset) -> Step:
    return trainer(config, data).round


def sparring_fp32_step(config: Config, data: Dataset) -> Step:
    return trainer(dataclasses.replace(config, precision="fp32"), data).round


def networks(config: Config, data: Dataset) -> DCGAN:
    torch.manual_seed(0)
    layout = torch.channels_last if config.memory_format == "channels_last" else torch.contiguous_format
    gan = DCGAN(data.spec, config)
    return gan.to(memory_format=layout)  # type: ignore[call-overload, no-any-return]


def batches(config: Config, data: Dataset) -> Callable[[], torch.Tensor]:
    order = np.random.default_rng(0)
    return lambda: decode(torch.from_numpy(data.rows[order.integers(0, len(data), config.batch)]))


def bare_step(config: Config, data: Dataset) -> Step:
    gan, draw = networks(config, data), batches(config, data)
    g, d = gan.generator, gan.critic
    g_weights, d_weights = list(g.parameters()), list(d.parameters())
    g_adam = torch.optim.Adam(g_weights, 2e-4, (0.5, 0.999), fused=True)
    d_adam = torch.optim.Adam(d_weights, 2e-4, (0.5, 0.999), fused=True)
    mean = copy.deepcopy(g).requires_grad_(False)
    means = [*mean.parameters(), *(b for b in mean.buffers() if b.is_floating_point())]
    lives = [*g.parameters(), *(b for b in g.buffers() if b.is_floating_point())]

    def step() -> None:
        x = draw()
        fake = g(torch.randn(len(x), config.latent))
        loss = softplus(-d(x)).mean() + softplus(d(fake.detach())).mean()
        d_adam.zero_grad()
        loss.backward(inputs=d_weights)
        d_adam.step()
        loss = softplus(-d(fake)).mean()
        g_adam.zero_grad()
        loss.backward(inputs=g_weights)
        g_adam.step()
        with torch.no_grad():
            torch._foreach_lerp_(means, lives, 0.01)

    return step


def examples_networks(config: Config, data: Dataset) -> tuple[nn.Module, nn.Module]:
    """The example's own layers, at our widths and resolution: convolutions throughout, sigmoid at the end."""
    wide, colours = config.width * 2 ** (int(math.log2(data.spec.shape[1])) - 3), data.spec.shape[0]
    g: list[nn.Module] = [
        nn.ConvTranspose2d(config.latent, wide, 4, 1, 0, bias=False),
        nn.BatchNorm2d(wide),
        nn.ReLU(True),
    ]
    d: list[nn.Module] = []
    while wide > config.width:
        g += [nn.ConvTranspose2d(wide, wide // 2, 4, 2, 1, bias=False), nn.BatchNorm2d(wide // 2), nn.ReLU(True)]
        d = [nn.Conv2d(wide // 2, wide, 4, 2, 1, bias=False), nn.BatchNorm2d(wide), nn.LeakyReLU(0.2, True), *d]
        wide //= 2
    g += [nn.ConvTranspose2d(wide, colours, 4, 2, 1, bias=False), nn.Tanh()]
    d = [nn.Conv2d(colours, wide, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, True), *d]
    d += [nn.LazyConv2d(1, 4, 1, 0, bias=False), nn.Sigmoid(), nn.Flatten(0)]
    networks = nn.Sequential(*g), nn.Sequential(*d)
    networks[1](torch.zeros(2, *data.spec.shape))
    return networks


def examples_step(config: Config, data: Dataset) -> Step:
    (g, d), draw = examples_networks(config, data), batches(config, data)
    g_adam = torch.optim.Adam(g.parameters(), 2e-4, (0.5, 0.999))
    d_adam = torch.optim.Adam(d.parameters(), 2e-4, (0.5, 0.999))
    log: list[float] = []

    def step() -> None:
        x = draw()
        ones, zeros = torch.ones(len(x)), torch.zeros(len(x))
        d.zero_grad()
        scores = d(x)
        real = binary_cross_entropy(scores, ones)
        real.backward()
        log.append(scores.mean().item())
        fake = g(torch.randn(len(x), config.latent, 1, 1))
        scores = d(fake.detach())
        false = binary_cross_entropy(scores, zeros)
        false.backward()
        log.append(scores.mean().item())
        d_adam.step()
        g.zero_grad()
        scores = d(fake)
        fool = binary_cross_entropy(scores, ones)
        fool.backward()
        g_adam.step()
        log[:] = [(real + false).item(), fool.item(), scores.mean().item()]

    return step


CONTESTANTS = {
    "sparring": sparring_step,
    "sparring, fp32": sparring_fp32_step,
    "bare, fp32": bare_step,
    "examples": examples_step,
}


def seconds(step: Step, rounds: int) -> float:
    begun = time.perf_counter()
    for _ in range(rounds):
        step()
    return (time.perf_counter() - begun) / rounds


def matrix_peak() -> float:
    """The best GFLOP/s of a float32 matrix product on this machine, over a few shapes."""
    best = 0.0
    for n in (1024, 2048):
        a, b = torch.randn(n, n), torch.randn(n, n)
        for _ in range(3):
            best = max(best, 2 * n**3 / seconds(lambda a=a, b=b: torch.mm(a, b), 1) / 1e9)  # type: ignore[misc]
    return best


def memory(name: str, asked: argparse.Namespace) -> float:
    """Peak resident megabytes of a contestant in a process of its own."""
    words = [sys.executable, __file__, "--only", name, "--size", str(asked.size), "--batch", str(asked.batch)]
    words += ["--width", str(asked.width), "--memory-format", asked.memory_format, "--precision", asked.precision]
    return float(subprocess.run(words, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=1, help="in each repeat")
    parser.add_argument("--memory-format", default="auto")
    parser.add_argument("--precision", default="auto", help="of `sparring`")
    parser.add_argument("--write", type=Path, help="write the table into this Markdown file")
    parser.add_argument("--only", choices=CONTESTANTS, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    data = noise_pictures(asked.size)
    # The examples' networks have BatchNorm in the critic and no penalty: so have all contestants.
    config = Config(
        steps=10**6, batch=asked.batch, width=asked.width, critic_norm="batch", r1=0.0, device="cpu",
        precision=asked.precision, memory_format=asked.memory_format, augment="none",
    )  # fmt: skip
    if asked.only:
        seconds(CONTESTANTS[asked.only](config, data), 5)
        print(peak_memory(torch.device("cpu")))
        return
    config = settle(recipes.find("dcgan"), data, config, Cluster("cpu"))  # type: ignore[assignment]
    asked.memory_format, asked.precision = config.memory_format, config.precision
    print_table(measure(config, data, asked), asked)


def measure(config: Config, data: Dataset, asked: argparse.Namespace) -> dict[str, list[float]]:
    """Seconds a round of every contestant, and of the matrix peak's GFLOP/s, alternating."""
    steps = {name: make(config, data) for name, make in CONTESTANTS.items()}
    with FlopCounterMode(display=False) as counter:
        steps["bare, fp32"]()
    figures: dict[str, list[float]] = {name: [] for name in (*steps, "peak")}
    figures["flops"] = [counter.get_total_flops() / 1e9]
    for step in steps.values():
        seconds(step, 3)
    for repeat in range(asked.repeats):
        figures["peak"].append(matrix_peak())
        names = list(steps)
        order = names[repeat % len(names) :] + names[: repeat % len(names)]  # nobody is always after the same one
        for name in order:
            figures[name].append(seconds(steps[name], asked.rounds))
    return figures


def times(figures: dict[str, list[float]], name: str, than: str = "sparring") -> float:
    """How many times as long a round of one lasts as that of another, median over the repeats."""
    return statistics.median(a / b for a, b in zip(figures[name], figures[than], strict=True))


def verdicts(figures: dict[str, list[float]], share: float) -> dict[str, bool]:
    """Sentence: whether its goal is reached.

    Args:
        share: of the matrix-product peak, that a round in float32 reaches.
    """
    overhead, faster = times(figures, "sparring, fp32", "bare, fp32") - 1, times(figures, "examples")
    exact = times(figures, "examples", "sparring, fp32")
    against = f"against the examples' loop {faster:.2f}x, goal {GOALS['examples']}x (in float32 {exact:.2f}x)"
    return {
        f"overhead over the bare loop {overhead:+.1%}, goal at most {GOALS['overhead']:.0%}": overhead
        <= GOALS["overhead"],
        against: faster >= GOALS["examples"],
        f"share of float32's peak, in float32 {share:.0%}, goal {GOALS['peak']:.0%}": share >= GOALS["peak"],
    }


def print_table(figures: dict[str, list[float]], asked: argparse.Namespace) -> None:
    """Print the figures, ratios first; exit status 1 when a goal is missed."""
    medians = {name: statistics.median(values) for name, values in figures.items()}
    shares = {
        name: statistics.median(medians["flops"] / s / p for s, p in zip(figures[name], figures["peak"], strict=True))
        for name in CONTESTANTS
    }
    lines = [
        f"DCGAN, {asked.size}x{asked.size}, batch {asked.batch}, {asked.width} base channels, {asked.memory_format}, "
        f"sparring by its probe in {asked.precision}, "
        f"{torch.get_num_threads()} threads; {asked.repeats} alternating repeats of {asked.rounds} rounds, medians",
        "",
        f"{medians['flops']:.2f} GFLOP a round; matrix-product peak {medians['peak']:.0f} GFLOP/s",
        "",
        "| contestant | ms a round | images/s | sparring is faster by | share of the peak | peak memory |",
        "|---|---|---|---|---|---|",
    ]
    for name in CONTESTANTS:
        lines.append(
            f"| {name} | {medians[name] * 1000:.1f} | {asked.batch / medians[name]:.0f} | {times(figures, name):.3f}x "
            f"| {shares[name]:.0%} | {memory(name, asked):.0f} MB |"
        )
    reached = verdicts(figures, shares["sparring, fp32"])
    lines += ["", *(f"- {'reached' if good else 'MISSED'}: {sentence}" for sentence, good in reached.items())]
    most = medians["examples"] / (medians["flops"] / medians["peak"])
    lines += ["", f"At the whole of the matrix-product peak, a float32 round would be {most:.2f}x the examples' loop."]
    place = environment(Cluster("cpu"))
    lines += ["", f"{place['processor']}, torch {place['packages']['torch']}, commit {place['commit']}, seed 0"]
    print("\n".join(lines))
    if asked.write:
        asked.write.write_text(
            "# Training speed\n\nWritten by `benchmarks/train_speed.py`.\n\n" + "\n".join(lines) + "\n"
        )
    sys.exit(0 if all(reached.values()) else 1)


if __name__ == "__main__":
    main()
