"""A feature network that is trained on the data itself: on its labels, or to tell one picture from another."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import affine_grid, cross_entropy, grid_sample, interpolate

from sparring.data.dataset import Dataset, decode
from sparring.draws import mix
from sparring.errors import SparringError
from sparring.metrics.features import check_shape, classless, fingerprint, in_parts, softmax

SIDE = 32  # larger pictures are reduced to this longer side, so that training takes seconds at any resolution
WIDTH = 128  # numbers in a feature
STEPS, BATCH = 200, 64
EXEMPLARS = 300  # pictures that are told apart where there are no labels
SHIFT, SCALE, CONTRAST, BRIGHTNESS = 0.15, 0.15, 0.25, 0.25  # how far a view strays from its picture, at most

Batch = tuple[Tensor, Tensor]  # pictures as the network sees them (b, c, h, w), and the class of each (b,)


class Trained:
    """A small classifier as a judge; `trained` makes one. It lives on the CPU.

    It sees pictures at 32 pixels at most, so it judges what is shown and how varied it is, not finest detail.
    """

    preprocessing = f"bilinear antialias to at most {SIDE}"

    def __init__(self, name: str, shape: tuple[int, ...], classes: tuple[str, ...] | None, network: Classifier) -> None:
        self.name, self.shape, self.classes = name, shape, classes
        self.network = network.eval()
        self.fingerprint = fingerprint(network)

    def __call__(self, pictures: Tensor) -> Tensor:
        """Pictures (b, c, h, w), float in -1..1 -> features (b, 128), at least 0; each independent of the others.

        Raises:
            SparringError: where the pictures are of another shape than those it was trained on.
        """
        check_shape(self.name, pictures, self.shape)
        return in_parts(lambda part: self.network.trunk(reduced(part)), pictures)

    def probabilities(self, features: Tensor) -> Tensor:
        """Features (b, 128) -> each class's probability (b, classes).

        Raises:
            SparringError: for features of another network, and where it was trained without labels.
        """
        if self.classes is None:
            raise classless(self.name)
        return softmax(self.name, features, self.network.head, WIDTH)


class Classifier(nn.Module):
    """Pictures (b, colours, h, w) -> scores (b, classes), by way of a trunk whose output is the feature (b, 128)."""

    def __init__(self, colours: int, classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for fan_in, fan_out in ((colours, 16), (16, 32), (32, 64)):
            layers.append(nn.Conv2d(fan_in, fan_out, 3, padding=1, bias=False))
            if fan_out < 64:  # before what follows, which then has a quarter of the work; a single pixel survives it
                layers.append(nn.MaxPool2d(2, ceil_mode=True))
            layers += [nn.BatchNorm2d(fan_out), nn.ReLU()]
        whole = nn.AdaptiveAvgPool2d(4)  # one size, whatever the pictures' was
        self.trunk = nn.Sequential(*layers, whole, nn.Flatten(), nn.Linear(64 * 4 * 4, WIDTH), nn.ReLU())
        self.head = nn.Linear(WIDTH, classes)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, pictures: Tensor) -> Tensor:
        """Raw scores, before a softmax."""
        scores: Tensor = self.head(self.trunk(pictures))
        return scores


def trained(dataset: Dataset, seed: int = 0) -> Trained:
    """Train a classifier on the data, in seconds; its last layer but one is the feature.

    It learns the data's own labels where two classes have two samples each. Else it learns to tell some hundred
    pictures apart by changed views of each (exemplar networks, Dosovitskiy et al. 2014), and has no `classes`.

    The same data and seed give the same network and fingerprint, on one machine with one number of threads. The
    global random state is left as it was.

    Args:
        dataset: pictures, two at least. Give real training data only: a judge that has seen the held-out samples
            favours them.
        seed: of the first weights, of the batches and of the views.

    Raises:
        SparringError: where the data is not pictures, or no two of them.
    """
    spec = dataset.spec
    if not spec.has_pictures:
        raise SparringError(f"a feature network can be trained on pictures only, and {spec.name} holds {spec.kind}")
    if len(dataset) < 2:
        raise SparringError(f"a feature network needs two pictures to learn from, and {spec.name} holds {len(dataset)}")
    random = np.random.default_rng(mix("judge's batches", seed))
    by_labels = dataset.labels is not None and bool((np.bincount(dataset.labels) >= 2).sum() >= 2)
    classes = len(spec.classes) if by_labels else min(len(dataset), EXEMPLARS)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(mix("judge's weights", seed))
        network = Classifier(spec.shape[0], classes)
    _teach(network, _labelled(dataset, random) if by_labels else _views(dataset, random, classes, seed))
    _scale(network, dataset)
    name = f"trained-{spec.name}" if by_labels else f"trained-identity-{spec.name}"
    return Trained(name, spec.shape, spec.classes if by_labels else None, network)


def _labelled(dataset: Dataset, random: np.random.Generator) -> Callable[[], Batch]:
    """Draws random pictures with their labels."""
    labels = dataset.labels
    assert labels is not None

    def draw() -> Batch:
        chosen = np.sort(random.integers(len(dataset), size=BATCH))  # sorted: the rows may lie on a disk
        return _seen(dataset, chosen), torch.from_numpy(labels[chosen])

    return draw


def _views(dataset: Dataset, random: np.random.Generator, count: int, seed: int) -> Callable[[], Batch]:
    """Draws changed views of `count` pictures, each of which is a class."""
    chosen = np.sort(random.choice(len(dataset), count, replace=False))
    exemplars = _seen(dataset, chosen)
    generator = torch.Generator().manual_seed(mix("judge's views", seed))

    def draw() -> Batch:
        which = torch.randint(count, (BATCH,), generator=generator)
        return changed(exemplars[which], generator), which

    return draw


def changed(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Pictures (b, c, h, w) in -1..1, each shifted, scaled, brightened and given other contrast, at random.

    Nothing is blurred, made noisy or mirrored: a judge that has learnt to overlook that would not see it in fakes.
    """
    b, channels = pictures.shape[:2]
    stray = torch.rand(6, b, generator=generator) * 2 - 1
    place = torch.zeros(b, 2, 3)
    place[:, 0, 0], place[:, 1, 1] = 1 + SCALE * stray[0], 1 + SCALE * stray[1]
    place[:, 0, 2], place[:, 1, 2] = 2 * SHIFT * stray[2], 2 * SHIFT * stray[3]  # times 2: a side is -1..1
    grid = affine_grid(place, list(pictures.shape), align_corners=False)
    # Bicubic, since bilinear would blur every view and only some fakes.
    moved = grid_sample(pictures, grid, mode="bicubic", padding_mode="border", align_corners=False)
    gain, shift = (1 + CONTRAST * stray[4]).view(b, 1, 1, 1), (BRIGHTNESS * stray[5]).view(b, 1, 1, 1)
    colours = moved[:, :3] * gain + shift
    return torch.cat([colours, moved[:, 3:]], 1).clamp(-1, 1) if channels > 3 else colours.clamp(-1, 1)


