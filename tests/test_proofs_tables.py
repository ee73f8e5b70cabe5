"""What proofs/tables.py makes of figures, its baselines, and the table that is made by a rule."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "proofs"))

import tables_data


def load() -> ModuleType:
    """By its path, for `tables` is a module's name in more places than one."""
    spec = importlib.util.spec_from_file_location("proofs_tables", Path(tables_data.__file__).with_name("tables.py"))
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


proof = load()
ADULT = tables_data.TABLES[0]


def asked(**more: Any) -> argparse.Namespace:
    return argparse.Namespace(tables=["adult"], steps=10, seeds=[5, 6], **more)


def state(quality: float = 0.95, held: float = 1.0, after: float = 1.0, copied: float = 0.0) -> dict[str, Any]:
    """What two finished runs and the baselines leave in the state file."""
    figures = dict.fromkeys(proof.SHOWN, 0.95)
    spent = {"train CPU-s": 3.0, "train s": 2.0, "peak MB": 400.0, "after": after}
    runs = {
        f"adult: ctgan, 10 steps, seed {seed}": {
            **figures, **spent, "quality": quality + off, "holds": dict.fromkeys(ADULT.conditions, held)
        } for seed, off in ((5, -0.01), (6, 0.01))
    }  # fmt: skip
    return {**{f"adult: {who}": {**figures, "memorising": copied} for who in proof.BASELINES}, **runs}


def test_goals_are_of_the_mean_over_seeds_and_say_what_is_lacking() -> None:
    assert not any("MISSED" in line for line in proof.goals(state(), asked()))
    missed = [line for line in proof.goals(state(quality=0.85), asked()) if "MISSED" in line]
    assert len(missed) == 1
    assert "quality: 0.850" in missed[0]
    assert "by 0.050" in missed[0]
    assert "0.780" in missed[0]


@pytest.mark.parametrize("worse", [{"held": 0.98}, {"after": 0.999}, {"copied": 0.5}])
def test_each_of_the_other_goals_can_be_missed(worse: dict[str, float]) -> None:
    assert sum("MISSED" in line for line in proof.goals(state(**worse), asked())) == 1


def test_a_section_shows_means_with_their_spread_and_blanks_for_what_cannot_be_said() -> None:
    known = state()
    known["adult: held out"]["AUROC"] = None
    lines = proof.section(ADULT, known, asked())
    run = next(line for line in lines if line.startswith("| **ctgan**, 2 of 2 seeds"))
    assert "0.950 ±0.014" in run
    assert next(line for line in lines if line.startswith("| held out")).split("|")[5].strip() == ""


def test_what_is_not_done_yet_is_said_and_nothing_is_made_of_it() -> None:
    known = state()
    half = {key: value for key, value in known.items() if not key.endswith("seed 6")}
    none = {key: value for key, value in half.items() if not key.endswith("seed 5")}
    for left, seeds in ((half, 1), (none, 0)):
        lines = proof.goals(left, asked())
        assert f"- adult: {seeds} of 2 seeds. NOT FINISHED" in lines
        assert (len(lines) > 1) == bool(seeds)
        assert any(line.startswith(f"| **ctgan**, {seeds} of 2 seeds") for line in proof.section(ADULT, left, asked()))
    assert not any("NOT FINISHED" in line for line in proof.goals(known, asked()))


def test_what_was_found_is_not_done_again() -> None:
    done = {f"adult: {who}" for _, who in proof.tasks(asked())}
    assert done == set(state())


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("data")
    tables_data.made().head(3000).drop(columns="city").to_csv(folder / "made.csv", index=False)
    return proof.Bench(tables_data.TABLES[2], folder)


def test_rows_are_cut_apart_and_always_alike(bench: Any) -> None:
    assert len(bench.train) == 2400
    assert len(bench.test) == 600


def test_a_copy_is_perfect_and_caught(bench: Any) -> None:
    found = bench.judge(proof.copy(bench))
    assert found["quality"] == pytest.approx(1)
    assert found["copies"] == 1
    assert found["memorising"] == 0
    assert found["AUROC"] > 0.65


def test_shuffled_columns_keep_shapes_and_lose_the_rest(bench: Any) -> None:
    found = bench.judge(proof.shuffled(bench))
    assert found["shapes"] == pytest.approx(1)
    assert found["trends"] < 0.9
    assert found["AUROC"] < 0.6


def test_smote_makes_as_many_rows_of_each_class_and_no_others(bench: Any) -> None:
    pytest.importorskip("imblearn", reason="pip install 'sparring[tables]'")
    made = proof.smote(bench)
    assert list(made.columns) == list(bench.train)
    assert (made.dtypes == bench.train.dtypes).all()
    assert made["bought"].value_counts().to_dict() == bench.train["bought"].value_counts().to_dict()
    assert bench.judge(made)["AUROC"] > 0.6


def test_the_made_table_has_all_its_cities_and_follows_its_rule() -> None:
    frame = tables_data.made()
    assert len(frame) == 40_000
    assert frame["city"].nunique() == 10_000
    assert (frame.groupby("city")["region"].nunique() == 1).all()
    counts = frame["city"].value_counts().to_numpy()
    assert counts[:100].sum() > 0.2 * len(frame)
    assert np.median(counts) < 4
    low, high = (frame.loc[part, "bought"].mean() for part in (frame["price"] < 20, frame["price"] > 60))
    assert low > high + 0.3
