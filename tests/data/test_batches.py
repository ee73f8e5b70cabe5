"""Batches: every sample once an epoch, in an order that follows from the seed and the position alone."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from sparring.data.batches import Batches, resident
from sparring.data.dataset import Dataset
from sparring.data.spec import Spec
from sparring.data.split import part


def numbered(count: int = 24) -> Dataset:
    """Points of which each is its own number."""
    rows = np.arange(count, dtype=np.float32)[:, None]
    return Dataset(Spec("points", "numbered", (1,), (0.0, float(count)), count), rows)


def shown(batches: Batches, n: int) -> list[list[int]]:
    """The numbers of the samples in the next n batches."""
    return [[int(number) for number in next(batches).x[:, 0]] for _ in range(n)]


def flat(batches: list[list[int]]) -> list[int]:
    return [number for batch in batches for number in batch]


def test_an_epoch_shows_every_sample_once() -> None:
    batches = Batches(numbered(), 8, seed=0)
    for _ in range(3):
        assert sorted(flat(shown(batches, 3))) == list(range(24))


def test_an_epoch_that_ends_within_a_batch_still_shows_every_sample_once() -> None:
    everything = flat(shown(Batches(numbered(10), 4, seed=0), 10))
    epochs = [everything[start : start + 10] for start in range(0, 40, 10)]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 4, "each epoch has an order of its own"


def test_a_batch_may_be_larger_than_the_data() -> None:
    batches = Batches(numbered(5), 13, seed=0)
    sizes = [Counter(batch) for batch in shown(batches, 5)]
    assert all(sum(counts.values()) == 13 and set(counts.values()) <= {2, 3, 4} for counts in sizes)
    assert sum(sizes, Counter()) == dict.fromkeys(range(5), 13)


def test_the_order_is_shuffled_and_depends_on_the_seed_alone() -> None:
    orders = [flat(shown(Batches(numbered(), 8, seed), 3)) for seed in (0, 0, 1, 2)]
    assert orders[0] == orders[1]
    assert len({tuple(order) for order in orders}) == 3
    assert list(range(24)) not in orders


def test_the_size_of_the_batch_does_not_change_the_order() -> None:
    assert flat(shown(Batches(numbered(10), 4, 0), 15)) == flat(shown(Batches(numbered(10), 15, 0), 4))


def test_global_generators_play_no_part() -> None:
    np.random.seed(0)
    torch.manual_seed(0)
    first = flat(shown(Batches(numbered(), 8, 0), 3))
    assert flat(shown(Batches(numbered(), 8, 0), 3)) == first


@pytest.mark.parametrize("position", [0, 1, 7, 1000])
def test_it_resumes_by_its_position_alone(position: int) -> None:
    """10 is no multiple of 4, so that positions lie within epochs."""
    whole, later = Batches(numbered(10), 4, seed=3), Batches(numbered(10), 4, seed=3)
    shown(whole, position)
    assert whole.position == position
    later.position = position
    assert shown(later, 6) == shown(whole, 6)


def test_it_can_go_back() -> None:
    batches = Batches(numbered(10), 4, seed=3)
    first = shown(batches, 6)
    batches.position = 0
    assert shown(batches, 6) == first


@pytest.mark.parametrize("shares", [2, 3, 6])
def test_the_shares_put_together_are_the_batch(shares: int) -> None:
    whole = shown(Batches(numbered(10), 12, seed=5), 6)
    parts = [shown(Batches(numbered(10), 12, 5, share=share, shares=shares), 6) for share in range(shares)]
    for i, batch in enumerate(whole):
        assert flat([part[i] for part in parts]) == batch
        assert all(len(part[i]) == 12 // shares for part in parts)


def test_iterating_gives_itself_so_that_the_position_moves() -> None:
    batches = Batches(numbered(), 8, seed=0)
    assert iter(batches) is batches
    assert [len(batch.x) for batch, _ in zip(batches, range(3), strict=False)] == [8, 8, 8]
    assert batches.position == 4


def pictures() -> np.ndarray:
    """Every value from 0 to 255, in 16 pictures."""
    return np.arange(256, dtype=np.uint8).reshape(16, 1, 4, 4)


def test_stored_bytes_become_values_from_minus_1_to_1() -> None:
    spec = Spec("pictures", "all values", (1, 4, 4), (-1.0, 1.0), 16)
    batch = next(Batches(Dataset(spec, pictures()), 16, seed=0)).x
    assert batch.shape == (16, 1, 4, 4)
    assert batch.dtype == torch.float32
    expected = np.arange(256) / 127.5 - 1
    assert batch.flatten().sort().values.numpy() == pytest.approx(expected, abs=1e-6)
    assert (batch.min().item(), batch.max().item()) == (-1.0, 1.0)


def test_it_reads_a_memory_map_and_never_writes_to_it(tmp_path: Path) -> None:
    path = tmp_path / "rows.npy"
    np.save(path, pictures())
    spec = Spec("pictures", "all values", (1, 4, 4), (-1.0, 1.0), 16)
    mapped = Dataset(spec, np.load(path, mmap_mode="r"))
    assert torch.equal(next(Batches(mapped, 5, 0)).x, next(Batches(Dataset(spec, pictures()), 5, 0)).x)


def test_changing_a_batch_does_not_change_the_data() -> None:
    data = numbered()
    next(Batches(data, 24, 0)).x.zero_()
    assert data.rows[:, 0].tolist() == list(range(24))


def odd(count: int = 24) -> Dataset:
    """The odd ones of `numbered`, without a copy of them."""
    return part(numbered(count), np.arange(1, count, 2))


def test_a_part_shows_its_own_samples_and_no_others() -> None:
    batches = Batches(odd(), 8, seed=0)
    for _ in range(2):
        assert sorted(flat(shown(batches, 3))) == sorted([*range(1, 24, 2)] * 2)


@pytest.mark.parametrize("shares", [2, 3])
def test_the_shares_of_a_part_put_together_are_the_batch(shares: int) -> None:
    whole = shown(Batches(odd(20), 12, seed=5), 6)
    parts = [shown(Batches(odd(20), 12, 5, share=share, shares=shares), 6) for share in range(shares)]
    assert [flat([part[i] for part in parts]) for i in range(6)] == whole


def test_a_part_resumes_by_its_position_alone() -> None:
    whole, later = Batches(odd(), 5, seed=3), Batches(odd(), 5, seed=3)
    shown(whole, 7)
    later.position = 7
    assert shown(later, 6) == shown(whole, 6)


def test_a_part_and_a_copy_of_its_rows_give_the_same_batches() -> None:
    copied = Dataset(odd().spec, odd().take(np.arange(12)))
    assert shown(Batches(odd(), 5, seed=1), 8) == shown(Batches(copied, 5, seed=1), 8)


def test_a_part_that_is_kept_on_a_device_is_the_same_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sent a few samples at a time; the rows stay as they are stored."""
    spec = Spec("pictures", "all values", (1, 4, 4), (-1.0, 1.0), 16)
    monkeypatch.setattr("sparring.data.dataset.BLOCK", 3 * 16)
    for data in (Dataset(spec, pictures()), part(Dataset(spec, pictures()), np.arange(0, 16, 3))):
        kept = resident(data, torch.device("cpu"))
        assert kept.dtype == torch.uint8
        assert np.array_equal(kept.numpy(), data.take(np.arange(len(data))))
        moved = Batches(data, 5, seed=0)
        moved._resident = kept
        assert torch.equal(next(moved).x, next(Batches(data, 5, seed=0)).x)
