"""`sparring sample`, as a user types it: what is drawn and what is printed."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import sparring
from fighting import UNPROBED
from sparring import latents
from sparring.data import draw
from sparring.data.dataset import decode, encode
from sparring.errors import MISTAKE, SparringError
from sparring.metrics import trained as trained_features
from sparring.run import Run
from test_cli import run as command

STILL = {"steps": 2, "batch": 8, "features": "none", **UNPROBED}
CONDITIONAL = '''"""Brightness by class, and a little by latent: known in full, though it calls itself trained."""
from dataclasses import dataclass
import torch
from torch import nn
from sparring import config
from sparring.gan import GAN


@dataclass(frozen=True, kw_only=True)
class Config(config.Config):
    """Of brightness."""

    latent: int = 3
    """Numbers in a latent."""
    generator: config.Adam = config.Adam(lr=1e-9)
    """The only player."""


class Brightness(GAN):
    conditional = True

    def __init__(self, spec, config):
        super().__init__(spec, config)
        self.generator = nn.Linear(1, 1)
        nn.init.constant_(self.generator.weight, 1.0)

    def players(self):
        return {"generator": [self.generator]}

    def step(self, batches):
        yield "generator", {"none": self.generator(next(batches).x.mean().view(1, 1)).square().mean()}

    def sample(self, noise, given):
        scale = torch.linspace(-0.9, 0.9, given.shape[1])
        light = given @ scale + 0.05 * torch.tanh(noise[:, 0]) + 0 * self.generator(noise[:, :1])[:, 0]
        return light.view(-1, 1, 1, 1).expand(-1, *self.spec.shape)
'''


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of few rounds on digits."""
    folder = tmp_path_factory.mktemp("run") / "vanilla"
    sparring.train("vanilla", "digits", quiet=True, out=str(folder), width=32, latent=16, **{**STILL, "steps": 100})
    return folder


