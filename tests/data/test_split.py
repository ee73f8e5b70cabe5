"""The split: what is judged on is never trained on, nor any relative of it."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparring.data import split as module
from sparring.data.dataset import Dataset
from sparring.data.source import open_data
from sparring.data.spec import Spec
from sparring.data.split import part, split
from sparring.errors import SparringError


def numbered(
    count: int, labels: list[int] | None = None, groups: list[int] | None = None, values: list[int] | None = None
) -> Dataset:
    """Points of which each is its own number, or the value given."""
    rows = np.array(range(count) if values is None else values, dtype=np.float32)[:, None]
    classes = tuple(map(str, range(max(labels) + 1))) if labels else ()
    spec = Spec("points", "numbered", (1,), (0.0, float(count)), count, classes, "hash of the whole")
    columns = [None if column is None else np.array(column, dtype=np.int64) for column in (labels, groups)]
    return Dataset(spec, rows, columns[0], groups=columns[1])


def content(data: Dataset | None) -> list[int]:
    """The numbers of a part's samples."""
    return [] if data is None else [int(value) for value in data.take(np.arange(len(data)))[:, 0]]


def sides(data: Dataset, share: float, seed: int = 0) -> tuple[list[int], list[int]]:
    training, held = split(data, share, seed)
    return content(training), content(held)


@pytest.mark.parametrize(
    ("count", "share", "held"), [(10, 0.1, 1), (10, 0.001, 1), (1797, 0.1, 180), (200, 0.25, 50), (20, 0.99, 19)]
)
def test_every_sample_is_on_one_side_and_the_share_is_kept(count: int, share: float, held: int) -> None:
    training, away = sides(numbered(count), share)
    assert sorted(training + away) == list(range(count))
    assert len(away) == held
    assert training == sorted(training), "the rows lie on a disk, and are read in their order"


def test_no_more_than_5000_are_held_out() -> None:
    training, held = sides(numbered(60_000), 0.1)
    assert (len(training), len(held)) == (55_000, 5000)
    labelled = numbered(60_000, labels=[index % 10 for index in range(60_000)])
    assert len(sides(labelled, 0.5)[1]) == 5000


