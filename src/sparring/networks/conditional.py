"""DCGAN's networks with something given beside the latent or the picture: rows of classes, flags and numbers."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sparring.data.spec import Spec
from sparring.errors import SparringError
from sparring.networks import dcgan


def embedding(spec: Spec, width: int) -> nn.Linear:
    """A linear layer from what is given (b, spec.given) to (b, width), as large as a latent: of about unit variance.

    A row of `given` holds a one for its class and a value for each column, so that is how many vectors it sums up.

    Raises:
        SparringError: for data that has neither classes nor columns.
    """
    if not spec.given:
        raise SparringError(
            f"{spec.name} has neither classes nor columns to learn by; use the recipe dcgan, or give labels: a folder "
            "for each class, or columns of a CSV file beside the pictures"
        )
    layer = nn.Linear(spec.given, width, bias=False)
    nn.init.normal_(layer.weight, 0.0, (bool(spec.classes) + len(spec.columns)) ** -0.5)
    return layer


class Generator(nn.Module):
    """Latents (b, latent) and what is given (b, spec.given) -> pictures (b, *spec.shape) in -1..1.

    The latent and an embedding of what is given are joined before the first layer.

    Args:
        spec: the data; with classes or columns.
        latent: numbers in a latent.
        embedded: numbers in the embedding.
        width: as in dcgan.Generator, as are the activation and the norm.
    """

    def __init__(self, spec: Spec, latent: int, embedded: int, width: int, norm: dcgan.Norm = "batch") -> None:
        super().__init__()
        self.embedding = embedding(spec, embedded)
        self.network = dcgan.Generator(latent + embedded, spec.shape, width, "relu", norm)

    def forward(self, z: Tensor, given: Tensor) -> Tensor:
        pictures: Tensor = self.network(torch.cat([z, self.embedding(given)], 1))
        return pictures


class ProjectionCritic(nn.Module):
    """Pictures (b, *spec.shape) and what is given (b, spec.given) -> scores (b,): head(f) + <E(given), f>.

    Miyato & Koyama 2018, "cGANs with Projection Discriminator", eq. 3, with f DCGAN's features at all places, which the
    paper sums over places first. The embedding E starts like the head's weights.
    """

    def __init__(self, spec: Spec, width: int, norm: dcgan.Norm) -> None:
        super().__init__()
        self.network = dcgan.Critic(spec.shape, width, "leaky_relu", norm)
        self.embedding = nn.Linear(spec.given, self.network.features, bias=False)
        self.embedding.apply(dcgan.initialise)

    def forward(self, x: Tensor, given: Tensor) -> Tensor:
        features = self.network.body(x)
        scores: Tensor = self.network.head(features).flatten() + (self.embedding(given) * features).sum(1)
        return scores


class ConcatCritic(nn.Module):
    """Pictures (b, *spec.shape) and what is given (b, spec.given) -> scores (b,), by maps beside the colours.

    Mirza & Osindero 2014, "Conditional Generative Adversarial Nets": the critic's input and an embedding of what is
    given are joined. For a convolution, each number of the embedding is a map of equal values. They start small, like
    the network's weights: larger ones drown the picture, and the critic then never comes to look at it.
    """

    def __init__(self, spec: Spec, embedded: int, width: int, norm: dcgan.Norm) -> None:
        super().__init__()
        colours, *sides = spec.shape
        self.embedding = nn.Linear(spec.given, embedded, bias=False)
        self.embedding.apply(dcgan.initialise)
        self.network = dcgan.Critic((colours + embedded, *sides), width, "leaky_relu", norm)

    def forward(self, x: Tensor, given: Tensor) -> Tensor:
        maps = self.embedding(given)[:, :, None, None].expand(-1, -1, *x.shape[2:])
        scores: Tensor = self.network(torch.cat([x, maps], 1))
        return scores


class LabellingCritic(nn.Module):
    """Pictures (b, *spec.shape) -> scores (b,) and guesses (b, spec.given) of what was given, from the same features.

    Odena, Olah & Shlens 2017, "Conditional Image Synthesis with Auxiliary Classifier GANs", figure 1. Guesses are
    logits for classes and flags, and values for numbers.
    """

    def __init__(self, spec: Spec, width: int, norm: dcgan.Norm) -> None:
        super().__init__()
        self.network = dcgan.Critic(spec.shape, width, "leaky_relu", norm)
        self.guess = nn.Linear(self.network.features, spec.given)
        self.guess.apply(dcgan.initialise)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.network.body(x)
        return self.network.head(features).flatten(), self.guess(features)
