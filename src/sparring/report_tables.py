"""What the report says of the rows of a table: the verdict, each number beside its baselines, columns and pairs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from sparring.evaluate_tables import DRAWN
from sparring.history import number
from sparring.report_cards import short, text
from sparring.run import Run

HEADS = {"value": "Value", "floor": "Real rows", "shuffled": "Shuffled columns", "copy": "Copy of training rows"}
READING = {  # how to read a number, by its name without the column in brackets
    "quality": "mean of the next two; 1 is alike",
    "column shapes": "each column by itself; 1 is alike",
    "pair trends": "related columns, two by two; 1 is alike",
    "missing values": "largest difference of a column's share; 0 is alike",
    "AUROC": "learnt from made rows, tested on real ones; 1 is perfect, 0.5 is guessing",
    "F1": "of the same; 1 is perfect",
    "R2": "learnt from made rows, tested on real ones; 1 is perfect, 0 is the mean",
    "memorising": "0 copies, 1 is honest",
    "exact copies": "share of rows that equal a training row; as real is best",
    "nearest row": "median distance to a training row, 0 to 1; as real is best",
    "attack AUROC": "guessing who was trained on; 0.5 is private, 1 is known",
}
WIDTH, HEIGHT = 320, 120  # of a column's plot, in units of its own
LINE = 20  # a category's
LETTERS = 15  # of a name beside a bar
LABEL = 112  # units for it
CELL, MOST_LETTERS = 18, 22  # of a matrix


def is_table(evaluation: dict[str, Any]) -> bool:
    """Whether an evaluation is of a table's rows."""
    protocol = evaluation.get("protocol")
    return isinstance(protocol, dict) and protocol.get("kind") == "table"


def table_words(evaluation: dict[str, Any]) -> str:
    """The verdict, the numbers, how they were measured, and the worst columns and pairs."""
    verdict = "".join(f"<li>{escape(text(said))}</li>" for said in listed(evaluation.get("verdict")))
    notes = "".join(f"<li>{escape(text(note))}</li>" for note in listed(evaluation.get("notes")))
    return (
        (f'<ul class="verdict">{verdict}</ul>' if verdict else "")
        + numbers(evaluation.get("metrics"), HEADS, READING)
        + f'<p class="dim">{escape(_protocol(evaluation["protocol"]))}</p>'
        + "".join(f"<p>{words}</p>" for words in _worst(evaluation))
        + (f'<ul class="notes">{notes}</ul>' if notes else "")
    )


def table_pictures(run: Run, problems: list[str]) -> str:
    """The pairs and the columns, drawn from table.json; what is damaged joins `problems`."""
    try:
        drawn = json.loads((run.folder / DRAWN).read_text(encoding="utf-8"))
        return _matrices(drawn["matrix"]) + _columns(drawn["columns"], int(drawn["left_out"]))
    except FileNotFoundError:
        problems.append(f"There is no {DRAWN}, so columns and pairs are not drawn: `sparring evaluate` writes it.")
    except (OSError, ValueError, TypeError, KeyError, AttributeError, IndexError):
        problems.append(f"{DRAWN} is damaged: `sparring evaluate` writes it anew.")
    return ""


def listed(value: Any) -> list[Any]:
    """What should be a list; empty where it is damaged."""
    return value if isinstance(value, list) else []


