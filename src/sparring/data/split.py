"""What is held out for judging and what is trained on, settled once by the data, the share and the seed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sparring.data.sides import kin
from sparring.data.sides.kin import joined, numbered
from sparring.errors import SparringError

if TYPE_CHECKING:  # it imports torch, which the doctor does without
    from sparring.data.dataset import Dataset

SHARE = 0.1  # held out unless the user says otherwise
MOST = 5000  # samples held out: more make judging slower and its values hardly steadier
PART = 8 << 20  # bytes of rows that are compared at once
FEWEST = 10  # with fewer samples each is needed for training


class Choice(NamedTuple):
    """The places of the samples to train on and of those held out, (n,) int64 ascending; and a sentence on it."""

    training: np.ndarray
    held: np.ndarray
    note: str


def split(dataset: Dataset, share: float, seed: int = 0) -> tuple[Dataset, Dataset | None]:
    """Part a data set into what is trained on and what is held out; neither copies a row.

    Where the data says itself what is for testing (`dataset.held`), that is held out, whatever the share and however
    much it is. Otherwise at most 5000 samples are, drawn by the seed: whole groups where there are groups, else of
    each class its share. Samples whose stored bytes are equal are never on both sides, or else a generator that
    copies could not be told from one that generalises. For this all rows are read once.

    Where samples are made from pictures, neither are those of which either picture equals, or mirrors, another's. Of
    two sides that know nothing of each other each is parted by itself; nothing is held out unless both have some.

    Args:
        dataset: the whole.
        share: of the samples to hold out, from 0 up to but not including 1. 0 holds nothing out; otherwise at least
            one sample is, where there are 10 samples or more and not all are of one group.
        seed: of the choice. The same data, share and seed always give the same parts.

    Returns:
        The data to train on, whose notes tell what was done, and the held-out part or None. A part's `spec.hash`
        differs from the whole's and from any other part's.

    Raises:
        SparringError: for a share outside 0..1, and where the data marks every sample as being for testing.
    """
    if not 0 <= share < 1:
        raise SparringError(f"The share to hold out is {share:g}: give one from 0 up to, but not including, 1.")
    if dataset.source is not None and dataset.spec.kind == "sides":
        return _split_sides(dataset, dataset.source, share, seed)
    if share == 0 and not _marked(dataset.held):
        return dataset, None
    same, near = _kin(dataset)
    choice = choose(same, share, seed, labels=dataset.labels, groups=dataset.groups, given=dataset.held, near=near)
    notes = (*dataset.notes, choice.note)
    if len(choice.training) == len(dataset):
        return replace(dataset, notes=notes, held=None), None
    training = replace(part(dataset, choice.training), notes=notes)
    return training, part(dataset, choice.held) if len(choice.held) else None


def _split_sides(made: Dataset, given: Dataset, share: float, seed: int) -> tuple[Dataset, Dataset | None]:
    if share == 0 and not _marked(made.held) and not _marked(given.held):
        return made, None
    relations = [Side(kin.of_side(_prints(side)).same, side.groups, side.held) for side in (given, made)]
    start, target = choose_sides(relations, share, seed)
    notes = (*made.notes, f"Of what is given: {start.note}", f"Of what is to be made: {target.note}")
    training = replace(part(made, target.training), notes=notes, source=part(given, start.training))
    if not len(start.held) or not len(target.held):
        return training, None
    return training, replace(part(made, target.held), source=part(given, start.held))


def _kin(dataset: Dataset) -> kin.Kin:
    if dataset.source is not None:
        return kin.of_pairs(_prints(dataset.source), _prints(dataset))
    if dataset.groups is not None and dataset.spec.has_pictures:
        return kin.of_grouped(_prints(dataset))
    same = equal_rows(dataset.blocks())
    return kin.Kin(same, same)


def _marked(held: np.ndarray | None) -> bool:
    return held is not None and bool(held.any())


def _prints(dataset: Dataset) -> Iterator[np.ndarray]:
    """Of pictures as they are stored, for the centres of two mirror images need not be mirror images."""
    for places in np.array_split(np.arange(len(dataset)), max(1, len(dataset) * dataset.rows[:1].nbytes // PART)):
        yield kin.prints(dataset.whole(places))


def part(dataset: Dataset, indices: np.ndarray) -> Dataset:
    """The samples at `indices`, whole numbers (n,) ascending; its rows are the whole's, and its hash is its own.

    Of pairs both pictures; of two sides those to make.
    """
    digest = hashlib.sha256(dataset.spec.hash.encode())
    digest.update(indices.astype("<i8").data)
    return replace(
        dataset,
        spec=replace(dataset.spec, count=len(indices), hash=digest.hexdigest()),
        labels=None if dataset.labels is None else dataset.labels[indices],
        groups=None if dataset.groups is None else dataset.groups[indices],
        held=None,
        columns=None if dataset.columns is None else dataset.columns[indices],
        chosen=indices if dataset.chosen is None else dataset.chosen[indices],
        source=part(dataset.source, indices) if dataset.source and dataset.spec.kind == "pairs" else dataset.source,
    )


def equal_rows(blocks: Iterable[np.ndarray]) -> np.ndarray:
    """Rows, a block after the other -> (count,) int64 in 0..kinds-1, the same number for rows of the same bytes.

    Eight bytes a row are kept. That two different rows get one number is next to impossible, and would merely keep
    them on one side.
    """
    digests = [
        np.frombuffer(b"".join(hashlib.blake2b(row.tobytes(), digest_size=8).digest() for row in block), "<u8")
        for block in blocks
    ]
    return numbered(np.concatenate(digests))


def choose(
    same: np.ndarray,
    share: float = SHARE,
    seed: int = 0,
    *,
    labels: np.ndarray | None = None,
    groups: np.ndarray | None = None,
    given: np.ndarray | None = None,
    near: np.ndarray | None = None,
) -> Choice:
    """Which samples `split` holds out, known from a few numbers a sample, (count,) int64 each.

    Args:
        same: equal numbers for samples that are equal, as `equal_rows` gives them.
        share, seed: as in `split`; a share above 0.
        labels, groups, given: as in Dataset; `given` is its `held`.
        near: as `same`, where other samples tie groups together than must not be parted; equal to it by default.

    Raises:
        SparringError: where `given` leaves nothing to train on.
    """
    count = len(same)
    if given is not None and given.any():
        if given.all():
            raise SparringError("All samples are marked as being for testing: mark some as being for training.")
        return _parted(given, same, ", as the data itself says,")
    if count < FEWEST:
        return _nothing(count, f"with fewer than {FEWEST} samples each is needed for training")
    units = same if groups is None else joined(groups, same if near is None else near)
    if groups is not None and not units.any():
        units = numbered(groups)  # a picture that all groups share, such as a black frame, does not make them one
    if not units.any():
        return _nothing(count, "all are equal" if groups is None else "all are of one group")
    random = np.random.default_rng(list(f"held out {seed}".encode()))
    target = min(max(1, round(share * count)), MOST, count - 1)
    held = _drawn(units, labels if groups is None else None, target, random)[units]
    if groups is None:
        return _parted(held, same, "")
    return _parted(held, same, f" by group ({len(np.unique(groups[held])):,} of {len(np.unique(groups)):,} groups)")


class Side(NamedTuple):
    """What `choose_sides` must know of each of two sides: `same`, `groups` and `given` as in `choose`."""

    same: np.ndarray
    groups: np.ndarray | None
    given: np.ndarray | None


def choose_sides(sides: Sequence[Side], share: float = SHARE, seed: int = 0) -> list[Choice]:
    """What is held out of each of two sides that know nothing of each other: of both, or by chance of none.

    Raises:
        SparringError: as `choose` does.
    """
    choices = [
        choose(side.same, share, seed, groups=side.groups, given=side.given)
        if share or _marked(side.given)
        else _nothing(len(side.same), "none was asked for")
        for side in sides
    ]
    if all(len(choice.held) for choice in choices):
        return choices
    return [
        choice if _marked(side.given) or not len(choice.held) else _nothing(len(side.same), "the other side has none")
        for side, choice in zip(sides, choices, strict=True)
    ]


def _nothing(count: int, reason: str) -> Choice:
    return Choice(np.arange(count), np.arange(0), f"No samples are held out for judging: {reason}.")


def _parted(held: np.ndarray, same: np.ndarray, how: str) -> Choice:
    """Two sides from (count,) bool, less those held-out samples that equal one to train on."""
    kept = held & ~np.isin(same, same[~held])
    note = f"{kept.sum():,} of {len(held):,} samples are held out{how} for judging and never trained on."
    if copies := int(held.sum() - kept.sum()):
        note += f" {copies:,} more were left out, as equal ones are trained on."
    return Choice(np.flatnonzero(~held), np.flatnonzero(kept), note)


def _drawn(units: np.ndarray, labels: np.ndarray | None, target: int, random: np.random.Generator) -> np.ndarray:
    """Which of the units, numbers (count,) from 0, to hold out: (units,) bool, of each class its share."""
    sizes = np.bincount(units)
    held = np.zeros(len(sizes), dtype=bool)
    if labels is not None:
        firsts = np.unique(units, return_index=True)[1]
        classes = numbered(labels[firsts])  # a unit of several classes counts as of its first sample's
        members = np.split(np.argsort(classes, kind="stable"), np.cumsum(np.bincount(classes))[:-1])
        quotas = _quotas(np.array([sizes[own].sum() for own in members]), target, random)
        for own, quota in zip(members, quotas, strict=True):
            if quota:  # there may be as many classes as samples, and most have none to give
                held[_whole(own, sizes, quota, random)] = True
    if 2 * sizes[held].sum() < target:  # no labels, or most classes are of one sample, which they keep
        held[:] = False
        everything = np.arange(len(sizes))
        held[_whole(everything, sizes, target, random)] = True
        if not held.any():
            held[random.choice(np.flatnonzero(sizes == sizes.min()))] = True
    return held


def _quotas(sizes: np.ndarray, target: int, random: np.random.Generator) -> np.ndarray:
    """The target shared out in proportion to the sizes, the remainders to the largest; never a whole class."""
    exact = sizes * (target / sizes.sum())
    quotas: np.ndarray = exact.astype(np.int64)  # below each class's size, as the target is below their sum
    order = np.lexsort((random.random(len(sizes)), quotas - exact))  # the last key counts first
    with_room = order[quotas[order] < sizes[order] - 1]
    quotas[with_room[: max(0, target - int(quotas.sum()))]] += 1
    return quotas


def _whole(own: np.ndarray, sizes: np.ndarray, target: int, random: np.random.Generator) -> np.ndarray:
    """Some of the units `own`, drawn at random, of as nearly `target` samples in all as may be; never all of them.

    The target is below the sum of their sizes.
    """
    taken: list[int] = []
    left = int(target)
    order = random.permutation(own)
    for unit in order:
        if not left:
            break
        if sizes[unit] <= left:
            taken.append(int(unit))
            left -= int(sizes[unit])
    others = np.setdiff1d(order, taken)
    nearest = int(others[np.abs(sizes[others] - left).argmin()])
    if len(others) > 1 and abs(int(sizes[nearest]) - left) < left:
        taken.append(nearest)
    return np.array(taken, dtype=np.int64)
