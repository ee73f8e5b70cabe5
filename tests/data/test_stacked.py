"""Stacked digits: what each colour holds, what the labels say, and that they never change."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sparring.data import known
from sparring.data.dataset import Dataset
from sparring.data.gallery import Found, Gallery
from sparring.data.source import open_data
from sparring.data.stacked import COUNT, stack
from sparring.errors import SparringError

SOME = 1500


@pytest.fixture
def stacks(monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """Some stacks of scikit-learn's digits, as training would get them."""
    monkeypatch.setitem(known.KNOWN, "few-stacks", lambda: stack(known.digits(), SOME))
    return open_data("few-stacks")


def gallery_of(found: Found) -> Gallery:
    gallery = found.load()
    assert isinstance(gallery, Gallery)
    return gallery


def test_each_colour_is_one_of_the_digits_and_the_label_reads_them_as_a_number(stacks: Dataset) -> None:
    digits = open_data("digits")
    assert digits.labels is not None
    assert stacks.labels is not None
    assert (stacks.spec.shape, stacks.spec.count) == ((3, *known.DIGITS_SIZE), SOME)
    of_pixels = {row.tobytes(): int(label) for row, label in zip(digits.rows, digits.labels, strict=True)}
    for row, label in zip(stacks.rows, stacks.labels, strict=True):
        red, green, blue = (of_pixels[channel.tobytes()] for channel in row)
        assert label == 100 * red + 10 * green + blue
        assert stacks.spec.classes[label] == f"{red}{green}{blue}"


def test_the_three_are_drawn_apart(stacks: Dataset) -> None:
    """If they were not, there would be fewer than 1,000 modes, and colours that tell of each other."""
    assert stacks.labels is not None
    drawn = np.stack([stacks.labels // 100, stacks.labels // 10 % 10, stacks.labels % 10])
    correlation = np.corrcoef(np.eye(10)[drawn].transpose(0, 2, 1).reshape(30, -1))
    for i in range(3):
        for j in range(i):
            between = correlation[10 * i : 10 * i + 10, 10 * j : 10 * j + 10]
            assert np.abs(between).max() < 5 / np.sqrt(SOME)
    grey = (stacks.rows[:, 0] == stacks.rows[:, 1]).all((1, 2))
    assert grey.mean() < 0.01


def test_all_50_000_hold_all_1_000_modes_about_evenly() -> None:
    gallery = gallery_of(stack(known.digits()))
    assert gallery.labels is not None
    assert len(gallery.names) == len(gallery.labels) == COUNT == 50_000
    assert len(gallery.classes) == 1000
    assert (gallery.classes[0], gallery.classes[7], gallery.classes[999]) == ("000", "007", "999")
    amounts = np.bincount(gallery.labels, minlength=1000)
    assert 20 < amounts.min() < 50 < amounts.max() < 90  # 50 each but for chance, which is ±7


def test_they_never_change_and_fewer_of_them_are_the_first_of_more(stacks: Dataset) -> None:
    more = gallery_of(stack(known.digits(), 2 * SOME))
    assert more.labels is not None
    assert np.array_equal(more.labels[:SOME], stacks.labels)
    # Written out, so that another numpy or scikit-learn that draws or numbers them otherwise is noticed.
    assert more.labels[:4].tolist() == [253, 399, 596, 501]
    eight = np.asarray(more.open(5))
    assert (eight.shape, eight.dtype) == ((8, 8, 3), np.uint8)


def test_they_are_prepared_once(stacks: Dataset, monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    def again() -> Found:
        found = stack(known.digits(), SOME)
        return Found(found.name, lambda: pytest.fail("it was read a second time"), found.identity, found.size)

    monkeypatch.setitem(known.KNOWN, "few-stacks", again)
    assert open_data("few-stacks").spec == stacks.spec
    assert len(list(cache.iterdir())) == 1
    monkeypatch.setitem(known.KNOWN, "few-stacks", lambda: stack(known.digits(), 10))
    assert open_data("few-stacks").spec.count == 10, "another number of them is not what was prepared"


def test_stacks_of_mnist_keep_its_size() -> None:
    try:
        found = stack(known.mnist(), 20)
    except SparringError as error:
        pytest.skip(str(error))
    gallery = gallery_of(found)
    assert (found.name, found.size) == ("stacked-mnist", None)
    assert gallery.open(0).size == (28, 28)
    assert found.identity is not None
    assert found.identity[:-1] == known.mnist().identity, "a changed file is prepared anew"
