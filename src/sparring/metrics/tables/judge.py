"""All that is measured of a table's made rows, each number beside real rows, shuffled columns and a copy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sparring.data.tables.field import Field
from sparring.draws import mix
from sparring.errors import SparringError
from sparring.metrics.tables import utility
from sparring.metrics.tables.columns import Coded, code, names, shuffled
from sparring.metrics.tables.pictures import drawings
from sparring.metrics.tables.privacy import Guard, Privacy
from sparring.metrics.tables.shapes import missing_rates, shapes
from sparring.metrics.tables.trends import Trends, trends
from sparring.metrics.tables.verdict import verdict

if TYPE_CHECKING:
    import pandas as pd

FEWEST = 50  # held-out rows; with fewer, made rows are compared with the training rows, and privacy is not measured
WORST = 5  # columns, and pairs of columns, that are named
UNRELATED = "No two columns have much to do with each other, so there are no trends to keep."
WORDS = {"made": "value", "real": "floor", "shuffled": "shuffled", "copy": "copy"}  # an arm's key in JSON


@dataclass(frozen=True)
class Row:
    """One number of the made rows, and the same of what it is held against; None where it cannot be measured.

    Attributes:
        value: of the made rows.
        floor: of real rows in their place: what a perfect generator would get.
        shuffled: of the training rows, each column shuffled by itself.
        copy: of the training rows themselves.
    """

    value: float | None
    floor: float | None = None
    shuffled: float | None = None
    copy: float | None = None


@dataclass(frozen=True)
class TableEvaluation:
    """All that was measured at one time.

    Attributes:
        protocol: kind ("table"), real, fake, training (numbers of rows), split, seed, target.
        metrics: by the name that is printed.
        notes: plain sentences: what could not be measured and the remedy.
        verdict: plain sentences on what the numbers mean, the gravest first.
        columns: the columns with the lowest scores: {"name", "score"}.
        pairs: the pairs with the lowest scores: {"names", "score", "real", "made"}.
        drawn: what the report draws of each column and pair; see `pictures.drawings`.
    """

    protocol: dict[str, Any]
    metrics: dict[str, Row]
    notes: tuple[str, ...]
    verdict: tuple[str, ...]
    columns: tuple[dict[str, Any], ...]
    pairs: tuple[dict[str, Any], ...]
    drawn: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it; the drawings are kept apart."""
        metrics = {
            name: {key: value for key, value in asdict(row).items() if value is not None}
            for name, row in self.metrics.items()
        }
        words = {"notes": list(self.notes), "verdict": list(self.verdict)}
        return {
            "protocol": self.protocol,
            "metrics": metrics,
            **words,
            "columns": list(self.columns),
            "pairs": list(self.pairs),
        }


def judge(
    fields: Sequence[Field],
    train: pd.DataFrame,
    held_out: pd.DataFrame | None,
    made: pd.DataFrame,
    target: str | None = None,
    seed: int = 0,
) -> TableEvaluation:
    """Measure the rows that a generator made, and beside them real rows, shuffled columns and a copy.

    Args:
        fields: the table's cards.
        train: what the generator learnt from.
        held_out: what it never saw; with fewer than 50 rows, made rows are compared with `train` itself.
        made: as many as training rows is best.
        target: the column to predict; see `utility.target`.
        seed: of the shuffling and of the classifiers.

    Raises:
        SparringError: for a target that is not there, and where nothing is learnt of any column.
    """
    if not names(fields):
        raise SparringError("no column of this table is learnt, so there is nothing to judge")
    return _judge(fields, code(fields, train), held_out, code(fields, made), target, seed)


def _judge(
    fields: Sequence[Field], known: Coded, held_out: pd.DataFrame | None, fakes: Coded, target: str | None, seed: int
) -> TableEvaluation:
    kept = held_out is not None and len(held_out) >= FEWEST
    real = code(fields, held_out) if kept and held_out is not None else known
    arms = {"made": fakes, "real": known, "shuffled": shuffled(known, mix("shuffled columns", seed)), "copy": known}
    looks = {arm: (shapes(real, rows), trends(real, rows)) for arm, rows in arms.items() if arm != "copy"}
    looks["copy"] = looks["real"]
    found = {arm: {**_fidelity(*looks[arm]), "missing values": _absent(real, rows)} for arm, rows in arms.items()}
    notes = [] if looks["made"][1].mean is not None else [UNRELATED]
    asked = _add_utility(found, fields, target, arms, real, seed, notes) if kept else None
    if kept:
        _add_privacy(found, arms, known, real, notes)
    else:
        notes.append(_too_few(0 if held_out is None else len(held_out)))
    measured = [name for name, value in found["made"].items() if value is not None or found["real"][name] is not None]
    metrics = {name: Row(**{WORDS[arm]: found[arm].get(name) for arm in arms}) for name in measured}
    return TableEvaluation(
        _protocol(real, fakes, known, kept, seed, asked),
        metrics,
        tuple(notes),
        tuple(verdict(metrics, fields, real, fakes)),
        _worst_columns(fields, looks["made"][0]),
        _worst_pairs(fields, looks["made"][1]),
        drawings(fields, real, fakes, looks["made"]),
    )


