"""From two folders to translated files: training, what it shows, judging, and applying, as a user does it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import sparring
from made_up import pairs
from sparring import checkpoint
from sparring.apply.command import Apply, carry_out
from sparring.data.batches import some
from sparring.data.dataset import encode
from sparring.errors import SparringError
from sparring.evaluate import evaluate
from sparring.metrics import trained
from sparring.run import Run
from sparring.showcase import Showcase

SETTINGS = {"steps": 6, "batch": 4, "quiet": True, "device": "cpu", "features": "none", "held_out": 0.3}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[str, str]:
    """Grey negatives, coloured ones, and the squares that they belong to, in files of the same names."""
    dataset = pairs((3, 20, 24), count=30)
    assert dataset.source is not None
    sides = {"negatives": dataset.source.rows, "squares": dataset.rows, "coloured": 255 - dataset.rows}
    for side, rows in sides.items():
        (tmp_path / side).mkdir()
        for i, row in enumerate(rows):
            Image.fromarray(row.squeeze() if len(row) == 1 else row.transpose(1, 2, 0)).save(
                tmp_path / side / f"{i:02d}.png"
            )
    return "negatives", "squares"


def train(recipe: str, folders: tuple[str, str], **settings: object) -> Run:
    return sparring.train(recipe, a=folders[0], b=folders[1], **{**SETTINGS, **settings})  # type: ignore[arg-type]


def pixels(path: str | Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture)


@pytest.mark.parametrize("recipe", ["pix2pix", "cyclegan", "cut"])
def test_what_training_shows_is_to_the_byte_what_apply_writes(recipe: str, folders: tuple[str, str]) -> None:
    layout = {"pix2pix": "contiguous"}.get(recipe, "channels_last")
    run = train(recipe, ("coloured", "squares"), memory_format=layout)
    train_part, held_out = run.parts()
    assert held_out is not None
    showcase = Showcase(run.gan, train_part, held_out, run.config.seed)
    last = sorted((run.folder / "samples").glob("*.png"))[-1]
    assert np.array_equal(pixels(last), np.asarray(showcase.picture(run.gan)))
    noise, given = showcase.questions.take(slice(None))
    for i in range(3):
        Image.fromarray(encode(given[i : i + 1])[0].transpose(1, 2, 0)).save(f"in-{i}.png")
        with torch.no_grad():
            shown = encode(run.gan.sample(noise[i : i + 1], given[i : i + 1]))[0]
        carry_out(Apply(str(run.folder), (f"in-{i}.png", f"out-{i}.png")))
        assert np.array_equal(pixels(f"out-{i}.png"), shown.transpose(1, 2, 0))


def test_colours_that_training_shows_are_those_that_apply_writes(folders: tuple[str, str]) -> None:
    run = sparring.train("colourise", folders[1], **SETTINGS)  # type: ignore[arg-type]
    train_part, held_out = run.parts()
    showcase = Showcase(run.gan, train_part, held_out, run.config.seed)
    picture = some(showcase.dataset, showcase.questions.rows[:1]).x
    Image.fromarray(encode(picture)[0].transpose(1, 2, 0)).save("in.png")
    noise, given = showcase.questions.take(slice(0, 1))
    with torch.no_grad():
        shown = encode(run.gan.sample(noise, given))[0]
    carry_out(Apply(str(run.folder), ("in.png", "out.png")))
    assert np.array_equal(pixels("out.png"), shown.transpose(1, 2, 0))


def test_pairs_are_judged_by_the_truth_beside_what_costs_no_learning(
    folders: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trained, "STEPS", 10)
    run = train("pix2pix", folders, features="trained", steps=12)
    metrics = evaluate(run).metrics
    assert {"PSNR", "SSIM", "L1", "colourfulness"} <= metrics.keys()
    for name in ("PSNR", "SSIM", "L1"):
        assert metrics[name].mean_picture is not None
        assert metrics[name].unchanged is not None
    assert metrics["PSNR"].value > 5
    written = json.loads((run.folder / "metrics.json").read_text())["evaluation"]["metrics"]
    assert written["PSNR"]["unchanged"] == metrics["PSNR"].unchanged
    assert "Unchanged" in (run.folder / "report.html").read_text()


def test_a_translator_goes_on_to_the_bit(folders: tuple[str, str]) -> None:
    """Its history of fakes is in the checkpoint, and both sides are found again."""
    whole = train("cyclegan", folders, out="whole", checkpoint_every=4)
    assert whole.config.a == str(Path(folders[0]).resolve())
    shutil.copytree("whole", "cut-short")
    Path("cut-short/checkpoints/step-00000006.pt").unlink()
    again = sparring.resume("cut-short", quiet=True)
    assert again.gan.count == 6
    states = [checkpoint.newest(run.checkpoints)[0]["gan"] for run in (whole, again)]
    assert states[0]["history.filled"].sum() > 0
    for name, value in states[0].items():
        assert torch.equal(value, states[1][name]), name


def test_crops_are_what_networks_see_and_whole_pictures_are_translated(folders: tuple[str, str]) -> None:
    run = train("pix2pix", folders, crop="16")
    assert run.spec.shape == (3, 16, 16)
    assert run.spec.source == (1, 16, 16)
    assert run.config.size == "20x24"
    carry_out(Apply(str(run.folder), ("negatives", "out")))
    written = sorted(Path("out").iterdir())
    assert len(written) == 30
    assert {pixels(path).shape for path in written} == {(20, 24, 3)}


def test_the_other_direction_makes_a_of_b_and_neither_makes_pictures_of_noise(folders: tuple[str, str]) -> None:
    run = train("pix2pix", folders, direction="b-to-a", steps=2)
    assert (run.spec.shape[0], run.spec.source[0]) == (1, 3)
    with pytest.raises(SparringError, match="sparring apply"):
        run.sample(4)


@pytest.mark.parametrize(
    ("recipe", "data", "settings", "complaint"),
    [
        ("pix2pix", "digits", {}, "digits"),
        ("dcgan", "digits", {"a": "negatives", "b": "squares"}, "two sides"),
        ("dcgan", "digits", {"crop": "8"}, "`crop` is for recipes that learn from two sides"),
        ("colourise", "squares", {"flip": False}, "`flip` is for recipes that learn from two sides"),
        ("pix2pix", "digits", {"a": "negatives"}, "give both or neither"),
        ("pix2pix", "digits", {"a": "negatives", "b": "nowhere"}, "nowhere"),
        ("pix2pix", "digits", {"a": "negatives", "b": "squares", "size": "16", "crop": "64"}, "crop"),
        ("colourise", "digits", {}, "colour"),
    ],
)
def test_mistakes_are_one_sentence(
    recipe: str, data: str, settings: dict[str, str], complaint: str, folders: tuple[str, str]
) -> None:
    with pytest.raises(SparringError, match=complaint) as caught:
        sparring.train(recipe, data, **{**SETTINGS, **settings})  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    assert not Path("runs").exists() or not list(Path("runs").iterdir()), "nothing half-written stays"
