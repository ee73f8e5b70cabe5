"""Pictures out of samples, looked at pixel by pixel after a journey through a PNG file."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sparring.data import draw
from sparring.data.dataset import decode, encode
from sparring.data.spec import Spec
from sparring.errors import SparringError


def spec(channels: int, height: int, width: int) -> Spec:
    return Spec("pictures", "made-up", (channels, height, width), (-1.0, 1.0), 9)


PLANE = Spec("points", "plane", (2,), (-2.0, 2.0), 9)


def through_png(image: Image.Image) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "PNG")
    return Image.open(io.BytesIO(file.getvalue()))


def channels_first(image: Image.Image) -> np.ndarray:
    pixels = np.asarray(image)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def random_bytes(*shape: int) -> torch.Tensor:
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB"), (4, "RGBA")])
def test_each_picture_of_a_grid_is_at_its_place(channels: int, mode: str) -> None:
    """Five pictures of 30 x 40 in three columns and two rows, with two white pixels between them and around."""
    raw = random_bytes(5, channels, 30, 40)
    image = through_png(draw.grid(spec(channels, 30, 40), decode(raw)))
    assert image.mode == mode
    assert image.size == (3 * 42 + 2, 2 * 32 + 2)
    pixels = channels_first(image).copy()
    for i, (top, left) in enumerate([(2, 2), (2, 44), (2, 86), (34, 2), (34, 44)]):
        cell = pixels[:, top : top + 30, left : left + 40]
        assert np.array_equal(cell, raw[i].numpy()), f"picture {i}"
        cell[:] = 255
    assert (pixels == 255).all(), "all else is white"


@pytest.mark.parametrize(
    ("n", "columns", "rows"), [(1, 1, 1), (2, 2, 1), (3, 2, 2), (4, 2, 2), (5, 3, 2), (10, 4, 3), (64, 8, 8)]
)
def test_a_grid_is_nearly_square(n: int, columns: int, rows: int) -> None:
    image = draw.grid(spec(3, 64, 64), torch.zeros(n, 3, 64, 64))
    assert image.size == (columns * 66 + 2, rows * 66 + 2)


@pytest.mark.parametrize(("side", "times"), [(8, 8), (28, 2), (32, 2), (33, 1), (64, 1), (100, 1)])
def test_small_pictures_are_enlarged_by_a_whole_number(side: int, times: int) -> None:
    raw = random_bytes(1, 1, side, side // 2)
    image = draw.grid(spec(1, side, side // 2), decode(raw))
    assert image.size == ((side // 2 + 4) * times, (side + 4) * times)
    pixels = np.asarray(image)
    small = pixels[::times, ::times]
    assert np.array_equal(small[2:-2, 2:-2], raw[0, 0].numpy())
    assert np.array_equal(np.kron(small, np.ones((times, times), np.uint8)), pixels), "without blurring"


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_each_picture_of_columns_stands_under_its_heading(channels: int) -> None:
    """Three rows of pictures of 16 x 32, four times as large: each side by side with its counterparts."""
    raw = {heading: random_bytes(3, channels, 16, 32).roll(i) for i, heading in enumerate(("a", "b"))}
    image = through_png(draw.columns({name: decode(rows) for name, rows in raw.items()}))
    assert image.mode == "RGB"
    assert image.size == (12 + 2 * (128 + 12), 40 + 3 * (64 + 2) + 12)
    pixels = np.asarray(image).copy()
    for column, rows in enumerate(raw.values()):
        for row, picture in enumerate(rows.numpy()):
            top, left = 40 + row * 66, 12 + column * 140
            cell = pixels[top : top + 64, left : left + 128]
            shown = on_white(picture).repeat(4, axis=0).repeat(4, axis=1)
            assert np.abs(cell.astype(int) - shown).max() <= 1, f"column {column}, row {row}"
            cell[:] = 255
        heading = pixels[:40, 12 + column * 140 : 12 + column * 140 + 128]
        assert (heading < 128).any(), "the heading can be read"
        heading[:] = 255
    assert (pixels == 255).all(), "all else is white"


def on_white(picture: np.ndarray) -> np.ndarray:
    """(c, h, w) -> (h, w, 3), what is transparent shown on white."""
    colours = np.broadcast_to(picture[:3], (3, *picture.shape[1:])).astype(float)
    opacity = picture[3] / 255 if len(picture) == 4 else 1.0
    return (colours * opacity + 255 * (1 - opacity)).round().transpose(1, 2, 0)


def test_a_heading_wider_than_its_pictures_has_room() -> None:
    """Small pictures under long words: the next column begins behind the words."""
    long, picture = "the nearest of all the training samples", torch.full((1, 1, 64, 64), -1.0)
    image = draw.columns({long: picture, "x": picture})
    dark = np.asarray(image.convert("L")) < 128
    first, second = np.flatnonzero(np.diff(dark[100].astype(int)) == 1) + 1
    words = np.flatnonzero(dark[:40, :second].any(axis=0))
    assert first == 12
    assert words.min() < 20
    assert words.max() < second - 4
    assert words.max() - words.min() > 128, "or else this tests nothing"
    assert image.width > second + 128


def dots(samples: torch.Tensor, card: Spec) -> np.ndarray:
    """Whether each pixel of the plot is inked, [down, across]."""
    image = through_png(draw.grid(card, samples))
    assert image.size == (512, 512)
    return np.asarray(image).min(axis=2) < 255


@pytest.mark.parametrize(
    ("point", "across", "down"), [((0, 0), 256, 256), ((0.5, -1), 320, 384), ((-1, 1.5), 128, 64), ((1, 1), 384, 128)]
)
def test_a_point_lands_where_its_coordinates_say(point: tuple[float, float], across: int, down: int) -> None:
    """On -2..2 by 512 pixels a unit is 128 pixels, and up is up."""
    inked = np.argwhere(dots(torch.tensor([point]), PLANE))
    assert inked.mean(axis=0) == pytest.approx([down, across], abs=1)
    assert 9 <= len(inked) <= 40, "a dot of about five pixels across"


def test_every_point_is_drawn_and_nothing_for_those_outside() -> None:
    seen = dots(torch.tensor([[-1.0, 0.0], [1.0, 0.0], [9.0, 9.0]]), PLANE)
    assert seen[256, 128]
    assert seen[256, 384]
    assert not seen[:, 150:360].any()
    assert not dots(torch.tensor([[9.0, 9.0]]), PLANE).any()


def test_points_of_one_number_lie_on_a_line_and_those_of_three_show_their_first_two() -> None:
    line, space = (Spec("points", "made-up", (n,), (-2.0, 2.0), 9) for n in (1, 3))
    assert dots(torch.tensor([[1.0]]), line)[256, 384]
    assert np.array_equal(dots(torch.tensor([[1.0, 0.5, -1.7]]), space), dots(torch.tensor([[1.0, 0.5]]), PLANE))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_single_files_hold_the_exact_pixels(tmp_path: Path, channels: int) -> None:
    raw = random_bytes(3, channels, 7, 9)
    folder = tmp_path / "new" / "folder"
    paths = draw.save_each(spec(channels, 7, 9), decode(raw), folder, first=8)
    assert [path.name for path in paths] == ["000008.png", "000009.png", "000010.png"]
    assert sorted(folder.iterdir()) == paths
    for path, picture in zip(paths, raw, strict=True):
        assert np.array_equal(channels_first(Image.open(path)), picture.numpy())


def test_every_value_of_a_byte_survives_decoding_and_encoding() -> None:
    raw = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    assert np.array_equal(encode(decode(raw)), raw.numpy())


def test_values_outside_the_range_are_clamped_and_half_precision_is_taken() -> None:
    samples = torch.tensor([-7.0, -1.0, 0.0, 1.0, 7.0]).view(1, 1, 1, 5)
    assert encode(samples).flatten().tolist() == [0, 0, 128, 255, 255]
    assert encode(samples.bfloat16().requires_grad_()).flatten().tolist() == [0, 0, 128, 255, 255]


def test_points_are_saved_as_one_table(tmp_path: Path) -> None:
    points = torch.randn(20, 2, generator=torch.Generator().manual_seed(0))
    (path,) = draw.save_each(PLANE, points, tmp_path / "new", first=3)
    assert path.name == "000003.csv"
    assert np.loadtxt(path, delimiter=",") == pytest.approx(points.numpy(), rel=1e-5)


# ---------------------------------------------------------------- rows and films


def test_a_grid_may_be_as_wide_as_one_likes() -> None:
    raw = random_bytes(6, 1, 64, 64)
    image = draw.grid(spec(1, 64, 64), decode(raw), across=6)
    assert image.size == (6 * 66 + 2, 68)
    assert np.array_equal(np.asarray(image)[2:66, 2 + 5 * 66 : 66 + 5 * 66], raw[5, 0].numpy())


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_each_row_stands_behind_its_heading(channels: int) -> None:
    """Two rows of three pictures of 64 x 32, in a grid of their own at the right."""
    raw = {heading: random_bytes(3, channels, 64, 32).roll(i) for i, heading in enumerate(("short", "not so\nshort"))}
    image = through_png(draw.rows(spec(channels, 64, 32), {name: decode(part) for name, part in raw.items()}))
    assert image.mode == "RGB"
    left = image.width - (3 * 34 + 2)
    seen = np.asarray(image)
    for row, part in enumerate(raw.values()):
        for column, picture in enumerate(part.numpy()):
            top, across = 2 + row * 66, left + 2 + column * 34
            cell = seen[top : top + 64, across : across + 32].astype(int)
            assert np.abs(cell - on_white(picture)).max() <= 1, f"row {row}, column {column}"
        words = seen[row * 66 : row * 66 + 66, :left] < 128
        assert words.any(), "the heading can be read"
        assert abs(np.argwhere(words)[:, 0].mean() - 33) < 8, "and stands at the middle of its row"
    assert (seen[:, left - 4 : left] == 255).all(), "with room behind it"


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_gif_holds_every_frame_and_its_pace(tmp_path: Path, channels: int) -> None:
    """Three frames of 16 colours, thirty-two times as large."""
    raw = random_bytes(3, channels, 2, 8).repeat_interleave(2, 2)
    if channels == 4:
        raw[:, 3] = 255
    draw.film(spec(channels, 4, 8), decode(raw), tmp_path / "film.gif")
    with Image.open(tmp_path / "film.gif") as film:
        assert (film.size, film.n_frames, film.info["loop"]) == ((256, 128), 3, 0)  # type: ignore[attr-defined]
        for i, picture in enumerate(raw.numpy()):
            film.seek(i)
            assert film.info["duration"] == 50
            shown = np.asarray(film.convert("RGB")).astype(int)[16::32, 16::32]
            assert np.abs(shown - on_white(picture)).max() <= 1, f"frame {i}"


def test_a_film_of_points_moves_a_dot(tmp_path: Path) -> None:
    draw.film(PLANE, torch.tensor([[0.0, 0.0], [1.0, 1.0]]), tmp_path / "film.gif")
    with Image.open(tmp_path / "film.gif") as film:
        for i, place in enumerate([(256, 256), (128, 384)]):
            film.seek(i)
            assert np.argwhere(np.asarray(film.convert("L")) < 200).mean(axis=0) == pytest.approx(place, abs=1)


def test_an_mp4_holds_every_frame(tmp_path: Path) -> None:
    """An odd number of pixels across is padded, or else ffmpeg would refuse; the name is no address to ffmpeg."""
    try:
        program = draw.ffmpeg()
    except SparringError as error:
        pytest.skip(str(error))
    levels = [40, 120, 200]
    samples = decode(torch.tensor(levels, dtype=torch.uint8).view(3, 1, 1, 1).expand(3, 1, 17, 131))
    path = tmp_path / "http:film.MP4"
    draw.film(spec(1, 17, 131), samples, path)
    back = [program, "-loglevel", "error", "-i", f"file:{path}", "-f", "rawvideo", "-pix_fmt", "gray", "-"]
    played = np.frombuffer(subprocess.run(back, capture_output=True, check=True).stdout, np.uint8)
    frames = played.reshape(3, 18, 132)[:, 4:12, 4:120]
    assert frames.mean(axis=(1, 2)) == pytest.approx(levels, abs=6)


def test_an_mp4_without_ffmpeg_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(SparringError, match=r"name the file \.gif, or `pip install imageio-ffmpeg`"):
        draw.film(spec(1, 8, 8), torch.zeros(2, 1, 8, 8), tmp_path / "film.mp4")
    assert not list(tmp_path.iterdir())


def test_what_ffmpeg_complains_of_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\ncat > /dev/null\necho first >&2\necho no such codec >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr("shutil.which", lambda _: str(program))
    with pytest.raises(SparringError, match=r"film\.mp4 \(no such codec\); name the file \.gif"):
        draw.film(spec(1, 8, 8), torch.zeros(2, 1, 8, 8), tmp_path / "film.mp4")
