"""The picture of a table's samples: its numbers are right, and what was made can be seen beside the data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import ImageColor

from made_up import table
from sparring.data import draw
from sparring.data.tables import plots
from sparring.data.tables.field import Field, Layout
from sparring.data.tables.plots import histogram


def of(name: str) -> tuple[Field, np.ndarray, np.ndarray]:
    """A number of the made-up table, with its places and codes."""
    data = table(4000)
    numbers = Layout(data.spec.fields).numbers
    at = [field.name for field in numbers].index(name)
    return numbers[at], data.rows[:, at], data.rows[:, 2 + at].astype(np.int64)


def test_the_outline_of_the_data_is_the_histogram_of_the_data() -> None:
    """Within a mode the made-up places are normal, so the card's Gaussians are the truth."""
    made, known = histogram(*of("age"))
    assert made.sum() == pytest.approx(1)
    assert known.sum() == pytest.approx(1)
    assert np.abs(made - known).sum() < 0.1
    assert len(known) == 41, "two whole numbers a bin, from 10 to 91"
    assert known.argmax() == (30 - 10) // 2


def test_spikes_and_missing_values_have_their_places() -> None:
    field, within, codes = of("pay")
    field = replace(field, low=0.0)
    made, known = histogram(field, within, codes)
    assert len(made) == 50
    assert made[0] == pytest.approx(field.shares[2], abs=1e-6)
    assert known[0] == pytest.approx(field.shares[2], abs=1e-3)
    assert made[-1] == pytest.approx(field.shares[3], abs=1e-6)
    assert known[-1] == field.shares[3]
    assert made.sum() == pytest.approx(1)


def test_heavy_tails_are_drawn_on_the_scale_that_they_are_learnt_on() -> None:
    field = replace(
        of("age")[0], scale="log", unit=10.0, means=(2.0, 5.0), deviations=(0.1, 0.1), low=0.0, high=10 * np.expm1(6)
    )
    made, _ = histogram(field, np.zeros(4), np.array([0, 0, 0, 1]))
    assert np.flatnonzero(made).tolist() == [16, 40]
    assert made[16] == 0.75


def test_a_number_of_one_value_has_a_plot() -> None:
    field = replace(of("age")[0], means=(5.0,), deviations=(0.01,), shares=(1.0,), codes=1, low=5.0, high=5.0)
    made, known = histogram(field, np.zeros(3), np.zeros(3, np.int64))
    assert made.max() == 1
    assert known.sum() == pytest.approx(1)


def blue(rows: torch.Tensor) -> int:
    """How many pixels are filled with samples."""
    pixels = np.asarray(draw.grid(table().spec, rows))
    return int((pixels == ImageColor.getrgb(plots.SAMPLES)).all(2).sum())


def test_a_grid_of_rows_is_a_plot_a_column_and_shows_what_was_made() -> None:
    rows = torch.from_numpy(table().rows)
    image = draw.grid(table().spec, rows)
    assert image.mode == "RGB"
    assert image.size == (2 * plots.WIDTH, plots.TITLE + 2 * plots.HEIGHT)
    one_city = rows.clone()
    one_city[:, 4] = 2  # the rarest
    changed = np.asarray(draw.grid(table().spec, one_city)) != np.asarray(image)
    down, across = np.nonzero(changed.any(2))
    assert down.min() > plots.TITLE + plots.HEIGHT, "cities have the third plot, in the second row on the left"
    assert across.max() < plots.WIDTH
    assert blue(rows) > 1000


def test_wide_columns_and_long_names_stay_within_their_plots() -> None:
    values = tuple(f"a very long name of a category, number {i}\nwith two lines" for i in range(300))
    wide = Field(
        "w" * 200, "categorical", "object", 100, (0.01,) * 100, values=values,
        groups=tuple(i % 100 for i in range(300)), counts=(1,) * 300,
    )  # fmt: skip
    spec = replace(table().spec, fields=(wide,) * 70, shape=(70,))
    image = draw.grid(spec, torch.zeros(5, 70))
    across = image.width // plots.WIDTH
    assert (across, image.height) == (8, plots.TITLE + 8 * plots.HEIGHT), "60 plots of 70"
    edge = np.asarray(image)[plots.TITLE :, plots.WIDTH - 4 : plots.WIDTH]
    assert (edge == 255).all()
