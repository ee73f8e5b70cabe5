"""report.html: a run on one page, which opens from the disk, needs no network and can be mailed."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Iterator
from datetime import datetime
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any

from PIL import Image

from sparring.history import History, number, read_history
from sparring.run import Run, write_atomically

LARGE_GRID = 400_000  # bytes; a larger file is compressed with loss, so that the page stays light
LARGE_SIDE = 1600  # pixels, of such a grid in the page
# The figures of metrics.json that the head of the page shows; the speed is reckoned anew.
IN_HEAD = ("steps", "images", "seconds", "images_per_second", "skipped", "restores", "peak_memory_mb")
MOST_NAMES = 20  # of classes, and of events, that the page spells out

Rows = list[tuple[str, str]]


def write_report(folder: Path) -> Path:
    """Write a run's report.html, whole or not at all, from whatever its folder holds so far. -> its path.

    SparringError when `folder` holds no run. What is missing or damaged is named on the page.
    """
    run = Run(folder)
    history = read_history(run)
    problems = _problems(history)
    metrics = _read_metrics(run, problems)
    grids = _grids(run, problems)
    data = history.opening.get("data")
    card = data if isinstance(data, dict) else {}
    unit = "images" if card.get("kind", "pictures") == "pictures" else "samples"
    title = f"{run.recipe_reference or 'a run'} on {card.get('name') or run.data or 'its data'}"
    page = resources.files("sparring").joinpath("report_page.html").read_text(encoding="utf-8")
    script = resources.files("sparring").joinpath("report_page.js").read_text(encoding="utf-8")
    parts = {
        "title": escape(title),
        "outcome": history.outcome,
        "subtitle": escape(_subtitle(run, history)),
        "missing": _missing(problems),
        "figures": _figures(run, history, metrics, unit),
        "grids": grids,
        "curves": _curves(history, unit),
        "cards": _cards(run, history, metrics, card),
        "payload": _payload({"unit": unit, **history.columns()}),
        "footer": f"Written by Sparring on {datetime.now():%Y-%m-%d at %H:%M}.",
        "script": script,
    }
    # One pass, so that a value that looks like a place to fill stays as it is.
    whole = re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], page)
    write_atomically(run.folder / "report.html", whole)
    return run.folder / "report.html"


def _problems(history: History) -> list[str]:
    """What the log lacks, in sentences."""
    problems = []
    if not history.events and not history.places:
        problems.append("log.jsonl is missing or empty: there are no curves, and no card of the data.")
    elif not history.places:
        problems.append("log.jsonl holds no report yet: there are no curves.")
    if history.damaged:
        problems.append(f"Damaged lines of log.jsonl, passed over: {history.damaged:,}.")
    return problems


def _read_metrics(run: Run, problems: list[str]) -> dict[str, Any]:
    """metrics.json, or nothing."""
    try:
        metrics = json.loads((run.folder / "metrics.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        problems.append("There is no metrics.json yet: it is written when training ends or is interrupted.")
        return {}
    except (OSError, ValueError):
        metrics = None
    if not isinstance(metrics, dict):
        problems.append("metrics.json is damaged.")
        return {}
    return metrics


def _grids(run: Run, problems: list[str]) -> str:
    """The sample grids as embedded pictures, with the slider that chooses one."""
    files = (run.folder / "samples").glob("*.png")
    numbered = {int(path.stem): path for path in files if path.stem.isdecimal()}
    pictures, lossy = [], False
    for step in sorted(numbered):
        try:
            uri, (width, height), lost = _embed(numbered[step])
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            problems.append(f"samples/{numbered[step].name} is damaged and left out.")
            continue
        lossy |= lost
        alt = f"Grid of samples at step {step:,}"
        size = f'width="{width}" height="{height}"'
        pictures.append(f'<img data-step="{step}" {size} alt="{alt}" src="{uri}" hidden>')
    if not pictures:
        problems.append("There are no sample grids in samples/.")
        return '<p class="dim">None were drawn.</p>'
    pictures[-1] = pictures[-1].replace(" hidden>", ">")  # without scripts, the last one shows
    last = len(pictures) - 1
    note = " Compressed to keep this page light; samples/ has the originals." if lossy else ""
    return (
        '<div class="player"><button type="button" id="play">Play</button>'
        f'<input type="range" id="when" min="0" max="{last}" value="{last}" aria-label="Grid to show">'
        f'<output id="at" for="when"></output></div><figure class="grids">{"".join(pictures)}'
        f"<figcaption>The same latents each time, drawn with the averaged generator.{note}</figcaption>"
        "</figure>"
    )


def _embed(path: Path) -> tuple[str, tuple[int, int], bool]:
    """A PNG -> its data URI, its (width, height), and whether it lost detail."""
    data = path.read_bytes()
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        if len(data) > LARGE_GRID:
            picture = image.convert("RGBA" if "A" in image.getbands() else "RGB")
            picture.thumbnail((LARGE_SIDE, LARGE_SIDE))
            smaller = io.BytesIO()
            picture.save(smaller, "WEBP", quality=85)
            return _uri("webp", smaller.getvalue()), picture.size, True
        return _uri("png", data), image.size, False


def _uri(kind: str, data: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"


def _subtitle(run: Run, history: History) -> str:
    """The run's name, and what its outcome means where one may wonder."""
    name = run.folder.resolve().name
    if history.outcome == "running":
        return f"{name} · the log has no end: training goes on, or was cut off"
    return name


