"""How a run looks in a notebook: whatever its folder holds, one piece of HTML that is safe and closes its tags."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from made_up_log import Tags, alarm, evaluation, line, make_run, opening
from sparring.notebook import html
from sparring.run import Run

END = {"event": "end", "step": 40}


def test_it_shows_the_newest_grid_the_evaluation_and_the_alarms(tmp_path: Path) -> None:
    records = [opening(), line(20), alarm(20), alarm(30, seen="Worse."), evaluation(40), END]
    page = html(Run(make_run(tmp_path / "run", records, steps=(0, 20))))
    (picture,) = [attrs for tag, attrs in Tags(page).found if tag == "img"]
    assert picture["alt"] == "Grid of samples at step 20"
    assert "pixelated" in str(picture["style"])
    assert "width:480px" in str(picture["style"])  # 8 pixels, enlarged by a whole number
    text = re.sub(r"<[^>]+>", " ", page)
    assert "dcgan on digits  · finished · step 40" in text
    assert re.search(r"KD\[x\]\s+lower is better\s+0\.025\s+± 0\.012", text)
    assert re.search(r"collapse\s+at step 30: Worse\.\s+Try:\s+Use\s+--critic\.lr 1e-4", text)
    assert "All alike." not in text
    assert not {"script", "style", "link"} & {tag for tag, _ in Tags(page).found}


def test_without_an_evaluation_the_last_losses_stand_in(tmp_path: Path) -> None:
    text = re.sub(r"<[^>]+>", " ", html(Run(make_run(tmp_path / "run", [opening(), line(20)]))))
    assert re.search(r"critic/real\s+20", text)
    assert "running" in text


def test_a_run_with_nothing_in_it_has_a_title(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", [])
    (run / "log.jsonl").unlink()
    (run / "samples").rmdir()
    page = html(Run(run))
    Tags(page)
    assert "dcgan on digits" in page
    assert "<img" not in page
    assert "<table" not in page


def test_a_damaged_grid_gives_way_to_the_one_before(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", [opening()], steps=(1, 2))
    (run / "samples" / "000002.png").write_bytes(b"half")
    assert "Grid of samples at step 1" in html(Run(run))


@pytest.mark.parametrize("evil", ["<script>alert(1)</script>", '"><b>', "&lt;"])
def test_nothing_said_can_inject(tmp_path: Path, evil: str) -> None:
    records = [opening(name=evil), line(20), alarm(20, evil, evil, evil), evaluation(40, **{evil: 1.0})]
    plain = [opening(name="n"), line(20), alarm(20, "n", "n", "n"), evaluation(40, n=1.0)]
    found, expected = (html(Run(make_run(tmp_path / str(i), said))) for i, said in enumerate((records, plain)))
    assert [tag for tag, _ in Tags(found).found] == [tag for tag, _ in Tags(expected).found]
    assert evil not in re.sub(r'src="[^"]*"', "", found).replace("&amp;lt;", "")
