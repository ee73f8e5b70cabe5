"""Which endless stream of batches suits which data."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sparring.data.batches import Batches
from sparring.data.dataset import Dataset
from sparring.data.sided import Sided
from sparring.data.tables.stream import Sampled


def reader(dataset: Dataset, conditional: bool, flip: bool = True) -> Callable[..., Batches]:
    """What reads the data for a recipe, called as Batches is.

    Shuffling; training by sampling for tables with something to ask for; crops, mirrored where `flip` says so, for
    pictures that are made from others or stored larger than the networks see them.
    """
    spec = dataset.spec
    if spec.source or (spec.has_pictures and dataset.rows.shape[1:] != spec.shape):
        return partial(Sided, flip=flip)
    return Sampled if spec.kind == "table" and conditional and spec.given else Batches
