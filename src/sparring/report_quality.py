"""The parts of the report that judge the run: its alarms, and how good its samples are."""

from __future__ import annotations

import re
from html import escape
from typing import Any

from sparring.history import History, Metrics, metrics_of, number, reading
from sparring.report_cards import MOST_NAMES, sample_word, short, text
from sparring.report_pictures import neighbours
from sparring.report_sequences import is_sequences, sequence_words
from sparring.report_tables import is_table, table_pictures, table_words
from sparring.run import Run

SHORT_PRINT = 8  # digits of a fingerprint that are shown: enough to tell networks apart
# What a reader would type: anything in backticks, and a flag with its number.
TYPED = re.compile(r"`([^`]+)`|(?<![\w-])(--[a-z][\w-]*(?:\.[\w-]+)*(?:=\S*[\w/]|[ ]\d[\d.e+-]*\d|[ ]\d)?)")


def alarms(history: History) -> str:
    """The part that says what the watchdog has seen and what to try; nothing where it has not looked."""
    raised: dict[str, list[dict[str, Any]]] = {}
    for record in history.of("alarm"):
        raised.setdefault(text(record.get("alarm")), []).append(record)
    if not raised and not history.checkups:
        return ""
    if not raised:
        inside = f'<p class="calm">None were raised in {_times(history.checkups, "checkup")}.</p>'
    else:
        inside = "".join(_alarm(name, raised[name], history) for name in list(raised)[:MOST_NAMES])
    if len(raised) > MOST_NAMES:
        inside += f'<p class="dim">And {len(raised) - MOST_NAMES:,} more kinds, in log.jsonl.</p>'
    return f'<section aria-labelledby="alarms"><h2 id="alarms">Alarms</h2>{inside}</section>'


def _alarm(name: str, records: list[dict[str, Any]], history: History) -> str:
    """One kind of alarm, in the words of the last time that it was raised."""
    last = records[-1]
    when = f"at step {_count(last['step'])}"
    if len(records) > 1:
        when = f"{len(records):,} times, first at step {_count(records[0]['step'])}, last {when}"
    healed = [record for record in history.of("heal") if text(record.get("alarm")) == name]
    done = "".join(
        f"<p><strong>Done</strong> at step {_count(record.get('from_step'))}: back to step "
        f"{_count(record['step'])}, with {escape(text(record.get('remedy')))}.</p>"
        for record in healed[-3:]
    )
    return (
        f'<div class="alarm"><h3>{escape(name)} <small>{when}</small></h3><p>{escape(text(last.get("seen")))}</p>'
        f'<p class="try"><strong>Try:</strong> {with_code(text(last.get("try")))}</p>{done}</div>'
    )


def with_code(words: str) -> str:
    """Words as HTML, with all that can be typed set as code."""
    parts, end = [], 0
    for found in TYPED.finditer(words):
        parts += [escape(words[end : found.start()]), f"<code>{escape(found[1] or found[2])}</code>"]
        end = found.end()
    return "".join(parts) + escape(words[end:])


def last_evaluation(history: History, metrics: dict[str, Any]) -> dict[str, Any]:
    """The last evaluation: of metrics.json, or of the log while a run is under way; empty where there is none."""
    written = metrics.get("evaluation")
    if isinstance(written, dict) and (history.outcome != "running" or not history.evaluation):
        return written
    return history.evaluation


def quality(run: Run, history: History, metrics: dict[str, Any], axis: str, problems: list[str]) -> str:
    """The part with the last evaluation, the curves of its metrics and the nearest neighbours, as far as there are any.

    `axis` is the choice of the curves' axis. What is damaged joins `problems`.
    """
    evaluation = last_evaluation(history, metrics)
    pictures = neighbours(run, problems)
    written = metrics.get("evaluation")
    if written is not None and not isinstance(written, dict):
        problems.append("The evaluation in metrics.json is damaged.")
    if not evaluation and not pictures:
        return ""
    values, damaged = metrics_of(evaluation)
    if evaluation is written and damaged:
        problems.append(f"The evaluation in metrics.json has damaged values: {', '.join(damaged)}.")
    if is_table(evaluation):
        inside, pictures = table_words(evaluation), table_pictures(run, problems)
    elif is_sequences(evaluation):
        inside = sequence_words(evaluation)
    else:
        inside = _table_and_words(run, history, metrics, evaluation, values) if evaluation else ""
    if any(chart.part == "quality" and len(curve.y) > 1 for (chart, _), curve in history.curves.items()):
        note = "Bars: one standard error. Dashed line: real samples against real ones."
        if history.best is not None:
            note += " Ringed: the best evaluation."
        inside += (
            f'<h3>Through training</h3><p class="dim">{note}</p>{axis}<div class="charts" data-part="quality"></div>'
        )
    step = f" <small>at step {_count(evaluation['step'])}</small>" if number(evaluation.get("step")) is not None else ""
    return f'<section aria-labelledby="quality"><h2 id="quality">Quality{step}</h2>{inside}{pictures}</section>'


