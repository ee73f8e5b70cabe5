"""Videos: frames in equal frames out, at the same times, with the sound as it was."""

from __future__ import annotations

import sys
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from translators import Doubling, Enlarging, Pointwise, Translating

from sparring.apply import inputs
from sparring.apply.translate import Translator
from sparring.apply.video import MISSING, translate_video
from sparring.errors import SparringError

av = pytest.importorskip("av", reason="pip install 'sparring[video]'")
SAME = Translator(Translating(Pointwise("same")))
FRAMES, WIDTH, HEIGHT = 12, 64, 48


def picture(i: int, width: int = WIDTH) -> np.ndarray:
    """A left and a right half of other colours, and a bright top, so that one can tell how it lies."""
    frame = np.full((HEIGHT, width, 3), (i * 15, 160 - i * 5, 90), np.uint8)
    frame[:, WIDTH // 2 :, 2] = 200
    frame[:8] = 250
    return frame


def clip(path: Path, codec: str = "libx264", layout: str = "yuv420p", sound: str = "aac", **stream: Any) -> Path:
    """A clip of frames at uneven times, and a tone."""
    clock = Fraction(1, 1000)
    with av.open(str(path), "w") as file:
        video = file.add_stream(codec, rate=25)
        video.width, video.height, video.pix_fmt = stream.get("width", WIDTH), HEIGHT, layout
        video.time_base = video.codec_context.time_base = clock
        video.codec_context.gop_size = 1  # so that a damaged frame damages no other
        if "colorspace" in stream:
            video.codec_context.colorspace = stream["colorspace"]
        if "rotation" in stream:
            video.set_display_rotation(stream["rotation"])
        audio = file.add_stream(sound, rate=48000) if sound else None
        time = 0
        for i in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(picture(i, video.width)).reformat(
                format=layout, dst_colorspace=stream.get("colorspace")
            )
            frame.pts, frame.time_base = time, clock
            file.mux(video.encode(frame))
            time += 40 if i % 3 else 70
        if audio:
            tone = np.sin(np.arange(24000) / 10).astype(np.float32)[None] * 0.3
            for start in range(0, 24000 - 1024, 1024):
                part = av.AudioFrame.from_ndarray(tone[:, start : start + 1024], format="fltp", layout="mono")
                part.sample_rate, part.pts, part.time_base = 48000, start, Fraction(1, 48000)
                file.mux(audio.encode(part))
            file.mux(audio.encode(None))
        file.mux(video.encode(None))
    return path


def frames(path: Path) -> list[tuple[float, np.ndarray]]:
    with av.open(str(path)) as file:
        return [(float(frame.time), frame.to_ndarray(format="rgb24").astype(int)) for frame in file.decode(video=0)]


def sound(path: Path) -> list[tuple[float, bytes]]:
    with av.open(str(path)) as file:
        packets = file.demux(audio=0)
        return [(float(one.pts * one.time_base), bytes(one)) for one in packets if one.dts is not None]


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("a.mp4", {}),
        ("a.mkv", {"colorspace": 1}),
        ("a.webm", {"codec": "libvpx-vp9", "sound": "libopus"}),
        ("b.mkv", {"codec": "ffv1", "layout": "yuv444p"}),
    ],
)
def test_frames_times_and_sound_stay(name: str, more: dict[str, Any], tmp_path: Path) -> None:
    source = clip(tmp_path / name, **more)
    done = translate_video(SAME, source, tmp_path / "out" / name)
    before, after = frames(source), frames(tmp_path / "out" / name)
    assert done.frames == len(before) == len(after) == FRAMES
    assert done.failed == 0
    assert (done.notes, done.early) == ([], "")
    assert [time for time, _ in before] == [time for time, _ in after]
    assert len({round(b - a, 3) for (a, _), (b, _) in pairwise(before)}) > 1  # uneven
    assert sound(source) == sound(tmp_path / "out" / name)
    assert max(abs(a - b).mean() for (_, a), (_, b) in zip(before, after, strict=True)) < 2.5
    assert [path.name for path in (tmp_path / "out").iterdir()] == [name]


