"""Means of what was added since the last reading; values that are not finite are left out and named."""

from __future__ import annotations

import pytest
import torch

from sparring.tally import Tally

NAN, INF = float("nan"), float("inf")


@pytest.fixture
def tally() -> Tally:
    return Tally(torch.device("cpu"))


def test_reading_gives_the_mean_under_each_name(tally: Tally) -> None:
    tally.add(["critic/real", "critic/fake"], torch.tensor([1.0, 10.0]))
    tally.add(["critic/real", "critic/fake"], torch.tensor([2.0, 40.0]))
    tally.add(["norm/critic"], torch.tensor([7.0]))
    assert tally.read() == {"critic/real": 1.5, "critic/fake": 25.0, "norm/critic": 7.0}
    assert tally.not_finite is None


def test_reading_starts_again(tally: Tally) -> None:
    assert tally.read() == {}
    tally.add(["a"], torch.tensor([1.0]))
    tally.read()
    assert tally.read() == {}
    tally.add(["a"], torch.tensor([5.0]))
    assert tally.read() == {"a": 5.0}


@pytest.mark.parametrize("bad", [NAN, INF, -INF])
def test_a_value_that_is_not_finite_is_left_out_of_the_mean_and_remembered(tally: Tally, bad: float) -> None:
    for value in (2.0, bad, 4.0):
        tally.add(["good", "at times"], torch.tensor([1.0, value]))
    assert tally.read() == {"good": 1.0, "at times": 3.0}
    assert tally.not_finite == "at times"


def test_a_name_that_was_never_finite_has_no_mean(tally: Tally) -> None:
    tally.add(["good", "bad"], torch.tensor([1.0, NAN]))
    assert tally.read() == {"good": 1.0}
    assert tally.not_finite == "bad"


def test_the_first_name_to_go_is_the_one_remembered(tally: Tally) -> None:
    tally.add(["critic/real", "critic/fake"], torch.tensor([1.0, NAN]))
    tally.add(["generator/fool"], torch.tensor([NAN]))
    tally.read()
    assert tally.not_finite == "critic/fake"


def test_a_clean_reading_forgets_the_name(tally: Tally) -> None:
    tally.add(["a"], torch.tensor([NAN]))
    tally.read()
    tally.add(["a"], torch.tensor([1.0]))
    tally.read()
    assert tally.not_finite is None


def test_what_was_added_may_change_afterwards_and_keeps_no_graph(tally: Tally) -> None:
    value = torch.tensor([1.0], requires_grad=True)
    tally.add(["a"], value * 2)
    with torch.no_grad():
        value.fill_(100.0)
    assert not any(sums.requires_grad for sums in tally._sums.values())
    assert tally.read() == {"a": 2.0}


def test_a_name_that_comes_in_other_company_keeps_one_mean(tally: Tally) -> None:
    """A lazy penalty is there in some rounds only, beside terms that are there in all."""
    tally.add(["a", "r1"], torch.tensor([1.0, 10.0]))
    tally.add(["a"], torch.tensor([3.0]))
    assert tally.read() == {"a": 2.0, "r1": 10.0}
