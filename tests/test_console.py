"""What a person at the terminal reads."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from torch import nn

from made_up import pictures
from sparring.console import Console, _clock
from sparring.recipes import srgan
from sparring.recipes.dcgan import Config
from sparring.run import Run
from sparring.trainer import Trainer

FIGURES = {"steps": 40, "seconds": 65.0, "images_per_second": 1234.5, "skipped": 0, "restores": 0}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = Run.create(tmp_path / "run", "dcgan", "squares", Config(steps=40))
    (made.folder / "samples" / "000040.png").touch()
    (made.checkpoints / "step-00000040.pt").touch()
    return made


def test_the_end_says_where_everything_lies_and_what_to_type(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    Console(quiet=False).close(run, FIGURES, interrupted=False)
    text = capsys.readouterr().out
    for part in ("40 rounds in 1:05", "samples/000040.png", "report.html", "step-00000040.pt", "sparring sample"):
        assert part in text
    assert "skipped" not in text


def test_an_interrupted_run_says_how_to_go_on_and_a_sick_one_what_was_skipped(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    Console(quiet=False).close(run, {**FIGURES, "skipped": 3, "restores": 1}, interrupted=True)
    text = capsys.readouterr().out
    assert f"sparring train --resume {run.folder}" in text
    assert "3 rounds were skipped, 1 times the run was set back" in text


def test_the_heading_names_data_networks_and_plan(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with Console(quiet=False) as console:
        console.open(run, pictures(1, 8, 8), Config(steps=40), {"generator": 1200, "critic": 34}, 0)
    text = capsys.readouterr().out
    for part in ("dcgan on squares: 24 pictures of 1×8×8", "generator 1,200, critic 34", "40 rounds of 64 samples"):
        assert part in text


def test_photographs_at_their_own_size_are_counted_by_their_tiles(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = Run.create(tmp_path / "run", "srgan", "squares", srgan.Config(steps=40))
    with Console(quiet=False) as console:
        console.open(made, pictures(3, 8, 8), srgan.Config(steps=40), {"generator": 1200}, 0)
    assert "srgan on squares: 24 tiles of 3×8×8" in capsys.readouterr().out


def test_a_network_that_two_players_hold_is_counted_once() -> None:
    shared, alone = nn.Linear(9, 10), nn.Linear(2, 1)
    players = {"pixel": [shared], "generator": [shared], "critic": [alone], "frozen": []}
    held = {
        who: SimpleNamespace(parameters=[p for one in nets for p in one.parameters()]) for who, nets in players.items()
    }
    assert Trainer.sizes.fget(SimpleNamespace(players=held)) == {"generator": 100, "critic": 3, "frozen": 0}  # type: ignore[attr-defined]


def test_quiet_is_quiet(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with Console(quiet=True) as console:
        console.open(run, pictures(1, 8, 8), Config(steps=40), {"generator": 1}, 0)
        console.advance(1, 0.5)
        console.report({"critic/real": 1.0}, 10.0)
        console.close(run, FIGURES, interrupted=False)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (65.4, "1:05"), (3725, "1:02:05")])
def test_clock(seconds: float, text: str) -> None:
    assert _clock(seconds) == text
