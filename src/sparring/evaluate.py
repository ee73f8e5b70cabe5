"""`sparring evaluate`: judges a finished run, or one that is still training, from its folder alone."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import rich.console
from rich.markup import escape
from rich.table import Table
from tyro.conf import Positional, arg

from sparring.cluster import choose_device
from sparring.data.spec import SAMPLE
from sparring.errors import SparringError
from sparring.metrics.features import extractor
from sparring.metrics.judge import Evaluation, Judge
from sparring.metrics.pairs import pairs, save
from sparring.report import write_report
from sparring.run import Run, write_atomically

if TYPE_CHECKING:
    from PIL import Image

    from sparring.evaluate_sequences import SequenceEvaluation
    from sparring.metrics.tables.judge import TableEvaluation

FAKE = 2000  # samples drawn, unless a number is given; of tables see evaluate_tables.py
WIDE = 1000  # columns: in fewer a long metric's name would be cut short


@dataclass
class Evaluate:
    """Judge a run: how near its samples come to data that it never saw, beside what a perfect generator would get."""

    run: Annotated[Positional[str], arg(metavar="RUN")]
    """The run's folder."""
    n: Annotated[int | None, arg(aliases=("-n",))] = None
    """How many samples to draw; 2000 unless told, and of a table or of sequences as many as it learnt from."""
    features: str = "auto"
    """trained, efficientnet-lite0, inception:FILE, onnx:FILE; auto takes the run's own, or what suits the data."""
    seed: int = 0
    """Of the samples."""
    best: bool = False
    """Judge the checkpoint that was best in training, and not the last."""
    target: str | None = None
    """Of a table the column to predict from the others; unless told, one whose name says so, or the last category."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where the networks run."""


def carry_out(asked: Evaluate) -> None:
    """Judge the run, and show the table."""
    run = Run(asked.run, "best" if asked.best else "last")
    print_evaluation(run, evaluate(run, asked.n, asked.features, asked.seed, asked.device, asked.target))


def evaluate(
    run: Run,
    fake: int | None = None,
    features: str = "auto",
    seed: int = 0,
    device: str = "auto",
    target: str | None = None,
) -> Evaluation | TableEvaluation | SequenceEvaluation:
    """Judge a run's averaged generator against the data that it never saw.

    Writes the numbers into the run's metrics.json, the fakes nearest to training pictures into neighbours.png, and
    report.html anew; of a table the numbers, table.json and report.html; of sequences the numbers and report.html.

    Args:
        run: its data must still be what it was when the run began.
        fake: how many samples to draw; None for 2000, and of a table or of sequences as many as it learnt from.
        features: the network to judge by; see `features.extractor`. "auto" takes the run's own, or what suits the data.
        seed: of the samples.
        device, target: where the networks run; of a table the column to predict.

    Raises:
        SparringError: where the data has changed, the feature network cannot be had or the folder cannot be written.
    """
    _refuse(run, fake, seed, target)
    if run.spec.kind == "table":
        return _evaluate_table(run, fake, features, seed, target)
    if run.spec.kind == "sequences":
        return _evaluate_sequences(run, fake, features, seed)
    place = choose_device(device)
    train, held_out = run.parts()
    chosen = run.config.features if features == "auto" and run.config.features != "none" else features
    judge = Judge(train, held_out, extractor(chosen, train, device=place))
    try:
        evaluation = judge.evaluate(run.gan.to(place), fake or FAKE, seed, place)
    finally:
        run.gan.to("cpu")  # where whoever samples from the run expects it
    with _writing(run):
        _write(run, evaluation, pairs(run.gan, evaluation, train, held_out))
    return evaluation


def _refuse(run: Run, fake: int | None, seed: int, target: str | None) -> None:
    if fake is not None and fake < 1:
        raise SparringError(f"judge one sample or more; {fake} were asked for")
    if seed < 0:
        raise SparringError(f"a seed is 0 or more; it is {seed}")
    if target is not None and run.spec.kind != "table":
        raise SparringError(f"only of a table a column can be predicted, and {run.spec.name} is none: leave out target")


def _evaluate_table(run: Run, fake: int | None, features: str, seed: int, target: str | None) -> TableEvaluation:
    from sparring.evaluate_tables import evaluate_table, write_drawings

    evaluation = evaluate_table(run, fake, features, seed, target)
    with _writing(run):
        write_drawings(run, evaluation)
        _write(run, evaluation, None)
    return evaluation


def _evaluate_sequences(run: Run, fake: int | None, features: str, seed: int) -> SequenceEvaluation:
    from sparring.evaluate_sequences import evaluate_sequences

    evaluation = evaluate_sequences(run, fake, features, seed)
    with _writing(run):
        _write(run, evaluation, None)
    return evaluation


@contextlib.contextmanager
def _writing(run: Run) -> Iterator[None]:
    """A folder that cannot be written into is a sentence."""
    try:
        yield
    except OSError as error:
        raise SparringError(f"cannot write the evaluation into {run.folder}: {error.strerror or error}") from None


def _write(
    run: Run, evaluation: Evaluation | TableEvaluation | SequenceEvaluation, picture: Image.Image | None
) -> None:
    """Put the evaluation into metrics.json beside what is there; the picture and the report replace the old ones."""
    path = run.folder / "metrics.json"
    try:
        figures = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # none yet, or damaged
        figures = {}
    figures = figures if isinstance(figures, dict) else {}
    figures["evaluation"] = {"step": run.gan.count, **evaluation.to_dict()}
    write_atomically(path, json.dumps(figures, indent=2) + "\n")
    save(picture, run.folder / "neighbours.png")
    write_report(run.folder)


def print_evaluation(run: Run, evaluation: Evaluation | TableEvaluation | SequenceEvaluation) -> None:
    """The table that `sparring evaluate` shows."""
    if not isinstance(evaluation, Evaluation):
        _print_other(run, evaluation)
        return
    out = rich.console.Console(highlight=False, soft_wrap=True, width=WIDE)
    protocol, sample = evaluation.protocol, SAMPLE[run.spec.kind]
    out.print(f"[bold]{run.folder}[/bold] at round {run.gan.count:,}, averaged generator")
    out.print(
        f"  features {protocol['features']} ({protocol['fingerprint'][:8]}), {sample}s {protocol['preprocessing']}; "
        f"{protocol['real']:,} real ({protocol['split']}), {protocol['fake']:,} fake, seed {protocol['seed']}"
    )
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    titles = ["value", "± std. error", "real against real", f"mean {sample}"]
    beside = "bicubic" if run.gan.scale > 1 else "unchanged"
    for title in [*titles, beside] if run.gan.translates else titles:
        table.add_column(title, justify="right")
    for name, score in evaluation.metrics.items():
        values = [score.value, score.error, score.floor, score.mean_picture, score.unchanged]
        table.add_row(escape(name), *map(_number, values[: len(table.columns) - 1]))
    out.print(table)
    for note in evaluation.notes:
        out.print(escape(f"  note: {note}"))
    written = ", ".join(
        name for name in ("metrics.json", "neighbours.png", "report.html") if (run.folder / name).exists()
    )
    out.print(f"  in {run.folder}: {written}")


def _print_other(run: Run, evaluation: TableEvaluation | SequenceEvaluation) -> None:
    from sparring.evaluate_sequences import SequenceEvaluation, print_sequence_evaluation
    from sparring.evaluate_tables import print_table_evaluation

    if isinstance(evaluation, SequenceEvaluation):
        print_sequence_evaluation(run, evaluation)
    else:
        print_table_evaluation(run, evaluation)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
