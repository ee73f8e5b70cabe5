"""The report's part on tables: what it says and draws, and what it makes of damage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from sparring.report_tables import is_table, table_pictures, table_words

EVALUATION: dict[str, Any] = {
    "step": 4,
    "protocol": {"kind": "table", "real": 60, "fake": 2000, "training": 540, "split": "held-out", "seed": 0},
    "metrics": {
        "pair trends": {"value": 0.7, "floor": 0.98, "shuffled": 0.75, "copy": 0.99},
        "AUROC[<b>]": {"value": 0.8, "floor": 0.9},
        "odd": 3,
    },
    "notes": ["A <note>."],
    "verdict": ["It copies."],
    "columns": [{"name": "age", "score": 0.5}],
    "pairs": [{"names": ["age", "pay"], "score": 0.6, "real": 0.9, "made": None}],
}
DRAWN: dict[str, Any] = {
    "step": 4,
    "columns": [
        {"name": "age", "kind": "integer", "score": 0.5, "real": [0.5, 0.4], "made": [0.2, 0.8], "low": "17",
         "high": "90", "missing": [0.1, 0.0]},
        {"name": "ci&ty", "kind": "categorical", "score": None, "real": [0.6, 0.4], "made": [1.0, 0.0],
         "bars": ["<Rome>", "9 others"], "missing": [0.0, 0.2]},
    ],
    "left_out": 3,
    "matrix": {"names": ["age", "ci&ty"], "real": [[None, -0.4], [-0.4, None]], "made": [[None, 0.2], [0.2, None]]},
}  # fmt: skip


class Folder:
    """All that the pictures need of a run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder


def test_the_words_have_every_baseline_and_no_markup_of_others() -> None:
    assert is_table(EVALUATION)
    assert not is_table({"protocol": {"features": "points"}})
    words = table_words(EVALUATION)
    ElementTree.fromstring(f"<p>{words}</p>")
    for said in (
        "It copies.",
        "Shuffled columns",
        "Copy of training rows",
        "0.75",
        "[&lt;b&gt;]",
        "A &lt;note&gt;.",
    ):
        assert said in words
    assert "learnt from made rows" in words
    assert "age and pay 0.6 (strength –, real 0.9)" in words
    assert "odd" not in words


def test_columns_and_pairs_are_drawn(tmp_path: Path) -> None:
    (tmp_path / "table.json").write_text(json.dumps(DRAWN))
    problems: list[str] = []
    drawn = table_pictures(Folder(tmp_path), problems)  # type: ignore[arg-type]
    assert problems == []
    page = ElementTree.fromstring(f"<p>{drawn}</p>")
    assert len(page.findall(".//svg")) == 4
    bars = page.findall(".//div[@class='charts columns']//rect[@class='made']")
    assert len(bars) == 4 + 3, "two bins, a gap and what is missing; two categories and what is missing"
    assert len(page.findall(".//rect[@class='down']")) == 2
    assert "3 more are not drawn" in drawn


@pytest.mark.parametrize("damage", ["[]", "{", '{"matrix": 3}', '{"matrix": {"names": ["a", "b"], "real": []}}'])
def test_damage_is_a_sentence(tmp_path: Path, damage: str) -> None:
    problems: list[str] = []
    assert table_pictures(Folder(tmp_path), problems) == ""  # type: ignore[arg-type]
    assert "There is no table.json" in problems[0]
    (tmp_path / "table.json").write_text(damage)
    assert table_pictures(Folder(tmp_path), problems) == ""  # type: ignore[arg-type]
    assert problems[1] == "table.json is damaged: `sparring evaluate` writes it anew."
