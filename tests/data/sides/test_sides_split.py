"""What is held out of pairs and of sides: no picture that is trained on, nor its mirror image, nor its partner."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparring.data.dataset import Dataset
from sparring.data.sides.kin import joined
from sparring.data.spec import Spec
from sparring.data.split import part, split
from sparring.errors import SparringError

FLAT = 1000  # from here on numbers stand for pictures of one colour


def drawn(number: int) -> np.ndarray:
    """A picture; that of -n mirrors that of n."""
    if number >= FLAT:
        return np.full((1, 4, 6), number - FLAT, np.uint8)
    pixels = np.random.default_rng(abs(number)).integers(0, 256, (1, 4, 6), dtype=np.uint8)
    return pixels[:, :, ::-1] if number < 0 else pixels


def side(numbers: list[int], kind: str = "pictures", **known: np.ndarray | None) -> Dataset:
    rows = np.stack([drawn(number) for number in numbers])
    return Dataset(Spec(kind, "made up", (1, 4, 6), (-1.0, 1.0), len(rows), hash=f"hash of {numbers}"), rows, **known)


def pairs(a: list[int], b: list[int], **known: np.ndarray | None) -> Dataset:
    data = side(b, "pairs", **known)
    return replace(data, spec=replace(data.spec, source=(1, 4, 6)), source=side(a))


def numbers_of(data: Dataset) -> list[int]:
    known = {drawn(number).tobytes(): number for number in [*range(-60, 60), *range(FLAT, FLAT + 5)]}
    return [known[row.tobytes()] for row in data.take(np.arange(len(data)))]


def both(data: Dataset | None) -> list[tuple[int, int]]:
    if data is None:
        return []
    assert data.source is not None
    return list(zip(numbers_of(data.source), numbers_of(data), strict=True))


def test_pairs_stay_together() -> None:
    a, b = list(range(20)), list(range(20, 40))
    training, held = split(pairs(a, b), 0.2)
    assert held is not None
    assert sorted(both(training) + both(held)) == list(zip(a, b, strict=True))
    assert len(held) == 4
    hashes = [data.spec.hash for whole in (training, held) for data in (whole, whole.source) if data]
    assert len(set(hashes)) == 4


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-8, 8), st.integers(-30, 30)), min_size=10, max_size=40),
    st.floats(0.05, 0.9),
    st.booleans(),
)
def test_neither_side_of_a_pair_is_seen_or_mirrored_on_the_other_side(
    numbers: list[tuple[int, int]], share: float, grouped: bool
) -> None:
    a, b = (list(column) for column in zip(*numbers, strict=True))
    groups = np.arange(len(a)) // 3 if grouped else None
    training, held = split(pairs(a, b, groups=groups), share)
    for at in (0, 1):
        seen = {abs(pair[at]) for pair in both(training)}
        assert not seen & {abs(pair[at]) for pair in both(held)}
    if groups is not None and held is not None:
        assert training.groups is not None
        assert held.groups is not None
        assert not set(training.groups) & set(held.groups)


def test_mirror_images_are_found_though_their_centres_are_none() -> None:
    """Of 6 columns the middle 3 are not the middle 3 of the mirror image."""
    data = pairs([*range(1, 11), *range(-10, 0)], list(range(20, 40)))
    assert data.source is not None
    seen = replace(data.source, spec=replace(data.source.spec, shape=(1, 4, 3)))
    _, held = split(replace(data, source=seen), 0.2)
    assert held is not None
    twins = {59 - number for number in numbers_of(held)}  # which are to be made from the mirror images
    assert twins == set(numbers_of(held))


def test_what_the_data_holds_out_is_left_out_where_its_like_is_trained_on() -> None:
    a, b = [*range(1, 11), 21, -3, 23, 24], [*range(31, 41), 51, 52, -34, 54]
    held = np.arange(14) >= 10
    training, away = split(pairs(a, b, held=held), 0)
    assert both(training) == list(zip(a, b, strict=True))[:10]
    assert both(away) == [(21, 51), (24, 54)]
    assert "2 more were left out" in training.notes[-1]
    with pytest.raises(SparringError, match="marked as being for testing"):
        split(pairs(a, b, held=np.ones(14, bool)), 0)


def test_flat_pictures_do_not_tie_pairs_together() -> None:
    """A map of the sea is equal everywhere; or nothing could be held out of maps."""
    _, held = split(pairs([FLAT] * 20, list(range(20, 40))), 0.2)
    assert held is not None
    assert len(held) == 4


def test_equal_flat_pairs_are_on_one_side_but_do_not_tie_groups() -> None:
    """Each region has a tile of the sea; the held-out region's own is left out."""
    a, b = list(range(20)), list(range(20, 40))
    for place in (0, 5, 10, 15):
        a[place], b[place] = FLAT, FLAT + 1
    training, held = split(pairs(a, b, groups=np.arange(20) // 5), 0.25)
    assert held is not None
    assert held.groups is not None
    assert (len(training), len(held)) == (15, 4)
    assert len(set(held.groups)) == 1
    assert (FLAT, FLAT + 1) not in both(held)


def test_a_part_of_a_part_keeps_its_partners() -> None:
    whole = pairs(list(range(20)), list(range(20, 40)))
    assert both(part(part(whole, np.arange(5, 15)), np.array([0, 9]))) == [(5, 25), (14, 34)]


def sides(a: list[int], b: list[int], **held: np.ndarray) -> Dataset:
    data = side(b, "sides", held=held.get("of_b"))
    return replace(data, spec=replace(data.spec, source=(1, 4, 6)), source=side(a, held=held.get("of_a")))


def test_each_side_is_parted_by_itself() -> None:
    a = [*range(1, 21), *range(-20, 0)]
    b = list(range(20, 50))
    training, held = split(sides(a, b), 0.2)
    assert held is not None
    assert training.source is not None
    assert held.source is not None
    assert (len(held), len(held.source)) == (6, 8)
    assert sorted(numbers_of(training) + numbers_of(held)) == b
    seen, away = numbers_of(training.source), numbers_of(held.source)
    assert sorted(seen + away) == sorted(a)
    assert not {abs(number) for number in seen} & {abs(number) for number in away}
    assert training.notes[0].startswith("Of what is given: 8 of 40 samples are held out")
    assert training.notes[1].startswith("Of what is to be made: 6 of 30 samples are held out")


def test_nothing_is_held_out_unless_both_sides_have_some() -> None:
    training, held = split(sides(list(range(5)), list(range(20, 40))), 0.2)
    assert held is None
    assert training.source is not None
    assert (len(training), len(training.source)) == (20, 5)
    assert training.notes[0].endswith("with fewer than 10 samples each is needed for training.")
    assert training.notes[1].endswith("No samples are held out for judging: the other side has none.")
    assert split(sides(list(range(20)), list(range(20, 40))), 0)[1] is None


def test_what_either_side_says_is_for_testing_is_held_out() -> None:
    a, b = list(range(20)), list(range(20, 40))
    marks = np.arange(20) >= 17
    training, held = split(sides(a, b, of_a=marks, of_b=marks), 0)
    assert held is not None
    assert held.source is not None
    assert (numbers_of(held.source), numbers_of(held)) == ([17, 18, 19], [37, 38, 39])
    training, held = split(sides(a, b, of_a=marks), 0.2)
    assert held is not None
    assert held.source is not None
    assert (len(held.source), len(held)) == (3, 4)
    training, held = split(sides(a, b, of_a=marks), 0)
    assert held is None
    assert training.source is not None
    assert len(training.source) == 17, "what is for testing is not trained on, though nothing can be judged by it"


def test_joined_follows_chains() -> None:
    one, other = np.array([0, 0, 1, 1, 2, 3]), np.array([7, 9, 9, 8, 8, 5])
    assert joined(one, other).tolist() == [0, 0, 0, 0, 0, 1]
    assert joined(one).tolist() == one.tolist()
