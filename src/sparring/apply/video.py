"""A video through a translator: as many frames at the same times, and the sound as it was; by PyAV."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sparring.apply.ends import Ends
from sparring.data.gallery import why
from sparring.errors import SparringError

if TYPE_CHECKING:
    from sparring.apply.translate import Translator

MISSING = "videos need PyAV: pip install 'sparring[video]'"
# Which encoder follows which kind of video, where the file can hold it; the first that is there of the others.
ENCODERS = {"hevc": "libx265", "vp8": "libvpx-vp9", "vp9": "libvpx-vp9", "av1": "libsvtav1", "ffv1": "ffv1"}
OTHERS = ("libx264", "libvpx-vp9", "mpeg4")
# Little is lost; and frames are stored in the order in which they are shown, which some files need to keep their times.
OPTIONS = {
    "libx264": {"crf": "16", "bf": "0"},
    "libx265": {"crf": "18", "x265-params": "bframes=0:log-level=error"},
    "libvpx-vp9": {"crf": "18", "b": "0", "deadline": "good", "cpu-used": "4"},
    "libsvtav1": {"crf": "20", "svtav1-params": "pred-struct=1"},
    "mpeg4": {"qscale": "2"},
}
COLOUR = ("colorspace", "color_range", "color_primaries", "color_trc")
MATRICES = {1: 1, 5: 5, 6: 5, 7: 7, 9: 9}  # FFmpeg's numbers of colour matrices -> those that its scaler takes


@dataclass
class Translated:
    """What became of a video.

    Attributes:
        frames: how many were written.
        failed: how many of these are as they were, for the network failed, or repeat the one before, for they could
            not be decoded.
        why: of the first of these.
        early: half a sentence where the file ended before its time; else empty.
        notes: what could not be kept, in half sentences.
    """

    frames: int = 0
    failed: int = 0
    why: str = ""
    early: str = ""
    notes: list[str] = field(default_factory=list)

    def fail(self, error: Exception) -> None:
        self.failed += 1
        self.why = self.why or getattr(error, "strerror", None) or why(error)


def translate_video(
    translator: Translator, source: Path, target: Path, tell: Callable[[str], object] = lambda done: None
) -> Translated:
    """Translate each frame of a video's first video stream; sound and subtitles are copied packet by packet.

    Args:
        translator: takes grey or RGB pictures.
        source, target: the files; the target's ending decides on its format. It is written whole or not at all.
        tell: told how far it is, in words.

    Raises:
        SparringError: where PyAV is missing, or the file cannot be read or written.
    """
    try:
        import av
    except ImportError:
        raise SparringError(MISSING) from None
    if translator.labels:
        raise SparringError("a video holds colours, and the network takes maps of labels")
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{os.getpid()}.{target.name}")
    try:
        with av.open(str(source)) as old:
            first = _first(str(source))
            with av.open(str(draft), "w") as new:
                done = _Copy(translator, old, new, first).run(tell)
        os.replace(draft, target)
    except av.error.FFmpegError as error:
        raise SparringError(f"it cannot be read or written as a video: {error.strerror or error}") from None
    finally:
        draft.unlink(missing_ok=True)
    return done


def _first(source: str) -> Any:
    """The first frame that can be decoded: of what size and colours the others are."""
    import av

    with av.open(source) as file:
        if not file.streams.video:
            raise SparringError("it holds no video")
        for packet in file.demux(video=0):
            try:
                for frame in packet.decode():
                    return frame
            except av.error.FFmpegError:
                continue
    raise SparringError("not one of its frames can be decoded")


class _Copy:
    """One video on its way from an open container to another."""

    def __init__(self, translator: Translator, old: Any, new: Any, first: Any) -> None:
        self.translator, self.old, self.new = translator, old, new
        self.done = Translated()
        self.video = old.streams.video[0]
        self.turns = round(-first.rotation / 90) % 4  # by a right angle, clockwise; a file of ours is not turned
        self.deep = max(part.bits for part in first.format.components) > 8
        self.out = self._stream(first)
        self.copied = {}
        for stream in old.streams:
            if stream is self.video or stream.index == self.video.index:
                continue
            if (twin := self._twin(stream)) is not None:
                self.copied[stream.index] = twin
        self.last: int | None = None  # the time of the last frame that was written
        self.before: np.ndarray | None = None
        self.gaps: list[int | None] = []  # the times of frames that cannot be decoded
        self.colours = {name: getattr(first, name) for name in COLOUR}

    def run(self, tell: Callable[[str], object]) -> Translated:
        """Translate all frames and copy all else, in the order of the file."""
        import av

        total = f" of {self.video.frames:,}" if self.video.frames else ""
        streams, ends = [self.video, *(self.old.streams[index] for index in self.copied)], Ends()
        for packet in self.old.demux(streams):
            ends.see(packet)
            if packet.stream.index != self.video.index:
                if packet.dts is not None:
                    packet.stream = self.copied[packet.stream.index]
                    self.new.mux(packet)
                continue
            try:
                for frame in packet.decode():
                    self._frame(frame)
                    tell(f"frame {self.done.frames:,}{total}")
            except av.error.FFmpegError as error:
                self.done.fail(error)
                self.gaps.append(packet.pts)
        self._fill(None)
        for packet in self.out.encode(None):
            self.new.mux(packet)
        self.done.early = ends.early(self.old, streams)
        return self.done

    def _stream(self, first: Any) -> Any:
        """The stream to write: of the same rate, clock and colours, and of the same kind where there is an encoder."""
        import av

        name = self._encoder()
        rate = self.video.average_rate or self.video.guessed_rate or Fraction(25)
        stream = self.new.add_stream(name, rate=rate, options=OPTIONS.get(name, {}))
        high, wide = (first.width, first.height) if self.turns % 2 else (first.height, first.width)
        stream.width, stream.height = wide * self.translator.scale, high * self.translator.scale
        stream.pix_fmt = self._pixels(first.format.name, av.Codec(name, "w"), stream.width, stream.height)
        stream.time_base = stream.codec_context.time_base = self.video.time_base
        if shape := self.video.sample_aspect_ratio:
            stream.codec_context.sample_aspect_ratio = 1 / shape if self.turns % 2 else shape
        for name in COLOUR:
            setattr(stream.codec_context, name, getattr(first, name))
        return stream

    def _encoder(self) -> str:
        import av

        same = ENCODERS.get(self.video.codec_context.codec.canonical_name, OTHERS[0])
        # AVI stores no times, and what other kinds of video make of that differs by a frame.
        wanted = ("mpeg4", "ffv1") if self.new.format.name == "avi" else (same, *OTHERS)
        held = self.new.supported_codecs  # empty where the format does not say
        for name in wanted:
            if name in av.codecs_available and (not held or av.Codec(name, "w").canonical_name in held):
                return name
        raise SparringError(
            f"a {self.new.format.name} file holds no kind of video that can be written: try .mp4 or .mkv"
        )

    @staticmethod
    def _pixels(name: str, codec: Any, width: int, height: int) -> str:
        """The layout of pixels: as it was, where the encoder has it; sides that are odd want one with all colours."""
        odd, known = width % 2 or height % 2, {one.name for one in codec.video_formats or ()}
        if name in known and not (odd and codec.name != "ffv1" and "420" in name + "422" * ("422" in name)):
            return name
        return "yuv444p" if odd and "yuv444p" in known else "yuv420p"

    def _twin(self, stream: Any) -> Any:
        """A stream that takes the packets of one that is not translated; None where the file cannot hold it."""
        if stream.type in ("audio", "subtitle"):
            try:
                return self.new.add_stream_from_template(stream)
            except (ValueError, RuntimeError):
                pass
        self.done.notes.append(f"its stream {stream.index} ({stream.type or 'unknown'}) was not kept")
        return None

    def _frame(self, frame: Any) -> None:
        pixels = frame.to_ndarray(format="rgb48le" if self.deep else "rgb24", **self._matrix("src_colorspace", frame))
        upright = np.ascontiguousarray(np.rot90(pixels, -self.turns))
        try:
            made = self._translated(upright)
        except Exception as error:  # whatever it is, the frame must not be missing
            self.done.fail(error)
            made = _enlarged(upright, self.translator.scale)
        if self.before is None:
            self.before = made  # it also stands for those before it that are lost
        self._fill(frame.pts)
        self.before = made
        self._write(made, frame.pts)

    def _fill(self, until: int | None) -> None:
        """Repeat the last frame at the times of those that are lost, and come before `until`; None for all."""
        due = [time for time in self.gaps if until is None or (time is not None and time < until)]
        self.gaps = [time for time in self.gaps if time not in due]
        for time in sorted(due, key=lambda time: (time is None, time)):
            if self.before is not None:
                self._write(self.before, time)

    def _translated(self, upright: np.ndarray) -> np.ndarray:
        from sparring.apply.enlarge import through

        made = through(self.translator, upright, None)
        return np.repeat(made, 3, 2) if made.shape[2] == 1 else made[..., :3]

    def _write(self, made: np.ndarray, time: int | None) -> None:
        import av

        # Encoders want ever later times; a file that has none, or one twice, gets the next.
        if time is None or (self.last is not None and time <= self.last):
            time = 0 if self.last is None else self.last + self._step(time)
        self.last = time
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(made), format="rgb48le" if self.deep else "rgb24")
        whole = {"dst_color_range": self.colours["color_range"]} if self.colours["color_range"] else {}
        matrix = self._matrix("dst_colorspace", None)
        frame = frame.reformat(format=self.out.pix_fmt, **matrix, **whole)
        frame.pts, frame.time_base = time, self.video.time_base
        for name, value in self.colours.items():
            setattr(frame, name, value)
        for packet in self.out.encode(frame):
            self.new.mux(packet)
        self.done.frames += 1

    def _step(self, time: int | None) -> int:
        rate = self.video.average_rate
        return max(1, round(1 / (rate * self.video.time_base))) if time is None and rate else 1

    def _matrix(self, which: str, frame: Any) -> dict[str, int]:
        """How colours are told from brightness, where the video says so."""
        found = MATRICES.get(int(frame.colorspace if frame is not None else self.colours["colorspace"]))
        return {which: found} if found else {}


def _enlarged(pixels: np.ndarray, scale: int) -> np.ndarray:
    """A frame as it is, at the size of the others."""
    return pixels if scale == 1 else pixels.repeat(scale, 0).repeat(scale, 1)
