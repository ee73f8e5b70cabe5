"""The run folder: found or not, made once, written whole, and read past damage."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sparring.config import Adam
from sparring.errors import SparringError
from sparring.folders import free_folder
from sparring.recipes.vanilla import Config
from sparring.run import Run, write_atomically


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def made(folder: str | Path) -> Run:
    return Run.create(Path(folder), "vanilla", "circle", Config(steps=5, batch=8, critic=Adam(1e-3)))


@pytest.mark.parametrize("place", ["empty", "missing", "a file"])
def test_a_place_without_a_run_says_what_a_run_is(elsewhere: Path, place: str) -> None:
    (elsewhere / "empty").mkdir()
    (elsewhere / "a file").touch()
    with pytest.raises(SparringError, match=rf"^there is no run in {place}: a run folder holds a config\.yaml$"):
        Run(place)


def test_runs_in_the_folder_named_and_in_the_usual_place_are_suggested(elsewhere: Path) -> None:
    for name in ("runs/dcgan-a-1", "mine/first", "mine/second", "other/far"):
        made(name)
    with pytest.raises(SparringError, match=r"; there are runs in mine/first, mine/second, runs/dcgan-a-1$"):
        Run("mine")
    with pytest.raises(SparringError, match=r"; there are runs in runs/dcgan-a-1$"):
        Run("runs/dcgan-a-2")
    with pytest.raises(SparringError, match=r"; there are runs in runs/dcgan-a-1$"):
        Run("runs")


def test_at_most_five_are_suggested() -> None:
    for i in range(9):
        made(f"runs/r-{i}")
    with pytest.raises(SparringError) as refused:
        Run("nowhere")
    assert str(refused.value).count("runs/r-") == 5


def test_a_new_run_is_found_again_with_all_that_was_settled(elsewhere: Path) -> None:
    created = made("a/b/new")
    assert sorted(path.name for path in (elsewhere / "a/b/new").iterdir()) == ["checkpoints", "config.yaml", "samples"]
    found = Run("a/b/new")
    assert (found.recipe_reference, found.data) == ("vanilla", "circle")
    assert found.recipe.name == "vanilla"
    assert found.config == created.config == Config(steps=5, batch=8, critic=Adam(1e-3))
    assert repr(found) == "Run('a/b/new': vanilla on circle)"


def test_a_run_is_never_made_over_another_or_over_somebodys_files(elsewhere: Path) -> None:
    made("mine")
    before = (elsewhere / "mine/config.yaml").read_bytes()
    with pytest.raises(SparringError, match=r"mine is not empty; .*--resume mine"):
        Run.create(Path("mine"), "dcgan", "other", Config())
    assert (elsewhere / "mine/config.yaml").read_bytes() == before
    (elsewhere / "bare").mkdir()
    assert made("bare").folder == Path("bare")


def test_a_damaged_config_names_its_file(elsewhere: Path) -> None:
    made("mine")
    path = elsewhere / "mine/config.yaml"
    path.write_text(path.read_text().replace("batch: 8", "bach: 8"))
    with pytest.raises(SparringError, match=r"mine/config\.yaml: there is no `bach`; perhaps you meant batch"):
        _ = Run("mine").config
    path.write_text("batch: [")
    with pytest.raises(SparringError, match=r"mine/config\.yaml is not YAML"):
        Run("mine")


def test_folders_are_numbered_by_the_first_free_number(elsewhere: Path) -> None:
    runs = elsewhere / "runs"
    assert free_folder("dcgan", "digits", runs) == runs / "dcgan-digits-1"
    (runs / "dcgan-digits-1").mkdir(parents=True)
    (runs / "dcgan-digits-2").touch()
    (runs / "dcgan-digits-10").mkdir()
    assert free_folder("dcgan", "digits", runs) == runs / "dcgan-digits-3"
    assert free_folder("vanilla", "digits", runs) == runs / "vanilla-digits-1"


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ("my photos (2)", "r-my-photos-2-1"),
        ("../../etc", "r-..-..-etc-1"),
        ("Häuser_v1.2", "r-Häuser_v1.2-1"),
        ("*", "r-1"),
    ],
)
def test_a_folders_name_holds_nothing_that_a_shell_would_trip_over(elsewhere: Path, data: str, name: str) -> None:
    folder = free_folder("r", data, elsewhere)
    assert folder.name == name
    assert folder.parent == elsewhere


def test_a_file_is_written_whole(elsewhere: Path) -> None:
    path = elsewhere / "metrics.json"
    for text in ("first, and longer", "é"):
        write_atomically(path, text)
        assert path.read_text(encoding="utf-8") == text
    assert list(elsewhere.iterdir()) == [path]


@pytest.mark.parametrize("failing", ["the rename", "the writing"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    path = elsewhere / "metrics.json"
    write_atomically(path, "old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    if failing == "the rename":
        monkeypatch.setattr("os.replace", fail)
    half_and_no_more = "new\ud800" if failing == "the writing" else "new"  # a lone surrogate is not UTF-8
    with pytest.raises((OSError, UnicodeEncodeError)):
        write_atomically(path, half_and_no_more)
    assert path.read_text() == "old"
    assert list(elsewhere.iterdir()) == [path]


def test_records_come_back_in_order_and_damaged_lines_are_passed_over() -> None:
    run = made("mine")
    assert list(run.records()) == []
    run.log({"event": "start", "note": "zwei\nZeilen\u2028é"})
    run.log({"step": 1, "terms": {"critic/real": 0.5}})
    with open(run.folder / "log.jsonl", "ab") as file:
        file.write(b'{"step": 2, "ter\n\n[1, 2]\n17\n\xff\xfe\x00\n')
    run.log({"step": 3})
    with open(run.folder / "log.jsonl", "ab") as file:
        file.write(b'{"step": 4, "te')  # a crash while writing
    assert list(run.records()) == [
        {"event": "start", "note": "zwei\nZeilen\u2028é"},
        {"step": 1, "terms": {"critic/real": 0.5}},
        {"step": 3},
    ]


def test_each_record_is_a_line_on_disk_at_once() -> None:
    run = made("mine")
    for step in range(3):
        run.log({"step": step})
        lines = (run.folder / "log.jsonl").read_text().split("\n")
        assert [json.loads(line)["step"] for line in lines[:-1]] == list(range(step + 1))
        assert lines[-1] == ""


def test_a_run_beside_a_misspelt_one_is_suggested(elsewhere: Path) -> None:
    for name in ("first", "second"):
        (elsewhere / "mine" / name).mkdir(parents=True)
        (elsewhere / "mine" / name / "config.yaml").write_text("recipe: dcgan\n")
    with pytest.raises(SparringError, match=r"there are runs in .*mine/first, .*mine/second"):
        Run(elsewhere / "mine" / "frist")
