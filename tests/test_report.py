"""The report must hold the whole run, load nothing from elsewhere, and survive what a crash leaves behind."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from made_up_log import Tags, evaluation, line, make_run, opening, page_of, payload_of
from sparring.data.spec import SAMPLE, WORDS
from sparring.errors import SparringError
from sparring.history import MOST_POINTS
from sparring.report import write_report
from sparring.report_pictures import LARGE_GRID, LARGE_SIDE


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    metrics = {
        "steps": 100,
        "images": 6400,
        "seconds": 3723.0,
        "peak_memory_mb": 1500.0,
        "FD[x]": {"mean": 7.25},
    }
    records = [opening(), *(line(step) for step in range(1, 101)), {"event": "end", "step": 100}]
    return make_run(tmp_path / "run", records, metrics, steps=(0, 50, 100))


def test_the_page_holds_the_whole_run(finished: Path) -> None:
    page = page_of(finished)
    charts = {chart["title"]: [one["name"] for one in chart["series"]] for chart in payload_of(page)["charts"]}
    assert charts["critic"] == ["real", "fake"]
    assert charts["generator"] == ["fool"]
    assert charts["gradient norms"] == ["critic", "generator"]
    assert "speed" in charts
    tags = Tags(page).found
    assert [attrs["data-step"] for tag, attrs in tags if tag == "img"] == ["0", "50", "100"]
    for text in (
        "dcgan on digits",
        "finished",
        "6,400",
        "1 h 2 min",
        "1.5 GB",
        "1 × 8 × 8",
        "2: zero, one",
        "c0ffee",
    ):
        assert text in page
    for text in (
        "made by code",
        "12,345 parameters",
        "critic.lr",
        "0.0003",
        "61",
        "packages.torch",
        "FD[x].mean",
        "7.25",
    ):
        assert text in page
    assert "Not complete" not in page


@pytest.mark.parametrize(
    ("recipe", "words"),
    [("dcgan", "The same latents each time"), ("pix2pix", "The same held-out pictures to translate each")],
)
def test_the_grids_say_what_they_are_made_from(recipe: str, words: str, finished: Path) -> None:
    config = finished / "config.yaml"
    config.write_text(config.read_text().replace("dcgan", recipe))
    page = page_of(finished)
    assert words in page
    assert ("latents each time" in page) == (recipe == "dcgan")


def test_the_page_loads_nothing(finished: Path) -> None:
    page = page_of(finished)
    assert "default-src 'none'" in page
    for _, attrs in Tags(page).found:
        for name in ("src", "href", "srcset", "action", "data"):
            assert (attrs.get(name) or "data:").startswith("data:")
    assert not re.search(r"@import|url\((?!#)|fetch\(|XMLHttpRequest|import\(", page)


@pytest.mark.parametrize(
    "evil", ["</script><b>", "<b>", '"><img src=x onerror=alert(1)>', "{{payload}}", "<!--<script>"]
)
def test_names_cannot_inject(tmp_path: Path, evil: str) -> None:
    plain = make_run(tmp_path / "plain", [opening(name="n"), line(1, **{"critic/n": 1.0})], {"n": {"n": 1}})
    records = [opening(name=evil, notes=[evil], classes=[evil]), line(1, **{f"critic/{evil}": 1.0})]
    run = make_run(tmp_path / "evil", records, {evil: {evil: evil}})
    page = page_of(run)
    assert [tag for tag, _ in Tags(page).found] == [tag for tag, _ in Tags(page_of(plain)).found]
    assert payload_of(page)["charts"][0]["series"][0]["name"] == evil.rpartition("/")[2]


def test_damaged_parts_are_passed_over_and_named(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", [opening(), line(1), line(2)], metrics=[], steps=(1, 2))
    with open(run / "log.jsonl", "ab") as log:
        log.write(b'{"step": 3, "terms": {"cri\n\xff\xfe\x00\n[1]\n{"step": "x"}\n{"terms": {}}\n')
        log.write(b'{"step": 4, "images": null, "terms": {"critic/real": NaN, "critic/fake": "x"}, "norms": 3}\n')
    whole = (run / "samples" / "000002.png").read_bytes()
    (run / "samples" / "000002.png").write_bytes(whole[: len(whole) // 2])
    (run / "samples" / "notes.png").write_bytes(b"")
    page = page_of(run)
    assert "Damaged lines of log.jsonl, passed over: 5." in page
    assert "samples/000002.png is damaged" in page
    assert "metrics.json is damaged" in page
    assert page.count("<img ") == 1
    assert payload_of(page)["charts"][0]["series"][0]["y"] == [1, 2]


def test_an_empty_run_says_what_is_missing(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", [])
    (run / "log.jsonl").unlink()
    (run / "samples").rmdir()
    page = page_of(run)
    Tags(page)
    for text in ("log.jsonl is missing", "no metrics.json", "no sample grids", "dcgan on digits", "running"):
        assert text in page


def test_no_run_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SparringError, match="no run"):
        write_report(tmp_path)


def test_outcome_and_figures_of_a_run_under_way(tmp_path: Path) -> None:
    records = [opening(), line(10), {"event": "interrupted", "step": 10}, opening("resume", 10), line(40)]
    run = make_run(tmp_path / "run", records[:3], metrics={"steps": 10, "images": 640})
    assert '<span class="outcome interrupted">' in page_of(run)
    assert "10 / 100" in page_of(run)
    (run / "log.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    page = page_of(run)
    assert '<span class="outcome running">' in page
    assert "40 / 100" in page  # metrics.json is of the first sitting


def test_marks_stand_where_training_went_on(tmp_path: Path) -> None:
    restore = {"event": "restore", "from_step": 30, "step": 10, "lr_scale": 0.5}
    records = [opening(), line(10), line(20), line(30), restore, line(20), opening("resume", 10), line(20)]
    page = page_of(make_run(tmp_path / "run", records))
    # At a restore the clock has gone on to the last report; a resume has the checkpoint's clock.
    assert payload_of(page)["marks"] == [
        {"kind": "restore", "label": "restore", "place": [10, 640, 3.0]},
        {"kind": "resume", "label": "resume", "place": [10, 640, 1.0]},
    ]
    assert "from step 30 back to 10" in page


def test_a_long_log_is_thinned_fast_and_keeps_its_spike(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", [opening()])
    lines = [json.dumps(line(step, **{"critic/real": 0.0 if step != 54_321 else 9.0})) for step in range(1, 100_001)]
    (run / "log.jsonl").write_text("\n".join(lines))
    began = time.process_time()
    page = page_of(run)
    assert time.process_time() - began < 5
    payload = payload_of(page)
    real = payload["charts"][0]["series"][0]
    assert all(len(one["y"]) <= MOST_POINTS for chart in payload["charts"] for one in chart["series"])
    steps = [payload["places"][at][0] for at in real["at"]]
    assert dict(zip(steps, real["y"], strict=True))[54_321] == 9.0
    assert steps[0] == 1
    assert steps[-1] == 100_000


def test_a_large_grid_is_compressed(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", [opening()])
    noise = np.random.default_rng(0).integers(0, 255, (100, LARGE_SIDE + 400, 4), np.uint8)
    Image.fromarray(noise).save(run / "samples" / "000005.png")
    assert (run / "samples" / "000005.png").stat().st_size > LARGE_GRID
    page = page_of(run)
    assert "data:image/webp" in page
    assert f'width="{LARGE_SIDE}" height="80"' in page
    assert "samples/ has the originals" in page


def test_a_number_that_no_float_can_hold_is_passed_over(tmp_path: Path) -> None:
    records = [opening(), line(1), line(2, **{"critic/real": 10**400})]
    page = page_of(make_run(tmp_path / "run", records, {"steps": 10**400, "FD": 10**400}))
    assert payload_of(page)["charts"][0]["series"][0]["y"] == [1]


@pytest.mark.parametrize(
    ("kind", "unit"),
    [("pictures", "pictures"), ("points", "points"), ("table", "rows"), ("sequences", "sequences"), (["?"], "samples")],
)
def test_samples_are_called_by_what_the_data_is(tmp_path: Path, kind: Any, unit: str) -> None:
    page = page_of(make_run(tmp_path / "run", [opening(kind=kind, shape=[2], classes=[]), line(1), evaluation(1)]))
    assert f"<dt>{unit.capitalize()}/s</dt>" in page
    assert payload_of(page)["unit"] == unit
    assert f">Mean {unit[:-1]}</th>" in page
    assert "without labels" in page


def test_every_kind_of_data_has_a_word_for_one_sample() -> None:
    assert SAMPLE.keys() == WORDS.keys()
