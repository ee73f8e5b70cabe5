"""Translated pictures beside the true ones, where these are known, and beside what costs no learning."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from sparring.asking import Questions
from sparring.data.batches import some
from sparring.data.dataset import decode, encode
from sparring.data.degrade import enlarge, shrink
from sparring.metrics.restoration import restored
from sparring.metrics.translation import Figure, compare

COMPARED = 256  # pictures; figures of pixels hardly change with more
EDGE = 3  # pixels of a small picture that depend on what lay beside it
STEPS = 2.5  # of 255, by which small pictures that are made alike may differ


class Beside(NamedTuple):
    """One figure of translated pictures, and of what stands beside them.

    Attributes:
        made: of what the generator makes.
        mean: of the training set's mean picture in its place; None where pictures are enlarged, for what crops have in
            common is nothing.
        unchanged: of the pictures to translate themselves, enlarged bicubically where larger ones are made; None where
            they have another shape.
    """

    made: Figure
    mean: float | None
    unchanged: float | None


def against_truth(questions: Questions, made: Tensor, mean: Tensor) -> dict[str, Beside]:
    """Every figure of metrics/translation.py; empty where no truth is known.

    Where larger pictures are made, those of metrics/restoration.py in their place.

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
    if gan.scale > 1:
        return _enlarged(made, true, given, gan.scale)
    figures = compare(made, true)
    laziest = compare(mean.expand_as(true), true)
    idle = None
    if given.shape[2:] == true.shape[2:] and given.shape[1] in (1, true.shape[1]) and not gan.spec.labels:
        idle = compare(given.expand_as(true), true)
    return {
        name: Beside(figure, laziest[name].value, None if idle is None else idle[name].value)
        for name, figure in figures.items()
    }


def _enlarged(made: Tensor, true: Tensor, small: Tensor, scale: int) -> dict[str, Beside]:
    """Made and true pictures (n, c, h, w), and the small ones (n, c, h / scale, w / scale) that they were made of."""
    border, kernel = min(scale, (min(true.shape[2:]) - 1) // 2), _kernel(small, true, scale)
    plain = decode(torch.from_numpy(encode(enlarge(small, scale)))).expand_as(true)
    figures, idle = (restored(large, true, border, kernel) for large in (made, plain))
    return {name: Beside(figure, None, idle[name].value) for name, figure in figures.items()}


def _kernel(small: Tensor, large: Tensor, scale: int) -> str:
    """What small pictures were made of large ones with: "bicubic", antialiased, or "other kernel".

    It is found out, not believed, for users bring small pictures as well. Programs round in their own ways, and where a
    picture was cut out of a larger one, what lay beside it is unknown.
    """
    gap = (shrink(large, scale) - small).abs()
    inner = gap[..., EDGE:-EDGE, EDGE:-EDGE] if min(gap.shape[2:]) > 2 * EDGE else gap
    return "bicubic" if float(inner.max()) < STEPS / 127.5 else "other kernel"


def keeping(kept: list[Tensor], batches: Iterator[Tensor]) -> Iterator[Tensor]:
    """Hand batches on, and keep as many of the first as are compared with the truth."""
    for batch in batches:
        if sum(map(len, kept)) < COMPARED:
            kept.append(batch)
        yield batch
