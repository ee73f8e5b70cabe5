"""`sparring apply`, as a user types it: every file is done or named, and nothing else is touched."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from translators import Pointwise, Translating, photo

from sparring import recipes
from sparring.apply import command
from sparring.apply.command import Apply, carry_out
from sparring.errors import SparringError

PICTURES = ("a.png", "deeper/b.jpg", "deeper/still/c.webp", "one-pixel.bmp")


@pytest.fixture(autouse=True)
def inverting(monkeypatch: pytest.MonkeyPatch) -> Translating:
    """Every run is one that inverts pictures."""
    gan = Translating(Pointwise())
    recipe = SimpleNamespace(name="inverting", gan=Translating)
    run = SimpleNamespace(folder=Path("run"), recipe=recipe, gan=gan)
    monkeypatch.setattr("sparring.run.Run", lambda folder, best: run)
    return gan


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures, a text, and something hidden."""
    for i, name in enumerate(PICTURES):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photo(1, 1) if name.startswith("one") else photo(20 + i, 30)).save(path)
    (tmp_path / "in" / "notes.txt").write_text("not a picture")
    (tmp_path / "in" / ".hidden.png").write_bytes(b"")
    return tmp_path / "in"


def apply(*paths: str | Path, **more: object) -> int:
    """-> the exit status"""
    try:
        carry_out(Apply("run", tuple(map(str, paths)), device="cpu", **more))  # type: ignore[arg-type]
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image).astype(int)


