"""`sparring upscale`: where it writes, which checkpoint it takes, and what it says where it cannot."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from translators import Enlarging, Pointwise, Translating, photo

from sparring import cli, recipes
from sparring.apply.command import FAILED, Done, apply_files
from sparring.apply.inputs import beside
from sparring.apply.upscale import Upscale, carry_out
from sparring.errors import SparringError
from sparring.run import Run as OnDisk


class Made:
    """Runs in memory: one that enlarges 4 times and is in its second stage, and one that inverts pictures."""

    opened: list[str]

    def __init__(self, folder: str, checkpoint: str = "last") -> None:
        self.folder, self.checkpoint, self.checkpoints = Path(folder), checkpoint, Path(folder)
        gan = Translating(Pointwise()) if folder == "inverting" else Enlarging(4)
        gan.stage = lambda progress: ("pixel", 2 * progress) if progress < 0.5 else ("adversarial", 2 * progress - 1)
        gan.progress = 0.3 if folder == "begun" else 0.9
        self.recipe = SimpleNamespace(name=folder, gan=Translating)
        if folder == "dcgan-1":
            self.recipe = recipes.find("dcgan")
        self._gan = gan

    @property
    def gan(self) -> Translating:
        if self.checkpoint not in ("last", "best") and not (self.checkpoints / f"{self.checkpoint}.pt").is_file():
            raise SparringError(f"{self.folder} has no checkpoint of a stage `{self.checkpoint}`")
        self.opened.append(self.checkpoint)
        return self._gan


@pytest.fixture(autouse=True)
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The checkpoints that were opened."""
    Made.opened = []
    monkeypatch.setattr("sparring.run.Run", Made)
    monkeypatch.chdir(tmp_path)
    for name in ("a.png", "photos/b.jpg", "photos/deeper/c.webp"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photo(6, 5)).save(name)
    return Made.opened


def upscale(*paths: str, run: str = "srgan", **more: object) -> int:
    try:
        carry_out(Upscale(run, paths, device="cpu", **more))  # type: ignore[arg-type]
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def size(path: str) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def test_one_path_is_written_beside_what_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    assert upscale("a.png") == 0
    with Image.open("a.png") as before, Image.open("a-x4.png") as after:
        assert (np.asarray(after) == np.asarray(before).repeat(4, 0).repeat(4, 1)).all()
    assert "1 picture in a-x4.png" in capsys.readouterr().out
    assert upscale("photos/") == 0
    assert size("photos-x4/b.jpg") == size("photos-x4/deeper/c.webp") == (20, 24)
    assert upscale("photos/deeper/c.webp") == 0
    assert size("photos/deeper/c-x4.webp") == (20, 24)


def test_with_several_paths_the_last_is_where_to_write() -> None:
    assert upscale("a.png", "b.bmp") == 0
    assert size("b.bmp") == (20, 24)
    assert upscale("a.png", "photos", "larger") == 0
    assert size("larger/a.png") == size("larger/deeper/c.webp") == (20, 24)


def test_a_folder_by_the_names_that_shells_give_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path / "photos")
    for word in (".", "../photos", "deeper/..", str(tmp_path / "photos")):
        assert Path(beside([word], 2)).resolve() == tmp_path / "photos-x2"


def test_standard_input_to_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    out = SimpleNamespace(buffer=io.BytesIO(), write=lambda text: pytest.fail(text), flush=lambda: None)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(Path("a.png").read_bytes())))
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", out)
        assert upscale("-") == 0
    with Image.open(io.BytesIO(out.buffer.getvalue())) as image:
        assert image.size == (20, 24)


@pytest.mark.parametrize(
    ("words", "run", "more", "sentence"),
    [
        ((), "srgan", {}, r"give what to enlarge: sparring upscale RUN IN... \[OUT\]"),
        (("missing.png",), "srgan", {}, "there is no file and no folder missing.png"),
        (("*.png",), "srgan", {}, r"say where to write what \*.png becomes"),
        (("plain",), "srgan", {}, "say where to write what plain becomes: name a file such as"),
        (("a.png",), "srgan", {"scale": 2}, "srgan enlarges 4 times: leave out --scale, or train .* DATA --scale 2`"),
        (("a.png",), "inverting", {}, "as large as those that go in: use `sparring apply inverting`"),
        (("a.png",), "dcgan-1", {}, "makes its samples from noise: use `sparring sample dcgan-1`"),
        (("a.png",), "dcgan-1", {"stage": "pixel"}, "makes its samples from noise"),
        (("a.png",), "srgan", {"stage": "pixel"}, "srgan has no checkpoint of a stage `pixel`"),
        (("a.png",), "begun", {"stage": "adversarial"}, "begun has no checkpoint of a stage `adversarial`"),
        (("a.png",), "srgan", {"stage": "pixel", "best": True}, "leave out one of them"),
    ],
)
def test_mistakes_are_one_sentence_before_any_work(
    words: tuple[str, ...], run: str, more: dict[str, object], sentence: str
) -> None:
    Path("plain").write_bytes(Path("a.png").read_bytes())
    before = sorted(Path().rglob("*"))
    with pytest.raises(SparringError, match=sentence) as caught:
        upscale(*words, run=run, **more)
    assert "\n" not in str(caught.value)
    assert sorted(Path().rglob("*")) == before


