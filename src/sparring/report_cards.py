"""What the report writes as tables and words: the cards at its end, and how a value out of JSON or YAML is spelt."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

from sparring.data.spec import SAMPLE
from sparring.history import History, number
from sparring.run import Run

MOST_NAMES = 20  # of classes, of events, of alarms and of problems, that the page spells out
# The figures of metrics.json that the head of the page shows; the speed is reckoned anew.
IN_HEAD = ("steps", "images", "seconds", "images_per_second", "skipped", "restores", "peak_memory_mb")
ELSEWHERE = ("evaluation", "best")  # these have a part of the page to themselves

Rows = list[tuple[str, str]]


def title(run: Run, history: History) -> str:
    """The run in a few words: its recipe and its data."""
    data = history.opening.get("data")
    name = data.get("name") if isinstance(data, dict) else None
    return f"{run.recipe_reference or 'a run'} on {name or run.data or 'its data'}"


def sample_word(history: History) -> str:
    """What one sample of the run is called: "row" of a table; of kinds that are not known "sample"."""
    data = history.opening.get("data")
    kind = data.get("kind", "pictures") if isinstance(data, dict) else "pictures"
    return SAMPLE.get(str(kind), "sample")


def cards(run: Run, history: History, metrics: dict[str, Any]) -> str:
    """The tables under the curves, those that have rows."""
    opening = history.opening
    data, parameters, machine = (opening.get(part) for part in ("data", "parameters", "environment"))
    sizes = parameters.items() if isinstance(parameters, dict) else ()
    config = {"recipe": run.recipe_reference, "data": run.data, **run.settings}
    measured = {name: value for name, value in metrics.items() if name not in IN_HEAD + ELSEWHERE}
    tables = {
        "Measurements": list(_flat(measured)),
        "Data": list(_data_rows(data if isinstance(data, dict) else {})),
        "Networks": [(who, f"{text(count)} parameters") for who, count in sizes],
        "Events": last_of([_event(record) for _, record in history.events]),
        "Settings": list(_flat(config)),
        "Machine": list(_flat(machine if isinstance(machine, dict) else {})),
    }
    return "".join(_card(name, rows) for name, rows in tables.items() if rows)


def last_of(rows: Rows) -> Rows:
    """The rows that the page spells out, under the number of those that it leaves out."""
    if len(rows) <= MOST_NAMES:
        return rows
    return [("", f"{len(rows) - MOST_NAMES:,} earlier ones"), *rows[-MOST_NAMES:]]


def _card(name: str, rows: Rows) -> str:
    pairs = ((escape(left), escape(right)) for left, right in rows)
    lines = "".join(f'<tr><th scope="row">{left}</th><td>{right}</td></tr>' for left, right in pairs)
    return f"<section><h3>{name}</h3><table><tbody>{lines}</tbody></table></section>"


def _data_rows(data: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in data.items():
        if key == "notes" or (value == [] and key != "classes"):
            continue
        if key == "shape" and isinstance(value, list):
            yield key, " × ".join(map(text, value))
        elif key == "classes" and isinstance(value, list):
            more = f", and {len(value) - MOST_NAMES:,} more" if len(value) > MOST_NAMES else ""
            yield key, f"{len(value)}: {text(value[:MOST_NAMES])}{more}" if value else "without labels"
        elif key == "fields" and isinstance(value, list):
            yield from _field_rows([field for field in value if isinstance(field, dict)])
        else:
            yield key, text(value)
    notes = data.get("notes")
    for note in notes if isinstance(notes, list) else ():
        yield "note", text(note)


def _field_rows(fields: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """A table's columns by their kinds; their cards are long."""
    for kind in dict.fromkeys(text(field.get("kind")) for field in fields):
        names = [text(field.get("name")) for field in fields if text(field.get("kind")) == kind]
        more = f", and {len(names) - MOST_NAMES:,} more" if len(names) > MOST_NAMES else ""
        yield f"{kind} columns", f"{len(names)}: {', '.join(names[:MOST_NAMES])}{more}"


def _event(record: dict[str, Any]) -> tuple[str, str]:
    """An event in words."""
    kind, words = str(record["event"]), f"at step {text(record['step'])}"
    back = f"from step {text(record.get('from_step'))} back to {text(record['step'])}"
    if kind == "restore":
        words = f"{back}, with {text(record.get('lr_scale'))} times the learning rates"
    elif kind == "heal":
        words = f"{back} against {text(record.get('alarm'))}, with {text(record.get('remedy'))}"
    elif kind == "alarm":
        words += f": {text(record.get('alarm'))}"
    elif "reason" in record:
        words += f": {text(record['reason'])}"
    return kind, words


def _flat(tree: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """{"critic": {"lr": 1e-4}} -> ("critic.lr", "0.0001")."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", text(value)


def text(value: Any) -> str:
    """A value out of JSON or YAML, as the page spells it."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(text, value)) or "–"
    if isinstance(value, int) and abs(value) >= 10_000 and number(value) is not None:
        return f"{value:,}"
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def short(value: float | None, digits: int = 4) -> str:
    """A measured value in a few digits; a dash where there is none."""
    if value is None:
        return "–"
    whole = 10**digits - 0.5 <= abs(value) < 1e6  # else so many digits would need an exponent
    return (f"{value:,.0f}" if whole else f"{value:,.{digits}g}").replace("-", "−")