def _table_and_words(
    run: Run, history: History, metrics: dict[str, Any], evaluation: dict[str, Any], values: Metrics
) -> str:
    notes = evaluation.get("notes")
    notes = [f"<li>{escape(text(note))}</li>" for note in notes] if isinstance(notes, list) else []
    numbers = table(values, sample_word(history), enlarged="scale" in _protocol_of(evaluation))
    return f'<p>{_best(run, history, metrics)}</p>{numbers}<p class="dim">{_protocol(evaluation)}</p>' + (
        f'<ul class="notes">{"".join(notes)}</ul>' if notes else ""
    )


def table(values: Metrics, sample: str, enlarged: bool = False) -> str:
    """Each metric with its standard error and what it is held against, and how to read it.

    `sample` is what one is called, such as "picture", and `enlarged` whether what stands beside them was made larger.
    """
    unchanged = "Enlarged bicubically" if enlarged else "Unchanged"
    titles = {"floor": "Real against real", "mean_picture": f"Mean {sample}", "unchanged": unchanged}
    beside = [part for part in titles if any(figures[part] is not None for figures in values.values())]
    heads = ["Metric", "Value ± standard error", *(titles[part] for part in beside)]
    rows = []
    for name, figures in values.items():
        error = figures["error"]
        spread = "" if error is None else f' <span class="error">± {short(error, 2)}</span>'
        cells = [f"<strong>{short(figures['value'])}</strong>{spread}"]
        cells += [short(figures[part]) for part in beside]
        how = f"<small>{escape(reading(name))}</small>" if reading(name) else ""
        columns = "".join(f"<td>{cell}</td>" for cell in cells)
        rows.append(f'<tr><th scope="row">{escape(name)} {how}</th>{columns}</tr>')
    head = "".join(f'<th scope="col">{name}</th>' for name in heads)
    whole = f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody>"
    return f'<div class="wide"><table class="metrics rows">{whole}</table></div>'


def _best(run: Run, history: History, metrics: dict[str, Any]) -> str:
    """Which evaluation was the best, by what, and where its weights lie."""
    best = metrics.get("best")
    kept = " Its weights are in checkpoints/best.pt." if (run.checkpoints / "best.pt").is_file() else ""
    if isinstance(best, dict) and history.outcome != "running" and number(best.get("step")) is not None:
        by = f"{text(best.get('metric'))} {short(number(best.get('value')))}"
        return f"<strong>Best:</strong> {escape(by)}, at step {_count(best['step'])}.{kept}"
    if history.best is not None:
        return f"<strong>Best so far:</strong> at step {_count(history.places[history.best][0])}.{kept}"
    return ""


def _protocol_of(evaluation: dict[str, Any]) -> dict[str, Any]:
    found = evaluation.get("protocol")
    return found if isinstance(found, dict) else {}


def _protocol(evaluation: dict[str, Any]) -> str:
    """How the values were measured, in a line: others can only be compared if they were measured alike."""
    protocol = _protocol_of(evaluation)
    print_ = protocol.get("fingerprint")
    name = text(protocol.get("features")) + (f" ({text(print_)[:SHORT_PRINT]})" if print_ else "")
    prepared = protocol.get("preprocessing")
    split = protocol.get("split")
    said = [
        f"Features: {name}" + (f", {text(prepared)}" if prepared else "") if "features" in protocol else "",
        f"{_count(protocol['real'])} real" + (f", {text(split)}" if split else "") if "real" in protocol else "",
        f"{_count(protocol['fake'])} fake" if "fake" in protocol else "",
        f"copies sought among {_count(protocol['training'])} training samples" if "training" in protocol else "",
        f"seed {text(protocol['seed'])}" if "seed" in protocol else "",
        f"enlarged {_count(protocol['scale'])} times" if "scale" in protocol else "",
    ]
    return escape(" · ".join(part for part in said if part))


def _count(value: Any) -> str:
    """A step or a number of samples."""
    whole = number(value)
    return escape(text(value)) if whole is None else f"{whole:,.0f}"


def _times(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
