"""A round of Sparring's CycleGAN beside a step as the method's authors take it: same networks, batch, data, threads.

The authors' step is written from their repository's description (github.com/junyanz/pytorch-CycleGAN-and-pix2pix,
models/cycle_gan_model.py): each generator runs three times, each critic three times; the fakes' history is a Python
list; both optimisers are torch's plain Adam over `itertools.chain`; the critics' `requires_grad` is switched off and on
again; eight losses are read by `.item()` at every step. It has no moving average of the weights and no guard against
NaN, and tensors lie contiguously.
"""

from __future__ import annotations

import argparse
import copy
import dataclasses
import itertools
import random
import statistics
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss, mse_loss
from train_speed import noise_pictures, seconds

from sparring import recipes
from sparring.cluster import Cluster
from sparring.data.batches import Batches
from sparring.data.dataset import Dataset
from sparring.plan import faster_memory_format
from sparring.recipes.cyclegan import Config, CycleGAN
from sparring.start import build
from sparring.trainer import Trainer

GOAL = 1.4
EQUAL = 1e-5  # how far losses and gradients of both may be apart, of the largest
ALIKE = {
    "fool": "G_A", "fool_back": "G_B", "cycle": "cycle_A", "cycle_back": "cycle_B",
    "identity": "idt_A", "identity_back": "idt_B",
}  # fmt: skip  # the authors' names of our terms


def two_sides(size: int, count: int = 256) -> Dataset:
    """Two sets of noise: speed does not depend on what the pictures show."""
    made, given = noise_pictures(size, count), noise_pictures(size, count + 1)
    source = dataclasses.replace(given, rows=np.ascontiguousarray(255 - given.rows))
    spec = dataclasses.replace(made.spec, kind="sides", source=given.spec.shape)
    return dataclasses.replace(made, spec=spec, source=source)


def trainer(data: Dataset, config: Config) -> Trainer:
    return build(recipes.find("cyclegan"), data, config, Cluster("cpu"))


class History:
    """The authors' image pool: a list of pictures, and Python's own random numbers."""

    def __init__(self, size: int) -> None:
        self.size, self.pictures = size, list[Tensor]()

    def __call__(self, fakes: Tensor) -> Tensor:
        given = []
        for fake in fakes.detach():
            if len(self.pictures) < self.size:
                self.pictures.append(fake[None])
                given.append(fake[None])
            elif random.uniform(0, 1) > 0.5:
                place = random.randint(0, self.size - 1)
                given.append(self.pictures[place].clone())
                self.pictures[place] = fake[None]
            else:
                given.append(fake[None])
        return torch.cat(given)


