"""The card of a data set, and the way from stored values to what networks see."""

from __future__ import annotations

import json

import numpy as np
import torch

from sparring.data.dataset import Dataset, decode, encode
from sparring.data.spec import Spec

SPEC = Spec("pictures", "x", (3, 8, 6), (-1.0, 1.0), 5, ("a", "b"), "abc")


def test_a_card_survives_json() -> None:
    assert Spec.from_dict(json.loads(json.dumps(SPEC.to_dict()))) == SPEC


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
