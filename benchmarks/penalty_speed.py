"""What a gradient penalty costs, and what makes it cheaper: a critic's turn, in several forms, alternating.

    python benchmarks/penalty_speed.py

Forms of the penalty, each with its backward pass in the critic's weights:

- torch: `torch.autograd.grad(..., create_graph=True)`, with torch's own second derivatives;
- sparring: the same with those of `sparring/twice.py`, as `penalties.r1` is;
- torch.func: `torch.func.grad`, whose second derivatives are torch's own;
- torch.func, compiled: that as one function under torch.compile, which can differentiate it twice;
- none: real pictures' scores and their gradient, for comparison.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable

import torch
from torch import Tensor, nn
from train_speed import noise_pictures, seconds

from sparring import losses, penalties, recipes
from sparring.cluster import Cluster
from sparring.networks import dcgan, r3gan, stylegan2
from sparring.start import build

SHAPE = (3, 32, 32)
CRITICS: dict[str, Callable[[], nn.Module]] = {
    "dcgan's, no BatchNorm": lambda: dcgan.Critic(SHAPE, 32, "leaky_relu", "none"),
    "dcgan's, BatchNorm": lambda: dcgan.Critic(SHAPE, 32, "leaky_relu", "batch"),
    "r3gan's": lambda: r3gan.Critic(0, SHAPE, 16, 768, 1),
    "stylegan2's": lambda: stylegan2.Critic(SHAPE, 0, 16, 128, 4),
}
COMPILED = ("dcgan's, no BatchNorm",)  # r3gan's took five minutes to compile


def forms(critic: Callable[[Tensor], Tensor], compiled: bool) -> dict[str, Callable[[Tensor], Tensor]]:
    """Name -> what is differentiated, of a batch of pictures."""

    def plainly(x: Tensor) -> Tensor:
        x = x.detach().requires_grad_(True)
        (slope,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
        return slope.square().flatten(1).sum(1).mean()

    def functional(x: Tensor) -> Tensor:
        slope: Tensor = torch.func.grad(lambda y: critic(y).sum())(x)
        return slope.square().flatten(1).sum(1).mean()

    ways = {"torch": plainly, "sparring": lambda x: penalties.r1(critic, x), "torch.func": functional}
    if compiled:
        ways["torch.func, compiled"] = torch.compile(functional, dynamic=False)
    return {**ways, "none": lambda x: losses.tell_real(critic(x))}


def measure(kind: str, batch: int, repeats: int, compiled: bool) -> dict[str, tuple[float, float]]:
    """Form -> (ms, how many times as long torch's own takes), medians of alternating repeats."""
    torch.manual_seed(0)
    net = CRITICS[kind]().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    given = () if kind.startswith("dcgan") else (torch.zeros(batch, 0),)
    x = torch.randn(batch, *SHAPE).to(memory_format=torch.channels_last)
    weights = list(net.parameters())

    def turn(form: Callable[[Tensor], Tensor]) -> Callable[[], None]:
        def step() -> None:
            for weight in weights:
                weight.grad = None
            form(x).backward(inputs=weights)  # type: ignore[no-untyped-call]

        return step

    ways = forms(lambda y: net(y, *given), compiled)
    if any(isinstance(part, nn.BatchNorm2d) for part in net.modules()):
        ways.pop("torch.func")  # which refuses a network that counts its batches
    turns = {name: turn(form) for name, form in ways.items()}
    for step in turns.values():
        seconds(step, 2)
    times: dict[str, list[float]] = {name: [] for name in turns}
    for _ in range(repeats):
        for name, step in turns.items():
            times[name].append(seconds(step, 2))
    return {
        name: (
            statistics.median(values) * 1000,
            statistics.median(a / b for a, b in zip(times["torch"], values, strict=True)),
        )
        for name, values in times.items()
    }


def whole_rounds(batch: int, repeats: int) -> list[str]:
    """Rows: how much faster a whole round is by one critic pass instead of two, and by lazy penalties."""
    pairs = [
        ("one critic pass for real and fake, not two", "dcgan", {"critic_norm": "none", "r1": 0.0}, {}),
        ("penalty every 4 rounds, not every", "dcgan", {"r1_every": 4}, {"r1_every": 1}),
        ("penalty every 16 rounds, not every", "dcgan", {"r1_every": 16}, {"r1_every": 1}),
        ("penalty every 4 rounds, not every", "r3gan", {"penalty_every": 4}, {"penalty_every": 1}),
        ("penalty every 16 rounds, not every", "r3gan", {"penalty_every": 16}, {"penalty_every": 1}),
        ("penalty every 16 rounds, not every", "stylegan2", {"r1_every": 16}, {"r1_every": 1}),
    ]
    data, lines = noise_pictures(32), []
    for what, name, fast, slow in pairs:
        recipe = recipes.find(name)
        settled = {"steps": 10**6, "batch": batch, "device": "cpu", "precision": "fp32", "augment": "none"}
        settled["memory_format"] = "channels_last"
        quick, other = (
            build(recipe, data, recipe.config(**{**settled, **fast, **changed}), Cluster("cpu"))  # type: ignore[arg-type]
            for changed in ({}, slow)
        )
        if not slow:
            other.gan.judge = lambda x, fake, net=other.gan.critic: (net(x), net(fake))  # type: ignore[assignment, union-attr]
        rounds = 16 if slow else 2
        gains = [seconds(other.round, rounds) / seconds(quick.round, rounds) for _ in range(repeats)]
        lines.append(f"| {name} | {what} | {statistics.median(gains):.2f}x |")
        print(lines[-1], flush=True)
    return lines


def section(batch: int, repeats: int, compiled: bool) -> list[str]:
    """The tables, as lines of Markdown."""
    lines = [
        "## Gradient penalties", "",
        f"R1 alone with its backward pass, 32x32, batch {batch}, channels_last, {torch.get_num_threads()} threads; "
        f"medians of {repeats} alternating repeats. `torch` is autograd's own double backward, `sparring` that of "
        "`sparring/twice.py`, which all recipes use; `none` is a critic's pass and gradient without a penalty.", "",
        "| critic | form | ms | faster than torch's by |", "|---|---|---|---|",
    ]  # fmt: skip
    for kind in CRITICS:
        for form, (ms, gain) in measure(kind, batch, repeats, compiled and kind in COMPILED).items():
            lines.append(f"| {kind} | {form} | {ms:.0f} | {gain:.2f}x |")
            print(lines[-1], flush=True)
    return [*lines, "", "| recipe | whole rounds | faster by |", "|---|---|---|", *whole_rounds(batch, repeats)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--compile", action=argparse.BooleanOptionalAction, default=True)
    asked = parser.parse_args()
    print("\n".join(section(asked.batch, asked.repeats, asked.compile)))
