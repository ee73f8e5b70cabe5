"""report.html: a run on one page, which opens from the disk, needs no network and can be mailed."""

from __future__ import annotations

import json
import re
from datetime import datetime
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any

from sparring.history import MARKED, History, number, read_history
from sparring.report_cards import IN_HEAD, MOST_NAMES, cards, sample_word, text, title
from sparring.report_pictures import grids, stages
from sparring.report_quality import alarms, quality
from sparring.run import Run, write_atomically


def write_report(folder: Path) -> Path:
    """Write a run's report.html, whole or not at all, from whatever its folder holds so far. -> its path.

    SparringError when `folder` holds no run. What is missing or damaged is named on the page.
    """
    run = Run(folder)
    history = read_history(run)
    problems = _problems(history)
    metrics = read_metrics(run, problems)
    unit = f"{sample_word(history)}s"
    page = resources.files("sparring").joinpath("report_page.html").read_text(encoding="utf-8")
    parts = {
        "title": escape(title(run, history)),
        "outcome": history.outcome,
        "subtitle": escape(_subtitle(run, history)),
        "figures": _figures(run, history, metrics, unit),
        "alarms": alarms(history),
        "grids": grids(run, problems) + stages(run, problems),
        "quality": quality(run, history, metrics, _axis("quality", unit), problems),
        "curves": _curves(history, unit),
        "cards": cards(run, history, metrics),
        "payload": _payload({"unit": unit, **history.columns()}),
        "footer": f"Written by Sparring on {datetime.now():%Y-%m-%d at %H:%M}.",
        "script": resources.files("sparring").joinpath("report_page.js").read_text(encoding="utf-8"),
    }
    parts["missing"] = _missing(problems)  # the last, for every part may have found some
    # One pass, so that a value that looks like a place to fill stays as it is.
    whole = re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], page)
    write_atomically(run.folder / "report.html", whole)
    return run.folder / "report.html"


def _problems(history: History) -> list[str]:
    """What the log lacks, in sentences."""
    problems = []
    if not history.events and not history.places:
        problems.append("log.jsonl is missing or empty: there are no curves, and no card of the data.")
    elif not history.last:
        problems.append("log.jsonl holds no report yet: there are no curves.")
    if history.damaged:
        problems.append(f"Damaged lines of log.jsonl, passed over: {history.damaged:,}.")
    more = len(history.odd) - MOST_NAMES
    return problems + history.odd[:MOST_NAMES] + ([f"And {more:,} more evaluations like these."] if more > 0 else [])


def read_metrics(run: Run, problems: list[str]) -> dict[str, Any]:
    """metrics.json, or nothing; what is wrong with it joins `problems`."""
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


def _subtitle(run: Run, history: History) -> str:
    """The run's name, and what its outcome means where one may wonder."""
    name, stops = run.folder.resolve().name, history.of("stop")
    if history.outcome == "running":
        return f"{name} · the log has no end: training goes on, or was cut off"
    return f"{name} · stopped early: {text(stops[-1].get('reason'))}" if stops else name


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


def _axis(part: str, unit: str) -> str:
    """The choice of the axis; the page has it more than once, and all of them agree."""
    choices = "".join(
        f'<label><input type="radio" name="axis-{part}" value="{column}"> {name}</label>'
        for column, name in enumerate(("steps", unit, "time"))
    ).replace('"0"', '"0" checked')
    return f'<fieldset class="axes"><legend>Across:</legend>{choices}</fieldset>'


def _curves(history: History, unit: str) -> str:
    """The choice of the axis, and the place where the script draws."""
    if not any(chart.part != "quality" for chart, _ in history.curves):
        return '<p class="dim">The log holds no values.</p>'
    note = "Each point of a loss is the mean since the report before."
    if history.of(*MARKED):
        note += " Dashed lines tell what happened to the run; those of alarms are coloured as warnings."
    return (
        f'{_axis("curves", unit)}<p class="dim">{note}</p><div class="charts" data-part="curves"></div>'
        "<noscript><p>The curves are drawn by a script in this file; this browser does not run scripts.</p></noscript>"
    )


def _payload(values: dict[str, Any]) -> str:
    """JSON that may stand inside a script element: no value in it can close the element."""
    return json.dumps(values, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
