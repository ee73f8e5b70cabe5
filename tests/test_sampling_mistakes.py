"""`sparring sample`: each mistake ends in one sentence, and leaves the files that were there."""

from __future__ import annotations

from pathlib import Path

import pytest

import sparring
from fighting import UNPROBED
from sparring.errors import MISTAKE
from test_cli import run as command

STILL = {"steps": 2, "batch": 8, "width": 8, "features": "none", **UNPROBED}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of few rounds on digits."""
    folder = tmp_path_factory.mktemp("run") / "vanilla"
    sparring.train("vanilla", "digits", quiet=True, out=str(folder), **STILL)
    return folder


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--truncation", "1.6"], "the truncation is 1.6; give one from 0"),
        (["--truncation", "-1"], "the truncation is -1; give one from 0"),
        (["--truncation", "nan"], "the truncation is nan; give one from 0"),
        (["--sweep"], "vanilla is not conditional, so it has no classes to sweep"),
        (["--given", "7"], "vanilla is not conditional, so it cannot be asked for `7`"),
        (["--interpolate", "1"], "interpolate between two samples or more; 1 asked for"),
        (["--interpolate", "0"], "interpolate between two samples or more; 0 asked for"),
        (["--interpolate", "3", "--frames", "0"], "there is one frame or more; 0 asked for"),
        (["--interpolate", "3", "--grid", "a.avi"], "`.avi` is no ending of pictures that can be written"),
        (["--interpolate", "3", "--grid", "a.avi"], "written as .gif, .mp4 or .png"),
        (["--grid", "a.mp4"], "cannot write the samples to a.mp4: `.mp4` is no ending"),
        (["--grid", "grid"], "cannot write the samples to grid: its name has no ending; give one such as .png"),
        (["--like", "no.png"], "cannot read the picture no.png: No such file or directory"),
        (["--like", "."], "cannot read the picture .: Is a directory"),
        (["--like", "text.png"], "cannot read the picture text.png: not a picture"),
        (["--like", "text.png", "--sweep"], "--sweep and --like are different ways of sampling: give one of them"),
        (["--like", "text.png", "-n", "3"], "-n does not go with --like"),
        (["--neighbours", "--out", "x"], "--out does not go with --neighbours"),
        (["--sweep", "--given", "7"], "--given does not go with --sweep"),
        (["--frames", "3"], "--frames needs --interpolate"),
        (["-n", "-3"], "ask for one sample or more; -3 were asked for"),
        (["--seed", "-1"], "a seed is 0 or more; it is -1"),
        (["--best"], "leave out --best"),
    ],
)
def test_mistakes_end_in_one_sentence(
    words: list[str],
    sentence: str,
    folder: Path,
    elsewhere: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("text.png").write_text("not a picture")
    assert command(monkeypatch, "sample", str(folder), *words) == MISTAKE
    complaint = capsys.readouterr().err
    assert sentence in complaint
    assert complaint.count("\n") == 1
    assert [path.name for path in elsewhere.iterdir()] == ["text.png"], "nothing is written"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--like", "text.png"], "ring makes points, so no picture can be found among its samples"),
        (["--neighbours"], "ring makes points, which cannot be laid side by side"),
    ],
)
def test_points_are_no_pictures(
    words: list[str], sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sparring.train("vanilla", "ring", quiet=True, out="ring", **STILL)
    assert command(monkeypatch, "sample", "ring", *words) == MISTAKE
    assert sentence in capsys.readouterr().err


def test_a_write_that_fails_leaves_the_old_file(
    folder: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("grid.png").write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", fail)
    assert command(monkeypatch, "sample", str(folder)) == MISTAKE
    assert "cannot write the samples: [Errno 28] No space left on device" in capsys.readouterr().err
    assert Path("grid.png").read_bytes() == b"old"
    assert [path.name for path in elsewhere.iterdir()] == ["grid.png"]
