"""Training by sampling: conditions come as often as they should, rows meet them, and the position is all the state."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from made_up import pictures, table
from sparring.data.batches import Batches
from sparring.data.dataset import Dataset
from sparring.data.spec import Spec
from sparring.data.split import part
from sparring.data.streams import reader
from sparring.data.tables.field import Field
from sparring.data.tables.stream import Sampled
from sparring.networks.table import expand


def many(dataset: Dataset, batches: int = 40, **how: int) -> tuple[torch.Tensor, torch.Tensor]:
    drawn = Sampled(dataset, 500, seed=0, **how)  # type: ignore[arg-type]
    x, given = zip(*(next(drawn) for _ in range(batches)), strict=True)
    return torch.cat(x), torch.cat(given)


def test_every_row_meets_its_condition_and_is_one_of_the_data() -> None:
    from sparring.data.tables.field import Layout

    data = table()
    x, given = many(data, 2)
    assert (given.sum(1) == 1).all()
    met = (expand(Layout(data.spec.fields), x)[:, -5:] * given).sum(1)
    assert (met == 1).all()
    known = {row.tobytes() for row in data.rows}
    assert {row.tobytes() for row in x.numpy()} <= known


def test_of_very_many_categories_rows_still_meet_their_condition() -> None:
    names = [f"c{at}" for at in range(300)]
    codes = np.random.default_rng(0).integers(0, 250, (260, len(names)))
    codes[:250] = np.arange(250)[:, None]  # so that each is there
    values = tuple(range(250))
    shares = (1 / 250,) * 250
    fields = tuple(Field(name, "categorical", "int64", 250, shares, values=values) for name in names)
    spec = Spec("table", "wide", (len(names),), (-1.0, 1.0), len(codes), fields=fields)
    assert spec.given == 75_000, "more than 16 bits tell apart"
    x, given = next(Sampled(Dataset(spec, codes.astype(np.float32)), 500, seed=0))
    field, code = np.divmod(given.argmax(1).numpy(), 250)
    assert (x[np.arange(500), field].numpy() == code).all()


def test_fields_come_alike_and_their_categories_by_the_logarithm_of_their_counts() -> None:
    data = table()
    shares = many(data)[1].mean(0).numpy()
    counts = [np.bincount(data.rows[:, at].astype(int)) for at in (4, 5)]
    expected = np.concatenate([np.log1p(c) / np.log1p(c).sum() / 2 for c in counts])
    assert counts[0][2] < 15
    assert np.allclose(shares, expected, atol=0.012)
    assert shares[2] > 4 * counts[0][2] / len(data) / 2, "the control: rare cities come far more often than in the data"


def test_within_a_category_all_rows_come_alike() -> None:
    data = table()
    x, given = many(data)
    wished = x[given[:, 4] == 1]  # retired
    times = {row.tobytes(): 0 for row in data.rows if row[5] == 1}
    for row in wished.numpy():
        times[row.tobytes()] += 1
    mean = len(wished) / len(times)
    assert abs(np.var(list(times.values())) / mean - 1) < 0.35, "as of a Poisson distribution"
    assert min(times.values()) > mean / 3


def test_the_position_and_the_seed_are_all_the_state_and_shares_are_slices() -> None:
    whole, again = Sampled(table(), 12, seed=3), Sampled(table(), 12, seed=3)
    batches = [next(whole) for _ in range(3)]
    again.position = 2
    for mine, other in zip(batches[2], next(again), strict=True):
        assert torch.equal(mine, other)
    assert whole.position == 3
    parts = [next(Sampled(table(), 12, 3, "cpu", share, 3)) for share in range(3)]
    for at in (0, 1):
        assert torch.equal(torch.cat([part[at] for part in parts]), batches[0][at])
    assert not torch.equal(next(Sampled(table(), 12, seed=4)).x, batches[0].x)
    assert not torch.equal(batches[0].x, batches[1].x)


def test_of_a_part_only_its_own_rows_are_drawn() -> None:
    data = table()
    chosen = np.flatnonzero(data.rows[:, 5] == 0)[:100]
    x, given = many(part(data, chosen), 4)
    assert {row.tobytes() for row in x.numpy()} <= {data.rows[i].tobytes() for i in chosen}
    assert not given[:, 4].any(), "what no row of the part has is never asked for"


def test_only_recipes_that_can_be_asked_sample_and_only_tables_with_categories() -> None:
    data = table()
    numbers = tuple(field for field in data.spec.fields if field.is_number)
    assert reader(data, conditional=True) is Sampled
    assert reader(data, conditional=False) is Batches
    assert reader(replace(data, spec=replace(data.spec, fields=numbers)), conditional=True) is Batches
    assert reader(pictures(1, 8, 8), conditional=True) is Batches


def test_a_table_of_numbers_alone_is_shuffled() -> None:
    numbers = tuple(field for field in table().spec.fields if field.is_number)
    spec: Spec = replace(table().spec, fields=numbers, shape=(4,))
    batch = next(Batches(Dataset(spec, table().rows[:, :4]), 8, seed=0))
    assert batch.x.shape == (8, 4)
    assert batch.given.shape == (8, 0)


@pytest.mark.parametrize("count", [1, 7])
def test_a_batch_may_be_larger_than_the_data(count: int) -> None:
    batch = next(Sampled(part(table(), np.arange(count)), 32, seed=0))
    assert batch.x.shape == (32, 6)
