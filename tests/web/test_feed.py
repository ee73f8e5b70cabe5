"""What the live page is told: all of a log, then what is new, whatever a crash left; nothing outside the folder."""

from __future__ import annotations

import json
import math
import os
import shutil
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from made_up_run import MadeUp, alarm, checkup, evaluation, place

from sparring.errors import SparringError
from sparring.history import MOST_POINTS
from sparring.web.curves import Curve
from sparring.web.feed import SILENT_SECONDS, Feed


def read(feed: Feed, name: str = "first", cursor: str = "") -> dict[str, Any]:
    found = feed.read(name, cursor)
    assert found is not None
    json.dumps(found, allow_nan=False)  # the browser reads no NaN
    return found


def curve(page: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [curve for curve in page["curves"] if curve["name"] == name]
    return found


def test_the_first_look_tells_all_and_the_next_only_what_is_new(made_up: MadeUp, runs: Path) -> None:
    feed = Feed(runs)
    first = read(feed)
    assert first["anew"]
    assert curve(first, "fool") == {
        **{"group": "losses", "chart": "generator", "name": "fool"},
        **{"step": [10], "images": [640], "seconds": [1.0], "y": [1.0]},
    }
    second = read(feed, cursor=first["cursor"])
    assert (second["anew"], second["curves"], second["cursor"]) == (False, [], first["cursor"])
    made_up.report(20, **{"generator/fool": 7.0})
    third = read(feed, cursor=second["cursor"])
    assert not third["anew"]
    assert (curve(third, "fool")["step"], curve(third, "fool")["y"]) == ([20], [7.0])


def test_events_arrive_with_all_that_the_page_shows_of_them(made_up: MadeUp, runs: Path) -> None:
    made_up.write(checkup(12), evaluation(12, best=True), alarm(15), {"event": "heal", "step": 11, "remedy": "Back."})
    page = read(Feed(runs))
    assert curve(page, "held-out")["y"] == [0.7]
    assert page["checkups"] == 1
    (judged,) = page["evaluations"]
    assert judged["metrics"]["KD[trained-digits]"] == {
        "value": 0.02,
        "error": 0.001,
        "floor": 0.0005,
        "mean_picture": 0.5,
        "unchanged": None,
    }
    assert (judged["protocol"]["real"], judged["best"], judged["notes"]) == ("180", True, ["Few are held out."])
    assert page["alarms"] == [{**place(15), **{key: alarm(15)[key] for key in ("alarm", "seen", "try")}}]
    assert [(mark["kind"], mark["about"]) for mark in page["marks"]] == [("alarm", "collapse"), ("heal", "Back.")]


def test_a_half_written_line_waits_for_the_next_look(made_up: MadeUp, runs: Path) -> None:
    feed = Feed(runs)
    cursor = read(feed)["cursor"]
    line = json.dumps({**place(20), "terms": {"critic/real": 3.0}})
    made_up.write(line[:30], end="")
    half = read(feed, cursor=cursor)
    assert (half["cursor"], half["damaged"], half["curves"]) == (cursor, 0, [])
    made_up.write(line[30:])
    assert curve(read(feed, cursor=half["cursor"]), "real")["y"] == [3.0]


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "null",
        "[1, 2]",
        '{"event": "alarm"}',
        '{"step": "ten"}',
        '{"step": NaN}',
        '{"step": true}',
        '{"step": 1' + "0" * 400 + "}",
        '{"step": 1' + "0" * 5000 + "}",
        "[" * 100_000,
        "\0\0\0",
    ],
)
def test_a_damaged_line_is_counted_and_passed_over(made_up: MadeUp, runs: Path, line: str) -> None:
    made_up.write(line)
    made_up.report(20)
    page = read(Feed(runs))
    assert page["damaged"] == 1
    assert curve(page, "fool")["step"] == [10, 20]
    assert Feed(runs).runs()[0]["step"] == 20


