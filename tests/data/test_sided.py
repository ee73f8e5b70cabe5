"""Batches of crops: what both of a pair share, whatever their sizes, what two sides do not, and pictures alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from made_up import pairs, pictures
from sparring.data.batches import Batches, some
from sparring.data.dataset import Dataset
from sparring.data.sided import Sided, window
from sparring.data.streams import reader


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


def alone() -> Dataset:
    """As `places`, and nothing to make them from."""
    dataset = places("pairs")
    return replace(dataset, spec=replace(dataset.spec, kind="pictures", source=()), source=None)


def two_sizes(scale: int, count: int = 40) -> Dataset:
    """Small pictures of 9 by 11, of which 6 by 5 are seen, and the same with scale x scale equal pixels for one."""
    small = np.random.default_rng(0).integers(0, 256, (count, 3, 9, 11), dtype=np.uint8)
    made = pairs((3, 6 * scale, 5 * scale), 3, count)
    assert made.source is not None
    source = replace(made.source, rows=small, spec=replace(made.source.spec, shape=(3, 6, 5)))
    large = small.repeat(scale, 2).repeat(scale, 3)
    return replace(made, spec=replace(made.spec, source=(3, 6, 5)), rows=large, source=source)


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("flip", [False, True])
def test_both_of_a_pair_of_two_sizes_show_one_place(scale: int, flip: bool) -> None:
    dataset = two_sizes(scale)
    assert dataset.source is not None
    stream, order = Sided(dataset, 64, seed=2, flip=flip), Sided(dataset, 64, seed=2)._order
    seen, mirrored = set(), 0
    for position in range(4):
        x, given = map(stored, next(stream))
        assert (x.shape, given.shape) == ((64, 3, 6 * scale, 5 * scale), (64, 3, 6, 5))
        assert np.array_equal(x, given.repeat(scale, 2).repeat(scale, 3))
        for crop, row in zip(given, order.rows(64 * position, 64), strict=True):
            windows = np.lib.stride_tricks.sliding_window_view(dataset.source.rows[row], (6, 5), axis=(1, 2))
            for turned in (crop, crop[..., ::-1]):
                found = np.argwhere((windows.transpose(1, 2, 0, 3, 4) == turned).all((2, 3, 4)))
                seen |= {tuple(place) for place in found.tolist()}
                mirrored += len(found) if turned is not crop else 0
    assert seen == {(top, left) for top in range(4) for left in range(7)}, "crops begin wherever there is room"
    assert (80 < mirrored < 176) if flip else not mirrored


def test_pictures_alone_are_cropped_and_mirrored_and_nothing_is_given() -> None:
    x, given = next(Sided(alone(), 64, seed=1))
    of_pairs, _ = next(Sided(places("pairs"), 64, seed=1))
    assert torch.equal(x, of_pairs)
    assert given.shape == (64, 0)
    pixels = stored(x)
    assert len(np.unique(pixels[:, 0, 0, 0])) == 5
    assert np.unique(np.diff(pixels[:, 1, 0, :2])).tolist() == [-1, 1]
    unmirrored = stored(next(Sided(alone(), 64, seed=1, flip=False)).x)
    assert np.unique(np.diff(unmirrored[:, 1, 0, :2])).tolist() == [1]


@pytest.mark.parametrize("dataset", [alone(), two_sizes(4)], ids=["alone", "two sizes"])
def test_shares_and_a_later_position_see_what_one_stream_sees(dataset: Dataset) -> None:
    stream = Sided(dataset, 12, seed=5)
    whole = [next(stream) for _ in range(6)]
    later = Sided(dataset, 12, seed=5)
    later.position = 4
    shares = [Sided(dataset, 12, seed=5, share=i, shares=3) for i in range(3)]
    for number, (x, given) in enumerate(whole):
        parts = [next(share) for share in shares]
        assert torch.equal(x, torch.cat([part.x for part in parts]))
        assert torch.equal(given, torch.cat([part.given for part in parts]))
        if number >= 4:
            resumed = next(later)
            assert torch.equal(resumed.x, x)
            assert torch.equal(resumed.given, given)
    assert not torch.equal(whole[0].x, whole[1].x)


def test_the_reader_crops_what_is_made_from_pictures_or_stored_larger() -> None:
    for dataset in (places("pairs"), places("sides"), two_sizes(2), alone()):
        assert isinstance(reader(dataset, conditional=False)(dataset, 4, 0), Sided)
    left = stored(next(reader(alone(), conditional=False, flip=False)(alone(), 64, 0)).x)[:, 1, 0]
    assert (np.diff(left) == 1).all(), "the wish not to mirror is passed on"
    assert reader(pictures(3, 8, 8), conditional=False) is Batches
    part = replace(pictures(3, 8, 8), chosen=np.arange(4))
    assert reader(part, conditional=False) is Batches
