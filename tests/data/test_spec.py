"""The card of a data set, and the way from stored values to what networks see."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from sparring.data.columns import describe
from sparring.data.dataset import Dataset, decode, encode
from sparring.data.spec import Column, Spec

SPEC = Spec("pictures", "x", (3, 8, 6), (-1.0, 1.0), 5, ("a", "b"), "abc")


CONDITIONS = replace(
    SPEC,
    shares=(0.2, 0.8),
    columns=(
        describe("age", np.float32([20.1, 1 / 3, 30, 70, 30])),
        Column("smiling", "flag", 0.4, 1.0, (0.0, 1.0)),
    ),
)


@pytest.mark.parametrize("spec", [SPEC, CONDITIONS])
def test_a_card_survives_json(spec: Spec) -> None:
    back = Spec.from_dict(json.loads(json.dumps(spec.to_dict())))
    assert back == spec
    assert hash(back) == hash(spec), "no list may be left in it"


def test_a_card_is_plain_enough_for_a_checkpoint(tmp_path: Path) -> None:
    torch.save(CONDITIONS.to_dict(), tmp_path / "card.pt")
    assert Spec.from_dict(torch.load(tmp_path / "card.pt", weights_only=True)) == CONDITIONS


def test_a_card_from_before_there_were_conditions_is_read() -> None:
    old = {key: value for key, value in SPEC.to_dict().items() if key not in ("shares", "columns")}
    assert Spec.from_dict(old) == SPEC


def test_how_much_is_given() -> None:
    assert (SPEC.given, CONDITIONS.given, replace(CONDITIONS, classes=(), shares=()).given) == (2, 4, 2)


def test_every_stored_value_comes_back() -> None:
    raw = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    seen = decode(raw)
    assert (float(seen.min()), float(seen.max())) == (-1.0, 1.0)
    assert np.array_equal(encode(seen), raw.numpy())


def test_samples_out_of_range_are_clamped_and_points_pass() -> None:
    assert encode(torch.tensor([-3.0, 3.0])).tolist() == [0, 255]
    points = torch.tensor([[0.5, -2.0]])
    assert torch.equal(decode(points), points)


def test_a_data_set_is_as_long_as_its_card_says() -> None:
    assert len(Dataset(SPEC, np.zeros((5, 3, 8, 6), np.uint8))) == 5