def _too_few(held_out: int) -> str:
    return (
        f"Compared with the training rows, for {held_out} rows are held out and {FEWEST} are needed: neither privacy "
        "nor use can be measured, and a copy would look perfect. Give more rows, or a larger --held-out."
    )


def _fidelity(scores: np.ndarray, pairs: Trends) -> dict[str, float | None]:
    """Quality is sdmetrics': the mean of both, or of what there is."""
    column = float(np.nanmean(scores)) if np.isfinite(scores).any() else None
    both = [part for part in (column, pairs.mean) if part is not None]
    return {"quality": float(np.mean(both)) if both else None, "column shapes": column, "pair trends": pairs.mean}


def _absent(real: Coded, made: Coded) -> float | None:
    """The largest difference of a column's share of missing values; None where none is missing anywhere."""
    shares = missing_rates(real), missing_rates(made)
    return float(np.abs(shares[0] - shares[1]).max()) if max(part.max() for part in shares) else None


def _add_utility(
    found: dict[str, dict[str, float | None]],
    fields: Sequence[Field],
    target: str | None,
    arms: dict[str, Coded],
    real: Coded,
    seed: int,
    notes: list[str],
) -> str | None:
    """Put the classifier's scores beside the others. -> the column that was predicted"""
    try:
        field = utility.target(fields, target)
    except SparringError as error:
        if target is not None:
            raise
        notes.append(f"Use was not measured: {error}.")
        return None
    for arm in ("made", "real", "shuffled"):
        scores = utility.utility(fields, field, arms[arm], real, seed)
        found[arm] |= {f"{name}[{field.name}]": _known(value) for name, value in scores.items()}
    found["copy"] |= {name: value for name, value in found["real"].items() if name.endswith(f"[{field.name}]")}
    if target is None:
        notes.append(f"{field.name} was predicted; --target names another column.")
    return field.name


def _add_privacy(
    found: dict[str, dict[str, float | None]], arms: dict[str, Coded], known: Coded, real: Coded, notes: list[str]
) -> None:
    """For real rows each half of the held-out ones stands in for made rows in turn, the other being held out."""
    guard = Guard(known, real)
    one, other = real.halves()
    measured = {arm: guard.measure(arms[arm]) for arm in ("made", "shuffled", "copy")}
    measured["real"] = _mean([Guard(known, one).measure(other), Guard(known, other).measure(one)])
    for arm, privacy in measured.items():
        found[arm] |= _named(privacy)
    if measured["made"].memorising is None:
        notes.append("Memorising could not be measured: most rows have an equal one among the held-out rows.")


def _mean(both: Sequence[Privacy]) -> Privacy:
    """Of two measurements; ratios multiply."""
    ratios = [part.memorising for part in both if part.memorising is not None]
    ratio = float(np.sqrt(np.prod(ratios))) if len(ratios) == len(both) else None
    copies, distance, guessed = np.mean([part[1:] for part in both], 0).tolist()
    return Privacy(ratio, copies, distance, guessed)


def _named(privacy: Privacy) -> dict[str, float | None]:
    return {
        "memorising": privacy.memorising,
        "exact copies": privacy.copies,
        "nearest row": privacy.distance,
        "attack AUROC": privacy.attack,
    }


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _protocol(real: Coded, made: Coded, known: Coded, kept: bool, seed: int, target: str | None) -> dict[str, Any]:
    counts = {"real": len(real), "fake": len(made), "training": len(known)}
    said = {} if target is None else {"target": target}
    return {"kind": "table", **counts, "split": "held-out" if kept else "training", "seed": seed, **said}


def _worst_columns(fields: Sequence[Field], scores: np.ndarray) -> tuple[dict[str, Any], ...]:
    order = [at for at in np.argsort(scores, kind="stable") if np.isfinite(scores[at])]
    return tuple({"name": names(fields)[at], "score": float(scores[at])} for at in order[:WORST])


def _worst_pairs(fields: Sequence[Field], pairs: Trends) -> tuple[dict[str, Any], ...]:
    upper = np.argwhere(np.triu(np.isfinite(pairs.scores), 1))
    upper = upper[np.argsort(pairs.scores[tuple(upper.T)], kind="stable")][:WORST]
    called = names(fields)
    return tuple(
        {
            "names": [called[i], called[j]],
            "score": float(pairs.scores[i, j]),
            "real": _known(pairs.real[i, j]),
            "made": _known(pairs.made[i, j]),
        }
        for i, j in upper
    )