class Authors:
    """The authors' step, on copies of a trainer's networks and of its batches to come; A is what is given.

    Attributes:
        losses: of the last step, by the authors' names.
    """

    def __init__(self, learner: Trainer) -> None:
        gan, self.config = learner.gan, learner.config
        assert isinstance(gan, CycleGAN)
        self.g_a, self.g_b = copy.deepcopy(gan.generator), copy.deepcopy(gan.way_back)
        self.d_a, self.d_b = copy.deepcopy(gan.critic), copy.deepcopy(gan.critic_back)  # of what is made, of what was
        self.batches: Batches = copy.deepcopy(learner.batches[0])
        self.pool_a, self.pool_b = History(self.config.pool), History(self.config.pool)
        pairs = (self.g_a, self.g_b), (self.d_a, self.d_b)
        chains = [itertools.chain(*(net.parameters() for net in nets)) for nets in pairs]
        self.g_adam, self.d_adam = (torch.optim.Adam(chain, 2e-4, (0.5, 0.999)) for chain in chains)
        self.losses: dict[str, float] = {}

    def __call__(self) -> None:
        b, a = next(self.batches)
        fake_b = self.g_a(a)
        again_a = self.g_b(fake_b)
        fake_a = self.g_b(b)
        again_b = self.g_a(fake_a)
        require([self.d_a, self.d_b], False)
        self.g_adam.zero_grad()
        weight = self.config.cycle
        terms = {"idt_A": l1_loss(self.g_a(b), b) * weight * 0.5, "idt_B": l1_loss(self.g_b(a), a) * weight * 0.5}
        terms |= {"G_A": towards(self.d_a(fake_b), 1.0), "G_B": towards(self.d_b(fake_a), 1.0)}
        terms |= {"cycle_A": l1_loss(again_a, a) * weight, "cycle_B": l1_loss(again_b, b) * weight}
        sum(terms.values(), torch.zeros(())).backward()
        self.g_adam.step()
        require([self.d_a, self.d_b], True)
        self.d_adam.zero_grad()
        terms["D_A"] = self.tell(self.d_a, b, self.pool_b(fake_b))
        terms["D_B"] = self.tell(self.d_b, a, self.pool_a(fake_a))
        self.d_adam.step()
        self.losses = {name: term.item() for name, term in terms.items()}

    @staticmethod
    def tell(critic: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
        loss = (towards(critic(real), 1.0) + towards(critic(fake), 0.0)) * 0.5
        loss.backward()
        return loss


def towards(scores: Tensor, target: float) -> Tensor:
    return mse_loss(scores, torch.tensor(target).expand_as(scores))


def require(networks: Iterable[nn.Module], wanted: bool) -> None:
    for network in networks:
        for weights in network.parameters():
            weights.requires_grad = wanted


def apart(learner: Trainer) -> float:
    """How far a first round and the authors' first step are apart: the most of all losses and gradients, relative.

    The trainer's state moves on.
    """
    theirs = Authors(learner)
    learner.round()
    theirs()
    told: dict[str, float] = learner.tally.read()
    found = [(told[f"generator/{ours}"], theirs.losses[name]) for ours, name in ALIKE.items()]
    for ours, name in (("", "D_A"), ("_back", "D_B")):
        found.append((told[f"critic/real{ours}"] + told[f"critic/fake{ours}"], theirs.losses[name]))
    most = max(abs(a - b) / abs(b) for a, b in found)
    gan: Any = learner.gan
    for ours, other in zip(
        (gan.generator, gan.way_back, gan.critic, gan.critic_back),
        (theirs.g_a, theirs.g_b, theirs.d_a, theirs.d_b), strict=True,
    ):  # fmt: skip
        most = max(
            most, *(distance(p.grad, q.grad) for p, q in zip(ours.parameters(), other.parameters(), strict=True))
        )
    return most


def distance(a: Tensor, b: Tensor) -> float:
    return float((a - b).abs().max() / b.abs().max())


def contest(size: int, asked: argparse.Namespace) -> list[str]:
    """Rows of the table for pictures of one size: Sparring, the authors' step, and that in Sparring's layout."""
    data = two_sides(size)
    config = Config(
        steps=10**6, batch=asked.batch, device="cpu", precision="fp32", memory_format="contiguous", augment="none"
    )
    if (far := apart(trainer(data, config))) > EQUAL:
        raise SystemExit(f"the two do not compute the same: a loss or gradient differs by {far:.1e}, {size} pixels")
    layout = asked.memory_format
    if layout == "auto":
        layout = faster_memory_format(lambda c: trainer(data, c), config)  # type: ignore[arg-type]
    laid = dataclasses.replace(config, memory_format=layout)
    steps = {"sparring": trainer(data, laid).round, "authors": Authors(trainer(data, config))}
    if layout != "contiguous":
        steps[f"authors, {layout}"] = Authors(trainer(data, laid))
    figures: dict[str, list[float]] = {name: [] for name in steps}
    for step in steps.values():
        seconds(step, 2)
    for repeat in range(asked.repeats):
        names = list(steps)[repeat % len(steps) :] + list(steps)[: repeat % len(steps)]
        for name in names:  # nobody is always after the same one
            figures[name].append(seconds(steps[name], asked.rounds))
    return [row(size, layout, name, figures, far) for name in steps]


def row(size: int, layout: str, name: str, figures: dict[str, list[float]], far: float) -> str:
    each = statistics.median(figures[name])
    who = f"sparring, {layout}" if name == "sparring" else name
    line = f"| {size} | {who} | {1 / each:.2f} | {each * 1e3:.0f} |"
    if name == "sparring":
        return f"{line} | | {far:.0e} |"
    ratio = statistics.median(b / a for a, b in zip(figures["sparring"], figures[name], strict=True))
    verdict = f"{'reached' if ratio >= GOAL else 'MISSED'}" if name == "authors" else ""
    return f"{line} {ratio:.2f}x | {verdict} |"


def section(sizes: Sequence[int], asked: argparse.Namespace) -> list[str]:
    """The table, as lines of Markdown."""
    lines = [
        "## Training steps", "",
        f"CycleGAN with its defaults (generators of width {Config.width} and {Config.blocks} blocks, critics of width "
        f"{Config.critic_width}), batch {asked.batch}, {torch.get_num_threads()} threads; medians of {asked.repeats} "
        f"alternating repeats of {asked.rounds} rounds. The authors' step is on the same networks, weights and batches; "
        "before the clock starts, the losses and gradients of a first step are compared: the last column of Sparring's "
        "rows is their largest relative difference. Sparring also averages the generators and guards against NaN.", "",
        f"| side | step | steps/s | ms | Sparring is faster by | goal {GOAL}x |", "|---|---|---|---|---|---|",
    ]  # fmt: skip
    for size in sizes:
        found = contest(size, asked)
        print("\n".join(found), flush=True)
        lines += found
    return lines
