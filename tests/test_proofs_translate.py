"""The pure parts of proofs/translate.py: what is held out, what simple methods make, and what its tables conclude."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "proofs"))

import translate as proof
import translate_baselines as baselines
import translate_data as data
from translate_bench import KD
from translate_tasks import CONTROL, OFF, ON, TASKS, Goal, fixed, of


def test_variants_of_an_emoji_are_on_one_side_and_the_sides_are_not_empty() -> None:
    astronauts = ("1F468-200D-1F680", "1f469-200d-1f680", "1F9D1-200D-1F680", "1F469-1F3FD-200D-1F680")
    assert len({data.fifth(code) for code in astronauts}) == 1
    assert data.fifth("1F3C3-200D-2640-FE0F") == data.fifth("1F3C3")
    assert data.fifth("1F468") in range(data.PARTS), "an emoji of nothing but what varies"
    assert {data.fifth(f"{code:X}") for code in range(0x1F600, 0x1F640)} == set(range(data.PARTS))


def test_tiles_of_the_earth_never_cross_the_border_of_what_is_held_out(tmp_path: Path) -> None:
    land = np.full((2700, 5400, 3), (200, 180, 100), np.uint8)
    land[:, :2000] = (20, 40, 200)  # a sea
    for name in ("bmng.jpg", "etopo1.jpg"):
        Image.fromarray(land).save(tmp_path / name)
    earth = data.Earth(tmp_path)
    test, train = earth.places(data.OCEANIA), earth.places(data.OCEANIA, data.TILE // 2, outside=True)
    west, east = ((degrees + 180) * data.DEGREE for degrees in data.OCEANIA)
    assert test
    assert train
    assert all(west <= x <= east - data.TILE for _, x in test)
    assert all(x + data.TILE <= west or x >= east for _, x in train)
    assert all(x >= 2000 - data.TILE for _, x in train), "the sea is left out"


def folder(tmp_path: Path, pairs: dict[str, int], colours: int = 4) -> baselines.Pictures:
    """Pairs of one colour each, b being a fixed function of a, which the test part keeps to."""
    random = np.random.default_rng(0)
    for part, count in pairs.items():
        for side in "ab":
            (tmp_path / part / side).mkdir(parents=True)
        for i in range(count):
            a = np.array(random.integers(0, colours, 3) * 60, np.uint8)
            for side, colour in (("a", a), ("b", 255 - a[::-1])):
                Image.fromarray(np.broadcast_to(colour, (16, 16, 3)).copy()).save(
                    tmp_path / part / side / f"{i:03}.png"
                )
    return baselines.Pictures(tmp_path)


def test_a_look_up_table_and_a_neighbour_learn_what_a_mean_cannot(tmp_path: Path) -> None:
    pictures = folder(tmp_path, {"train": 200, "test": 20}, colours=2)
    errors = {
        make.__name__: float((make(pictures) - pictures.true).abs().mean())
        for make in (baselines.copy, baselines.mean, baselines.look_up, baselines.neighbour)
    }
    assert errors["look_up"] < 0.01
    assert errors["neighbour"] < 1e-6
    assert errors["mean"] > 0.1
    assert errors["copy"] > 0.1
    assert all(made(pictures).shape == pictures.true.shape for made in baselines.BASELINES.values())


def test_grey_is_the_given_side_where_a_task_has_one_side_and_colours_are_learnt_for_it(tmp_path: Path) -> None:
    for part in ("train", "test"):
        (tmp_path / part / "b").mkdir(parents=True)
        for i, colour in enumerate([(200, 40, 40), (40, 40, 120)] * 3):  # each lightness has a colour of its own
            Image.fromarray(np.broadcast_to(np.array(colour, np.uint8), (16, 16, 3)).copy()).save(
                tmp_path / part / "b" / f"{i}.png"
            )
    pictures = baselines.Pictures(tmp_path)
    red, green, blue = pictures.given.unbind(1)
    assert torch.allclose(red, green, atol=0.01)
    assert torch.allclose(red, blue, atol=0.01)
    assert (baselines.look_up_colour(pictures) - pictures.true).abs().mean() < 0.02
    assert (baselines.mean_colour(pictures) - pictures.true).abs().mean() > 0.1


@pytest.mark.parametrize("n", [2, 7, 135])
def test_shuffling_leaves_nothing_in_its_place(n: int) -> None:
    order = baselines.shuffle(n)
    assert sorted(order.tolist()) == list(range(n))
    assert not (order == torch.arange(n)).any()


def test_a_goal_is_reached_only_by_the_mean_less_a_deviation() -> None:
    goal = Goal("sharp", "PSNR", fixed(16.0))
    assert "Reached" in proof.verdict(goal, {ON: [{"PSNR": 16.5}, {"PSNR": 16.7}]})
    assert "MISSED by 0.250" in proof.verdict(goal, {ON: [{"PSNR": 15.75}, {"PSNR": 16.75}, {"PSNR": 16.25}]})
    assert "NOT FINISHED" in proof.verdict(goal, {})


def test_what_is_to_be_low_must_stay_below_and_a_control_must_be_bad() -> None:
    rows = {ON: [{KD: 5.0}], OFF: [{KD: 9.0}], "the mean picture": [{"L1": 40.0, "PSNR": 12.0}]}
    real = Goal("real", KD, of(OFF, KD), needs=(OFF,))
    assert "Reached" in proof.verdict(real, rows)
    assert "MISSED" in proof.verdict(real, {**rows, OFF: [{KD: 4.0}]})
    assert "NOT FINISHED" in proof.verdict(real, {ON: rows[ON]})
    for figure, fine, telling in (("L1", 50.0, 30.0), ("PSNR", 11.0, 14.0)):
        chance = Goal("chance", figure, of("the mean picture", figure), CONTROL)
        assert "Reached" in proof.verdict(chance, {**rows, CONTROL: [{figure: fine}]})
        assert "MISSED" in proof.verdict(chance, {**rows, CONTROL: [{figure: telling}]})


def test_every_goal_is_about_a_column_and_rows_that_are_there() -> None:
    for task in TASKS.values():
        everything = {row: dict.fromkeys(task.columns, 1.0) for row in (*task.baselines, ON, OFF, CONTROL)}
        assert set(task.baselines) <= set(baselines.BASELINES)
        for goal in task.goals:
            assert goal.figure in task.columns
            assert isinstance(goal.bound(everything), float)
