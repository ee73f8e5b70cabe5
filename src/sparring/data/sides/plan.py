"""From two listings of pictures to what is to be decoded, and how: pairs, sizes and channels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from sparring.data.gallery import Found, Gallery
from sparring.data.pictures import Header
from sparring.data.sides import labels as maps
from sparring.data.sides.kin import joined
from sparring.data.sides.layouts import Sides, gallery_of
from sparring.data.sides.match import Matches, in_order, match
from sparring.data.survey import LARGEST, Survey, notes, survey, training_row
from sparring.errors import SparringError


class Wishes(NamedTuple):
    """What the user asks for.

    Attributes:
        size: (height, width) of the stored pictures of both sides; None to choose by the data.
        channels: of what is made; None to choose by the data.
        crop: (height, width) of what the networks see, no larger than the stored; None for the stored.
        label_maps: whether the pictures to start from are maps of labels.
        backwards: whether A is to be made from B.
    """

    size: tuple[int, int] | None = None
    channels: int | None = None
    crop: tuple[int, int] | None = None
    label_maps: bool = False
    backwards: bool = False

    @property
    def letters(self) -> tuple[str, str]:
        """What the user calls the side that is given, and the one that is made."""
        return ("B", "A") if self.backwards else ("A", "B")


class Plan(NamedTuple):
    """A gallery whose `row` makes what is stored, and what its survey came to."""

    gallery: Gallery
    survey: Survey


class Pairs(NamedTuple):
    """Pictures that belong together.

    Attributes:
        given, made: galleries of equal length, as planned.
        letters: what the user calls these two.
        matches: how they were paired.
        notes: sentences on that.
        unlike: the pairs whose pictures differ in shape, and those shapes.
    """

    given: Plan
    made: Plan
    letters: tuple[str, str]
    matches: Matches
    notes: tuple[str, ...]
    unlike: tuple[str, ...]


def pairs(sides: Sides, wishes: Wishes) -> Pairs:
    """Pair two sides and plan both.

    Raises:
        SparringError: where there are no pairs, or not one picture of a side can be read.
    """
    a, b = gallery_of(sides.a, "A"), gallery_of(sides.b, "B")
    found = in_order(len(a.names)) if sides.aligned else match(a.names, b.names)
    both = [subset(a, found.a), subset(b, found.b)]
    given, made = reversed(both) if wishes.backwards else both
    target = to_make(made, wishes, (sides.a if wishes.backwards else sides.b).size)
    source = to_give(given, target.survey.size, wishes)
    names = given.names if wishes.backwards else made.names
    unlike, two = _shapes(names, source.survey.headers, target.survey.headers, wishes.letters)
    told = notes_of(sides, a, b) + unmatched(found) + two
    return Pairs(source, target, wishes.letters, found, told, unlike)


def joint(found: Pairs) -> Plan:
    """Rows that hold both pictures of a pair, (channels given + channels made, height, width): one cannot go alone."""
    (given, start), (made, plan) = found.given, found.made
    first, second = _row(given), _row(made)
    held = [side.held for side in (given, made) if side.held is not None]
    gallery = Gallery(
        [one if one == other else f"{one} + {other}" for one, other in zip(given.names, made.names, strict=True)],
        made.open,
        notes=found.notes,
        groups=_groups([side.groups for side in (given, made) if side.groups is not None]),
        held=np.any(held, axis=0) if held else None,
        row=lambda index: np.concatenate([first(index), second(index)]),
        card={
            "kind": "pairs",
            "source": (start.channels, *start.size),
            "labels": given.card.get("labels", ()),
        },
    )
    told = lettered(found.letters[0], start.notes) + lettered(found.letters[1], plan.notes)
    return Plan(gallery, Survey(plan.headers, plan.size, start.channels + plan.channels, told))


def _row(gallery: Gallery) -> Callable[[int], np.ndarray]:
    assert gallery.row is not None
    return gallery.row


def _groups(known: list[np.ndarray]) -> np.ndarray | None:
    """Groups of pairs: what either side calls one, is one."""
    return joined(*known) if known else None


def to_make(gallery: Gallery, wishes: Wishes, usual: tuple[int, int] | None = None) -> Plan:
    """Settle size and channels by the pictures that are to be made; `usual` is the size of those that have one.

    Raises:
        SparringError: where none can be read, or for a crop that is larger than what is stored.
    """
    letter, crop = wishes.letters[1], wishes.crop
    wanted = wishes.size or (None if crop else usual)
    found = _survey(gallery, wanted, wishes.channels, letter)
    size = around(crop, found) if crop and not wanted else found.size
    if crop and (crop[0] > size[0] or crop[1] > size[1]):
        raise SparringError(
            f"A crop of {crop[0]}x{crop[1]} does not fit into pictures of {size[0]}x{size[1]} (height x width): ask "
            "for a smaller crop or a larger size."
        )
    plan = replace(found, size=size, notes=notes(found.headers, size, found.channels))
    return Plan(replace(gallery, row=lambda index: training_row(gallery, index, plan)), plan)


def around(crop: tuple[int, int], found: Survey) -> tuple[int, int]:
    """The size to store for crops: the one that all pictures share, else an eighth more than the crop's longer side."""
    sizes = {(seen.height, seen.width) for seen in found.headers.values()}
    height, width = min(sizes)
    if len(sizes) == 1 and crop[0] <= height <= LARGEST and crop[1] <= width <= LARGEST:
        return height, width
    return (max(crop) * 9 // 8,) * 2


def cropped(crop: tuple[int, ...], stored: tuple[int, ...]) -> str:
    """A sentence on crops."""
    return f"Training sees crops of {crop[0]}x{crop[1]}, at random, of pictures of {stored[0]}x{stored[1]}."


def to_give(gallery: Gallery, size: tuple[int, int], wishes: Wishes) -> Plan:
    """Plan the pictures to start from: of the size of those to make, with channels of their own.

    Raises:
        SparringError: where none can be read, or where label maps hold what are no labels.
    """
    letter = wishes.letters[0]
    if not wishes.label_maps:
        plan = _survey(gallery, size, None, letter)
        return Plan(replace(gallery, row=lambda index: training_row(gallery, index, plan)), plan)
    known, found = maps.survey(gallery), _survey(gallery, size, 1, letter)

    def row(index: int) -> np.ndarray:
        with gallery.open(index) as image:
            return maps.row(image, size, known, gallery.names[index])

    coloured = any(maps.is_coloured(seen.mode) for seen in found.headers.values())
    note = f"The maps hold {len(known)} label{'s' * (len(known) > 1)} ({maps.shown(known, coloured)})."
    return Plan(replace(gallery, row=row, card={"kind": "labels", "labels": known}), replace(found, notes=(note,)))


def _survey(gallery: Gallery, size: tuple[int, int] | None, channels: int | None, letter: str) -> Survey:
    try:
        return survey(gallery, size, channels)
    except SparringError as error:
        raise SparringError(f"Side {letter}: {error}") from error


def bare(found: Found, letter: str) -> Gallery:
    """A side that is listed by itself: its pictures without labels and columns.

    Raises:
        SparringError: where it holds no pictures.
    """
    gallery = gallery_of(found, letter)
    return replace(subset(gallery, range(len(gallery.names))), notes=gallery.notes)


def subset(gallery: Gallery, places: Sequence[int]) -> Gallery:
    """Some of a gallery's pictures, in the order of `places`, without labels, columns and notes."""
    own = np.array(places, dtype=np.int64)
    return Gallery(
        [gallery.names[place] for place in places],
        lambda index: gallery.open(places[index]),
        groups=None if gallery.groups is None else gallery.groups[own],
        held=None if gallery.held is None else gallery.held[own],
    )


def notes_of(sides: Sides, a: Gallery, b: Gallery) -> tuple[str, ...]:
    """What the readers of both sides did, each side under its letter unless one source holds the pairs."""
    if sides.aligned:
        return tuple(dict.fromkeys(a.notes + b.notes))
    return lettered("A", a.notes) + lettered("B", b.notes)


def lettered(letter: str, told: Sequence[str]) -> tuple[str, ...]:
    """Sentences on one side."""
    return tuple(f"{letter}: {note}" for note in told)


def unmatched(found: Matches) -> tuple[str, ...]:
    """Sentences on the pictures that have no partner, and on how the others were paired."""
    told = [found.note] if found.note else []
    for letter, lone in (("A", found.lone_a), ("B", found.lone_b)):
        if lone:
            more = f" and {len(lone) - 5} more" if len(lone) > 5 else ""
            told.append(
                f"{len(lone)} picture{'s' * (len(lone) > 1)} of {letter} without a partner of the same name "
                f"{'were' if len(lone) > 1 else 'was'} left out: {', '.join(lone[:5])}{more}."
            )
    return tuple(told)


def _shapes(
    names: Sequence[str], given: dict[int, Header], made: dict[int, Header], letters: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Which pairs have two shapes, and a note on those that have two sizes of one shape."""
    sizes = {at: (given[at], made[at]) for at in sorted(given.keys() & made.keys())}
    unlike = []
    for at, (one, other) in sizes.items():
        if not _alike(one, other):
            shown = sorted(
                f"{letter} is {seen.height}x{seen.width}" for letter, seen in zip(letters, sizes[at], strict=True)
            )
            unlike.append(f"{names[at]}: {' and '.join(shown)} (height x width)")
    two = sum((one.height, one.width) != (other.height, other.width) for one, other in sizes.values()) - len(unlike)
    note = f"The pictures of {two} of {len(sizes)} pairs have two sizes of one shape: both were scaled to one."
    return tuple(unlike), (note,) if two else ()


def refuse_unlike(found: Pairs) -> Pairs:
    """The same, unless the pictures of a pair differ in shape: then no pixel of one lies where it lies in the other.

    Raises:
        SparringError: where there are such pairs.
    """
    if found.unlike:
        raise SparringError(
            f"The pictures of {len(found.unlike)} of {len(found.given.gallery.names)} pairs differ in shape, so they "
            f"do not lie on one another; first {found.unlike[0]}. Crop or scale both alike, or remove them."
        )
    return found


def _alike(one: Header, other: Header) -> bool:
    """Whether two sizes are of one shape, but for sides that were rounded to whole pixels."""
    across, back = one.width * other.height, one.height * other.width
    rounded = max(one.width, one.height, other.width, other.height)
    return abs(across - back) <= min(rounded, 0.05 * max(across, back))  # a single pixel is not of every shape
