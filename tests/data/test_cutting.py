"""The shelf of photographs: each is decoded once, whoever asks, and few are held."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from sparring.data import cutting
from sparring.data.cutting import Shelf


def shelf(count: int, tiles: int, trouble: int = -1, pixels: int = 1) -> tuple[Shelf, Counter[int], list[int]]:
    """A shelf whose pictures tell their number; how often each was decoded; and the most that were held at once."""
    times: Counter[int] = Counter()
    lock, most = threading.Lock(), [0]

    def decode(number: int) -> list[np.ndarray]:
        with lock:
            times[number] += 1
            most[0] = max(most[0], len(made._held))
        if number == trouble:
            raise OSError("broken")
        return [np.array(number)]

    made = Shelf(decode, [tiles] * count, [pixels] * count)
    return made, times, most


def asked(made: Shelf) -> Callable[[int], int]:
    def ask(number: int) -> int:
        try:
            return int(made.take(number)[0])
        except OSError:
            return -1

    return ask


def test_many_threads_decode_each_photograph_once() -> None:
    made, times, _ = shelf(20, 30, trouble=7)
    numbers = [number for number in range(20) for _ in range(30)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(asked(made), numbers))
    assert answers == [-1 if number == 7 else number for number in numbers]
    assert set(times.values()) == {1}
    assert len(times) == 20
    assert not made._held, "the last tile puts a photograph away"


def test_who_would_wait_decodes_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go = threading.Event(), threading.Event()
    order: list[int] = []

    def decode(number: int) -> list[np.ndarray]:
        order.append(number)
        if number == 0:
            begun.set()
            assert go.wait(20)
        else:
            go.set()  # the first ends only once the second has been decoded
        return [np.array(number)]

    made = Shelf(decode, [2, 2], [1, 1])
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(made.take, 0)
        assert begun.wait(20)
        second = pool.submit(made.take, 0)
        assert first.result() == second.result() == [np.array(0)]
    assert order == [0, 1]
    assert made.take(1) == [np.array(1)]
    assert order == [0, 1]


def test_who_asks_for_single_tiles_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "ROOM", 30)
    made, _, most = shelf(50, 9, pixels=10)
    assert [asked(made)(number) for number in range(50)] == list(range(50))
    assert most == [3]
    made, _, most = shelf(50, 9, pixels=100)
    assert [asked(made)(number) for number in range(50)] == list(range(50))
    assert most == [2], "two are held, however large"
