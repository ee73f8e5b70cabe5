"""What the report says of alarms and of quality: every number with what it takes to read it, and nothing unsafe."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from made_up_log import Tags, alarm, checkup, evaluation, heal, line, make_run, opening, page_of
from sparring.report_quality import with_code

END = {"event": "end", "step": 40}


def words(page: str) -> str:
    """The page without tags, scripts and line breaks."""
    body = re.sub(r"(?s)<(style|script).*?</\1>", "", page)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def written(**more: Any) -> dict[str, Any]:
    """metrics.json with an evaluation."""
    best = {"step": 20, "metric": "KD[x]", "value": 0.05}
    return {"steps": 40, "evaluation": {**evaluation(40), "best": None}, "best": best, "speed": {"a": 1}, **more}


def test_an_alarm_says_what_is_seen_and_what_to_try(tmp_path: Path) -> None:
    records = [opening(), line(10), checkup(10), alarm(10), line(20), alarm(20, seen="Worse."), heal(20, 10)]
    page = page_of(make_run(tmp_path / "run", [*records, alarm(30, "memorising <b>"), END]))
    text = words(page)
    assert "collapse 2 times, first at step 10, last at step 20 Worse. Try: Use --critic.lr 1e-4 ." in text
    assert "Done at step 20: back to step 10, with 0.5 times the learning rates." in text
    assert "<code>--critic.lr 1e-4</code>." in page
    assert "memorising &lt;b&gt; <small>at step 30</small>" in page
    assert "from step 20 back to 10 against collapse, with 0.5 times the learning rates" in text
    assert "at step 30: memorising" in text
    assert page.index('id="alarms"') < page.index("Samples through training")


def test_no_alarm_is_said_only_where_somebody_looked(tmp_path: Path) -> None:
    looked = page_of(make_run(tmp_path / "looked", [opening(), line(10), checkup(10), checkup(20)]))
    assert "Alarms None were raised in 2 checkups." in words(looked)
    assert "Alarms" not in page_of(make_run(tmp_path / "unwatched", [opening(), line(10)]))


@pytest.mark.parametrize(
    ("said", "typed"),
    [
        ("Use --critic.lr 2e-05 --generator.lr 1e-4.", ["--critic.lr 2e-05", "--generator.lr 1e-4"]),
        ("A stronger penalty (--gp-weight 40) helps.", ["--gp-weight 40"]),
        ("Say --heal or --best=FD, please.", ["--heal", "--best=FD"]),
        ("Type `sparring train --resume runs/a <b>` now.", ["sparring train --resume runs/a &lt;b&gt;"]),
        ("A well-known --- dash -- and a < b.", []),
    ],
)
def test_what_can_be_typed_is_set_as_code(said: str, typed: list[str]) -> None:
    page = with_code(said)
    assert re.findall("<code>(.*?)</code>", page) == typed
    assert "<b>" not in page


def test_the_last_evaluation_stands_in_a_table_with_its_protocol(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", [opening(), line(20), evaluation(20, True), evaluation(40), END], written())
    page = page_of(run)
    text = words(page)
    Tags(page)
    assert "Quality at step 40" in text
    assert "Metric Value ± standard error Real against real Mean picture" in text
    assert "KD[x] lower is better 0.025 ± 0.012 0.001 3.5" in text
    assert "recall varied; higher is better 0.25 – –" in text
    protocol = "Features: trained-x (abcdef01), bilinear 32 · 180 real, held-out · 2,000 fake · seed 5"
    assert protocol in text
    assert "180 are few." in text
    assert "Best: KD[x] 0.05, at step 20." in text
    assert "best.pt" not in text
    assert "speed.a" in text
    assert "evaluation.step" not in text, "the evaluation must not be flattened into the measurements"
    (run / "checkpoints").mkdir()
    (run / "checkpoints" / "best.pt").touch()
    assert "at step 20. Its weights are in checkpoints/best.pt." in words(page_of(run))


def test_enlarged_pictures_stand_beside_bicubic_ones(tmp_path: Path) -> None:
    name = "PSNR[Y, border 4, bicubic]"
    judged = evaluation(40, **{name: {"value": 28.5, "unchanged": 26.25}, "KD[x]": {"value": 0.5, "floor": 0.125}})
    run = make_run(tmp_path / "run", [opening(), line(20), judged, END])
    text = words(page_of(run))
    assert "Metric Value ± standard error Real against real Unchanged" in text, "of pictures that stay as large"
    judged["protocol"] = {**judged["protocol"], "scale": 4}
    (run / "metrics.json").write_text(json.dumps({"evaluation": judged}))
    text = words(page_of(run))
    assert "Metric Value ± standard error Real against real Enlarged bicubically" in text
    assert f"{name} decibels; higher is better 28.5 – 26.25" in text
    assert "KD[x] lower is better 0.5 0.125 –" in text
    assert "seed 5 · enlarged 4 times" in text


def test_a_run_under_way_shows_the_evaluation_of_its_log(tmp_path: Path) -> None:
    records = [opening(), line(20), evaluation(20, True), evaluation(60)]
    text = words(page_of(make_run(tmp_path / "run", records, written())))  # metrics.json is of an earlier sitting
    assert "Quality at step 60" in text
    assert "Best so far: at step 20." in text


def test_curves_need_two_evaluations(tmp_path: Path) -> None:
    one = make_run(tmp_path / "one", [opening(), line(20), evaluation(20)])
    two = make_run(tmp_path / "two", [opening(), line(20), evaluation(20, True), evaluation(40)])
    assert 'data-part="quality"></div>' not in page_of(one)
    page = page_of(two)
    assert 'data-part="quality"></div>' in page
    assert "Ringed: the best evaluation." in page
    assert [tag for tag, _ in Tags(page).found].count("fieldset") == 2


def test_neighbours_are_embedded_with_how_to_read_them(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", [opening(), line(20)])
    assert "Nearest neighbours" not in page_of(run)
    Image.new("L", (30, 10)).save(run / "neighbours.png")
    page = page_of(run)
    (shown,) = [attrs for tag, attrs in Tags(page).found if tag == "img"]
    assert (shown["width"], shown["height"]) == ("30", "10")
    assert str(shown["src"]).startswith("data:image/png;base64,")
    assert "A copy would look the same as its training picture" in words(page)
    (run / "neighbours.png").write_bytes(b"no picture")
    assert "neighbours.png is damaged and left out." in page_of(run)


def test_damaged_evaluations_are_named(tmp_path: Path) -> None:
    broken = {"step": [], "protocol": 3, "metrics": {"KD[x]": {"value": "x"}, "FD": 2}, "notes": "no list"}
    records = [opening(), line(20), {**evaluation(20), "metrics": {"KD[x]": "x"}}, END]
    run = make_run(tmp_path / "run", records, {"evaluation": broken, "best": {"step": "x"}})
    text = words(page_of(run))
    assert "The evaluation at step 20 has damaged values: KD[x] (value)." in text
    assert "The evaluation in metrics.json has damaged values: KD[x] (value)." in text
    assert "KD[x] lower is better –" in text
    (run / "metrics.json").write_text(json.dumps({"evaluation": 3, "best": 4}))
    text = words(page_of(run))
    assert "The evaluation in metrics.json is damaged." in text
    assert "Quality at step 20" in text, "the log's stands in"


@pytest.mark.parametrize("evil", ["</script><b>", '"><img src=x onerror=alert(1)>', "`<b>`", "{{payload}}"])
def test_nothing_said_can_inject(tmp_path: Path, evil: str) -> None:
    def said(word: str) -> list[tuple[str, dict[str, str | None]]]:
        judged = evaluation(20, **{word: {"value": 1.0, "error": 1.0}})
        judged |= {"notes": [word], "protocol": {"features": word, "fingerprint": word, "split": word, "real": word}}
        records = [opening(), line(20), judged, alarm(20, word, word, word), heal(20, 10) | {"remedy": word}]
        metrics = {"evaluation": judged, "best": {"step": 1, "metric": word, "value": word}}
        return Tags(page_of(make_run(tmp_path / f"run{len(list(tmp_path.iterdir()))}", [*records, END], metrics))).found

    plain = [tag for tag, _ in said("`n`" if "`" in evil else "n")]
    assert [tag for tag, _ in said(evil)] == plain