def numbers(metrics: Any, heads: Mapping[str, str], how_to_read: Mapping[str, str]) -> str:
    """A table of metrics, of each what `heads` names, and how to read it, by its name without what is in brackets."""
    rows = []
    for name, row in metrics.items() if isinstance(metrics, dict) else ():
        if not isinstance(row, dict):
            continue
        how = how_to_read.get(name.split("[")[0], "")
        cells = [short(number(row.get(key)), 3) for key in heads]
        columns = "".join(f"<td>{cell}</td>" for cell in (f"<strong>{cells[0]}</strong>", *cells[1:]))
        rows.append(f'<tr><th scope="row">{escape(name)} <small>{escape(how)}</small></th>{columns}</tr>')
    head = "".join(f'<th scope="col">{name}</th>' for name in ("Metric", *heads.values()))
    return (
        '<div class="wide"><table class="metrics rows"><thead>'
        f"<tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _protocol(protocol: dict[str, Any]) -> str:
    counts = {
        "fake": "rows made",
        "real": f"real ({text(protocol.get('split'))})",
        "training": "training rows, among which copies are sought",
    }
    said = [f"{text(protocol[key])} {words}" for key, words in counts.items() if key in protocol]
    said += [f"{key} {text(protocol[key])}" for key in ("target", "seed") if key in protocol]
    return " · ".join(said)


def _worst(evaluation: dict[str, Any]) -> Iterator[str]:
    columns = [column for column in listed(evaluation.get("columns")) if isinstance(column, dict)]
    if columns:
        named = ", ".join(
            f"{escape(text(column.get('name')))} {short(number(column.get('score')), 3)}" for column in columns
        )
        yield f"<strong>Worst columns:</strong> {named}."
    pairs = [pair for pair in listed(evaluation.get("pairs")) if isinstance(pair, dict)]
    if pairs:
        named = ", ".join(
            f"{escape(' and '.join(map(text, listed(pair.get('names')))))} {short(number(pair.get('score')), 3)} "
            f"(strength {short(number(pair.get('made')), 2)}, real {short(number(pair.get('real')), 2)})"
            for pair in pairs
        )
        yield f"<strong>Worst pairs:</strong> {named}."


# ---------------------------------------------------------------- pairs


def _matrices(matrix: dict[str, Any]) -> str:
    names = [text(name) for name in matrix["names"]]
    if len(names) < 2:
        return ""
    figures = "".join(
        f"<figure><figcaption>{title}</figcaption>{_matrix(names, matrix[part])}</figure>"
        for part, title in (("real", "Real rows"), ("made", "Made rows"))
    )
    return (
        '<h3>Pairs of columns</h3><p class="dim">How strongly columns are related: blue pairs rise together, of orange '
        "ones one falls; two numbers by their correlation, other pairs, always blue, by Cramér's V. The columns follow "
        f'in the order of the rows.</p><div class="matrices">{figures}</div>'
    )


def _matrix(names: Sequence[str], values: Sequence[Sequence[float | None]]) -> str:
    size = len(names)
    left = 8 * min(max(map(len, names)), MOST_LETTERS) + 6
    cells = []
    for i, name in enumerate(names):
        y = i * CELL
        cells.append(
            f'<text x="{left - 6}" y="{y + CELL - 5}" text-anchor="end">{escape(_cut(name, MOST_LETTERS))}</text>'
        )
        for j, other in enumerate(names):
            value = number(values[i][j])
            if i == j or value is None:
                continue
            tip = f"<title>{escape(name)}, {escape(other)}: {short(value, 2)}</title>"
            side = "up" if value >= 0 else "down"
            cells.append(
                f'<rect class="{side}" x="{left + j * CELL}" y="{y}" width="{CELL - 1}" height="{CELL - 1}" '
                f'fill-opacity="{abs(value):.2f}">{tip}</rect>'
            )
    frame = f'<rect class="frame" x="{left - 0.5}" y="-0.5" width="{size * CELL}" height="{size * CELL}"/>'
    return f'<svg viewBox="0 -1 {left + size * CELL + 1} {size * CELL + 2}" role="img">{"".join(cells)}{frame}</svg>'


# ---------------------------------------------------------------- columns


def _columns(columns: Sequence[dict[str, Any]], left_out: int) -> str:
    plots = "".join(
        f"<section><h3>{escape(text(column['name']))} <small>{short(number(column['score']), 3)}</small></h3>"
        f"{_bars(column) if 'bars' in column else _histogram(column)}</section>"
        for column in columns
    )
    more = f" {left_out:,} more are not drawn." if left_out else ""
    return (
        '<h3>Columns, the worst first</h3><p class="dim">Filled: made rows. Outlined: real rows. The number is the '
        f'column\'s shape.{more}</p><div class="charts columns">{plots}</div>'
    )


def _histogram(column: dict[str, Any]) -> str:
    """A number: upright bars, and beside them one for what is missing."""
    made, real = ([float(share) for share in column[part]] for part in ("made", "real"))
    absent = [float(share) for share in (column["missing"][1], column["missing"][0])]
    gap = max(absent) > 0
    if gap:
        made, real = [*made, 0.0, absent[0]], [*real, 0.0, absent[1]]
    highest, bar = max([*made, *real, 1e-9]), WIDTH / len(made)
    shapes, outline = [], [f"M0 {HEIGHT}"]
    for at, (share, known) in enumerate(zip(made, real, strict=True)):
        x, tall, top = at * bar, share / highest * HEIGHT, HEIGHT * (1 - known / highest)
        shapes.append(
            f'<rect class="made" x="{x:.1f}" y="{HEIGHT - tall:.1f}" width="{bar - 1:.1f}" height="{tall:.1f}"/>'
        )
        outline.append(f"V{top:.1f}H{x + bar:.1f}")
    ends = [(0, "start", text(column["low"])), (WIDTH - 2.5 * bar - 40 if gap else WIDTH, "end", text(column["high"]))]
    if gap:
        ends.append((WIDTH, "end", "missing"))
    words = "".join(
        f'<text x="{x:.0f}" y="{HEIGHT + 15}" text-anchor="{at}">{escape(said)}</text>' for x, at, said in ends
    )
    path = f'<path class="real" d="{"".join(outline)}V{HEIGHT}"/>'
    return f'<svg viewBox="0 -2 {WIDTH} {HEIGHT + 22}" role="img">{"".join(shapes)}{path}{words}</svg>'


def _bars(column: dict[str, Any]) -> str:
    """Categories: lying bars with their names."""
    rows = list(zip(map(text, column["bars"]), column["made"], column["real"], strict=True))
    if max(column["missing"]) > 0:
        rows.append(("missing", column["missing"][1], column["missing"][0]))
    highest, room = max([*(max(float(made), float(real)) for _, made, real in rows), 1e-9]), WIDTH - LABEL - 2
    parts = []
    for at, (name, made, real) in enumerate(rows):
        y, wide, known = at * LINE, float(made) / highest * room, float(real) / highest * room
        tip = f"<title>{escape(name)}: {float(made):.2%}, real {float(real):.2%}</title>"
        parts.append(
            f'<text x="0" y="{y + 14}">{escape(_cut(name, LETTERS))}{tip}</text>'
            f'<rect class="made" x="{LABEL}" y="{y + 3}" width="{wide:.1f}" height="{LINE - 6}">{tip}</rect>'
            f'<rect class="real" x="{LABEL}" y="{y + 3}" width="{known:.1f}" height="{LINE - 6}"/>'
        )
    return f'<svg viewBox="0 0 {WIDTH} {len(rows) * LINE}" role="img">{"".join(parts)}</svg>'


def _cut(name: str, most: int) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"
