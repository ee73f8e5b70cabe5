"""Pictures and points that are arrays already: numpy arrays, .npy, .npz and IDX files."""

from __future__ import annotations

import gzip
import re
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, TypeVar, cast

import numpy as np
from PIL import Image

from sparring.data import columns as beside
from sparring.data.gallery import Found, Gallery, Points, number_labels, safe_name, stamp
from sparring.errors import SparringError

T = TypeVar("T")

PICTURE_KEYS = ("images", "x", "data")
LABEL_KEYS = ("labels", "y")
GROUP_KEYS = ("groups", "group")
COLUMN_KEYS, NAME_KEYS = ("columns",), ("column_names",)
MOST_COLUMNS = 16  # an (n, k) array with more is not a cloud of points but most likely flattened pictures
_SHAPES = "(n, h, w), (n, h, w, c) or (n, c, h, w) with c = 1, 3 or 4, or (n, k) floats with k up to 16"


def in_memory(array: np.ndarray, name: str = "array") -> Found:
    """An array as a source; it is never written to disk."""
    return Found(name, lambda: from_array(array, None, "the array"))


def npy(path: Path) -> Found:
    """A .npy file, mapped and not read, so that it may be larger than the memory."""

    def load() -> Gallery | Points:
        return from_array(_open(path, lambda: np.load(path, mmap_mode="r", allow_pickle=False)), None, str(path))

    return Found(safe_name(path.stem), load, (stamp(path),))


def npz(path: Path) -> Found:
    """A .npz file: pictures called images, x or data, or the only deep array; labels or y; groups or group.

    An array called columns (n, c) holds numbers that come with each sample, and column_names (c,) their names.
    """

    def load() -> Gallery | Points:
        with _open(path, lambda: np.load(path, allow_pickle=False)) as archive:
            content = _open(path, lambda: {key: archive[key] for key in archive.files})
        labels, groups, *given = (_called(keys, content) for keys in (LABEL_KEYS, GROUP_KEYS, COLUMN_KEYS, NAME_KEYS))
        return from_array(_pictures_of(content, path), labels, str(path), groups, *given)

    return Found(safe_name(path.stem), load, (stamp(path),))


def idx(path: Path) -> Found:
    """An IDX file of pictures (MNIST's format, .gz or not); its labels lie beside it as `idx_labels` says."""
    beside = idx_labels(path)

    def load() -> Gallery | Points:
        labels = None if beside is None else read_idx(beside)
        return from_array(read_idx(path), labels, str(path))

    return Found(safe_name(path.name.partition("-idx")[0]), load, tuple(map(stamp, filter(None, (path, beside)))))


def idx_labels(path: Path) -> Path | None:
    """The labels of train-images-idx3-ubyte.gz: train-labels-idx1-ubyte.gz, or the same packed otherwise."""
    name = re.sub(r"idx\d", "idx1", path.name.replace("images", "labels")).removesuffix(".gz")
    choices = [path.with_name(name), path.with_name(name + ".gz")]
    return next((choice for choice in choices if choice.is_file() and choice != path), None)


def is_idx(path: Path) -> bool:
    """Whether a file starts as an IDX file of bytes with three or four dimensions does."""

    def start() -> bytes:
        with _stream(path) as stream:
            return stream.read(4)

    return _open(path, start) in (b"\x00\x00\x08\x03", b"\x00\x00\x08\x04")


def read_idx(path: Path) -> np.ndarray:
    """The uint8 array of an IDX file.

    Raises:
        SparringError: where its length is not what its header says.
    """

    def read() -> np.ndarray:
        with _stream(path) as stream:
            content = stream.read()
        start = 4 + 4 * int.from_bytes(content[3:4])
        shape = np.frombuffer(content[4:start], dtype=">u4").astype(int)
        return np.frombuffer(content[start:], dtype=np.uint8).reshape(tuple(shape))

    return _open(path, read)


def _stream(path: Path) -> IO[bytes]:
    with path.open("rb") as plain:
        packed = plain.read(2) == b"\x1f\x8b"
    return cast(IO[bytes], gzip.open(path, "rb")) if packed else path.open("rb")


