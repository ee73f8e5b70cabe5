"""The split of pictures in groups, such as the tiles of photographs: whole groups are held out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from made_up import pictures
from sparring.data.split import split


def test_a_white_sky_in_two_photographs_does_not_make_them_one_group() -> None:
    """Whole photographs are held out; of the equal white tiles none is on both sides."""
    data = pictures(1, 8, 8, count=40)
    rows = data.rows.copy()
    rows[::10] = 255
    data = replace(data, rows=rows, groups=np.arange(40) // 10)
    train, held = split(data, 0.25)
    assert held is not None
    seen, new = (set(map(bytes, part.take(np.arange(len(part))))) for part in (train, held))
    assert len(held) == 9, "a photograph of ten tiles, less its white one"
    assert not seen & new
    textured = rows.copy()
    textured[11] = textured[1]
    for seed in range(10):
        _, held = split(replace(data, rows=textured), 0.5, seed)
        assert held is not None
        assert held.groups is not None
        assert len({0, 1} & set(held.groups)) != 1, "those that share a picture of something are one"
