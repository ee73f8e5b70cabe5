"""`sparring data` for two sides: what pairs up, what is wrong with either side, and what training would see."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console, Group
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from sparring.data.gallery import in_threads, why
from sparring.data.sides import kin, plan
from sparring.data.sides.contact import contact_sheet as contact_sheet  # part of this module's front
from sparring.data.sides.labels import is_coloured, shown
from sparring.data.sides.layouts import Sides
from sparring.data.sides.plan import Plan, Wishes
from sparring.data.sides.read import find_sides, title, wishes_of
from sparring.data.split import Choice, Side, choose, choose_sides
from sparring.errors import SparringError

SHOWN, MOST = 32, 10  # pairs on a contact sheet, and lines of a kind


@dataclass(frozen=True)
class Findings:
    """What `examine` found; pictures are named by their side's letter and their path, such as "A: 1.png".

    Attributes:
        name, kind: as in the Spec that training would get.
        count: readable pairs, or pictures to make.
        plan: in plain words, what training would do with them.
        unmatched: pictures without a partner.
        unlike: pairs whose pictures differ in shape, which training refuses.
        unreadable: the pictures that cannot be read, and why.
        copies: pairs whose two pictures are equal; of sides, pictures of one that the other has too, perhaps mirrored.
        alike: pictures of one side that are equal or mirror images, together.
        across: what the data says is for testing and is left out, for its like is trained on.
        held_out: how many pairs, or pictures to make, training would hold out for judging unless told otherwise.
        labels: the share of the pixels that each label of label maps has.
        given, made: up to 32 pictures of each side as training would see them, uint8 (n, 3, h, w); of pairs the i-th
            of one belongs to the i-th of the other.
    """

    name: str
    kind: str
    count: int
    plan: tuple[str, ...]
    unmatched: tuple[str, ...] = ()
    unlike: tuple[str, ...] = ()
    unreadable: dict[str, str] = field(default_factory=dict)
    copies: tuple[str, ...] = ()
    alike: tuple[tuple[str, ...], ...] = ()
    across: tuple[str, ...] = ()
    held_out: int = 0
    labels: dict[str, float] = field(default_factory=dict)
    given: np.ndarray = field(default_factory=lambda: np.empty(0))
    made: np.ndarray = field(default_factory=lambda: np.empty(0))


class _Look(NamedTuple):
    """One side, decoded.

    Attributes:
        plan: what was decoded.
        names: of its pictures, each after its side's letter.
        marks: (n,) of kin.KIND; of those that cannot be read, nothing.
        trouble: why each picture cannot be read, else "".
        labels: the share of the pixels that each label has.
    """

    plan: Plan
    names: list[str]
    marks: np.ndarray
    trouble: list[str]
    labels: dict[str, float]

    @property
    def good(self) -> list[int]:
        """The places of the pictures that can be read."""
        return [place for place, trouble in enumerate(self.trouble) if not trouble]


def examine(
    a: Any = None,
    b: Any = None,
    *,
    source: Any = None,
    paired: bool | None = None,
    size: str | None = None,
    channels: int | None = None,
    crop: str | None = None,
    label_maps: bool = False,
    direction: str = "a-to-b",
) -> Findings:
    """Decode both sides and report; nothing is written.

    Args:
        paired: None finds pairs where there are any.
        a, b, source, size, channels, crop, label_maps, direction: as in `read.open_sides`.

    Raises:
        SparringError: as `open_sides` does; but pairs that differ in shape are among the findings.
    """
    sides, wishes = find_sides(a, b, source), wishes_of(size, channels, crop, label_maps, direction)
    if paired is False:
        return _of_sides(sides, wishes)
    try:
        return _of_pairs(sides, wishes)
    except SparringError as error:
        if paired:
            raise
        return _of_sides(sides, wishes, f"These are no pairs: {error}")


def _of_pairs(sides: Sides, wishes: Wishes) -> Findings:
    found = plan.pairs(sides, wishes)
    gallery, survey = plan.joint(found)
    looks = [_look(part, letter) for part, letter in zip(found[:2], found.letters, strict=True)]
    good = sorted(set(looks[0].good) & set(looks[1].good))
    if not good:
        raise SparringError(f"Not one of the {len(gallery.names)} pairs can be read; look at them with a viewer.")
    marks = [look.marks[good] for look in looks]
    related = kin.of_pairs(*([side] for side in marks))
    groups, held = (None if known is None else known[good] for known in (gallery.groups, gallery.held))
    choice = choose(related.same, groups=groups, given=held, near=related.near)
    equal = np.flatnonzero(marks[0]["exact"] == marks[1]["exact"])
    gets = _gets(len(good), "pairs of pictures", found.given, found.made, wishes.crop)
    if found.unlike:
        gets = (
            "Recipes that learn from pairs refuse this data as long as the pictures of a pair differ in shape.",
            *(one.replace("Training gets", "Once that is mended, training gets") for one in gets),
        )
    told = (
        *gets,
        *gallery.notes,
        *survey.notes,
    )
    return replace(
        _common(looks, (good, good)),
        name=title(sides, wishes.backwards),
        kind="pairs",
        count=len(good),
        plan=(*told, choice.note),
        unmatched=tuple(
            f"{letter}: {name}" for letter, lone in zip("AB", found.matches[2:4], strict=True) for name in lone
        ),
        unlike=found.unlike,
        copies=() if wishes.label_maps else tuple(gallery.names[good[place]] for place in equal),
        across=_across([gallery.names[place] for place in good], held, choice),
        held_out=len(choice.held),
    )


def _of_sides(sides: Sides, wishes: Wishes, *told: str) -> Findings:
    given, made = (sides.b, sides.a) if wishes.backwards else (sides.a, sides.b)
    target = plan.to_make(plan.bare(made, wishes.letters[1]), wishes, made.size)
    source = plan.to_give(plan.bare(given, wishes.letters[0]), target.survey.size, wishes)
    looks = [_look(part, letter) for part, letter in zip((source, target), wishes.letters, strict=True)]
    for look in looks:
        if not look.good:
            raise SparringError(
                f"Not one of the {len(look.names)} pictures can be read (for instance {look.names[0]})."
            )
    relations = [_side(look) for look in looks]
    choices = choose_sides(relations)
    across: tuple[str, ...] = ()
    for look, letter, relation, choice in zip(looks, wishes.letters, relations, choices, strict=True):
        told += plan.lettered(letter, (*look.plan.gallery.notes, *look.plan.survey.notes, choice.note))
        across += _across([look.names[place] for place in look.good], relation.given, choice)
    start, end = looks
    shared = np.isin(end.marks["print"], start.marks["print"][start.good]) & ~np.array(end.trouble, dtype=bool)
    return replace(
        _common(looks, (start.good, end.good)),
        name=title(sides, wishes.backwards),
        kind="sides",
        count=len(end.good),
        plan=(*_gets(len(end.good), "pictures", source, target, wishes.crop), *told),
        copies=() if wishes.label_maps else tuple(end.names[place] for place in np.flatnonzero(shared)),
        across=across,
        held_out=len(choices[1].held) if len(choices[0].held) else 0,
    )


def _look(part: Plan, letter: str) -> _Look:
    gallery, known = part.gallery, part.gallery.card.get("labels", ())
    marks, trouble = np.zeros(len(gallery.names), kin.KIND), []
    pixels = np.zeros(256, np.int64)

    def decode(place: int) -> tuple[np.ndarray | None, str]:
        assert gallery.row is not None
        try:
            return gallery.row(place), ""
        except Exception as error:  # Pillow's decoders raise anything on a broken file
            return None, why(error)

    for place, (row, reason) in enumerate(in_threads(decode, range(len(gallery.names)), at_once=64)):
        trouble.append(reason)
        if row is not None:
            marks[place] = kin.prints(row[None])[0]
            pixels += np.bincount(row.ravel(), minlength=256) if known else 0
    coloured = any(is_coloured(seen.mode) for seen in part.survey.headers.values())
    labels = {shown([label], coloured): float(pixels[code] / pixels.sum()) for code, label in enumerate(known)}
    return _Look(part, [f"{letter}: {name}" for name in gallery.names], marks, trouble, labels)


def _side(look: _Look) -> Side:
    gallery, good = look.plan.gallery, look.good
    groups, held = (None if known is None else known[good] for known in (gallery.groups, gallery.held))
    return Side(kin.of_side([look.marks[good]]).same, groups, held)


def _across(names: list[str], held: np.ndarray | None, choice: Choice) -> tuple[str, ...]:
    """Of the readable ones, those that the data holds out and the choice does not."""
    if held is None:
        return ()
    left = np.setdiff1d(np.flatnonzero(held), choice.held)
    return tuple(names[place] for place in np.setdiff1d(left, choice.training))


def _common(looks: Sequence[_Look], good: tuple[list[int], list[int]]) -> Findings:
    """What is found of each side by itself."""
    given, made = (_sample(look.plan, own) for look, own in zip(looks, good, strict=True))
    return Findings(
        name="",
        kind="",
        count=0,
        plan=(),
        unreadable={
            name: reason for look in looks for name, reason in zip(look.names, look.trouble, strict=True) if reason
        },
        alike=tuple(group for look in looks for group in _alike(look)),
        labels=looks[0].labels,
        given=given,
        made=made,
    )


def _alike(look: _Look) -> list[tuple[str, ...]]:
    same: defaultdict[int, list[str]] = defaultdict(list)
    for place in look.good:
        same[int(look.marks[place]["print"])].append(look.names[place])
    return [tuple(group) for group in same.values() if len(group) > 1]


def _sample(part: Plan, good: list[int]) -> np.ndarray:
    picks = np.linspace(0, len(good) - 1, min(SHOWN, len(good))).round().astype(int)
    assert part.gallery.row is not None
    rows = np.stack([part.gallery.row(good[pick]) for pick in picks])
    if part.gallery.card.get("labels"):
        colours = np.random.default_rng(0).integers(40, 256, (256, 3), dtype=np.uint8)  # any, but far apart
        return np.ascontiguousarray(colours[rows[:, 0]].transpose(0, 3, 1, 2))
    if rows.shape[1] == 4:  # on white
        opacity = rows[:, 3:].astype(np.float32) / 255
        return np.rint(rows[:, :3] * opacity + 255 * (1 - opacity)).astype(np.uint8)
    return rows if rows.shape[1] == 3 else rows.repeat(3, axis=1)


def _gets(count: int, what: str, given: Plan, made: Plan, crop: tuple[int, int] | None) -> tuple[str, ...]:
    height, width = made.survey.size
    labels = given.gallery.card.get("labels", ())
    start = _counted(len(labels), "label") if labels else _counted(given.survey.channels, "channel")
    others = "" if what.startswith("pairs") else f" and {len(given.gallery.names)} to start from"
    told = (
        f"Training gets {count} {what}{others}, of {height}x{width} (height x width): from {start} it makes "
        f"{_counted(made.survey.channels, 'channel')}."
    )
    return (told, plan.cropped(crop, made.survey.size)) if crop else (told,)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def print_findings(findings: Findings, console: Console | None = None) -> None:
    """Print what `examine` found, for people."""
    console = console or Console()
    what = _counted(findings.count, "pair" if findings.kind == "pairs" else "picture")
    console.print(Panel(Group(*map(escape, findings.plan)), title=f"{escape(findings.name)}: {what}"))
    if findings.labels:
        table = Table("label", "share of the pixels", box=None, pad_edge=False, header_style="bold")
        for label, share in list(findings.labels.items())[:MOST]:
            table.add_row(escape(label), f"{share:.1%}")
        console.print(table)
    for told, lines in (
        ("Without a partner", findings.unmatched),
        ("Pairs that differ in shape", findings.unlike),
        ("Unreadable", [f"{name}: {reason}" for name, reason in findings.unreadable.items()]),
        ("Pairs of two equal pictures" if findings.kind == "pairs" else "Pictures on both sides", findings.copies),
        ("Equal pictures or mirror images within a side", [" = ".join(group) for group in findings.alike]),
        ("For testing, but their like is trained on, so they are left out", findings.across),
    ):
        if lines:
            shown = [*lines[:MOST], *[f"and {len(lines) - MOST} more"] * (len(lines) > MOST)]
            console.print("\n".join([f"[bold red]{told}: {len(lines)}[/]", *(f"  {escape(line)}" for line in shown)]))
