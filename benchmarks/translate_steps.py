"""A round of Sparring's CycleGAN beside a step as the method's authors take it: same networks, batch, data, threads.

The authors' step is written from their repository's description (github.com/junyanz/pytorch-CycleGAN-and-pix2pix,
models/cycle_gan_model.py): each generator runs three times, each critic three times; the fakes' history is a Python
list; both optimisers are torch's plain Adam over `itertools.chain`; the critics' `requires_grad` is switched off and on
again; eight losses are read by `.item()` at every step. It has no moving average of the weights and no guard against
NaN, and tensors lie contiguously. Its networks are Sparring's, of the same weights, put together of torch's own layers
as the authors do; a first step must give the losses and gradients that Sparring's gives, or nothing is timed.
"""

from __future__ import annotations

import argparse
import copy
import dataclasses
import itertools
import random
import statistics
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss, mse_loss
from train_speed import Step, noise_pictures, seconds

from sparring import config, recipes
from sparring.cluster import Cluster
from sparring.data.batches import Batch
from sparring.data.dataset import Dataset
from sparring.plan import faster_memory_format
from sparring.recipes.cyclegan import Config, CycleGAN
from sparring.start import build
from sparring.trainer import Trainer

GOAL = 1.4
EQUAL = 1e-5  # how far the losses of both may be apart, as a share of theirs
ROUNDED = 1e-6  # the same for gradients in float64, as a share of each tensor's largest
CASES = ((64, 4), (64, 1), (128, 4))  # side and batch: ours, and the paper's batch of one
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


def trainer(data: Dataset, settings: Config) -> Trainer:
    return build(recipes.find("cyclegan"), data, settings, Cluster("cpu"))


def settled(batch: int, layout: Any) -> Config:
    """What the authors' code computes, with Sparring's sizes of networks."""
    adam = config.Adam(lr=2e-4, betas=(0.5, 0.999))
    return Config(
        steps=10**6, batch=batch, device="cpu", precision="fp32", memory_format=layout, augment="none",
        skip=False, identity=0.5, generator=adam, critic=adam,
    )  # fmt: skip


