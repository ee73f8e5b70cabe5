"""The door for two sides of pictures: they become one Dataset that has a source."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sparring.data.gallery import Found
from sparring.data.sides import layouts, plan
from sparring.data.sides.layouts import Sides
from sparring.data.sides.plan import Plan, Wishes
from sparring.data.source import wishes as checked
from sparring.data.survey import parse_size
from sparring.errors import SparringError

if TYPE_CHECKING:
    from sparring.data.dataset import Dataset

Size = tuple[int, int]
DIRECTIONS = ("a-to-b", "b-to-a")


def open_sides(
    a: Any = None,
    b: Any = None,
    *,
    source: Any = None,
    paired: bool,
    size: str | None = None,
    channels: int | None = None,
    crop: str | None = None,
    label_maps: bool = False,
    direction: str = "a-to-b",
) -> Dataset:
    """Open pictures to make and pictures to make them from, decoding on the first call and mapping later.

    Args:
        a, b: the two sides, each whatever `source.open_data` reads as pictures. Pairs have one name on both sides.
        source: in their place, one thing that holds both, as `layouts.both` describes it.
        paired: whether the i-th of one side belongs to the i-th of the other (kind "pairs"); else the sides know
            nothing of each other (kind "sides").
        size: of the stored pictures of both sides, as in `open_data`; None chooses by those to make.
        channels: of the pictures to make; None chooses by the data. Those to start from have their own.
        crop: of the stored pictures, what the networks see; "64" or "48x64". None for all of them.
        label_maps: A holds maps of labels, of any values, which become channels of 0 and 1.
        direction: "a-to-b" makes B from A; "b-to-a" makes A from B.

    Returns:
        The pictures to make, with those to start from as its `source`.

    Raises:
        SparringError: for sides that are not there, empty, without pairs, or of pairs that differ in shape, and for
            wishes that cannot be met.
    """
    sides = find_sides(a, b, source)
    wishes = wishes_of(size, channels, crop, label_maps, direction)
    return _pairs(sides, wishes) if paired else _sides(sides, wishes)


def find_sides(a: Any = None, b: Any = None, source: Any = None) -> Sides:
    """Recognise two sides, or one source of both.

    Raises:
        SparringError: where one is lacking or cannot be read.
    """
    if (a is None) != (b is None):
        raise SparringError(f"Give both sides: {'a' if a is None else 'b'} is missing.")
    if (source is None) == (a is None):
        raise SparringError("Give two sides a and b, or one source that holds both.")
    return layouts.two(a, b) if source is None else layouts.both(source)


def wishes_of(
    size: str | None = None,
    channels: int | None = None,
    crop: str | None = None,
    label_maps: bool = False,
    direction: str = "a-to-b",
) -> Wishes:
    """The user's wishes, checked; as in `open_sides`.

    Raises:
        SparringError: for one that is not understood or cannot be had.
    """
    if direction not in DIRECTIONS:
        raise SparringError(f'The direction "{direction}" is not known: give one of {", ".join(DIRECTIONS)}.')
    backwards = direction == "b-to-a"
    if backwards and label_maps:
        raise SparringError(
            "Label maps can be started from, not made: leave out label_maps to learn A as pictures, or make B of A."
        )
    wanted = checked(size, channels)
    return Wishes(*wanted, None if crop is None else parse_size(crop), label_maps, backwards)


def title(sides: Sides, backwards: bool) -> str:
    """A short name of what is learnt, safe in file names."""
    if not sides.name:
        names = (sides.a.name, sides.b.name)
        return "-to-".join(reversed(names) if backwards else names)
    return f"{sides.name}-b-to-a" if backwards else sides.name


def _pairs(sides: Sides, wishes: Wishes) -> Dataset:
    """Both sides in one array, a pair a row, so that no picture can lose its partner."""
    identity = None
    if sides.a.identity and sides.b.identity:
        asked = ("pairs", sides.aligned, wishes.label_maps, wishes.backwards, wishes.size is None and wishes.crop)
        identity = (asked, *sides.a.identity, ("and",), *sides.b.identity)
    found = Found(title(sides, wishes.backwards), sides.b.load, identity)
    whole = _prepared(
        found, wishes.size, wishes.channels, lambda: plan.joint(plan.refuse_unlike(plan.pairs(sides, wishes)))
    )
    depth, size = whole.spec.source[0], whole.spec.shape[1:]
    start = replace(whole.spec, shape=(depth, *size), source=())
    given = replace(whole, spec=start, rows=whole.rows[:, :depth], groups=None, held=None, notes=())
    spec = replace(whole.spec, shape=(whole.spec.shape[0] - depth, *size))
    return _together(replace(whole, spec=spec, rows=whole.rows[:, depth:]), given, wishes.crop)


def _sides(sides: Sides, wishes: Wishes) -> Dataset:
    """Each side in an array of its own."""
    given, made = (sides.b, sides.a) if wishes.backwards else (sides.a, sides.b)
    of_given, of_made = wishes.letters
    found = _for(made, "made", wishes.size is None and wishes.crop)
    target = _prepared(
        found, wishes.size, wishes.channels, lambda: plan.to_make(plan.bare(made, of_made), wishes, made.size)
    )
    size = (target.rows.shape[2], target.rows.shape[3])
    found = _for(given, "given", wishes.label_maps)
    source = _prepared(found, size, None, lambda: plan.to_give(plan.bare(given, of_given), size, wishes))
    notes = plan.lettered(of_given, source.notes) + plan.lettered(of_made, target.notes)
    spec = replace(target.spec, kind="sides", name=title(sides, wishes.backwards))
    return _together(replace(target, spec=spec, notes=notes), source, wishes.crop)


def _for(found: Found, *use: object) -> Found:
    return replace(found, identity=found.identity and (*found.identity, use))


def _prepared(found: Found, size: Size | None, channels: int | None, planned: Callable[[], Plan]) -> Dataset:
    # Imported here, for it imports torch, which takes seconds, and the doctor does without.
    from sparring.data import prepare

    if found.identity and (before := prepare.load(prepare.entry(found, size, channels))):
        return before
    gallery, survey = planned()
    make = prepare.on_disk if found.identity else prepare.in_memory
    return make(found, gallery, size, channels, survey)


def _together(made: Dataset, given: Dataset, crop: Size | None) -> Dataset:
    """Pictures to make, with what they are made from as their source; both as large as the crop."""
    shape, stored = ((side.spec.shape[0], *(crop or side.spec.shape[1:])) for side in (made, given))
    labels = given.spec.labels
    content = json.dumps([made.spec.kind, made.spec.hash, given.spec.hash, shape, stored, labels])
    spec = replace(
        made.spec, shape=shape, source=(len(labels) or stored[0], *stored[1:]), labels=labels, hash=_hash(content)
    )
    kind = "labels" if labels else "pictures"
    start = replace(given.spec, kind=kind, name=spec.name, shape=stored, hash=_hash("given " + content))
    notes = made.notes if crop is None else (*made.notes, plan.cropped(crop, made.spec.shape[1:]))
    return replace(made, spec=spec, notes=notes, source=replace(given, spec=start))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
