"""Networks that turn pictures into the features that statistics compare."""

from __future__ import annotations

import hashlib
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, interpolate

from sparring.data.dataset import Dataset, decode
from sparring.draws import mix
from sparring.errors import SparringError

SIDE = 32  # larger pictures are reduced to this longer side, so that training takes seconds at any resolution
WIDTH = 128  # numbers in a feature
STEPS, BATCH = 200, 64


class Features(Protocol):
    """What every feature network offers. A value is only comparable with others of the same fingerprint.

    Attributes:
        name: printed beside every value, as in `FD[trained-digits]`.
        fingerprint: sha256 in hexadecimal; equal networks have equal ones.
        classes: what `probabilities` speaks of, where the network is a classifier; else None.
    """

    @property
    def name(self) -> str: ...

    @property
    def fingerprint(self) -> str: ...

    @property
    def classes(self) -> tuple[str, ...] | None: ...

    def __call__(self, pictures: Tensor) -> Tensor:
        """Pictures (b, c, h, w), float in -1..1 -> features (b, d)."""
        ...


class Trained:
    """A small classifier of the user's own labels as a judge; `trained` makes one. It lives on the CPU.

    It sees pictures at 32 pixels at most, so it judges what is shown and how varied it is, not finest detail.
    """

    def __init__(self, name: str, shape: tuple[int, ...], classes: tuple[str, ...], network: Classifier) -> None:
        self.name, self.shape = name, shape
        self.classes: tuple[str, ...] | None = classes
        self.network = network.eval()
        self.fingerprint = fingerprint(network)

    def __call__(self, pictures: Tensor) -> Tensor:
        """Pictures (b, c, h, w), float in -1..1 -> features (b, 128), at least 0; each independent of the others.

        Raises:
            SparringError: where the pictures are of another shape than those it was trained on.
        """
        with torch.no_grad():
            features: Tensor = self.network.trunk(self._seen(pictures))
        return features

    def probabilities(self, pictures: Tensor) -> Tensor:
        """Pictures (b, c, h, w), float in -1..1 -> each class's probability (b, classes). Raises as a call does."""
        with torch.no_grad():
            scores: Tensor = self.network(self._seen(pictures))
        return scores.softmax(1)

    def _seen(self, pictures: Tensor) -> Tensor:
        if tuple(pictures.shape[1:]) != self.shape:
            raise SparringError(
                f"{self.name} judges pictures of shape {self.shape}, and these are {tuple(pictures.shape[1:])}"
            )
        return reduced(pictures.detach().float().cpu())


class Classifier(nn.Module):
    """Pictures (b, colours, h, w) -> scores (b, classes), by way of a trunk whose output is the feature (b, 128)."""

    def __init__(self, colours: int, classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for fan_in, fan_out in ((colours, 16), (16, 32), (32, 64)):
            layers += [
                nn.Conv2d(fan_in, fan_out, 3, padding=1, bias=False),
                nn.BatchNorm2d(fan_out),
                nn.ReLU(),
                nn.MaxPool2d(2, ceil_mode=True),  # a single pixel survives it
            ]
        layers[-1] = nn.AdaptiveAvgPool2d(4)  # one size, whatever the pictures' was
        self.trunk = nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * 4 * 4, WIDTH), nn.ReLU())
        self.head = nn.Linear(WIDTH, classes)

    def forward(self, pictures: Tensor) -> Tensor:
        scores: Tensor = self.head(self.trunk(pictures))
        return scores


def trained(dataset: Dataset, seed: int = 0) -> Trained:
    """Train a classifier on the data's own labels, in seconds; its last layer but one is the feature.

    The same data and seed give the same network and fingerprint, on one machine with one number of threads. The
    global random state is left as it was.

    Args:
        dataset: labelled pictures of at least two classes. Give real training data only: a judge that has seen the
            held-out samples favours them.
        seed: of the first weights and of the batches.

    Raises:
        SparringError: where the data is not pictures or has no two classes.
    """
    spec = dataset.spec
    if spec.kind != "pictures":
        raise SparringError(f"a feature network can be trained on pictures only, and {spec.name} holds {spec.kind}")
    if dataset.labels is None or len(spec.classes) < 2:
        raise SparringError(f"a feature network learns from labels of two classes or more, and {spec.name} has none")
    state = torch.get_rng_state()
    torch.default_generator.manual_seed(mix("judge's weights", seed))
    network = Classifier(spec.shape[0], len(spec.classes))
    torch.set_rng_state(state)
    _teach(network, dataset.rows, dataset.labels, np.random.default_rng(mix("judge's batches", seed)))
    _scale(network, dataset.rows)
    return Trained(f"trained-{spec.name}", spec.shape, spec.classes, network)


def _teach(network: Classifier, rows: np.ndarray, labels: np.ndarray, random: np.random.Generator) -> None:
    """Cross-entropy on random batches by Adam, its rate falling to 0 so that the last batches do not decide."""
    optimiser = torch.optim.Adam(network.parameters(), 3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
    for _ in range(STEPS):
        chosen = np.sort(random.integers(len(rows), size=BATCH))  # sorted: the rows may lie on a disk
        pictures = reduced(decode(torch.from_numpy(rows[chosen])))
        loss = cross_entropy(network(pictures), torch.from_numpy(labels[chosen]))
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()


def _scale(network: Classifier, rows: np.ndarray) -> None:
    """Give features a mean square of 1, lest distances grow with the training's length; the scores stay the same."""
    sample = rows[:: max(1, len(rows) // 1000)]
    with torch.no_grad():
        features = network.eval().trunk(reduced(decode(torch.from_numpy(np.array(sample)))))
        scale = features.square().mean().sqrt()
        last = network.trunk[-2]  # before a ReLU, which passes a positive factor through
        last.weight /= scale
        last.bias /= scale
        network.head.weight *= scale


def reduced(pictures: Tensor) -> Tensor:
    """Pictures (b, c, h, w) with their longer side at most 32, smoothed first so that no detail turns to moiré."""
    height, width = pictures.shape[2:]
    if max(height, width) <= SIDE:
        return pictures
    size = [max(1, round(side * SIDE / max(height, width))) for side in (height, width)]
    return interpolate(pictures, size, mode="bilinear", antialias=True, align_corners=False)


def fingerprint(network: nn.Module) -> str:
    """sha256, in hexadecimal, of every weight's and buffer's name, kind, shape and bytes."""
    digest = hashlib.sha256()
    for name, weight in network.state_dict().items():
        digest.update(f"{name} {weight.dtype} {tuple(weight.shape)}\n".encode())
        digest.update(weight.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