class Block(nn.Module):
    """The authors' residual block."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(*edged(channels, channels, 3), nn.ReLU(True), *edged(channels, channels, 3))

    def forward(self, x: Tensor) -> Tensor:
        changed: Tensor = x + self.layers(x)
        return changed


def edged(before: int, after: int, kernel: int) -> list[nn.Module]:
    return [nn.ReflectionPad2d(kernel // 2), nn.Conv2d(before, after, kernel, bias=False), nn.InstanceNorm2d(after)]


def plain_generator(like: nn.Module, c: Config) -> nn.Module:
    """A generator of ours in torch's own layers, with its weights."""
    w, layers = c.width, [*edged(3, c.width, 7), nn.ReLU(True)]
    for before in (w, 2 * w):
        layers += [nn.Conv2d(before, 2 * before, 3, 2, 1, bias=False), nn.InstanceNorm2d(2 * before), nn.ReLU(True)]
    layers += [Block(4 * w) for _ in range(c.blocks)]
    for before in (4 * w, 2 * w):
        layers += [nn.Upsample(scale_factor=2), *edged(before, before // 2, 3), nn.ReLU(True)]
    return alike(nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(w, 3, 7), nn.Tanh()), like)


def plain_critic(like: nn.Module, c: Config) -> nn.Module:
    """A critic of ours in torch's own layers, with its weights."""
    w, layers = c.critic_width, [nn.Conv2d(3, c.critic_width, 4, 2, 1), nn.LeakyReLU(0.2, True)]
    for i in range(c.critic_layers):
        stride, before = (2 if i < c.critic_layers - 1 else 1), w * 2**i
        layers += [nn.Conv2d(before, 2 * before, 4, stride, 1, bias=False), nn.InstanceNorm2d(2 * before)]
        layers += [nn.LeakyReLU(0.2, True)]
    return alike(nn.Sequential(*layers, nn.Conv2d(w * 2**c.critic_layers, 1, 4, 1, 1)), like)


@torch.no_grad()
def alike(plain: nn.Module, like: nn.Module) -> nn.Module:
    for mine, its in zip(plain.parameters(), like.parameters(), strict=True):
        mine.copy_(its)
    return plain


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
        networks: both generators and both critics, in the order of Sparring's.
        losses: of the last step, by the authors' names.
    """

    def __init__(self, learner: Trainer, layout: torch.memory_format = torch.contiguous_format) -> None:
        gan, c = learner.gan, learner.config
        assert isinstance(gan, CycleGAN)
        assert isinstance(c, Config)
        self.config = c
        made = [plain_generator(net, c) for net in (gan.generator, gan.way_back)]
        made += [plain_critic(net, c) for net in (gan.critic, gan.critic_back)]  # of what is made, and of what was
        nets = [net.to(memory_format=layout) for net in made]  # type: ignore[call-overload]
        self.g_a, self.g_b, self.d_a, self.d_b = nets
        self.batches: Iterator[Batch] = copy.deepcopy(learner.batches[0])
        self.pool_a, self.pool_b = History(self.config.pool), History(self.config.pool)
        chains = [itertools.chain(*(net.parameters() for net in pair)) for pair in (nets[:2], nets[2:])]
        self.g_adam, self.d_adam = (torch.optim.Adam(chain, 2e-4, (0.5, 0.999)) for chain in chains)
        self.networks, self.losses = nets, dict[str, float]()

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
        sum(terms.values(), torch.zeros(())).backward()  # type: ignore[no-untyped-call]
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
        loss.backward()  # type: ignore[no-untyped-call]
        return loss


def towards(scores: Tensor, target: float) -> Tensor:
    return mse_loss(scores, torch.tensor(target).expand_as(scores))


def require(networks: Iterable[nn.Module], wanted: bool) -> None:
    for network in networks:
        for weights in network.parameters():
            weights.requires_grad = wanted


def apart(learner: Trainer) -> float:
    """How far a first round's losses and the authors' first step's are apart, relative; gradients are compared too.

    The trainer's state moves on. SystemExit where they are too far apart to be the same game.
    """
    theirs, steepness = Authors(learner), gradients_apart(learner)
    learner.round()
    theirs()
    told = learner.tally.read()
    ours = {name: told[f"generator/{term}"] for term, name in ALIKE.items()}
    ours |= {"D_A": told["critic/real"] + told["critic/fake"]}
    ours |= {"D_B": told["critic/real_back"] + told["critic/fake_back"]}
    losses = max(abs(ours[name] / loss - 1) for name, loss in theirs.losses.items())
    if losses > EQUAL or steepness > ROUNDED:
        raise SystemExit(f"the two play different games: losses differ by {losses:.1e}, gradients by {steepness:.1e}")
    return losses


def gradients_apart(learner: Trainer) -> float:
    """The same for gradients, on copies in float64: through two networks in a row float32 rounds too much to tell."""
    theirs, gan = Authors(learner), copy.deepcopy(learner.gan).double()
    assert isinstance(gan, CycleGAN)
    for network in theirs.networks:
        network.double()
    b, a = (side.double() for side in next(theirs.batches))
    theirs.batches = iter([(b, a)])
    for who, terms in gan.step(iter([Batch(b, a)])):
        weights = [w for network in gan.players()[who] for w in network.parameters()]
        torch.stack(list(terms.values())).sum().backward(inputs=weights)  # type: ignore[no-untyped-call]
    theirs()
    pairs = zip((gan.generator, gan.way_back, gan.critic, gan.critic_back), theirs.networks, strict=True)
    both = [grads for pair in pairs for grads in zip(*(gradients(net) for net in pair), strict=True)]
    return max(float((mine - its).abs().max() / its.abs().max()) for mine, its in both)


def gradients(network: nn.Module) -> list[Tensor]:
    return [weights.grad for weights in network.parameters() if weights.grad is not None]


def contest(size: int, batch: int, asked: argparse.Namespace) -> list[str]:
    """Rows of the table for one size and batch: Sparring, the authors' step, and that in Sparring's layout."""
    data, plain = two_sides(size), settled(batch, "contiguous")
    far, layout = apart(trainer(data, plain)), asked.memory_format
    if layout == "auto":
        layout = faster_memory_format(lambda c: trainer(data, c), plain)  # type: ignore[arg-type]
    ours = trainer(data, settled(batch, layout))
    steps: dict[str, Step] = {f"sparring, {layout}": ours.round, "authors": Authors(trainer(data, plain))}
    if layout != "contiguous":
        steps[f"authors, {layout}"] = Authors(trainer(data, plain), torch.channels_last)
    figures: dict[str, list[float]] = {name: [] for name in steps}
    for step in steps.values():
        seconds(step, 2)
    for repeat in range(asked.repeats):
        names = list(steps)[repeat % len(steps) :] + list(steps)[: repeat % len(steps)]
        for name in names:  # nobody is always after the same one
            figures[name].append(seconds(steps[name], asked.rounds))
    first = next(iter(steps))
    return [row(f"| {size} | {batch} | {name}", figures[first], figures[name], far) for name in steps]


def row(head: str, ours: list[float], mine: list[float], far: float) -> str:
    each = statistics.median(mine)
    line = f"{head} | {1 / each:.2f} | {each * 1e3:.0f} |"
    if mine is ours:
        return f"{line} | | |"
    ratio = statistics.median(b / a for a, b in zip(ours, mine, strict=True))
    goal = ("reached" if ratio >= GOAL else "MISSED") if head.endswith("authors") else ""
    return f"{line} {ratio:.2f}x | {goal} | {far:.0e} |"


def section(asked: argparse.Namespace) -> list[str]:
    """The table, as lines of Markdown."""
    lines = [
        "## Training steps", "",
        f"CycleGAN, Sparring's sizes (generators of width {Config.width} and {Config.blocks} blocks, critics of width "
        f"{Config.critic_width}) with the authors' losses, {torch.get_num_threads()} threads; medians of "
        f"{asked.repeats} alternating repeats of {asked.rounds} rounds. The authors' step starts from the same weights "
        "and sees the same batches; the last column says how far its first losses are from Sparring's. Sparring also "
        "averages the generators' weights and guards against NaN.", "",
        f"| side | batch | step | steps/s | ms | Sparring is faster by | goal {GOAL}x | losses differ by |",
        "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for size, batch in CASES:
        if size in asked.sizes:
            found = contest(size, batch, asked)
            print("\n".join(found), flush=True)
            lines += found
    return lines
