"""How a run looks in a notebook: its newest grid, how good it is and what is wrong with it, without a script."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from sparring.history import History, metrics_of, number, numbers, read_history
from sparring.report import read_metrics
from sparring.report_cards import sample_word, short, text, title
from sparring.report_pictures import UNREADABLE, embed, grid_files
from sparring.report_quality import last_evaluation, table, with_code

if TYPE_CHECKING:
    from sparring.run import Run

WIDTH = 480  # pixels that the grid is enlarged to, as far as whole numbers allow
MOST_ALARMS = 5
# Notebooks are dark or light, and say so in ways of their own: so the text's colour is inherited, and this one is
# legible on both grounds.
WARN = "#d9730d"


def html(run: Run) -> str:
    """A run as HTML for `_repr_html_`, from whatever its folder holds so far; it stands alone and runs no script."""
    history = read_history(run)
    metrics = read_metrics(run, [])
    parts = [
        _title(run, history),
        _alarms(history),
        _grid(run),
        _table(history, last_evaluation(history, metrics)),
        f'<div style="opacity:.7">{escape(str(run.folder))}</div>',
    ]
    return f'<div class="sparring-run" style="max-width:100%">{"".join(parts)}</div>'


def _title(run: Run, history: History) -> str:
    step = history.places[-1][0] if history.places else 0
    return f"<div><strong>{escape(title(run, history))}</strong> · {history.outcome} · step {step:,.0f}</div>"


def _alarms(history: History) -> str:
    """The last of each kind of alarm, in words."""
    last = {text(record.get("alarm")): record for record in history.of("alarm")}
    said = [
        f'<div style="border-left:4px solid {WARN};padding-left:.6em;margin:.4em 0">'
        f'<strong style="color:{WARN}">{escape(name)}</strong> at step {short(number(record["step"]))}: '
        f"{escape(text(record.get('seen')))}<br><strong>Try:</strong> {with_code(text(record.get('try')))}</div>"
        for name, record in list(last.items())[-MOST_ALARMS:]
    ]
    return "".join(said)


def _grid(run: Run) -> str:
    """The newest grid that can be read."""
    files = grid_files(run)
    for step in reversed(files):
        try:
            uri, (width, _), _ = embed(files[step])
        except UNREADABLE:
            continue
        wide = width * max(1, WIDTH // width)
        style = f"image-rendering:pixelated;width:{wide}px;max-width:100%;height:auto;background:#fff"
        return f'<img src="{uri}" alt="Grid of samples at step {step:,}" style="{style}">'
    return ""


def _table(history: History, evaluation: dict[str, Any]) -> str:
    """The last evaluation; without one, the last losses."""
    metrics = metrics_of(evaluation)[0]
    if metrics:
        return table(metrics, sample_word(history), "scale" in evaluation.get("protocol", {}))
    losses = numbers(history.last.get("terms")).items()
    rows = "".join(f'<tr><th scope="row">{escape(name)}</th><td>{short(value)}</td></tr>' for name, value in losses)
    return f"<table><tbody>{rows}</tbody></table>" if rows else ""