def test_the_same_data_share_and_seed_give_the_same_split() -> None:
    labels, groups = [index % 3 for index in range(120)], [index // 5 for index in range(120)]
    for data in (numbered(120), numbered(120, labels), numbered(120, labels, groups)):
        choices = [sides(data, 0.2, seed) for seed in (0, 0, 1, -7)]
        assert choices[0] == choices[1]
        assert len({tuple(held) for _, held in choices}) == 3
        other_name = replace(data, spec=replace(data.spec, name="other", hash="other"))
        assert sides(other_name, 0.2) == choices[0], "neither name nor hash may steer it"


def test_what_is_held_out_is_drawn_from_everywhere() -> None:
    _, held = sides(numbered(1000), 0.1)
    assert min(Counter(number // 250 for number in held).get(quarter, 0) for quarter in range(4)) > 10


def test_every_class_gives_its_share() -> None:
    labels = [0] * 100 + [1] * 50 + [2] * 33 + [3] * 7
    _, held = sides(numbered(190, labels), 0.1)
    amounts = Counter(labels[number] for number in held)
    assert len(held) == 19
    assert [amounts[0], amounts[1]] == [10, 5]
    assert [amounts[2], amounts[3]] in ([3, 1], [4, 0])


def test_a_class_of_one_sample_is_trained_on() -> None:
    labels = [0] * 50 + [1]
    assert all(50 in sides(numbered(51, labels), 0.5, seed)[0] for seed in range(20))


def test_where_each_sample_is_a_class_of_its_own_the_labels_do_not_matter() -> None:
    assert len(sides(numbered(40, labels=list(range(40))), 0.25)[1]) == 10


def test_labels_follow_their_samples() -> None:
    labels = [index * 7 % 5 for index in range(100)]
    for side in split(numbered(100, labels, groups=[index // 4 for index in range(100)]), 0.3):
        assert side is not None
        assert side.labels is not None
        assert side.groups is not None
        numbers = content(side)
        assert side.labels.tolist() == [labels[number] for number in numbers]
        assert side.groups.tolist() == [number // 4 for number in numbers]
        assert side.spec.classes == ("0", "1", "2", "3", "4")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 8), st.integers(0, 40)), min_size=10, max_size=60),
    st.floats(0.01, 0.95),
    st.integers(0, 3),
)
def test_neither_groups_nor_equal_samples_are_ever_parted(
    samples: list[tuple[int, int]], share: float, seed: int
) -> None:
    groups, values = [list(column) for column in zip(*samples, strict=True)]
    count = len(samples)
    for data in (
        numbered(count, values=values),
        numbered(count, labels=groups, values=values),
        numbered(count, groups=groups, values=values),
    ):
        training, held = split(data, share, seed)
        assert not set(content(training)) & set(content(held))
        assert len(training) > 0
        if held is not None and data.groups is not None:
            assert training.groups is not None
            assert held.groups is not None
            assert not set(training.groups) & set(held.groups)


def test_whole_groups_come_as_near_to_the_share_as_they_can() -> None:
    groups = [group for group, size in enumerate([40, 25, 10, 8, 7, 5, 5]) for _ in range(size)]
    for seed in range(10):
        training, held = split(numbered(100, groups=groups), 0.1, seed)
        assert held is not None
        assert len(held) in (8, 10, 12)
        assert len(training) + len(held) == 100
        assert "held out by group (" in training.notes[-1]
        assert "of 7 groups)" in training.notes[-1]
    assert len(sides(numbered(100, groups=[0] * 60 + [1] * 40), 0.1)[1]) == 40, "one group at least, the smaller"
    assert len(sides(numbered(100, groups=[0] * 60 + [1] * 40), 0.95)[1]) == 60, "and never all"


def test_groups_that_share_a_sample_are_one() -> None:
    """Group 1 copies from 0, and 2 from 1: the three belong together, and only 3 can be parted from them."""
    values = [*range(10), 9, *range(11, 20), 19, *range(21, 40)]
    groups = [number // 10 for number in range(40)]
    for seed in range(8):
        training, held = split(numbered(40, groups=groups, values=values), 0.25, seed)
        assert training.groups is not None
        assert {*training.groups} == {0, 1, 2}
        assert content(held) == list(range(30, 40))


def test_a_frame_that_all_groups_share_does_not_make_them_one() -> None:
    values = [0 if number % 10 == 0 else number for number in range(100)]
    training, held = split(numbered(100, groups=[number // 10 for number in range(100)], values=values), 0.2)
    assert held is not None
    assert (len(training), len(held)) == (80, 18)
    assert 0 not in content(held)
    assert training.notes[-1] == (
        "18 of 100 samples are held out by group (2 of 10 groups) for judging and never trained on. "
        "2 more were left out, as equal ones are trained on."
    )


def test_equal_samples_of_two_classes_stay_together() -> None:
    values = [number // 2 for number in range(100)]  # each twice, once in either class
    training, held = sides(numbered(100, labels=[number % 2 for number in range(100)], values=values), 0.2)
    assert len(held) == 20
    assert set(Counter(held).values()) == set(Counter(training).values()) == {2}


@pytest.mark.parametrize(
    ("data", "note"),
    [
        (numbered(1), "fewer than 10"),
        (numbered(9), "fewer than 10"),
        (numbered(50, groups=[7] * 50), "all are of one group"),
        (numbered(50, values=[3] * 50), "all are equal"),
    ],
)
def test_what_cannot_be_parted_is_trained_on_whole_and_it_is_told(data: Dataset, note: str) -> None:
    training, held = split(data, 0.1)
    assert held is None
    assert content(training) == content(data)
    assert training.spec == data.spec
    assert note in training.notes[-1]


def test_one_class_is_no_hindrance() -> None:
    assert len(sides(numbered(50, labels=[0] * 50), 0.1)[1]) == 5


def test_a_share_of_0_holds_nothing_out() -> None:
    data = numbered(100)
    assert split(data, 0) == (data, None)


@pytest.mark.parametrize("share", [1, 1.5, -0.1, float("nan")])
def test_shares_that_cannot_be_had(share: float) -> None:
    with pytest.raises(SparringError, match="give one from 0 up to, but not including, 1"):
        split(numbered(100), share)


def test_every_part_has_a_hash_of_its_own() -> None:
    data = numbered(100)
    hashes = [side.spec.hash for seed in (0, 1) for side in split(data, 0.1, seed) if side is not None]
    assert len({data.spec.hash, *hashes}) == 5
    again, _ = split(data, 0.1)
    assert again.spec.hash == hashes[0]
    other, _ = split(replace(data, spec=replace(data.spec, hash="other")), 0.1)
    assert other.spec.hash != hashes[0]


def test_the_training_part_tells_and_keeps_what_was_told() -> None:
    training, held = split(replace(numbered(1797), notes=("before",)), 0.1)
    assert training.notes == (
        "before",
        "180 of 1,797 samples are held out for judging and never trained on.",
    )
    assert held is not None
    assert (training.spec.name, held.spec.name) == ("numbered", "numbered")
    assert (training.spec.count, held.spec.count) == (1617, 180)


@pytest.mark.parametrize("share", [0, 0.1, 0.9])
def test_what_the_data_says_is_for_testing_is_held_out_whatever_the_share(share: float) -> None:
    marked = np.arange(8) % 4 == 3  # of fewer samples than would be parted otherwise
    training, held = split(replace(numbered(8), held=marked), share)
    assert (content(training), content(held)) == ([0, 1, 2, 4, 5, 6], [3, 7])
    assert training.held is None
    assert training.notes[-1].startswith("2 of 8 samples are held out, as the data itself says, for judging")


def test_marked_samples_that_equal_ones_to_train_on_are_on_neither_side() -> None:
    marked = np.array([False, False, True, True])
    training, held = split(replace(numbered(4, values=[1, 2, 2, 3]), held=marked), 0.1)
    assert (content(training), content(held)) == ([1, 2], [3])
    training, held = split(replace(numbered(4, values=[1, 2, 2, 1]), held=marked), 0.1)
    assert (content(training), held) == ([1, 2], None)


def test_marks_that_leave_nothing_to_train_on() -> None:
    with pytest.raises(SparringError, match="mark some as being for training"):
        split(replace(numbered(4), held=np.ones(4, dtype=bool)), 0.1)


def test_where_no_sample_is_marked_the_share_decides() -> None:
    unmarked = replace(numbered(100), held=np.zeros(100, dtype=bool))
    assert len(sides(unmarked, 0.1)[1]) == 10
    assert split(unmarked, 0) == (unmarked, None)


def test_a_part_of_a_part() -> None:
    inner = part(part(numbered(100), np.arange(10, 90, 2)), np.array([0, 5, 39]))
    assert content(inner) == [10, 20, 88]
    assert len(inner) == 3


@pytest.fixture
def mapped(tmp_path: Path) -> Dataset:
    """48 MB of pictures on disk, of which a few are equal."""
    rows = np.lib.format.open_memmap(tmp_path / "rows.npy", "w+", np.uint8, (1000, 3, 128, 125))
    rows[:, 0, 0, :4] = np.arange(1000, dtype="<u4")[:, None].view(np.uint8)
    rows[10, 0, 0, :4] = rows[990, 0, 0, :4]
    del rows
    spec = Spec("pictures", "large", (3, 128, 125), (-1.0, 1.0), 1000)
    return Dataset(spec, np.load(tmp_path / "rows.npy", mmap_mode="r"))


def test_parts_of_mapped_data_copy_no_rows_and_making_them_takes_little_memory(mapped: Dataset) -> None:
    tracemalloc.start()
    try:
        parts = [side for side in split(mapped, 0.2) if side is not None]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < mapped.rows.nbytes / 2
    assert [len(side) for side in parts] == [800, 200]
    for side in parts:
        assert side.rows is mapped.rows
        assert side.chosen is not None
        assert np.array_equal(side.take(np.array([3, 0])), mapped.rows[side.chosen[[3, 0]]])
        assert {10, 990} <= set(side.chosen) or not {10, 990} & set(side.chosen)


def test_the_digits_give_18_of_each() -> None:
    training, held = split(open_data("digits"), module.SHARE)
    assert held is not None
    assert held.labels is not None
    assert (len(training), len(held)) == (1617, 180)
    assert set(np.bincount(held.labels)) <= {17, 18, 19}
    known = {row.tobytes() for row in training.take(np.arange(len(training)))}
    assert not any(row.tobytes() in known for row in held.take(np.arange(len(held))))
