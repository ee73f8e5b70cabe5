"""Translated pictures beside the true ones, where these are known, and beside what costs no learning."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from sparring.asking import Questions
from sparring.data.batches import some
from sparring.metrics.translation import Figure, compare

COMPARED = 256  # pictures; figures of pixels hardly change with more
AT_ONCE = 16


class Beside(NamedTuple):
    """One figure of translated pictures, and of what stands beside them.

    Attributes:
        made: of what the generator makes.
        mean: of the training set's mean picture in its place.
        unchanged: of the pictures to translate themselves; None where they have another shape.
    """

    made: Figure
    mean: float
    unchanged: float | None


def against_truth(questions: Questions, mean: Tensor, device: torch.device | str) -> dict[str, Beside]:
    """Every figure of metrics/translation.py, of at most 256 pictures; empty where no truth is known.

    Args:
        questions: what the generator is asked to translate.
        mean: the training set's mean picture, (1, *spec.shape) in -1..1.
        device: where the GAN's networks live.
    """
    gan, dataset = questions.gan, questions.dataset
    if not gan.translates or dataset.spec.kind == "sides":
        return {}
    places = slice(0, COMPARED)
    true, (_, given) = some(dataset, questions.rows[places]).x, questions.take(places)
    figures = compare(translated(questions, device), true)
    laziest = compare(mean.expand_as(true), true)
    idle = None
    if given.shape[2:] == true.shape[2:] and given.shape[1] in (1, true.shape[1]) and not gan.spec.labels:
        idle = compare(given.expand_as(true), true)
    return {
        name: Beside(figure, laziest[name].value, None if idle is None else idle[name].value)
        for name, figure in figures.items()
    }


@torch.no_grad()
def translated(questions: Questions, device: torch.device | str) -> Tensor:
    """What becomes of the first pictures, on the CPU."""
    made = []
    for start in range(0, min(len(questions), COMPARED), AT_ONCE):
        noise, given = questions.take(slice(start, min(start + AT_ONCE, COMPARED)))
        made.append(questions.gan.sample(noise.to(device), given.to(device)).float().cpu())
    return torch.cat(made)