def _missing(problems: list[str]) -> str:
    if not problems:
        return ""
    items = "".join(f"<li>{escape(problem)}</li>" for problem in problems)
    return f'<div class="missing" role="note"><strong>Not complete</strong><ul>{items}</ul></div>'


def _figures(run: Run, history: History, metrics: dict[str, Any], unit: str) -> str:
    """The key figures: of metrics.json, or of the last report while a run is under way."""
    last = history.last
    found = {"steps": last.get("step"), **{name: last.get(name) for name in ("images", "seconds", "skipped")}}
    if history.outcome != "running":  # else metrics.json, if there is one, is of an earlier sitting
        found.update(metrics)
    steps, images, seconds, _, skipped, restores, memory = (number(found.get(name)) for name in IN_HEAD)
    planned = number(run.settings.get("steps"))
    of = f" / {planned:,}" if planned and steps is not None and planned != steps else ""
    speed = images / seconds if images and seconds else None
    word = unit.capitalize()
    rows = [
        ("Steps", _amount(steps) + of),
        (word, _amount(images)),
        ("Time", "–" if seconds is None else _time(seconds)),
        (f"{word}/s", _amount(speed)),
        ("Peak memory", "–" if memory is None else _memory(memory)),
        ("Rounds skipped", _amount(skipped)),
    ]
    if restores:
        rows.append(("Restores", _amount(restores)))
    return "".join(f"<div><dt>{escape(label)}</dt><dd>{escape(text)}</dd></div>" for label, text in rows)


def _amount(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.1f}" if abs(value) < 100 and value != int(value) else f"{value:,.0f}"


def _memory(megabytes: float) -> str:
    return f"{megabytes / 1000:.1f} GB" if megabytes >= 1000 else f"{megabytes:.0f} MB"


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60:,} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"


def _curves(history: History, unit: str) -> str:
    """The choice of the axis, and the place where the script draws."""
    if not history.curves:
        return '<p class="dim">The log holds no values.</p>'
    choices = "".join(
        f'<label><input type="radio" name="axis" value="{column}"> {name}</label>'
        for column, name in enumerate(("steps", unit, "time"))
    ).replace('"0"', '"0" checked')
    note = "Each point is the mean since the report before."
    if any(record["event"] in ("resume", "restore") for _, record in history.events):
        note += " Dashed lines: where training was resumed, or restored from a checkpoint."
    return (
        f'<fieldset><legend>Across:</legend>{choices}</fieldset><p class="dim">{note}</p>'
        '<div class="charts"></div><noscript><p>The curves are drawn by a script in this file; '
        "this browser does not run scripts.</p></noscript>"
    )


def _cards(run: Run, history: History, metrics: dict[str, Any], data: dict[str, Any]) -> str:
    """The tables under the curves, those that have rows."""
    opening = history.opening
    parameters, machine = opening.get("parameters"), opening.get("environment")
    sizes = parameters.items() if isinstance(parameters, dict) else ()
    config = {"recipe": run.recipe_reference, "data": run.data, **run.settings}
    happened = [_event(record) for _, record in history.events]
    if len(happened) > MOST_NAMES:
        happened = [("", f"{len(happened) - MOST_NAMES:,} earlier ones"), *happened[-MOST_NAMES:]]
    cards = {
        "Measurements": list(_flat({name: value for name, value in metrics.items() if name not in IN_HEAD})),
        "Data": list(_data_rows(data)),
        "Networks": [(who, f"{_text(count)} parameters") for who, count in sizes],
        "Events": happened,
        "Settings": list(_flat(config)),
        "Machine": list(_flat(machine if isinstance(machine, dict) else {})),
    }
    return "".join(_card(title, rows) for title, rows in cards.items() if rows)


def _card(title: str, rows: Rows) -> str:
    pairs = ((escape(name), escape(text)) for name, text in rows)
    lines = "".join(f'<tr><th scope="row">{name}</th><td>{text}</td></tr>' for name, text in pairs)
    return f"<section><h3>{title}</h3><table><tbody>{lines}</tbody></table></section>"


def _data_rows(data: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in data.items():
        if key == "notes":
            continue
        if key == "shape" and isinstance(value, list):
            yield key, " × ".join(map(_text, value))
        elif key == "classes" and isinstance(value, list):
            more = f", and {len(value) - MOST_NAMES:,} more" if len(value) > MOST_NAMES else ""
            yield key, f"{len(value)}: {_text(value[:MOST_NAMES])}{more}" if value else "without labels"
        else:
            yield key, _text(value)
    notes = data.get("notes")
    for note in notes if isinstance(notes, list) else ():
        yield "note", _text(note)


def _event(record: dict[str, Any]) -> tuple[str, str]:
    """An event in words."""
    kind, text = str(record["event"]), f"at step {_text(record['step'])}"
    if kind == "restore":
        text = f"from step {_text(record.get('from_step'))} back to {_text(record['step'])}"
        text += f", with {_text(record.get('lr_scale'))} times the learning rates"
    return kind, text


def _flat(tree: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """{"critic": {"lr": 1e-4}} -> ("critic.lr", "0.0001")."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", _text(value)


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    if isinstance(value, int) and abs(value) >= 10_000:
        return f"{value:,}"
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _payload(values: dict[str, Any]) -> str:
    """JSON that may stand inside a script element: no value in it can close the element."""
    return json.dumps(values, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
