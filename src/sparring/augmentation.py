"""`sparring augment`: rows of the rare classes from a CTGAN, and whether a classifier is better for them.

Whoever adds made rows to a table wants a better classifier; often they make it a worse one, and simpler ways do as
well. So the rows come with a trial on real rows that neither the GAN nor the classifier has seen.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from tyro.conf import Positional, arg

from sparring.data.tables import balance, cells, codec, kinds, read, types, wording, write
from sparring.data.tables.field import Field
from sparring.draws import mix
from sparring.errors import SparringError
from sparring.metrics.tables import trial, utility

if TYPE_CHECKING:
    import pandas as pd

FEWEST_SPLITS = 3  # which give an interval


@dataclass
class Augment:
    """Add rows of a table's rare classes, made by a CTGAN, and see on real held-out rows whether that helps."""

    data: Annotated[Positional[str], arg(metavar="DATA")]
    """A table, as for `sparring train`."""
    target: str
    """The column whose classes are to be told apart."""
    balance: bool = False
    """Add rows until each class has as many as the most frequent one; or say -n."""
    n: Annotated[int | None, arg(aliases=("-n",))] = None
    """Add so many rows, to the rarest classes first."""
    out: Annotated[str, arg(aliases=("-o",))] = "augmented.csv"
    """Where to write the table with the rows added: .csv, .csv.gz, .tsv, .parquet, .feather, or - to print it."""
    mark: str | None = None
    """A column to add that says which rows were made: --mark synthetic."""
    only_if_better: bool = False
    """Write nothing unless the CTGAN's rows are recommended."""
    splits: int = 5
    """In how many parts the real rows are cut, each of which judges once; a CTGAN is trained for each, and one more."""
    classifier: Literal["auto", "boosting", "logistic"] = "auto"
    """What is to gain: gradient boosting, logistic regression, or auto for the better one of both without help."""
    steps: int | None = None
    """Rounds of each CTGAN; as many as `sparring train ctgan` would play unless told."""
    kinds: tuple[str, ...] = ()
    """Kinds of columns, as in training: zip=categorical age=integer."""
    seed: int = 0
    """Of the cuts, the CTGANs and the rows."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where the CTGANs are trained."""


def carry_out(asked: Augment) -> trial.Trial:
    """Cut, train, compare, tell, and write the table with the rows added.

    Raises:
        SparringError: for a target that has no rare class or too few rows of one, and for a file that cannot be
            written.
    """
    _check(asked)
    balance.load()  # SMOTE-NC, before anything takes long
    whole = read.read(asked.data)
    if asked.mark in whole.columns:
        raise SparringError(f"the table has a column `{asked.mark}` already: choose another --mark")
    fields, target = _fields(whole, asked)
    known = whole[whole[asked.target].notna()].reset_index(drop=True)
    more = _more(known, target, asked)
    said = sys.stderr if asked.out == write.STANDARD else sys.stdout
    _tell_plan(known, target, more, asked, said)
    found, begun = None, time.monotonic()
    for told in trial.Bench(fields, known, target, asked.splits, asked.n, asked.seed).play(
        _maker(fields, target, asked), asked.classifier
    ):
        if isinstance(told, trial.Trial):
            found = told
        else:
            print(f"{told}; {time.monotonic() - begun:.0f} s so far", file=said, flush=True)
    assert found is not None
    arm, why = trial.recommend(found)
    print("\n".join(["", *trial.lines(found), "", *why]), file=said, flush=True)
    if asked.only_if_better and arm != trial.GAN:
        print("Nothing is written, as --only-if-better asks.", file=said)
        return found
    made = _maker(fields, target, asked)(whole, more, mix("all rows", asked.seed))
    _write([whole, made], fields, whole.attrs.get("dialect"), asked)
    if asked.out != write.STANDARD:
        warned = "" if arm == trial.GAN else ", against the advice above"
        print(f"{asked.out}: the {len(whole):,} rows and {len(made):,} made ones{warned}", file=said)
    return found


