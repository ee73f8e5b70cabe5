"""`sparring evaluate` of a run on sequences: networks learn to tell them from real ones, and learn from them."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import rich.console
import torch
from rich.markup import escape
from rich.table import Table
from torch import Tensor

from sparring.errors import SparringError
from sparring.metrics.neighbours import memorising
from sparring.metrics.sequences import ROUNDS, discriminative, predictive, shuffled, var

if TYPE_CHECKING:
    from sparring.data.dataset import Dataset
    from sparring.run import Run

FEWEST = 10  # sequences, of which a network that tells them apart is asked about a fifth
MOST = 5000  # that are made, unless a number is given
LEAST_ROUNDS, STEPS = 300, 24  # of a network's training, which of longer sequences is shorter: its time grows with both
COPIES = 0.6  # memorising below it: made sequences lie much nearer to training ones than held-out ones do
ROUGH = 0.1  # uncertainty of a score, above which it is said
WIDE = 1000
HEADS = {"value": "value", "floor": "held-out", "var": "VAR(1)", "shuffled": "shuffled channels", "copy": "copy"}
READING = {
    "discriminative": "how much better than by chance a network tells them from real ones; 0 is best, 0.5 worst",
    "predictive": "error, as a share of the range, of a network that learnt from them and foretells real ones' last "
    "channel; a copy's is best",
    "memorising": "0 copies, 1 is honest; a copy wins the other two",
}


@dataclass(frozen=True)
class Row:
    """One score of the made sequences, and the same of what it is held against; None where it cannot be measured.

    Attributes:
        value: of the made sequences.
        floor: of held-out ones in their place: what a perfect generator would get.
        var: of a vector autoregression's, `metrics.sequences.var`: what a linear model gets.
        shuffled: of training sequences whose channels were taken from one another.
        copy: of the training sequences themselves.
    """

    value: float | None
    floor: float | None = None
    var: float | None = None
    shuffled: float | None = None
    copy: float | None = None


@dataclass(frozen=True)
class SequenceEvaluation:
    """All that was measured at one time.

    Attributes:
        protocol: kind ("sequences"), real, fake, training (numbers of sequences), split, rounds (of each network's
            training), seed.
        metrics: discriminative, predictive and memorising, as far as they can be measured.
        notes: plain sentences: what could not be measured and the remedy.
        verdict: plain sentences on what the numbers mean, the gravest first.
    """

    protocol: dict[str, Any]
    metrics: dict[str, Row]
    notes: tuple[str, ...]
    verdict: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        metrics = {
            name: {key: value for key, value in asdict(row).items() if value is not None}
            for name, row in self.metrics.items()
        }
        words = {"notes": list(self.notes), "verdict": list(self.verdict)}
        return {"protocol": self.protocol, "metrics": metrics, **words}


def evaluate_sequences(run: Run, fake: int | None = None, features: str = "auto", seed: int = 0) -> SequenceEvaluation:
    """Judge the sequences of a run beside held-out ones, VAR(1)'s, shuffled channels and a copy.

    Args:
        run: on sequences; its data must still be what it was when the run began.
        fake: how many sequences to make; None for as many as it learnt from, up to 5,000.
        features: "auto": sequences are judged by networks that are trained for it.
        seed: of the sequences.
    """
    if features != "auto":
        raise SparringError(
            f"sequences are judged by networks trained to tell them apart, not by `{features}`: leave out features"
        )
    train, held_out = run.parts()
    count = min(len(train), MOST) if fake is None else fake
    if min(count, len(train)) < FEWEST:
        raise SparringError(f"to tell sequences apart takes {FEWEST} or more; there are {min(count, len(train))}")
    return judge(_whole(train), None if held_out is None else _whole(held_out), run.sample(count, seed), seed)


def judge(
    train: Tensor, held: Tensor | None, made: Tensor, seed: int = 0, rounds: int | None = None
) -> SequenceEvaluation:
    """Measure made sequences and what they are held against. On the standard error it says how far it is.

    Args:
        train: what was learnt from; (n, channels, steps) in -1..1, as are all.
        held: what was never seen; with fewer than 10, the training sequences stand in for predicting.
        made: 10 or more.
        seed: of the baselines.
        rounds: of each network's training; None for as many as suit how many there are and how long they are.
    """
    kept = held is not None and len(held) >= FEWEST
    real = held if kept and held is not None else train
    n = min(len(made), len(train))
    rounds = rounds or max(LEAST_ROUNDS, min(ROUNDS, 2 * n, ROUNDS * STEPS // train.shape[2]))
    some = train[torch.from_numpy(np.random.default_rng(seed).permutation(len(train))[:n])]
    arms = {"value": made, "var": var(train, seed)[:n], "shuffled": shuffled(train, seed)[:n], "copy": some}
    notes = [] if kept else [_too_few(0 if held is None else len(held))]
    if (error := _uncertain(n)) > ROUGH:
        notes.append(f"With {n:,} sequences each discriminative score is uncertain by {error:.2f}: judge more with -n.")
    if train.shape[1] < 2:
        notes.append("One channel alone is measured, and the predictive score foretells one from others.")
    found: dict[str, dict[str, float]] = {}
    for at, (arm, sequences) in enumerate(arms.items()):
        _say(f"judging {at + 1} of {len(arms) + kept}: {'the run' if arm == 'value' else HEADS[arm]}")
        found[arm] = _measured(sequences, train, real, kept, rounds)
    if kept:
        _say(f"judging {len(arms) + 1} of {len(arms) + 1}: held-out sequences")
        found["floor"] = {"discriminative": discriminative(train, real, rounds=rounds)}
    if kept and "memorising" not in found["value"]:
        notes.append("Memorising could not be measured: most held-out sequences have an equal one.")
    names = [name for name in READING if name in found["value"]]
    metrics = {name: Row(**{arm: scores.get(name) for arm, scores in found.items()}) for name in names}
    counts = {"real": len(real), "fake": len(made), "training": len(train), "rounds": rounds, "seed": seed}
    protocol = {"kind": "sequences", **counts, "split": "held-out" if kept else "training"}
    return SequenceEvaluation(protocol, metrics, tuple(notes), tuple(verdict(metrics, n)))


def _measured(some: Tensor, train: Tensor, real: Tensor, kept: bool, rounds: int) -> dict[str, float]:
    scores = {"discriminative": discriminative(train, some, rounds=rounds)}
    if train.shape[1] > 1:
        scores["predictive"] = predictive(some, real, rounds=rounds)
    if kept:
        with contextlib.suppress(SparringError):  # there are twins, which the notes say
            scores["memorising"] = memorising(train.flatten(1), real.flatten(1), some.flatten(1)).ratio
    return scores


def verdict(metrics: dict[str, Row], n: int) -> Iterator[str]:
    """Sentences for a reader who knows none of the measures; at least one.

    Args:
        metrics: whose discriminative row is whole.
        n: how many made sequences there were to tell apart, 10 or more.
    """
    told, kept = metrics["discriminative"], metrics.get("memorising")
    copied = kept is not None and kept.value is not None and kept.value < COPIES
    if kept is not None and copied:
        yield (
            f"It copies training sequences: memorising {kept.value:.2f} (0 copies, 1 is honest), so the other scores "
            "say nothing. Train for fewer rounds or on more data."
        )
        return
    value, bound = told.value or 0.0, told.var or 0.0
    beside = f"{value:.2f}, and those of a linear model, VAR(1), {bound:.2f}"
    if abs(value - bound) < _uncertain(n):
        yield (
            f"A network tells them from real ones by {beside}: no difference that can be seen in {n:,} sequences. "
            "Judge more with -n, or train longer."
        )
    elif value > bound:
        yield f"They are easier to tell from real ones than a linear model's: by {beside}. Train longer."
    else:
        honest = ", and they are no copies" if kept is not None else ""
        yield f"They are harder to tell from real ones than a linear model's{honest}: by {beside}."
    use = metrics.get("predictive")
    if use and use.value is not None and use.shuffled is not None and use.value >= use.shuffled:
        yield "What channels tell of one another is lost: shuffled channels are as good to learn from. Train longer."


def _uncertain(n: int) -> float:
    """Twice the standard error of an accuracy of about a half on a fifth of n sequences and of n others."""
    return float(2 * (0.25 / (0.4 * n)) ** 0.5)


def _too_few(held: int) -> str:
    return (
        f"{held} sequences are held out and {FEWEST} are needed: copies go unnoticed, and predicting is tried on "
        "training sequences. Give more data, or a larger --held-out."
    )


def _whole(part: Dataset) -> Tensor:
    return torch.from_numpy(part.take(np.arange(len(part))))


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def print_sequence_evaluation(run: Run, evaluation: SequenceEvaluation) -> None:
    """The table that `sparring evaluate` shows of a run on sequences."""
    out = rich.console.Console(highlight=False, soft_wrap=True, width=WIDE)
    protocol = evaluation.protocol
    out.print(f"[bold]{run.folder}[/bold] at round {run.gan.count:,}, averaged generator")
    out.print(
        f"  {protocol['fake']:,} sequences made, {protocol['real']:,} real ({protocol['split']}), "
        f"{protocol['training']:,} learnt from; networks of {protocol['rounds']:,} rounds, seed {protocol['seed']}"
    )
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for title in HEADS.values():
        table.add_column(title, justify="right")
    for name, row in evaluation.metrics.items():
        cells = (getattr(row, arm) for arm in HEADS)
        table.add_row(name, *("" if cell is None else f"{cell:.3f}" for cell in cells))
    out.print(table)
    for name in evaluation.metrics:
        out.print(f"  {name}: {READING[name]}")
    for sentence in evaluation.verdict:
        out.print(f"  [bold]{escape(sentence)}[/bold]")
    for note in evaluation.notes:
        out.print(escape(f"  note: {note}"))
    out.print(f"  in {run.folder}: metrics.json, report.html")
