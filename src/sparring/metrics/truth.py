"""Translated pictures beside the true ones, where these are known, and beside what costs no learning."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from torch import Tensor

from sparring.asking import Questions
from sparring.data.batches import some
from sparring.metrics.translation import Figure, compare

COMPARED = 256  # pictures; figures of pixels hardly change with more


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


def against_truth(questions: Questions, made: Tensor, mean: Tensor) -> dict[str, Beside]:
    """Every figure of metrics/translation.py; empty where no truth is known.

    Args:
        questions: what the generator was asked to translate.
        made: what became of the first of it, (n, *spec.shape) in -1..1.
        mean: the training set's mean picture, (1, *spec.shape) in -1..1.
    """
    gan, dataset = questions.gan, questions.dataset
    if not gan.translates or dataset.spec.kind == "sides":
        return {}
    places = slice(0, len(made))
    true, (_, given) = some(dataset, questions.rows[places]).x, questions.take(places)
    figures = compare(made, true)
    laziest = compare(mean.expand_as(true), true)
    idle = None
    if given.shape[2:] == true.shape[2:] and given.shape[1] in (1, true.shape[1]) and not gan.spec.labels:
        idle = compare(given.expand_as(true), true)
    return {
        name: Beside(figure, laziest[name].value, None if idle is None else idle[name].value)
        for name, figure in figures.items()
    }


def keeping(kept: list[Tensor], batches: Iterator[Tensor]) -> Iterator[Tensor]:
    """Hand batches on, and keep as many of the first as are compared with the truth."""
    for batch in batches:
        if sum(map(len, kept)) < COMPARED:
            kept.append(batch)
        yield batch
