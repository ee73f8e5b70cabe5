"""What judges the runs of `proofs/pictures.py`: one protocol a data set, a reader of classes, and controls."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot

from sparring import recipes
from sparring.data.arrays import read_idx
from sparring.data.dataset import Dataset, decode
from sparring.data.known import FASHION_FOLDER, mnist, read_pickle
from sparring.data.split import part
from sparring.draws import mix
from sparring.gan import GAN
from sparring.metrics.features import Features
from sparring.metrics.judge import Judge, shipped

A_PASS = 250  # pictures that are made, or read, at once
EPOCHS, BATCH, RATE = 5, 128, 4e-3
SEED = 1000  # of the latents of what is judged


def own_test(train: Dataset) -> Dataset | None:
    """The test part that MNIST and Fashion-MNIST come with, 10,000 pictures; None for other data.

    Sparring's `mnist` and `fashion-mnist` are the training parts alone, so no run has seen these pictures.
    """
    if train.spec.name == "mnist":
        identity = mnist().identity
        assert identity is not None
        _, _, (values, labels) = read_pickle(Path(identity[0][0]))
        pixels = np.clip(values.reshape(-1, 28, 28) * 256, 0, 255).astype(np.uint8)
    elif train.spec.name == "fashion-mnist":
        pixels, labels = (read_idx(FASHION_FOLDER / f"t10k-{kind}-ubyte.gz") for kind in ("images-idx3", "labels-idx1"))
    else:
        return None
    digest = hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()
    spec = dataclasses.replace(train.spec, name=f"{train.spec.name}'s test part", count=len(pixels), hash=digest)
    return Dataset(spec, np.ascontiguousarray(pixels)[:, None], np.asarray(labels, np.int64))


def few_of(train: Dataset, count: int) -> Dataset:
    """So many of the training pictures, of each class as many where there are classes; the same on every call."""
    order = np.random.default_rng(0).permutation(len(train))
    if train.labels is not None:
        rank = np.empty(len(train), np.int64)  # of a picture among those of its class
        for label in np.unique(train.labels):
            own = order[train.labels[order] == label]
            rank[own] = np.arange(len(own))
        order = order[np.argsort(rank[order], kind="stable")]
    return part(train, np.sort(order[:count]))


# ---------------------------------------------------------------- the reader of classes


def reader(shape: tuple[int, ...], classes: int) -> nn.Module:
    """A classifier of grey or coloured pictures (b, c, h, w), small enough to learn in a minute or two of one core."""
    colours, height, width = shape
    layers: list[nn.Module] = []
    for fan_in, fan_out in ((colours, 16), (16, 64)):
        layers += [nn.Conv2d(fan_in, fan_out, 3, padding=1, bias=False), nn.MaxPool2d(2)]
        layers += [nn.BatchNorm2d(fan_out), nn.ReLU()]
    layers += [nn.Flatten(), nn.Dropout(0.3), nn.Linear(64 * (height // 4) * (width // 4), 128), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(128, classes)).to(memory_format=torch.channels_last)


def train_reader(train: Dataset, epochs: int = EPOCHS) -> nn.Module:
    """Learn the labels of the training part, from pictures shifted by up to a pixel."""
    assert train.labels is not None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(mix("reader", 0))
        judge = reader(train.spec.shape, len(train.spec.classes))
        steps = max(1, epochs * len(train) // BATCH)
        optimiser = torch.optim.AdamW(judge.parameters(), RATE, weight_decay=1e-2)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
        for step in range(steps):
            begin = step * BATCH % max(1, len(train) - BATCH)
            if begin < BATCH:
                order = torch.randperm(len(train)).numpy()
            chosen = order[begin : begin + BATCH]
            shift = tuple(int(s) for s in torch.randint(-1, 2, (2,)))
            x = decode(torch.from_numpy(train.take(chosen))).roll(shift, (2, 3))
            x = x.contiguous(memory_format=torch.channels_last)
            loss = cross_entropy(judge(x), torch.from_numpy(train.labels[chosen]))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return judge.eval()


def kept_reader(train: Dataset, folder: Path) -> nn.Module:
    """The reader of a data set, trained once and kept in a folder; of two that train at once the first is kept."""
    path = folder / f"reader-{train.spec.name}-{train.spec.hash[:8]}.pt"
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        torch.save(train_reader(train).state_dict(), draft)
        if path.exists():
            draft.unlink()
        else:
            draft.rename(path)
    judge = reader(train.spec.shape, len(train.spec.classes))
    judge.load_state_dict(torch.load(path, weights_only=True))
    return judge.eval()


@torch.no_grad()
def read(judge: nn.Module, pictures: Tensor) -> Tensor:
    """Pictures (n, c, h, w) -> the class that each is read as, (n,)."""
    return torch.cat([judge(batch).argmax(1) for batch in pictures.split(A_PASS)])


def accuracy(judge: nn.Module, data: Dataset) -> float:
    """The share of real pictures that are read as what they are."""
    assert data.labels is not None
    found = [read(judge, decode(torch.from_numpy(block))) for block in data.blocks()]
    return float((torch.cat(found) == torch.from_numpy(data.labels)).float().mean())


def obedience(judge: nn.Module, gan: GAN, count: int, seed: int = SEED) -> tuple[float, float]:
    """Ask for every class equally often. -> (the share read as what was asked for, the same if the wishes are shuffled)

    The second must be about 1 in as many as there are classes: a reader that sees more than the picture would show.
    """
    asked = torch.arange(count) % len(gan.spec.classes)
    wishes = one_hot(asked, gan.spec.given).float()
    with torch.no_grad():
        passes = zip(gan.latents(count, seed).split(A_PASS), wishes.split(A_PASS), strict=True)
        found = torch.cat([read(judge, shipped(gan, gan.sample(*one))) for one in passes])
    shuffled = asked[torch.randperm(count, generator=torch.Generator().manual_seed(seed))]
    return float((found == asked).float().mean()), float((found == shuffled).float().mean())


# ---------------------------------------------------------------- the protocol


class Noise(GAN):
    """Uniform noise in place of pictures: a control."""

    def __init__(self, train: Dataset) -> None:
        super().__init__(train.spec, SimpleNamespace(seed=0, latent=1))
        self.noise_shape = train.spec.shape

    def sample(self, noise: Tensor, given: Tensor) -> Tensor:
        return torch.special.erf(noise / 2**0.5)  # of normal numbers: uniform in -1..1


def untrained(train: Dataset) -> GAN:
    """The recipe dcgan before its first round: a control."""
    recipe = recipes.find("dcgan")
    torch.manual_seed(mix("weights", 0))
    return recipe.gan(train.spec, recipe.config()).eval()


class Bench:
    """Judges every run on one data set alike.

    Args:
        train: what the runs learn from; controls and the search for copies use it too.
        test: what no run and no network here has seen.
        features: the network that looks.
        fakes: samples of each generator.
        judge: reads the classes; None where there are none.
    """

    def __init__(
        self, train: Dataset, test: Dataset, features: Features, fakes: int, judge: nn.Module | None = None
    ) -> None:
        self.train, self.test, self.fakes, self.reader = train, test, fakes, judge
        self.judge = Judge(train, test, features)

    def measure(self, gan: GAN) -> dict[str, Any]:
        """All figures of a generator, as JSON holds them."""
        figures = self.judge.evaluate(gan, self.fakes, SEED).to_dict()
        if self.reader is not None and gan.conditional and gan.spec.classes == self.train.spec.classes:
            figures["asked"], figures["shuffled"] = obedience(self.reader, gan, self.fakes)
        return figures

    def controls(self) -> dict[str, Any]:
        """What noise and an untrained generator get, and how much of the test part is read rightly."""
        figures = {"noise": self.measure(Noise(self.train)), "untrained": self.measure(untrained(self.train))}
        right = accuracy(self.reader, self.test) if self.reader is not None else None
        return {**figures, "reader": right, "training": len(self.train), "test": len(self.test)}