def _check(asked: Augment) -> None:
    """What can be said before the data is read."""
    write.check(asked.out)
    if asked.balance == (asked.n is not None):
        raise SparringError("say --balance for as many rows of each class as of the most frequent, or -n 500, not both")
    if asked.n is not None and asked.n < 1:
        raise SparringError(f"ask for one row or more; -n is {asked.n}")
    if asked.splits < FEWEST_SPLITS:
        raise SparringError(f"--splits is {FEWEST_SPLITS} or more, for an interval; it is {asked.splits}")
    if asked.seed < 0:
        raise SparringError(f"a seed is 0 or more; it is {asked.seed}")
    if asked.out != write.STANDARD and Path(asked.out).resolve() == Path(asked.data).resolve():
        raise SparringError(f"{asked.data} is the data itself: give another file as -o")


def _fields(whole: pd.DataFrame, asked: Augment) -> tuple[tuple[Field, ...], Field]:
    """The table's cards, and the target's, which is categorical unless it is asked otherwise."""
    wishes = list(asked.kinds)
    if asked.target in whole.columns and not any(wish.startswith(f"{asked.target}=") for wish in wishes):
        few = whole[asked.target].nunique() <= utility.MOST_CLASSES
        wishes += [f"{asked.target}=categorical"] if few and whole[asked.target].dtype.kind in "iuf" else []
    fields = codec.fit(whole, kinds.infer(whole, wishes))
    target = utility.target(fields, asked.target)
    if not target.is_discrete:
        raise SparringError(f"`{target.name}` is a number, which has no classes: give a column of categories")
    return fields, target


def _more(known: pd.DataFrame, target: Field, asked: Augment) -> np.ndarray:
    """How many rows each class gets."""
    counts = np.bincount(cells.find(known[target.name], target.values), minlength=len(target.values))
    rarest = int(counts.argmin())
    if len(counts) < 2:
        raise SparringError(f"`{target.name}` has one class, so there is nothing to tell apart")
    if counts[rarest] < 2 * asked.splits:  # SMOTE-NC needs two in each part that is learnt from, and some are to judge
        fewer = f"give --splits {counts[rarest] // 2}, or " if counts[rarest] >= 2 * FEWEST_SPLITS else ""
        raise SparringError(
            f"{target.name}={target.values[rarest]} has {counts[rarest]} rows, and {asked.splits} splits need "
            f"{2 * asked.splits}: {fewer}leave the class out"
        )
    more = balance.lacking(counts, asked.n)
    if not more.any():
        raise SparringError(f"all classes of `{target.name}` have {counts[0]:,} rows: nothing is lacking")
    return more


def _tell_plan(known: pd.DataFrame, target: Field, more: np.ndarray, asked: Augment, said: object) -> None:
    counts = np.bincount(cells.find(known[target.name], target.values), minlength=len(more))
    told = ", ".join(f"{value} {count:,} + {extra:,}" for value, count, extra in zip(
        target.values, counts, more, strict=True))  # fmt: skip
    print(f"{target.name}: {told}", file=said, flush=True)  # type: ignore[call-overload]
    told = f"{asked.splits + 1} CTGANs are trained: one for each split of the real rows, and one of all for the file"
    print(told, file=said, flush=True)  # type: ignore[call-overload]


def _maker(fields: Sequence[Field], target: Field, asked: Augment) -> trial.Make:
    """What trains a CTGAN on a table and makes rows of its rare classes."""
    settled = [f"{field.name}={field.kind}" for field in fields]  # so that a part's columns are of the whole's kinds

    def make(frame: pd.DataFrame, more: np.ndarray, seed: int) -> pd.DataFrame:
        import pandas as pd

        from sparring.estimator import CTGAN

        batch = max(min(500, len(frame) // 10 * 10), 10)
        model = CTGAN(asked.steps, batch=batch, kinds=settled, seed=seed % 2**31, device=asked.device).fit(frame)
        parts = [model.sample(int(more[one]), {target.name: target.values[one]}, seed) for one in np.flatnonzero(more)]
        return pd.concat(parts, ignore_index=True)

    return make


def _write(
    frames: Sequence[pd.DataFrame], fields: Sequence[Field], dialect: wording.Dialect | None, asked: Augment
) -> None:
    """Real rows, and made ones below them."""
    frames = [types.restore(frame, fields) for frame in frames]
    if asked.mark is not None:
        frames = [frame.assign(**{asked.mark: at > 0}) for at, frame in enumerate(frames)]
    try:
        write.write(frames, asked.out, fields, dialect)
    except OSError as error:
        if asked.out == write.STANDARD:
            raise  # whoever reads has gone, which the command line knows
        raise SparringError(f"cannot write the rows: {error}") from None