def test_a_folder_with_all_below_it(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert apply(folder, tmp_path / "out") == 0
    assert files(tmp_path / "out") == sorted(PICTURES)
    assert (pixels(tmp_path / "out" / "a.png") == 255 - pixels(folder / "a.png")).all()
    said = capsys.readouterr().out
    assert "4 pictures in" in said
    assert "megapixels/s" in said
    assert "passed over, for they are no pictures: 1" in said
    assert "notes.txt" in said
    assert apply(folder, tmp_path / "out") == 0  # again, over what is there


def test_outputs_below_the_inputs_are_not_taken_for_inputs(folder: Path) -> None:
    assert apply(folder, folder / "out") == 0
    assert apply(folder, folder / "out") == 0
    assert files(folder / "out") == sorted(PICTURES)


def test_failures_are_named_and_the_others_done(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = (folder / "deeper" / "b.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "text.png").write_text("no picture")
    (folder / "empty.png").write_bytes(b"")
    assert apply(folder, tmp_path / "out") == command.FAILED
    assert files(tmp_path / "out") == sorted(PICTURES)
    said = capsys.readouterr()
    assert "4 pictures in" in said.out
    assert "3 of 7 files failed:" in said.err
    for name in ("cut.jpg", "text.png", "empty.png"):
        (line,) = [line for line in said.err.splitlines() if name in line]
        assert len(line.split(": ", 1)[1]) > 10
        assert "Traceback" not in line


def test_a_network_that_fails_leaves_no_file(
    folder: Path, tmp_path: Path, inverting: Translating, capsys: pytest.CaptureFixture[str]
) -> None:
    inverting.generator.change = "fail"
    assert apply(folder, tmp_path / "out") == command.FAILED
    assert not (tmp_path / "out").exists() or not files(tmp_path / "out")
    assert capsys.readouterr().err.count("a broken layer") == 4


def test_single_files_lists_and_patterns(folder: Path, tmp_path: Path) -> None:
    assert apply(folder / "a.png", tmp_path / "b.bmp") == 0  # another format, as the name says
    with Image.open(tmp_path / "b.bmp") as image:
        assert image.format == "BMP"
    assert (pixels(tmp_path / "b.bmp") == 255 - pixels(folder / "a.png")).all()
    assert apply(folder / "a.png", tmp_path / "one") == 0
    assert apply(folder / "a.png", folder / "one-pixel.bmp", tmp_path / "two") == 0
    assert apply(f"{folder}/**/*.[jw]*", tmp_path / "some") == 0
    assert files(tmp_path / "one") == ["a.png"]
    assert files(tmp_path / "two") == ["a.png", "one-pixel.bmp"]
    assert files(tmp_path / "some") == ["deeper/b.jpg", "deeper/still/c.webp"]


def test_linked_folders_are_read_once(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "below").mkdir(parents=True)
    Image.fromarray(photo(3, 4)).save(elsewhere / "below" / "far.png")
    (elsewhere / "back").symlink_to(folder)
    for name, leads in (("loop", "."), ("also", "."), ("another", "deeper"), ("far", elsewhere)):
        (folder / name).symlink_to(leads)
    assert apply(folder, tmp_path / "out") == 0
    assert files(tmp_path / "out") == sorted((*PICTURES, "far/below/far.png"))
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "linked folders" in line]
    for name in ("also", "another", "loop", "far/back"):
        assert str(folder / name) in line
    assert apply(f"{folder}/**/*.*g", tmp_path / "some") == 0
    assert files(tmp_path / "some") == ["a.png", "deeper/b.jpg", "far/below/far.png"]
    assert apply(f"{folder}/*/**/still/**", tmp_path / "more") == 0
    assert files(tmp_path / "more") == ["deeper/still/c.webp"]


class Pipe:
    """The standard input or output, of bytes."""

    def __init__(self, data: bytes = b"") -> None:
        self.buffer = io.BytesIO(data)

    def write(self, text: str) -> None:
        raise AssertionError(f"{text!r} would be in the middle of a picture")

    def flush(self) -> None:
        pass


def test_standard_input_and_output(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = (folder / "a.png").read_bytes()
    before = pixels(folder / "a.png")
    monkeypatch.setattr(sys, "stdin", Pipe(data))
    with monkeypatch.context() as patch:
        out = Pipe()
        patch.setattr(sys, "stdout", out)
        assert apply("-", "-") == 0
    with Image.open(io.BytesIO(out.buffer.getvalue())) as image:
        assert image.format == "PNG"
        assert (np.asarray(image) == 255 - before).all()
    assert "1 picture:" in capsys.readouterr().err
    monkeypatch.setattr(sys, "stdin", Pipe(data))
    assert apply("-", tmp_path / "out") == 0
    assert files(tmp_path / "out") == ["picture.png"]
    monkeypatch.setattr(sys, "stdin", Pipe((folder / "deeper" / "b.jpg").read_bytes()))
    assert apply("-", tmp_path / "jpeg") == 0
    assert files(tmp_path / "jpeg") == ["picture.jpg"]
    monkeypatch.setattr(sys, "stdin", Pipe(data))
    assert apply("-", tmp_path / "a.bmp") == 0
    assert (pixels(tmp_path / "a.bmp") == 255 - before).all()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["{in}"], "give what to translate and where to write it"),
        (["{in}/missing.png", "{out}"], "there is no file and no folder .*missing.png"),
        (["{in}/*.gif", "{out}"], r"no file is called like .*gif"),
        (["{in}", "{in}"], "is among what is read and would be written over"),
        (["{in}/a.png", "{in}/a.png"], "is among what is read and would be written over"),
        (["{in}", "-"], "the standard output takes one picture, not 4"),
        (["{in}/a.png", "{in}/deeper/../a.png", "{out}"], "would both be written to"),
        (["{in}", "{in}/notes.txt"], "which is no folder"),
        (["{empty}", "{out}"], "there are no pictures and no videos in"),
        (["{in}/a.png", "{out}/b.xyz"], r"`\.xyz` is no ending of pictures that can be written"),
        (["{in}/a.png", "{out}/b.pdf"], r"`\.pdf` is no ending of pictures that can be written"),
        (
            ["{in}/a.png", "{in}/deeper/b.jpg", "{out}/z.png"],
            r"z\.png names one file, and several files .* go in: name",
        ),
        (["{in}", "{out}/z.mp4"], r"z\.mp4 names one file, and .* a folder go in"),
        (["{in}/a.png", "/proc/xyz"], r"^cannot make the folder /proc/xyz: [^:]+$"),
        (["{in}/a.png", "/proc/xyz/b.png"], r"^cannot make the folder /proc/xyz: [^:]+$"),
        (["-", "-", "{out}"], "(read once only|both be written)"),
    ],
)
def test_mistakes_are_told_before_any_work(words: list[str], sentence: str, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    places = {"in": folder, "out": tmp_path / "out", "empty": tmp_path / "empty"}
    before = files(tmp_path)
    with pytest.raises(SparringError, match=sentence):
        apply(*(word.format(**places) for word in words))
    assert files(tmp_path) == before


def test_an_ending_that_cannot_be_written_is_told_before_the_networks_are_read(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = SimpleNamespace(
        folder=Path("run"), recipe=SimpleNamespace(name="x", gan=Translating)
    )  # with no `gan` to read
    monkeypatch.setattr("sparring.run.Run", lambda folder, best: run)
    with pytest.raises(SparringError, match="no ending of pictures"):
        apply(folder / "a.png", tmp_path / "b.xyz")


def test_a_folder_may_be_called_like_a_file(folder: Path, tmp_path: Path) -> None:
    for _ in range(2):  # once made, and once there
        assert apply(folder / "a.png", folder / "one-pixel.bmp", f"{tmp_path}/z.png/") == 0
    assert apply(folder / "a.png", folder / "one-pixel.bmp", tmp_path / "z.png") == 0
    assert files(tmp_path / "z.png") == ["a.png", "one-pixel.bmp"]


def test_an_output_that_fails_is_what_is_named(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "deeper").write_text("a file where a folder is to be")
    assert apply(folder, tmp_path / "out") == command.FAILED
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "b.jpg" in line]
    assert f"{tmp_path}/out/deeper: " in line


@pytest.mark.parametrize("tile", [1, 3, 31])
def test_tiles_too_small_to_ever_end(tile: int, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(SparringError, match="give 32 or more, or 0 for none"):
        apply(folder, tmp_path / "out", tile=tile)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("tile", [0, 32])
def test_the_smallest_tiles(tile: int, folder: Path, tmp_path: Path) -> None:
    assert apply(folder, tmp_path / "out", tile=tile) == 0


def test_a_run_that_makes_pictures_from_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    run = SimpleNamespace(folder=Path("runs/dcgan-1"), recipe=recipes.find("dcgan"))
    monkeypatch.setattr("sparring.run.Run", lambda folder, best: run)
    with pytest.raises(SparringError, match="makes its samples from noise: use `sparring sample runs/dcgan-1`"):
        apply("in", "out")


def test_an_unknown_label_names_the_file_and_the_value(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gan = Translating(Pointwise("same", after=2), before=2, labels=(3, 200))
    recipe = SimpleNamespace(name="labels", gan=Translating)
    run = SimpleNamespace(folder=Path("run"), recipe=recipe, gan=gan)
    gan.generator.after = 3
    monkeypatch.setattr("sparring.run.Run", lambda folder, best: run)
    for name, value in (("known.png", 200), ("unknown.png", 77)):
        Image.fromarray(np.array([[3, value]], np.uint8)).save(tmp_path / name)
    assert apply(tmp_path / "known.png", tmp_path / "unknown.png", tmp_path / "out") == command.FAILED
    assert files(tmp_path / "out") == ["known.png"]
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "unknown.png" in line]
    assert "77" in line
    assert line.count("unknown.png") == 1


def test_a_picture_of_20000_pixels_goes_through_in_tiles(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tall = photo(400, 60)
    Image.fromarray(np.tile(tall, (50, 1, 1))).save(tmp_path / "tall.png", compress_level=1)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)  # Pillow would take it for an attack
    assert apply(tmp_path / "tall.png", tmp_path / "out", tile=512) == 0
    assert Image.MAX_IMAGE_PIXELS == 1000
    monkeypatch.undo()
    assert (pixels(tmp_path / "out" / "tall.png") == 255 - np.tile(tall, (50, 1, 1)).astype(int)).all()


def test_what_is_seen_in_training_is_to_the_byte_what_is_written(folder: Path, tmp_path: Path) -> None:
    from translators import Convolutions

    from sparring.apply.translate import translate_picture

    gan = Translating(Convolutions())
    with pytest.MonkeyPatch.context() as patch:
        run = SimpleNamespace(folder=Path("run"), recipe=SimpleNamespace(name="x", gan=Translating), gan=gan)
        patch.setattr("sparring.run.Run", lambda folder, best: run)
        assert apply(folder / "a.png", tmp_path / "out") == 0
    shown = translate_picture(gan, pixels(folder / "a.png").astype(np.uint8))
    assert (pixels(tmp_path / "out" / "a.png") == shown).all()