def test_two_pictures_that_a_shell_has_listed_are_not_taken_for_one_and_where_to_write_it() -> None:
    Image.fromarray(photo(6, 5)).save("b.png")
    before = Path("b.png").read_bytes()
    with pytest.raises(SparringError, match=r"b\.png is there already"):
        upscale("a.png", "b.png")
    assert Path("b.png").read_bytes() == before


@pytest.mark.parametrize(("word", "out"), [("a.png", "a-x4.png"), ("photos", "photos-x4")])
def test_where_no_place_is_named_nothing_is_written_over(word: str, out: str) -> None:
    assert upscale(word) == 0
    before = {path: path.stat().st_mtime_ns for path in Path().rglob("*")}
    with pytest.raises(SparringError, match=rf"^{out} is there already and would be written over: name "):
        upscale(word)
    assert {path: path.stat().st_mtime_ns for path in Path().rglob("*")} == before


def test_the_checkpoint_of_a_stage(opened: list[str]) -> None:
    def taken(run: str = "srgan", **more: object) -> str:
        assert upscale("a.png", f"{len(opened)}.png", run=run, **more) == 0
        return opened[-1]

    assert taken(scale=4) == "last"
    assert taken(best=True) == "best"
    assert taken(stage="adversarial") == "last"  # the run is in it
    assert taken(run="begun", stage="pixel") == "last"
    Path("srgan").mkdir()
    Path("srgan/pixel.pt").touch()
    assert taken(stage="pixel") == "pixel"
    Path("srgan/adversarial.pt").touch()
    assert taken(stage="adversarial") == "adversarial"


def test_failures_are_named_and_the_others_done(capsys: pytest.CaptureFixture[str]) -> None:
    Path("photos/text.png").write_text("no picture")
    assert upscale("photos") == FAILED
    assert "text.png" in capsys.readouterr().err
    assert size("photos-x4/b.jpg") == (20, 24)


def test_from_python(capsys: pytest.CaptureFixture[str]) -> None:
    run = Made("srgan")
    done = apply_files(run, "a.png", device="cpu")  # type: ignore[arg-type]
    assert isinstance(done, Done)
    assert (done.pictures, done.pixels, done.failed) == (1, 30, [])
    assert size("a-x4.png") == (20, 24)
    apply_files(run, [Path("a.png"), "photos"], Path("out"), tile=32, device="cpu")  # type: ignore[arg-type]
    assert size("out/a.png") == size("out/deeper/c.webp") == (20, 24)
    Path("photos/text.png").write_text("no picture")
    with pytest.raises(SparringError, match=r"^1 of 3 files failed: photos/text.png: "):
        apply_files(run, "photos", "again", device="cpu")  # type: ignore[arg-type]
    assert size("again/b.jpg") == (20, 24)
    with pytest.raises(SparringError, match="say where to write: give `out`"):
        apply_files(Made("inverting"), "a.png", device="cpu")  # type: ignore[arg-type]
    with pytest.raises(SparringError, match="use `sparring sample dcgan-1`"):
        apply_files(Made("dcgan-1"), "a.png", "b.png")  # type: ignore[arg-type]
    said = capsys.readouterr()
    assert said.out + said.err == ""


def test_upscale_from_python(opened: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    made = Made("srgan")
    assert OnDisk.upscale(made, "a.png", device="cpu").pictures == 1  # type: ignore[arg-type]
    assert (size("a-x4.png"), opened[-1]) == ((20, 24), "last")
    Path("srgan").mkdir()
    Path("srgan/pixel.pt").touch()
    OnDisk.upscale(made, ["a.png"], "b.png", stage="pixel", tile=0, device="cpu")  # type: ignore[arg-type]
    assert (size("b.png"), opened[-1]) == ((20, 24), "pixel")
    with pytest.raises(SparringError, match="use `sparring apply inverting`"):
        OnDisk.upscale(Made("inverting"), "a.png", "c.png")  # type: ignore[arg-type]


def test_its_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.COMMANDS["upscale"](["--help"])
    said = capsys.readouterr().out
    assert "sparring upscale RUN picture.jpg writes picture-x4.jpg beside it" in said
    assert "nothing that is there already is written over" in " ".join(said.replace("│", " ").split())
    for flag in ("--scale", "--stage", "--tile", "--best"):
        assert flag in said
