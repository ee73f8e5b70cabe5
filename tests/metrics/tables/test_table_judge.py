"""All measures together: what real rows, shuffled columns and copies get, the verdict, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from made_up_people import people

from sparring.data.tables.field import Field
from sparring.errors import SparringError
from sparring.metrics.tables import utility
from sparring.metrics.tables.columns import code
from sparring.metrics.tables.judge import TableEvaluation, judge


@pytest.fixture(scope="module")
def honest(cards: Sequence[Field], train: Any, held_out: Any) -> TableEvaluation:
    return judge(cards, train, held_out, people(1500, 2))


def test_each_number_stands_beside_what_cheats_get(honest: TableEvaluation) -> None:
    figures = honest.metrics
    assert figures["column shapes"].shuffled == figures["column shapes"].floor, "shapes alone prove nothing"
    assert figures["pair trends"].shuffled < figures["pair trends"].floor - 0.2
    assert figures["AUROC[rich]"].shuffled == pytest.approx(0.5, abs=0.12)
    assert figures["AUROC[rich]"].floor > 0.85
    assert figures["AUROC[rich]"].value == pytest.approx(figures["AUROC[rich]"].floor, abs=0.04)
    assert figures["memorising"].copy == 0
    assert figures["exact copies"].copy == 1
    assert figures["attack AUROC"].copy > 0.99
    assert figures["memorising"].value == pytest.approx(1, abs=0.15)
    assert honest.verdict == ("Nothing is wrong that these numbers could show.",)
    assert honest.protocol == {
        "kind": "table", "real": 600, "fake": 1500, "training": 1500, "split": "held-out", "seed": 0, "target": "rich",
    }  # fmt: skip
    json.dumps(honest.to_dict(), allow_nan=False)
    json.dumps(honest.drawn, allow_nan=False)


def test_the_order_of_rows_and_columns_changes_nothing(
    honest: TableEvaluation, cards: Sequence[Field], train: Any, held_out: Any
) -> None:
    turned = people(1500, 2).iloc[::-1]
    again = judge(tuple(reversed(cards)), train.iloc[::-1], held_out[list(reversed(held_out.columns))], turned, "rich")
    assert again.metrics == honest.metrics


def verdict(cards: Sequence[Field], train: Any, held_out: Any, made: Any) -> str:
    return " ".join(judge(cards, train, held_out, made).verdict)


def test_the_verdict_names_what_is_wrong(cards: Sequence[Field], train: Any, held_out: Any) -> None:
    assert verdict(cards, train, held_out, train).startswith("It copies training rows: 100.0% of the rows")
    good = people(1500, 2)
    collapsed = verdict(cards, train, held_out, good.assign(place="Rome"))
    assert "Categories collapsed: place=Oslo (28.2% to 0.0%)" in collapsed
    assert "place=Bern" in collapsed
    assert "Categories crowd out others: place=Rome (6" in collapsed
    assert "missing values is off in job (9% to 0%)" in verdict(
        cards, train, held_out, good.assign(job=good["job"].fillna("shop"))
    )
    chance = np.random.default_rng(0)
    apart = good.apply(lambda column: chance.permutation(column.to_numpy()))
    apart = apart.astype(good.dtypes.to_dict())
    lost = verdict(cards, train, held_out, apart)
    assert "less to do with each other" in lost
    assert "What predicts rich is mostly lost" in lost
    assert "distributed" not in lost


def test_few_held_out_rows_say_nothing_of_copies(cards: Sequence[Field], train: Any, held_out: Any) -> None:
    found = judge(cards, train, held_out.iloc[:20], train)
    assert found.protocol["split"] == "training"
    assert "memorising" not in found.metrics
    assert "20 rows are held out and 50 are needed" in found.notes[-1]
    assert judge(cards, train, None, train).protocol["split"] == "training"


def test_a_number_can_be_the_target(cards: Sequence[Field], train: Any, held_out: Any) -> None:
    found = utility.utility(cards, utility.target(cards, "pay"), code(cards, train), code(cards, held_out))
    assert found["R2"] > 0.8


def test_made_rows_of_one_class_teach_nothing(cards: Sequence[Field], train: Any, held_out: Any) -> None:
    field = utility.target(cards, "rich")
    found = utility.utility(cards, field, code(cards, train.assign(rich=True)), code(cards, held_out))
    assert found["AUROC"] == 0.5
    rare = train.assign(job=np.where(np.arange(len(train)) == 0, "farm", "shop"))
    found = utility.utility(cards, utility.target(cards, "job"), code(cards, rare), code(cards, held_out))
    assert found["AUROC"] < 0.8, "a class of one row is no obstacle"


def test_targets_are_found_or_refused(cards: Sequence[Field]) -> None:
    assert utility.target(cards).name == "rich"
    named = tuple(replace(field, name="label") if field.name == "job" else field for field in cards)
    assert utility.target(named).name == "label"
    with pytest.raises(SparringError, match="no column `ritch` to predict; perhaps you meant rich"):
        utility.target(cards, "ritch")
    wide = tuple(replace(field, values=tuple(range(80))) if field.name == "job" else field for field in cards)
    with pytest.raises(SparringError, match="`job` has 80 categories"):
        utility.target(wide, "job")
    with pytest.raises(SparringError, match="is identifier, which is not learnt"):
        utility.target((*cards, Field("id", "identifier", "int64")), "id")
    with pytest.raises(SparringError, match="no column of this table is learnt"):
        judge((Field("id", "identifier", "int64"),), None, None, None)  # type: ignore[arg-type]