def _open(path: Path, read: Callable[[], T]) -> T:
    """Read a file of arrays, its many ways to be broken told in one sentence."""
    try:
        return read()
    except (OSError, ValueError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise SparringError(
            f"{path} cannot be read ({error}); save it as a plain array, without Python objects in it."
        ) from error


def _pictures_of(content: Mapping[str, np.ndarray], path: Path) -> np.ndarray:
    named = [key for key in content if key.lower() in PICTURE_KEYS]
    deep = [key for key, array in content.items() if array.ndim >= 3]
    candidates = named or deep
    if len(candidates) != 1:
        raise SparringError(
            f"{path} does not say which of its arrays ({', '.join(content) or 'none'}) holds the pictures: "
            f'call that one "{PICTURE_KEYS[0]}" and the labels, if any, "{LABEL_KEYS[0]}".'
        )
    return content[candidates[0]]


def _called(keys: tuple[str, ...], content: Mapping[str, np.ndarray]) -> np.ndarray | None:
    return next((array for key, array in content.items() if key.lower() in keys), None)


def from_array(
    array: np.ndarray,
    labels: np.ndarray | None,
    where: str,
    groups: np.ndarray | None = None,
    columns: np.ndarray | None = None,
    column_names: np.ndarray | None = None,
) -> Gallery | Points:
    """An array of pictures, or of points where it is (n, k) of floats.

    Args:
        array: uint8; uint16, scaled by its full range; or floats, all in 0..1 or all in -1..1. Its shape is
            (n, h, w), (n, h, w, c) or (n, c, h, w) with c in 1, 3, 4; or (n, k) of points, k at most 16.
        labels: (n,) whole numbers or strings.
        where: what the messages call it.
        groups: (n,) whole numbers or strings, equal for samples of one source.
        columns, column_names: as in `columns.from_array`.

    Raises:
        SparringError: for any other shape, dtype or range.
    """
    if array.ndim == 0 or array.size == 0:
        raise SparringError(f"There is nothing in {where}: its shape is {array.shape}.")
    grouped = None if groups is None else _numbered(groups, len(array), "groups", where)[0]
    given = beside.Numbers() if columns is None else beside.from_array(columns, column_names, len(array), where)
    if array.ndim == 2 and array.dtype.kind == "f" and array.shape[1] <= MOST_COLUMNS:
        return _points(array, grouped, given, where)
    pictures = _channels_last(array, where)
    convert, notes = _converter(array, where)
    names = [str(index) for index in range(len(array))]

    def open_picture(index: int) -> Image.Image:
        pixels = convert(pictures[index])
        return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)

    numbers, classes = (None, ()) if labels is None else _numbered(labels, len(array), "labels", where)
    told = notes + given.notes
    return Gallery(names, open_picture, numbers, classes, told, grouped, None, given.values, given.names)


def _numbered(given: np.ndarray, count: int, what: str, where: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Labels or groups as `number_labels` gives them, once they are one a sample."""
    if given.shape != (count,) or given.dtype.kind not in "iuU":
        raise SparringError(
            f"The {what} in {where} are {given.dtype} of shape {given.shape}; they must be whole numbers "
            f"or strings of shape ({count},), one a sample."
        )
    return number_labels([str(value) for value in given])


def _channels_last(array: np.ndarray, where: str) -> np.ndarray:
    if array.ndim == 3:
        return array[..., None]
    if array.ndim == 4 and array.shape[-1] in (1, 3, 4):
        return array
    if array.ndim == 4 and array.shape[1] in (1, 3, 4):
        return array.transpose(0, 2, 3, 1)
    raise SparringError(f"The shape {array.shape} of {where} is not one of {_SHAPES}.")


def _converter(array: np.ndarray, where: str) -> tuple[Callable[[np.ndarray], np.ndarray], tuple[str, ...]]:
    """How one picture of the array becomes uint8, and the note that tells it."""
    if array.dtype == np.uint8:
        return np.ascontiguousarray, ()
    if array.dtype == np.uint16:
        note = "16-bit values were scaled to 8 bits by their full range (65535 becomes 255)."
        return lambda pixels: np.rint(pixels / 257).astype(np.uint8), (note,)
    if array.dtype.kind != "f":
        raise SparringError(f"The {array.dtype} values in {where} have no known range: give uint8 in 0..255.")
    low, high = _extremes(array)
    if not (low >= -1 and high <= 1):
        raise SparringError(
            f"The float values in {where} run from {low:g} to {high:g}: scale them to 0..1 or to -1..1."
        )
    start = -1 if low < 0 else 0
    note = f"Floats in {start}..1 were rounded to 8 bits."
    return lambda pixels: np.rint((pixels - start) * (255 / (1 - start))).astype(np.uint8), (note,)


def _extremes(array: np.ndarray) -> tuple[float, float]:
    """The lowest and the highest value, a slice at a time as the array may be mapped; NaN comes through."""
    slices = [array[start : start + 256] for start in range(0, len(array), 256)]
    return float(np.min([part.min() for part in slices])), float(np.max([part.max() for part in slices]))


def _points(array: np.ndarray, groups: np.ndarray | None, given: beside.Numbers, where: str) -> Points:
    rows = np.ascontiguousarray(array, dtype=np.float32)
    if not np.isfinite(rows).all():
        raise SparringError(f"Some values in {where} are not finite numbers: drop those rows first.")
    return Points(rows, (float(rows.min()), float(rows.max())), given.notes, groups, given.values, given.names)
