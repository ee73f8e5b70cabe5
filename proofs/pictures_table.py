"""The tables of `proofs/pictures.py`, from the figures that its state files keep; all of it is pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from typing import Any

from stacked import spread

NEAR = 1.05  # of the best: what `auto` picks may be so much worse
HALVED = 2.0  # with few pictures: the kernel distance without augmentation over that with it
OBEYED = {"mnist": 0.97, "fashion-mnist": 0.88}  # the share of samples to be read as the class that was asked for
CONTROLS = ("uniform noise", "dcgan, untrained")
COLUMNS = ("FD", "KD × 1000", "its std. error", "precision", "recall", "coverage", "memorising", "asked class")

Record = dict[str, Any]


def metric(figures: Record, name: str, field: str = "value") -> float:
    """A figure by the first letters of its metric's name, as KD of KD[trained-mnist]; NaN where there is none."""
    found = (score for title, score in figures["metrics"].items() if title.startswith(name))
    value = next(found, {}).get(field)
    return math.nan if value is None else float(value)


def fd(figures: Record, field: str = "value") -> float:
    """The Fréchet distance, by whatever network."""
    return metric(figures, "F", field)


def kd(figures: Record, field: str = "value") -> float:
    """The kernel distance, by whatever network."""
    return metric(figures, "K", field)


def entries(records: Iterable[Record]) -> dict[str, list[Record]]:
    """The records of each entry, in the order of the seeds; the best entry by the mean Fréchet distance first."""
    found: dict[str, list[Record]] = {}
    for record in sorted(records, key=lambda one: one["seed"]):
        found.setdefault(record["entry"], []).append(record)
    worst_last = {name: math.inf if math.isnan(value := mean(own, fd)) else value for name, own in found.items()}
    return dict(sorted(found.items(), key=lambda item: worst_last[item[0]]))


def mean(records: Sequence[Record], of: Any) -> float:
    """The mean over the seeds."""
    return statistics.mean(of(record) for record in records)


def number(values: Sequence[float], form: str) -> str:
    """Mean and standard deviation over the seeds; nothing where nothing was measured."""
    return "" if not values or any(math.isnan(value) for value in values) else spread(values, form)


def row(title: str, rounds: str, figures: Sequence[Record], field: str = "value") -> str:
    """A line of a table: an entry's seeds, or a baseline that the first of them holds in another field."""
    thousandth = [1000 * kd(one, field) for one in figures]
    cells = [
        number([fd(one, field) for one in figures], ".4g"),
        number(thousandth, ".3g"),
        number([1000 * kd(one, "error") for one in figures][:1] if field == "value" else [], ".2g"),
        *(number([metric(one, name, field) for one in figures], ".3f") for name in ("prec", "rec", "cov", "mem")),
        number([100 * one.get("asked", math.nan) for one in figures] if field == "value" else [], ".1f"),
    ]
    cells[-1] += " %" if cells[-1] else ""
    return f"| {' | '.join([title, rounds, *cells])} |"


def heading(first: str) -> list[str]:
    """The table's first two lines."""
    titles = (first, "rounds", *COLUMNS)
    return [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]


def table(group: str, records: list[Record], controls: Record) -> list[str]:
    """A data set's table: baselines, controls, then a row an entry."""
    rows = entries(records)
    first = records[:1]
    protocol = first[0]["protocol"]
    commits = " and ".join(sorted({str(record["commit"]) for record in records}))
    threads = " or ".join(sorted({str(record["threads"]) for record in records}))
    right = controls.get("reader")
    lines = [
        f"{protocol['features']} ({protocol['fingerprint'][:8]}), {protocol['preprocessing']}; {protocol['real']:,} "
        f"real pictures of {controls['test']:,} that nothing was trained on, {protocol['fake']:,} samples of each run, "
        f"{controls['training']:,} training pictures. Mean ± standard deviation over the seeds; the standard error is "
        f"that of the first seed's KD.",
        *([f"The reader is right on {right:.2%} of the real pictures that nothing was trained on."] if right else []),
        "",
        *heading("pictures"),
        row("real training pictures in place of samples", "", first, "floor"),
        row("the mean picture", "", first, "mean_picture"),
        *(row(f"control: {name}", "", [controls[name.split()[-1]]]) for name in CONTROLS),
        *(row(name, f"{own[0]['rounds']:,} × {len(own)}", own) for name, own in rows.items()),
        "",
    ]
    networks = {record["protocol"]["fingerprint"] for record in records}
    if len(networks) > 1:
        lines.append(
            f"BEWARE: the runs were judged by {len(networks)} different networks: their figures cannot be compared."
        )
    return [*lines, f"Commit {commits}; {threads} threads a run.", ""]


