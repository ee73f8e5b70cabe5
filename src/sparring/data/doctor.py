"""Look at data before training on it: what is in it, what is wrong with it, and what training would see."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.console import Console, Group
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from sparring.data import pictures
from sparring.data.columns import cards
from sparring.data.contact import contact_sheet as contact_sheet  # part of this module's front
from sparring.data.gallery import Found, Gallery, Points, in_threads, why
from sparring.data.source import find, refuse_wishes, wishes
from sparring.data.spec import Column
from sparring.data.split import Choice, choose, equal_rows
from sparring.data.survey import Survey, survey, training_row
from sparring.errors import SparringError

SHOWN = 64  # pictures on a contact sheet
POINTS_SHOWN = 2048
SHAPES = (
    (0.5, "tall, over 2:1"),
    (0.9, "tall"),
    (1.1, "about square"),
    (2.0, "wide"),
    (np.inf, "wide, over 2:1"),
)


@dataclass(frozen=True)
class Findings:
    """What `examine` found.

    Attributes:
        name, kind: as in the Spec that training would get.
        count: samples that can be read.
        plan: in plain words, what training would do with them.
        sizes: how many pictures have each height x width, as "48x64".
        modes: how many have each of Pillow's pixel formats.
        aspects: how many are tall, about square or wide.
        classes: how many samples each class has, in the order of the class numbers; empty without labels.
        unreadable: the pictures that cannot be read, and why.
        columns: the cards of the numbers that come with each sample.
        groups: how many groups there are, none of which is parted between training and held-out data; 0 where
            nothing is known of any.
        held_out: how many samples training would hold out for judging, unless told otherwise.
        duplicates: the names of pictures whose pixels are all equal, together.
        deep: how many pictures have more than 8 bits a channel.
        sample: up to 64 pictures as training would see them, uint8 (n, c, h, w); or points, float32 (n, k).
        sample_labels: the class name of each picture in `sample`; empty without labels.
    """

    name: str
    kind: str
    count: int
    plan: tuple[str, ...]
    sizes: dict[str, int] = field(default_factory=dict)
    modes: dict[str, int] = field(default_factory=dict)
    aspects: dict[str, int] = field(default_factory=dict)
    classes: dict[str, int] = field(default_factory=dict)
    columns: tuple[Column, ...] = ()
    groups: int = 0
    held_out: int = 0
    unreadable: dict[str, str] = field(default_factory=dict)
    duplicates: tuple[tuple[str, ...], ...] = ()
    deep: int = 0
    sample: np.ndarray = field(default_factory=lambda: np.empty(0))
    sample_labels: tuple[str, ...] = ()


class _Look(NamedTuple):
    """One picture, fully decoded: the digest of its pixels, or why there are none."""

    digest: bytes
    trouble: str


def examine(source: str | Path | np.ndarray, size: str | None = None, channels: int | None = None) -> Findings:
    """Decode everything in a source once, in full, and report; nothing is written.

    Args:
        source, size, channels: as in `sparring.data.source.open_data`.

    Raises:
        SparringError: as `open_data` does.
    """
    found = find(source)
    wanted_size, wanted_channels = wishes(size, channels)
    data = found.load()
    if isinstance(data, Points):
        refuse_wishes("points", size, channels)
        return _of_points(found.name, data)
    if not isinstance(data, Gallery):
        raise SparringError(f"{found.name} is a table: `tables.doctor.examine` looks at those.")
    looks = list(in_threads(lambda index: _look(data, index), range(len(data.names))))
    good = [index for index, look in enumerate(looks) if not look.trouble]
    if not good:
        raise SparringError(f"Not one of the {len(looks)} pictures can be read ({data.names[0]}: {looks[0].trouble}).")
    plan = survey(data, wanted_size or found.size, wanted_channels)
    return _of_pictures(found, data, looks, good, plan)


def _look(gallery: Gallery, index: int) -> _Look:
    try:
        with gallery.open(index) as image:
            whole = pictures.upright(image)
            return _Look(hashlib.sha256(repr((whole.size, whole.mode)).encode() + whole.tobytes()).digest(), "")
    except Exception as error:  # Pillow's decoders raise anything on a broken file
        return _Look(b"", why(error))


def _of_points(name: str, points: Points) -> Findings:
    count, columns = points.rows.shape
    low, high = points.range
    choice = choose(equal_rows([points.rows]), groups=points.groups)
    plan = (
        f"Training gets {count} points of {columns} numbers each, between {low:g} and {high:g}.",
        *points.notes,
        choice.note,
    )
    return Findings(
        name=name,
        kind="points",
        count=count,
        plan=plan,
        columns=cards(points.columns, points.column_names),
        groups=_amount(points.groups),
        held_out=len(choice.held),
        sample=points.rows[:: max(1, count // POINTS_SHOWN)],
    )


def _of_pictures(found: Found, gallery: Gallery, looks: list[_Look], good: list[int], plan: Survey) -> Findings:
    headers = [plan.headers[index] for index in good]
    choice = _choice(gallery, looks, good)
    same = defaultdict(list)
    for index in good:
        same[looks[index].digest].append(gallery.names[index])
    names: list[str] = []
    if gallery.labels is not None:
        names = [gallery.classes[gallery.labels[index]] for index in good]
    amounts = Counter(names)
    shown = _spread(good, gallery.labels)
    return Findings(
        name=found.name,
        kind="pictures",
        count=len(good),
        plan=(*_plan(gallery, len(good), plan), choice.note),
        sizes=_ranked(f"{seen.height}x{seen.width}" for seen in headers),
        modes=_ranked(seen.mode for seen in headers),
        aspects=_ranked(_aspect(seen.width / seen.height) for seen in headers),
        classes={name: amounts[name] for name in gallery.classes},
        columns=cards(None if gallery.columns is None else gallery.columns[good], gallery.column_names),
        groups=_amount(None if gallery.groups is None else gallery.groups[good]),
        held_out=len(choice.held),
        unreadable={gallery.names[index]: look.trouble for index, look in enumerate(looks) if look.trouble},
        duplicates=tuple(tuple(group) for group in same.values() if len(group) > 1),
        deep=sum(seen.deep for seen in headers),
        sample=np.stack([training_row(gallery, index, plan) for index in shown]),
        sample_labels=() if gallery.labels is None else tuple(gallery.classes[gallery.labels[i]] for i in shown),
    )


def _choice(gallery: Gallery, looks: list[_Look], good: list[int]) -> Choice:
    """What training would hold out of the readable pictures."""
    digests = np.array([list(looks[index].digest[:8]) for index in good], dtype=np.uint8)
    labels, groups, held = (
        None if column is None else column[good] for column in (gallery.labels, gallery.groups, gallery.held)
    )
    return choose(equal_rows([digests]), labels=labels, groups=groups, given=held)


def _amount(groups: np.ndarray | None) -> int:
    return 0 if groups is None else len(np.unique(groups))


def _spread(good: list[int], labels: np.ndarray | None) -> list[int]:
    """Up to 64 of the indices, evenly over the classes, or over the listing where there are none."""
    order = good if labels is None else sorted(good, key=lambda index: int(labels[index]))
    picks = np.linspace(0, len(order) - 1, min(SHOWN, len(order))).round().astype(int)
    return [order[pick] for pick in picks]


def _ranked(values: Iterable[str]) -> dict[str, int]:
    return dict(Counter(values).most_common())


def _aspect(ratio: float) -> str:
    return next(name for limit, name in SHAPES if ratio <= limit)


def _plan(gallery: Gallery, count: int, plan: Survey) -> list[str]:
    height, width = plan.size
    colours = {1: "1 channel (grey)", 3: "3 channels (RGB)", 4: "4 channels (RGB and transparency)"}
    told = [f"Training gets {count} pictures of {height}x{width} (height x width), {colours[plan.channels]}."]
    told += [*gallery.notes, *plan.notes]
    if gallery.labels is None:
        told.append("There are no labels: put each class in a sub-folder of its own to have them.")
    else:
        told.append(f"The labels ({len(gallery.classes)} classes) steer recipes that take a class; others ignore it.")
    return told


def print_findings(findings: Findings, console: Console | None = None) -> None:
    """Print what `examine` found, for people."""
    console = console or Console()
    lines: list[Table | str] = [escape(line) for line in findings.plan]
    console.print(Panel(Group(*lines), title=f"{escape(findings.name)}: {findings.count} {findings.kind}"))
    bars = (("height x width", findings.sizes), ("pixel format", findings.modes), ("shape", findings.aspects))
    for title, amounts in (*bars, ("class", findings.classes)):
        if amounts:
            console.print(_bars(title, amounts))
    if findings.columns:
        console.print(_conditions(findings.columns))
    if findings.deep:
        console.print(f"More than 8 bits a channel: {findings.deep} pictures.")
    _print_named("Unreadable", [f"{name}: {reason}" for name, reason in findings.unreadable.items()], console)
    _print_named("Exact duplicates", [" = ".join(group) for group in findings.duplicates], console)


def _bars(title: str, amounts: dict[str, int], most: int = 12) -> Table:
    table = Table(title, "pictures", "", box=None, pad_edge=False, header_style="bold")
    table.columns[1].justify = "right"
    top = max(amounts.values())
    for name, amount in list(amounts.items())[:most]:
        table.add_row(escape(name), str(amount), "█" * max(1, round(30 * amount / top)) if amount else "")
    if len(amounts) > most:
        table.add_row(f"{len(amounts) - most} more", str(sum(list(amounts.values())[most:])), "")
    return table


def _conditions(columns: tuple[Column, ...], most: int = 12) -> Table:
    table = Table("condition", "kind", "range or share", box=None, pad_edge=False, header_style="bold")
    for column in columns[:most]:
        held = f"{column.quantiles[0]:g} to {column.quantiles[-1]:g}, {column.mean:.4g} on average"
        table.add_row(escape(column.name), column.kind, f"{column.mean:.1%}" if column.kind == "flag" else held)
    if len(columns) > most:
        table.add_row(f"{len(columns) - most} more")
    return table


def _print_named(title: str, lines: list[str], console: Console, most: int = 10) -> None:
    if lines:
        console.print(f"[bold red]{title}: {len(lines)}[/]")
        for line in lines[:most]:
            console.print(f"  {escape(line)}")
    if len(lines) > most:
        console.print(f"  and {len(lines) - most} more")
