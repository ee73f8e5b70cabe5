"""Batches of two sides: crops and mirrors that both of a pair share, and that sides do not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from made_up import pairs
from sparring.data.batches import some
from sparring.data.dataset import Dataset
from sparring.data.sided import Sided, window


def places(kind: str, count: int = 40) -> Dataset:
    """Pictures of 12 by 12 whose pixels tell their row and column, and of which the networks see 8 by 8.

    What they are made from tells the same, 100 higher.
    """
    grid = np.stack(np.mgrid[:12, :12], 0).astype(np.uint8)
    rows = np.repeat(np.concatenate([grid, np.zeros_like(grid[:1])])[None], count, 0)
    rows[:, 2] = np.arange(count)[:, None, None]
    made = pairs((3, 12, 12), 3, count, kind)
    assert made.source is not None
    source = replace(made.source, rows=np.resize(rows + 100, (len(made.source), 3, 12, 12)))
    source = replace(source, spec=replace(source.spec, shape=(3, 8, 8)))
    return replace(made, spec=replace(made.spec, shape=(3, 8, 8), source=(3, 8, 8)), rows=rows, source=source)


def stored(x: torch.Tensor) -> np.ndarray:
    """What the networks see, as it was stored."""
    return x.add(1).mul(127.5).round().int().numpy()


def batch(dataset: Dataset, flip: bool = True, n: int = 32) -> tuple[np.ndarray, np.ndarray]:
    x, given = next(Sided(dataset, n, seed=1, flip=flip))
    assert x.shape == given.shape == (n, 3, 8, 8)
    return stored(x), stored(given)


def test_both_of_a_pair_are_cropped_and_mirrored_alike() -> None:
    x, given = batch(places("pairs"))
    assert (given == x + 100).all()
    assert len(np.unique(x[:, 0, 0, 0])) == 5, "crops begin at every row that leaves room for 8"
    steps = np.unique(x[:, 1, 0, 1] - x[:, 1, 0, 0])
    assert steps.tolist() == [-1, 1], "some are mirrored, and some are not"


def test_two_sides_are_shuffled_cropped_and_mirrored_each_by_itself() -> None:
    x, given = batch(places("sides"))
    for channel in (0, 1, 2):
        assert (given[:, channel, 0, 0] != x[:, channel, 0, 0] + 100).any()
    assert (np.diff(x[:, 1, 0, :2], axis=1) != np.diff(given[:, 1, 0, :2], axis=1)).any()


def test_without_flip_nothing_is_mirrored() -> None:
    x, _ = batch(places("pairs"), flip=False)
    assert (np.diff(x[:, 1], axis=2) == 1).all()


def test_an_epoch_shows_every_picture_of_both_sides_once() -> None:
    dataset = places("sides")
    assert dataset.source is not None
    stream = Sided(dataset, 5, seed=0)
    shown = [next(stream) for _ in range(len(dataset.source) // 5)]
    made = np.concatenate([stored(x)[:, 2, 0, 0] for x, _ in shown])
    assert sorted(made[: len(dataset)]) == list(range(len(dataset)))
    given = np.concatenate([stored(given)[:, 2, 0, 0] for _, given in shown])
    assert sorted(given) == sorted(dataset.source.rows[:, 2, 0, 0])


def test_shares_make_up_the_whole_batch() -> None:
    for kind in ("pairs", "sides"):
        dataset = places(kind)
        whole = next(Sided(dataset, 8, seed=3))
        parts = [next(Sided(dataset, 8, seed=3, share=i, shares=4)) for i in range(4)]
        assert torch.equal(whole.x, torch.cat([part.x for part in parts]))
        assert torch.equal(whole.given, torch.cat([part.given for part in parts]))


def test_outside_training_the_centre_is_seen() -> None:
    dataset = places("pairs")
    x, given = some(dataset, np.array([3, 7]))
    assert (stored(x)[:, 0, 0, 0] == 2).all()
    assert (stored(x)[:, 2, 0, 0] == [3, 7]).all()
    assert (stored(given) == stored(x) + 100).all()


def test_labels_become_a_map_each() -> None:
    dataset = pairs((3, 16, 16))
    assert dataset.source is not None
    codes = np.random.default_rng(0).integers(0, 3, dataset.source.rows.shape).astype(np.uint8)
    spec = replace(dataset.spec, source=(3, 16, 16), labels=(0, 7, 255))
    dataset = replace(dataset, spec=spec, source=replace(dataset.source, rows=codes))
    given = next(Sided(dataset, 6, seed=0, flip=False)).given
    assert given.shape == (6, 3, 16, 16)
    assert given.sum(1).eq(1).all()
    assert set(given.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(some(dataset, np.arange(4)).given.argmax(1), torch.from_numpy(codes[:4, 0].astype(np.int64)))


def test_a_window_of_the_whole_is_the_whole() -> None:
    rows = np.random.default_rng(0).integers(0, 255, (4, 3, 10, 6)).astype(np.uint8)
    assert np.array_equal(window(rows, (3, 10, 6), np.full((4, 3), 0.99), flip=True), rows)
    assert np.array_equal(window(rows, (3, 10, 6), np.zeros((4, 3)), flip=True), rows[..., ::-1])