def auto_verdict(records: list[Record], picked: Record | None) -> tuple[list[str], bool]:
    """Whether what `auto` picks is best or near it. -> (sentences, whether it is known to be)"""
    if picked is None:
        return ["What `auto` picks is not in the equal-time file: run this with --measure-auto."], False
    rows = entries(records)
    name = "auto" if picked["settings"] else picked["recipe"]
    own = ", ".join(f"{key} {value}" for key, value in picked["settings"].items()) or "its defaults"
    if name not in rows:
        return [f"`auto` picks {picked['recipe']} with {own}, which is not among the runs."], False
    lines, good = [], True
    for title, of in (("FD", fd), ("KD", kd)):
        means = {entry: mean(runs, of) for entry, runs in rows.items()}
        best = min((entry for entry in means if entry != "auto"), key=lambda entry: _last_if_nan(means[entry]))
        ours, theirs = means[name], means[best]
        near = ours <= theirs * NEAR if theirs > 0 else ours <= theirs
        verdict = "reached" if near else "MISSED"
        if title == "FD":
            good = near
        else:
            verdict = "within 5 % too" if near else "not within 5 %"
        against = (
            "the best of all" if best == name else f"the best is {best} with {theirs:.4g}, {ours / theirs - 1:+.1%}"
        )
        lines.append(f"`auto` picks {picked['recipe']} with {own}: {title} {ours:.4g}, {against}: {verdict}.")
    return lines, good


def _last_if_nan(value: float) -> float:
    return math.inf if math.isnan(value) else value


def obedience(group: str, records: list[Record], right: float | None) -> tuple[list[str], bool]:
    """How often conditional recipes show what was asked for. -> (sentences, whether one reaches the goal)"""
    asked = {name: own for name, own in entries(records).items() if all("asked" in one for one in own)}
    if not asked:
        return [], True
    shuffled = statistics.mean(one["shuffled"] for own in asked.values() for one in own)
    shares = {name: statistics.mean(one["asked"] for one in own) for name, own in asked.items()}
    best = max(shares, key=lambda name: shares[name])
    goal = OBEYED.get(group)
    ceiling = f" (the reader's own ceiling on real pictures: {right:.1%})" if right else ""
    verdict = (
        ""
        if goal is None
        else f" Goal {goal:.0%}: {'reached' if shares[best] >= goal else 'MISSED'}, by "
        + (", ".join(name for name, share in shares.items() if share >= goal) or "none")
    )
    lines = [
        f"Read as the class that was asked for: at best {shares[best]:.1%}, {best}{ceiling}.{verdict}.".replace(
            "..", "."
        ),
        f"Control: with the wishes shuffled {shuffled:.1%}.",
    ]
    return lines, goal is None or shares[best] >= goal


def few_table(records: list[Record], controls: Record) -> tuple[list[str], bool]:
    """The contest with few pictures. -> (lines, whether for each recipe one of both ways halves the kernel distance)"""
    lines, good = table("few", records, controls), True
    rows = entries(records)
    for recipe in dict.fromkeys(name.partition(", ")[0] for name in rows):
        off, ratios = rows.get(f"{recipe}, none"), []
        for how in ("adaptive", "full"):
            on = rows.get(f"{recipe}, {how}")
            if not off or not on:
                continue
            ratio = _ratio(mean(off, kd), mean(on, kd))
            pairs = zip(off, on, strict=False)
            each = ", ".join(f"{_ratio(kd(a), kd(b)):.2f}" for a, b in pairs)
            ratios.append(ratio)
            verdict = "reached" if ratio >= HALVED else "MISSED"
            lines.append(
                f"- {recipe}: KD without augmentation is {ratio:.2f} times that with {how} (a seed: {each}); "
                f"goal {HALVED:g}: {verdict}."
            )
        good = good and max(ratios, default=0.0) >= HALVED
    return lines, good


def _ratio(off: float, on: float) -> float:
    """How many times smaller; infinite where nothing is left."""
    return off / on if on > 0 else math.inf


def document(
    records: list[Record],
    kept: Record,
    picked: dict[str, Record],
    refused: dict[str, dict[str, str]],
    jobs_in_all: int,
) -> tuple[list[str], bool]:
    """-> (the whole Markdown document, whether every goal is reached that the records tell of)

    Args:
        records: of the finished runs.
        kept: the state, for its controls.
        picked: what `auto` picks, by the table.
        refused: by the table, which recipes cannot learn it, and why.
        jobs_in_all: planned runs.
    """
    lines = ["# Pictures: every recipe at equal time", "", "Written by `proofs/pictures.py`."]
    if len(records) < jobs_in_all:
        lines.append(f"NOT FINISHED: {len(records)} of {jobs_in_all} runs are done.")
    good = len(records) == jobs_in_all
    for group in dict.fromkeys(record["group"] for record in records):
        own = [record for record in records if record["group"] == group]
        controls = kept[f"controls: {group}"]
        title = f"{controls['training']} training pictures, augmentation off and on" if group == "few" else group
        lines += ["", f"## {title}", ""]
        if group == "few":
            found, fine = few_table(own, controls)
            lines += found
        else:
            told, near = auto_verdict(own, picked.get(group))
            read, obeyed = obedience(group, own, controls.get("reader"))
            cannot = [f"{name} is not in the table: {why}." for name, why in refused.get(group, {}).items()]
            lines += [*table(group, own, controls), *(f"- {line}" for line in (*told, *read, *cannot))]
            fine = near and obeyed
        good = good and fine
    return lines, good
