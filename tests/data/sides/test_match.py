from __future__ import annotations

import pytest

from sparring.data.sides.match import match
from sparring.errors import SparringError


def paired(a: list[str], b: list[str]) -> list[tuple[str, str]]:
    found = match(a, b)
    return [(a[one], b[other]) for one, other in zip(found.a, found.b, strict=True)]


def test_equal_names_pair_whatever_their_order_and_ending() -> None:
    found = match(["2.jpg", "1.jpg", "9.jpg"], ["1.png", "2.png", "x/9.png", "8.png"])
    assert (found.a, found.b) == ([0, 1], [1, 0])
    assert found.lone_a == ("9.jpg",)
    assert found.lone_b == ("x/9.png", "8.png")
    assert not found.note


def test_pictures_of_one_name_in_two_folders_do_not_mix() -> None:
    assert paired(["test/1.png", "train/1.png"], ["train/1.jpg", "test/1.jpg"]) == [
        ("test/1.png", "test/1.jpg"),
        ("train/1.png", "train/1.jpg"),
    ]


def test_folders_that_all_of_a_side_share_do_not_count() -> None:
    assert paired(["sketches/x/1.png", "sketches/y/1.png"], ["y/1.png", "x/1.png"]) == [
        ("sketches/x/1.png", "x/1.png"),
        ("sketches/y/1.png", "y/1.png"),
    ]


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (["10_a.png", "20_a.png"], ["10_b.png", "20_b.png", "35_b.png"]),
        (["sketch10.png", "sketch20.png"], ["IMG-10.JPG", "IMG-20.JPG", "IMG-35.JPG"]),
        (["x_1_10_mask.png", "x_1_20_mask.png"], ["x_1_10.jpg", "x_1_20.jpg", "x_2_10.jpg"]),
    ],
)
def test_what_all_names_of_a_side_share_does_not_count(a: list[str], b: list[str]) -> None:
    """A common zero at the end of 10 and 20 is a part of the number."""
    assert paired(a, b) == list(zip(a, b[:2], strict=True))
    assert f'"{a[0]}" with "{b[0]}"' in match(a, b).note


def test_names_alone_pair_what_lies_in_other_folders() -> None:
    assert paired(["x/1.png", "y/2.png"], ["u/1.png", "v/2.png"]) == [("x/1.png", "u/1.png"), ("y/2.png", "v/2.png")]
    assert paired(["x/1.png", "y/1.png", "y/2.png"], ["y/2.png", "u/1.png"]) == [("y/2.png", "y/2.png")], "which 1?"


def test_without_a_pair_the_names_of_both_sides_are_shown() -> None:
    with pytest.raises(
        SparringError, match=r'A holds "cat.png", "dog.png" and B holds "1.jpg", "2.jpg", "3.jpg" and o'
    ):
        match(["cat.png", "dog.png"], ["1.jpg", "2.jpg", "3.jpg", "4.jpg"])


def test_two_pictures_of_one_name_are_refused() -> None:
    with pytest.raises(SparringError, match=r'B holds "1.jpg" and "1.png", which bear the same name'):
        match(["1.png"], ["1.jpg", "1.png"])