def test_frames_are_translated(tmp_path: Path) -> None:
    source = clip(tmp_path / "a.mp4", sound="")
    translate_video(Translator(Translating(Pointwise())), source, tmp_path / "b.mp4")
    for (_, before), (_, after) in zip(frames(source), frames(tmp_path / "b.mp4"), strict=True):
        assert abs(255 - before - after).mean() < 2.5
    translate_video(Translator(Doubling()), source, tmp_path / "c.mp4")
    assert frames(tmp_path / "c.mp4")[0][1].shape == (2 * HEIGHT, 2 * WIDTH, 3)


@pytest.mark.parametrize(
    ("name", "scale", "more"),
    [("a.mp4", 4, {}), ("a.mkv", 3, {"width": 66}), ("a.webm", 3, {"codec": "libvpx-vp9", "sound": "libopus"})],
)
def test_enlarged_videos_keep_times_and_sound(name: str, scale: int, more: dict[str, Any], tmp_path: Path) -> None:
    source = clip(tmp_path / name, **more)
    done = translate_video(Translator(Enlarging(scale)), source, tmp_path / "out" / name)
    before, after = frames(source), frames(tmp_path / "out" / name)
    assert (done.frames, done.failed, done.notes) == (FRAMES, 0, [])
    assert [time for time, _ in before] == [time for time, _ in after]
    assert sound(source) == sound(tmp_path / "out" / name)
    for (_, small), (_, large) in zip(before, after, strict=True):
        assert large.shape == (scale * small.shape[0], scale * small.shape[1], 3)
        assert abs(small.repeat(scale, 0).repeat(scale, 1) - large).mean() < 3


@pytest.mark.parametrize("channels", [1, 3])
def test_sides_that_are_odd_when_enlarged(channels: int, tmp_path: Path) -> None:
    """Halved colours want even sides, which H.264 then keeps whole."""
    pixels = [picture(i)[:45, :63] for i in range(4)]
    with av.open(str(tmp_path / "a.mkv"), "w") as file:
        video = file.add_stream("ffv1", rate=25)
        video.width, video.height, video.pix_fmt = 63, 45, "yuv444p"
        for one in pixels:
            file.mux(video.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(one), format="rgb24")))
        file.mux(video.encode(None))
    translate_video(Translator(Enlarging(3, channels=channels)), tmp_path / "a.mkv", tmp_path / "b.mp4")
    after = frames(tmp_path / "b.mp4")
    assert len(after) == 4
    for one, (_, large) in zip(pixels, after, strict=True):
        assert large.shape == (135, 189, 3)
        assert abs(one.astype(int).repeat(3, 0).repeat(3, 1) - large).mean() < 3


def test_a_frame_that_fails_is_passed_through_and_counted(tmp_path: Path) -> None:
    source, gan, calls = clip(tmp_path / "a.mp4"), Translating(Pointwise()), []

    def fail_now_and_then(*_: object) -> None:
        calls.append(1)
        if len(calls) in (3, 7):
            raise ValueError("a broken layer")

    gan.generator.register_forward_pre_hook(fail_now_and_then)
    done = translate_video(Translator(gan), source, tmp_path / "b.mp4")
    assert (done.frames, done.failed, done.why) == (FRAMES, 2, "a broken layer")
    for i, ((_, before), (_, after)) in enumerate(zip(frames(source), frames(tmp_path / "b.mp4"), strict=True)):
        assert abs((before if i in (2, 6) else 255 - before) - after).mean() < 3