@pytest.mark.parametrize("value", ["many", None, math.nan, math.inf, [1], {"a": 1}, True, 10**400])
def test_a_value_that_is_no_number_leaves_the_rest(made_up: MadeUp, runs: Path, value: Any) -> None:
    made_up.write({**place(20), "terms": {"critic/real": value, "critic/fake": 2.0}, "norms": value, "seconds": value})
    made_up.write(evaluation(20, value=value), evaluation(21, metrics=value), {**evaluation(22), "protocol": value})
    made_up.write({"event": "checkup", **place(20), "accuracy": {"real": value}}, {**alarm(20), "seen": value})
    made_up.write({"event": value, "step": 23}, {**evaluation(24), "notes": value})
    page = read(Feed(runs))
    assert curve(page, "fake")["y"] == [2.0]
    assert curve(page, "real")["step"] == [10]
    assert page["evaluations"][0]["metrics"]["KD[trained-digits]"]["value"] is None
    assert len(page["alarms"]) == 1
    assert Feed(runs).runs()[0]["alarms"] == 1


def test_a_log_that_was_replaced_is_told_anew(made_up: MadeUp, runs: Path) -> None:
    """By the deleted run's namesake, even where the new log is longer than the old."""
    feed = Feed(runs)
    cursor = read(feed)["cursor"]
    assert feed.runs()[0]["step"] == 10
    shutil.rmtree(made_up.folder)
    assert feed.read("first", cursor) is None
    assert feed.runs() == []
    again = MadeUp(runs / "first")
    again.start()
    for step in (1, 2, 3, 4):
        again.report(step)
    page = read(feed, cursor=cursor)
    assert page["anew"]
    assert curve(page, "fool")["step"] == [1, 2, 3, 4]
    assert feed.runs()[0]["step"] == 4


@pytest.mark.parametrize("cursor", ["", "x", "-1", "../../x-5", "12.ab-99999999999999999", "9" * 5000])
def test_a_cursor_that_was_never_given_out_reads_from_the_start(made_up: MadeUp, runs: Path, cursor: str) -> None:
    assert read(Feed(runs), cursor=cursor)["anew"]


def test_a_long_curve_is_thinned_and_no_spike_is_lost() -> None:
    thinned, count = Curve(), 100_000
    for step in range(count):
        spike = {777: 9.0, 55_555: -9.0}.get(step, 0.0)
        thinned.add((float(step), None, None), spike + math.sin(step / 5000))
    columns = thinned.columns()
    steps = columns["step"]
    assert MOST_POINTS // 3 < len(steps) <= MOST_POINTS
    assert {777.0, 55_555.0, count - 1.0} <= set(steps)
    assert steps == sorted(steps, key=float)
    gaps = [after - before for before, after in pairwise(steps) if after and before is not None]
    assert max(gaps) < 10 * count / len(steps), "early and late parts must be thinned alike"


def test_a_short_curve_keeps_every_point() -> None:
    whole = Curve()
    for step in range(MOST_POINTS - 4):
        whole.add((float(step), None, None), 1.0 if step % 3 else 2.0)
    assert whole.columns()["step"] == [float(step) for step in range(MOST_POINTS - 4)]


def test_runs_are_listed_newest_first_with_what_became_of_them(runs: Path) -> None:
    states = {"begun": None, "done": "end", "cut": "interrupted", "silent": None, "bare": None}
    for number, (name, event) in enumerate(states.items()):
        run = MadeUp(runs / name)
        if name != "bare":
            run.start()
            run.report(5)
            run.write(alarm(5))
        if event:
            run.write({"event": event, "step": 5}, checkup(5))
        os.utime(run.folder / "config.yaml", (1000 + number, 1000 + number))
    long_ago = time.time() - SILENT_SECONDS - 60
    os.utime(runs / "silent" / "log.jsonl", (long_ago, long_ago))
    (runs / "no-run").mkdir()
    lines = Feed(runs).runs()
    assert [line["name"] for line in lines] == ["bare", "silent", "cut", "done", "begun"]
    assert [line["state"] for line in lines] == ["empty", "silent", "interrupted", "finished", "running"]
    begun = lines[-1]
    assert (begun["recipe"], begun["data"], begun["steps"], begun["step"]) == ("dcgan", "digits", 100, 5)
    assert (begun["speed"], begun["alarms"]) == (640.0, 1)


