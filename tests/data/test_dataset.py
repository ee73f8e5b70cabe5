"""A data set or a part of it is read in the same way."""

from __future__ import annotations

import numpy as np
import pytest

from sparring.data import dataset as module
from sparring.data.dataset import Dataset
from sparring.data.spec import Spec
from sparring.data.split import part

WHOLE = Dataset(
    Spec("pictures", "numbered", (1, 2, 4), (-1.0, 1.0), 20),
    np.arange(160, dtype=np.uint8).reshape(20, 1, 2, 4),
)


def test_taking_from_a_part_counts_within_the_part() -> None:
    odd = part(WHOLE, np.arange(1, 20, 2))
    assert np.array_equal(odd.take(np.array([9, 0, 0])), WHOLE.rows[[19, 1, 1]])
    assert len(odd) == 10
    assert odd.rows is WHOLE.rows


def test_what_is_taken_may_be_changed() -> None:
    for data in (WHOLE, part(WHOLE, np.arange(5))):
        taken = data.take(np.arange(5))
        taken[:] = 255
        next(data.blocks())[:] = 255
    assert WHOLE.rows.max() == 159


@pytest.mark.parametrize("at_once", [1, 3, 20, 1000])
def test_blocks_are_all_samples_in_their_order(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", 8 * at_once)
    for data in (WHOLE, part(WHOLE, np.arange(2, 20, 3))):
        blocks = list(data.blocks())
        assert np.array_equal(np.concatenate(blocks), data.take(np.arange(len(data))))
        assert all(len(block) == min(at_once, len(data)) for block in blocks[:-1])


def test_a_sample_larger_than_a_block_is_still_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", 5)
    assert [len(block) for block in WHOLE.blocks()] == [1] * 20