def _teach(network: Classifier, draw: Callable[[], Batch]) -> None:
    """Cross-entropy on random batches by Adam, its rate falling to 0 so that the last batches do not decide."""
    optimiser = torch.optim.Adam(network.parameters(), 3e-3, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
    for _ in range(STEPS):
        pictures, classes = draw()
        loss = cross_entropy(network(pictures.contiguous(memory_format=torch.channels_last)), classes)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()


def _scale(network: Classifier, dataset: Dataset) -> None:
    """Give features a mean square of 1, lest distances grow with the training's length; the scores stay the same."""
    sample = np.arange(0, len(dataset), max(1, len(dataset) // 1000))
    with torch.no_grad():
        features = network.eval().trunk(_seen(dataset, sample))
        scale = features.square().mean().sqrt()
        last = network.trunk[-2]  # before a ReLU, which passes a positive factor through
        last.weight /= scale
        last.bias /= scale
        network.head.weight *= scale


def _seen(dataset: Dataset, chosen: np.ndarray) -> Tensor:
    """Samples as the network sees them; some at a time, for as floats in full size they may not fit."""
    parts = [dataset.take(chosen[start : start + BATCH]) for start in range(0, len(chosen), BATCH)]
    return torch.cat([reduced(decode(torch.from_numpy(part))) for part in parts])


def reduced(pictures: Tensor) -> Tensor:
    """Pictures (b, c, h, w) with their longer side at most 32, smoothed first so that no detail turns to moiré."""
    height, width = pictures.shape[2:]
    if max(height, width) <= SIDE:
        return pictures
    size = [max(1, round(side * SIDE / max(height, width))) for side in (height, width)]
    return interpolate(pictures, size, mode="bilinear", antialias=True, align_corners=False)