@pytest.mark.parametrize("lost", [0, 5, FRAMES - 1])
def test_a_frame_that_cannot_be_decoded_is_counted_and_its_time_filled(lost: int, tmp_path: Path) -> None:
    source = clip(tmp_path / "a.mkv", codec="ffv1", layout="yuv444p", sound="")
    before = frames(source)
    with av.open(str(source)) as file:
        packet = [bytes(packet) for packet in file.demux(video=0) if packet.dts is not None][lost]
    whole = source.read_bytes()
    at = whole.index(packet)
    source.write_bytes(whole[:at] + b"\xff" * len(packet) + whole[at + len(packet) :])
    done = translate_video(SAME, source, tmp_path / "b.mkv")
    assert (done.frames, done.failed, done.why) == (FRAMES, 1, "Invalid data found when processing input")
    after = frames(tmp_path / "b.mkv")
    assert [time for time, _ in after] == [time for time, _ in before]
    assert abs(after[lost][1] - before[lost - 1 if lost else 1][1]).max() <= 2  # ffv1 loses nothing


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4"])
def test_a_video_that_breaks_off_is_told(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from types import SimpleNamespace

    from sparring.apply.command import FAILED, Apply, carry_out

    whole = clip(tmp_path / "whole.mkv", codec="mpeg4")
    if name == "a.mp4":  # with its table of contents at the start, or not a frame of it could be found
        with (
            av.open(str(whole)) as old,
            av.open(str(tmp_path / "b.mp4"), "w", options={"movflags": "faststart"}) as new,
        ):
            twins = [new.add_stream_from_template(stream) for stream in old.streams]
            for packet in old.demux():
                if packet.dts is not None:
                    packet.stream = twins[packet.stream.index]
                    new.mux(packet)
        whole = tmp_path / "b.mp4"
    assert translate_video(SAME, whole, tmp_path / "out" / name).early == ""
    data = whole.read_bytes()
    (tmp_path / name).write_bytes(data[: len(data) * 2 // 3])
    run = SimpleNamespace(folder=tmp_path, recipe=SimpleNamespace(name="same", gan=Translating), gan=SAME.gan)
    monkeypatch.setattr("sparring.run.Run", lambda folder, best: run)
    with pytest.raises(SystemExit) as ended:
        carry_out(Apply("run", (str(tmp_path / name), str(tmp_path / "cut" / name)), device="cpu"))
    assert ended.value.code == FAILED
    assert 0 < len(frames(tmp_path / "cut" / name)) < FRAMES
    said = capsys.readouterr().err
    assert f"{name}: " in said
    assert "it breaks off after 0." in said
    assert " of 0.6 s" in said


def test_turned_videos_are_seen_upright_and_shown_as_before(tmp_path: Path) -> None:
    if not hasattr(av.video.stream.VideoStream, "set_display_rotation"):
        pytest.skip("this PyAV writes no turned videos")
    for rotation in (90, -90, 180):
        source = clip(tmp_path / "a.mp4", sound="", rotation=rotation)
        with av.open(str(source)) as file:
            assert abs(next(file.decode(video=0)).rotation) == abs(rotation)
        translate_video(SAME, source, tmp_path / "b.mp4")
        (_, before), (_, after) = frames(source)[0], frames(tmp_path / "b.mp4")[0]
        upright = np.rot90(before, rotation // 90)  # counter-clockwise, as FFmpeg counts
        assert after.shape == upright.shape
        assert abs(after - upright).mean() < 3


def test_what_is_no_video_and_what_cannot_be_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.mp4").write_bytes(b"nothing of the kind" * 100)
    with pytest.raises(SparringError, match="cannot be read or written as a video"):
        translate_video(SAME, tmp_path / "a.mp4", tmp_path / "out.mp4")
    source = clip(tmp_path / "b.mp4", sound="")
    labels = Translator(Translating(Pointwise(), labels=(1, 2, 3)))
    with pytest.raises(SparringError, match="maps of labels"):
        translate_video(labels, source, tmp_path / "out.mp4")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "b.mp4"]
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(SparringError) as told:
        translate_video(SAME, source, tmp_path / "out.mp4")
    assert str(told.value) == MISSING


def test_videos_are_told_by_their_ending() -> None:
    job = inputs.Job(Path("a.MP4"), Path("out/a.mp4"))
    assert job.is_video
    assert not inputs.Job(None, None).is_video
