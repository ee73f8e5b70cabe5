"""Whether a video lasts as long as its file promises: one that was cut off may decode without an error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

# FFmpeg's names of the formats that say at their start how long they are; of others it measures or guesses.
PROMISING = frozenset(["matroska,webm", "mov,mp4,m4a,3gp,3g2,mj2", "avi", "flv", "asf"])
SLACK = 0.05  # seconds that files are inexact by, beside a packet and a half of the stream


class Ends:
    """How far the packets of each stream go, in seconds."""

    def __init__(self) -> None:
        self._first: dict[int, float] = {}
        self._last: dict[int, float] = {}
        self._longest: dict[int, float] = {}

    def see(self, packet: Any) -> None:
        """Take note of a packet of PyAV's."""
        if packet.pts is None or packet.time_base is None:
            return
        index, lasts = packet.stream.index, float((packet.duration or 0) * packet.time_base)
        start = float(packet.pts * packet.time_base)
        self._first[index] = min(self._first.get(index, 0.0), start)  # below 0 where a codec needs a run-up
        self._last[index] = max(self._last.get(index, 0.0), start + lasts)
        self._longest[index] = max(self._longest.get(index, 0.0), lasts)

    def early(self, file: Any, streams: Sequence[Any]) -> str:
        """Half a sentence where a file ended before its time, else nothing.

        Args:
            file: open for reading, by PyAV.
            streams: those of it whose packets were all seen.
        """
        if file.format.name not in PROMISING:
            return ""
        promises = [(stream.index, _promised(stream)) for stream in streams if stream.type in ("video", "audio")]
        if self._last and len(streams) == len(file.streams) and file.duration:
            promises.append((max(self._last, key=self._last.__getitem__), file.duration / 1e6))
        for index, promised in promises:
            came = self._last.get(index, 0.0) - self._first.get(index, 0.0)
            if came + 1.5 * self._longest.get(index, 0.0) + SLACK < promised:
                return f"it breaks off after {came:.1f} of {promised:.1f} s; what there is was done"
        return ""


def _promised(stream: Any) -> float:
    """Seconds that a stream should last; 0 where its file does not say."""
    if stream.duration:
        return float(stream.duration * stream.time_base)
    try:  # Matroska's tag, such as 00:00:00.600000000
        hours, minutes, seconds = map(float, stream.metadata.get("DURATION", "").split(":"))
    except ValueError:
        return 0.0
    return 3600 * hours + 60 * minutes + seconds