def test_a_resumed_run_runs_again_and_the_list_keeps_up(made_up: MadeUp, runs: Path) -> None:
    feed = Feed(runs)
    made_up.write({"event": "end", "step": 10})
    assert feed.runs()[0]["state"] == "finished"
    made_up.write({"event": "resume", "step": 10})
    made_up.report(30)
    assert (feed.runs()[0]["state"], feed.runs()[0]["step"]) == ("running", 30)


def test_a_damaged_config_still_shows(made_up: MadeUp, runs: Path) -> None:
    (made_up.folder / "config.yaml").write_text("recipe: [")
    (line,) = Feed(runs).runs()
    assert (line["name"], line["recipe"], line["data"]) == ("first", "", "digits")


def test_one_runs_folder_is_a_folder_of_one_run(made_up: MadeUp) -> None:
    feed = Feed(made_up.folder)
    assert [line["name"] for line in feed.runs()] == ["first"]
    assert read(feed)["curves"]


def test_pictures_come_with_what_changes_when_they_do(made_up: MadeUp, runs: Path) -> None:
    feed = Feed(runs)
    assert (read(feed)["samples"], read(feed)["neighbours"]) == ([], None)
    for step in (0, 1_000_000, 50):
        made_up.grid(step)
    (made_up.folder / "samples" / "notes.txt").write_text("no grid")
    first = read(feed)["samples"]
    assert [file for file, _ in first] == ["000000.png", "000050.png", "1000000.png"]
    made_up.grid(50, shade=3)
    os.utime(made_up.folder / "samples" / "000050.png", (5, 5))
    changed = [new != old for new, old in zip(read(feed)["samples"], first, strict=True)]
    assert changed == [False, True, False]
    data = feed.picture("first", "samples/000050.png")
    assert data == (made_up.folder / "samples" / "000050.png").read_bytes()


def test_nothing_outside_the_folder_can_be_read(made_up: MadeUp, runs: Path, tmp_path: Path) -> None:
    secret = MadeUp(tmp_path / "secret")
    secret.report(3)
    secret.grid(3)
    shutil.copy(secret.folder / "samples" / "000003.png", runs / "beside.png")
    (runs / "linked").symlink_to(secret.folder)
    (made_up.folder / "samples" / "000003.png").symlink_to(secret.folder / "samples" / "000003.png")
    made_up.grid(4)
    feed = Feed(runs)
    assert [line["name"] for line in feed.runs()] == ["first"]
    assert feed.picture("first", "samples/000004.png")
    for name in ("linked", "..", ".", "../secret", str(secret.folder), "first/../../secret", ""):
        assert feed.read(name) is None
        assert feed.picture(name, "samples/000003.png") is None
    for file in (
        "samples/000003.png",
        "../beside.png",
        "samples/../../beside.png",
        "config.yaml",
        "log.jsonl",
        "samples/",
    ):
        assert feed.picture("first", file) is None


def test_a_log_that_leads_outside_is_as_good_as_absent(runs: Path, tmp_path: Path) -> None:
    run = MadeUp(runs / "first")
    (tmp_path / "log.jsonl").write_text('{"event": "alarm", "step": 1, "seen": "secret"}\n')
    (run.folder / "log.jsonl").symlink_to(tmp_path / "log.jsonl")
    assert read(Feed(runs))["alarms"] == []
    assert Feed(runs).runs()[0]["state"] == "empty"


def test_what_is_no_png_is_not_served_as_one(made_up: MadeUp, runs: Path) -> None:
    (made_up.folder / "samples" / "000001.png").write_text("<script>")
    (made_up.folder / "samples" / "000002.png").mkdir()
    assert Feed(runs).picture("first", "samples/000001.png") is None
    assert Feed(runs).picture("first", "samples/000002.png") is None


def test_a_folder_that_is_not_there_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SparringError, match="there is no folder"):
        Feed(tmp_path / "absent")


def test_an_empty_folder_waits_for_runs(runs: Path) -> None:
    feed = Feed(runs)
    assert feed.runs() == []
    MadeUp(runs / "later")
    assert [line["state"] for line in feed.runs()] == ["empty"]
    shutil.rmtree(runs)
    assert feed.runs() == []