@pytest.fixture(scope="module")
def bright(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the conditional recipe above, on three classes."""
    place = tmp_path_factory.mktemp("bright")
    (place / "brightness.py").write_text(CONDITIONAL)
    chance = np.random.default_rng(0)
    for name in ("ash", "black", "chalk, white"):
        (place / "data" / name).mkdir(parents=True)
        for i in range(8):
            pixels = chance.integers(0, 255, (8, 8), dtype=np.uint8)
            Image.fromarray(pixels).save(place / "data" / name / f"{i}.png")
    sparring.train(str(place / "brightness.py"), place / "data", quiet=True, out=str(place / "run"), **STILL)
    return place / "run"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def pixels(path: str) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def same(path: str, image: Image.Image) -> bool:
    return np.array_equal(pixels(path), np.asarray(image))


# ---------------------------------------------------------------- grids, truncation and sweeps


def test_truncation_pulls_the_samples_together(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(folder)
    assert command(monkeypatch, "sample", str(folder), "--truncation", "0.5", "-n", "9") == 0
    assert same("grid.png", draw.grid(run.spec, run.sample(9, truncation=0.5)))
    spread = [float(run.sample(64, truncation=psi).std(0).mean()) for psi in (0, 0.5, 1)]
    assert spread[0] < 1e-6 < spread[1] < spread[2]


def test_a_sweep_has_a_row_for_each_class_and_a_latent_for_each_column(
    bright: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run(bright)
    swept = run.sweep(5, seed=3)
    assert list(swept) == ["ash", "black", "chalk, white"]
    for samples, light in zip(swept.values(), (-0.9, 0.0, 0.9), strict=True):
        own = samples[:, 0, 0, 0] - light
        torch.testing.assert_close(own, 0.05 * torch.tanh(run.gan.latents(5, 3)[:, 0]))
    assert command(monkeypatch, "sample", str(bright), "--sweep", "-n", "5", "--seed", "3", "--out", "each") == 0
    lights = [pixels(str(path))[0, 0] for path in sorted(Path("each").iterdir())]
    assert [light // 50 for light in lights] == [0] * 5 + [2] * 5 + [4] * 5
    assert command(monkeypatch, "sample", str(bright), "--sweep", "--grid", "new/sweep.png") == 0
    assert "3 classes, 8 samples of each, in new/sweep.png" in capsys.readouterr().out
    assert same("new/sweep.png", draw.rows(run.spec, run.sweep(8)))


# ---------------------------------------------------------------- interpolation


def test_an_interpolation_goes_through_the_samples_of_its_seed(folder: Path) -> None:
    run = Run(folder)
    frames = run.interpolate(4, 6, seed=2, truncation=0.8)
    assert frames.shape == (19, *run.spec.shape)
    torch.testing.assert_close(frames[::6], run.sample(4, seed=2, truncation=0.8))
    steps = (frames[1:] - frames[:-1]).flatten(1).norm(dim=1).view(3, 6)
    legs = (frames[6::6] - frames[:-6:6]).flatten(1).norm(dim=1)
    assert (steps.max(1).values < legs / 2).all(), "neighbours are far nearer than the ends"


def test_what_is_shown_fades_unless_it_is_asked_for(bright: Path) -> None:
    run = Run(bright)
    light = run.interpolate(2, 8, seed=0, given="black")[:, 0, 0, 0]
    assert light.abs().max() < 0.06
    wishes = run._begin(8, 0, None)[1].argmax(1)
    first = next(i for i in range(7) if wishes[i] != wishes[i + 1])
    leg = run.interpolate(8, 8, seed=0)[8 * first : 8 * first + 9, 0, 0, 0]
    assert (leg.diff().sign() == leg.diff()[0].sign()).all()
    assert leg.diff().abs().max() < (leg[-1] - leg[0]).abs() / 4


def test_a_film_has_a_frame_for_each_step(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(monkeypatch, "sample", str(folder), "--interpolate", "3", "--frames", "4") == 0
    assert "9 frames through 3 samples in interpolation.gif" in capsys.readouterr().out
    samples = encode(Run(folder).interpolate(3, 4))
    with Image.open("interpolation.gif") as film:
        assert film.n_frames == 9  # type: ignore[attr-defined]
        for i, sample in enumerate(samples):
            film.seek(i)
            shown = np.asarray(film.convert("L"))[8::16, 8::16]
            assert np.abs(shown.astype(int) - sample[0]).max() <= 1
    assert [path.name for path in Path.cwd().iterdir()] == ["interpolation.gif"], "no draft is left"


def test_a_strip_has_a_row_from_each_sample_to_the_next(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["--interpolate", "3", "--frames", "4", "--grid", "strip.png", "--out", "frames"]
    assert command(monkeypatch, "sample", str(folder), *words) == 0
    run = Run(folder)
    frames = run.interpolate(3, 4)
    assert same("strip.png", draw.grid(run.spec, torch.cat([frames[:5], frames[4:]]), across=5))
    assert len(list(Path("frames").iterdir())) == 9


def test_points_are_interpolated_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sparring.train("vanilla", "ring", quiet=True, out="ring", width=8, **STILL)
    assert command(monkeypatch, "sample", "ring", "--interpolate", "2", "--frames", "3", "--out", "path") == 0
    assert len(Path("path/000000.csv").read_text().splitlines()) == 4
    assert command(monkeypatch, "sample", "ring", "--interpolate", "2", "--frames", "3") == 0
    assert pixels("interpolation.gif").shape[:2] == (draw.PLOT, draw.PLOT)


# ---------------------------------------------------------------- inversion


def test_a_runs_own_sample_is_found_again_and_its_errors_are_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a picture in colour, which is brought to the run's one channel."""
    run = Run(folder)
    own = run.sample(1, seed=9)
    Image.fromarray(encode(own)[0, 0]).convert("RGB").save("own.png")
    assert command(monkeypatch, "sample", str(folder), "--like", "own.png") == 0
    said = capsys.readouterr().out
    found, mean, nearest = map(float, re.findall(r"\b\d+\.\d\b", said))
    assert "picture | reconstruction | nearest in training in reconstruction.png" in said
    typical = np.mean([latents.difference(own, other[None]) for other in run.sample(50, seed=10)])
    assert found < typical / 8
    inversion = run.invert("own.png")
    torch.testing.assert_close(inversion.picture, decode(torch.from_numpy(encode(own))))
    assert found == pytest.approx(inversion.error, abs=0.06)
    train, _ = run.parts()
    rows = train.take(np.arange(len(train))).astype(float)
    seen = encode(inversion.picture).astype(float)
    assert nearest == pytest.approx(np.abs(rows - seen).mean((1, 2, 3)).min(), abs=0.06)
    assert mean == pytest.approx(np.abs(rows.mean(0).round() - seen).mean(), abs=0.06)
    with Image.open("reconstruction.png") as picture:
        assert picture.width > 3 * 128


def test_the_class_that_fits_is_found_and_one_that_is_asked_for_is_kept(bright: Path) -> None:
    run, white = Run(bright), Image.new("RGBA", (20, 30), (240, 240, 240, 255))
    assert run.invert(white).given.tolist() == [[0, 0, 1]]
    assert run.invert(white).error < 5
    asked = run.invert(white, given="black")
    assert asked.given.tolist() == [[0, 1, 0]]
    assert asked.error > 50


def test_a_picture_is_found_without_the_data_too(
    bright: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run(bright)
    moved = Path(run.data).rename(tmp_path / "elsewhere")
    Image.new("L", (9, 9), 20).save("dark.jpg")
    try:
        assert command(monkeypatch, "sample", str(bright), "--like", "dark.jpg") == 0
        said = capsys.readouterr().out
        assert command(monkeypatch, "sample", str(bright), "--neighbours") == MISTAKE
    finally:
        moved.rename(run.data)
    assert "picture | reconstruction in reconstruction.png" in said
    assert "nothing to compare it with, for the training data cannot be had: " in said
    assert "which is gone" in said
    assert "which is gone" in capsys.readouterr().err


def test_data_that_changed_is_not_taken_for_the_training_data(bright: Path) -> None:
    extra = Path(Run(bright).data) / "ash" / "extra.png"
    Image.new("L", (8, 8), 7).save(extra)
    try:
        with pytest.raises(SparringError, match="is no longer the data that"):
            Run(bright).parts()
    finally:
        extra.unlink()


# ---------------------------------------------------------------- neighbours


def test_each_sample_stands_beside_its_nearest_training_picture(
    bright: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The samples are replaced by training pictures themselves, whose nearest are they."""
    monkeypatch.setattr(trained_features, "STEPS", 10)
    run = Run(bright)
    train, _ = run.parts()
    some = decode(torch.from_numpy(train.take(np.array([5, 0, 11]))))
    monkeypatch.setattr(Run, "sample", lambda *_: some)
    assert command(monkeypatch, "sample", str(bright), "--neighbours", "-n", "3") == 0
    said = capsys.readouterr().out
    assert said == "3 samples, each beside its nearest training picture by trained-data, in neighbours.png\n"
    assert same("neighbours.png", draw.columns({"sample": some, "nearest in training": some}))


def test_a_conditional_recipe_without_classes_has_nothing_to_sweep(bright: Path, squares_folder: Path) -> None:
    recipe = bright.parent / "brightness.py"
    run = sparring.train(str(recipe), squares_folder, quiet=True, out="run", channels=1, **STILL)
    with pytest.raises(SparringError, match=r"^squares has no classes to sweep$"):
        run.sweep()
