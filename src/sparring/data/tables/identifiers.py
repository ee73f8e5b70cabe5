"""Identifiers are never learnt: new ones are made that look like the data's, are not among them, and never repeat."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sparring.data.tables import chance

if TYPE_CHECKING:
    import pandas as pd

NUMBER = "number"
UUIDS = {
    "uuid": re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
    "UUID": re.compile(r"[0-9A-F]{8}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{12}"),
}
CLASSES = {  # what may stand at a place of a text, the narrowest first
    "0-9": "0123456789",
    "a-f": "abcdef",
    "A-F": "ABCDEF",
    "0-9a-f": "0123456789abcdef",
    "0-9A-F": "0123456789ABCDEF",
    "a-z": "abcdefghijklmnopqrstuvwxyz",
    "A-Z": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "0-9a-z": "0123456789abcdefghijklmnopqrstuvwxyz",
    "0-9A-Z": "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "A-Za-z": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    "0-9A-Za-z": "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
}
TELLING = 2**62  # so many texts are told apart by their number; what comes behind in a longer one is drawn
ENOUGH = 2**40  # so many are never used up
STRETCHES = 64  # of unused numbers that are remembered
PART = re.compile(r"\[([^\]]+)\]|\\(.)|(.)", re.DOTALL)
RUNNING = re.compile(r"(\D*)(0|[1-9]\d{0,17})(\D*)", re.DOTALL)


class Pattern(NamedTuple):
    """How new identifiers are made.

    Attributes:
        form: "number", "uuid" or "UUID"; or a regular expression of one class a character, such as "AB-[0-9][0-9]".
        free: the first number of each stretch that the data does not use and the first behind it, in pairs; the last
            stretch has no end. Numbers count through all texts of the form, and then through longer ones.
    """

    form: str
    free: tuple[int, ...]


def learn(known: pd.Series) -> Pattern:
    """The pattern of identifiers, whole numbers or text, none missing and at least one."""
    if known.dtype.kind in "iuf":
        return Pattern(NUMBER, _after(known))
    texts = known.astype(str).drop_duplicates()
    for form, uuid in UUIDS.items():
        if texts.str.fullmatch(uuid).all():
            return Pattern(form, (0,))
    if running := _running(texts):
        return running
    lengths = texts.str.len()
    for length in (int(lengths.mode().iloc[0]), int(lengths.max())):
        like = _alike(texts[lengths == length], length, only=(lengths == length).all())
        form = _form(like)
        places = _places(form)
        if _size(places) >= ENOUGH:
            break  # else longer ones may be needed, and must be longer than all of the data's
    return Pattern(form, _free(np.unique(_ranks(like, places)), _size(places)))


def make(pattern: Pattern, first: int, count: int, seed: int) -> np.ndarray:
    """Identifiers number first..first+count-1 of the endless sequence that goes with a pattern.

    Returns:
        (count,) int64 for numbers, which go on after the data's highest; else text, as objects.
    """
    if pattern.form in UUIDS:
        return _uuids(pattern.form, first, count, seed)
    numbers = _spread(pattern.free, first, count)
    if pattern.form == NUMBER:
        return numbers
    places = _places(pattern.form)
    size = _size(places)
    keys = chance.numbered(first, count)
    short = numbers < size
    made = np.empty(count, object)
    made[short] = _texts(numbers[short], places, keys[short], seed)
    if not short.all():
        made[~short] = _longer(numbers[~short] - size, places, keys[~short], seed)
    return made


def _after(known: pd.Series) -> tuple[int, ...]:
    """Where new whole numbers go on: after the highest, unless the type ends soon after it."""
    highest, end = int(known.max()), 2**53 if known.dtype.kind == "f" else int(np.iinfo(known.dtype.name.lower()).max)
    if highest < end // 2:
        return (highest + 1,)
    return _free(np.unique(known[known >= 0].to_numpy(dtype=np.int64)), end)


def _running(texts: pd.Series) -> Pattern | None:
    """The pattern of numbers of several lengths between texts that are always the same, such as user9 and user10."""
    lengths = texts.str.len()
    match = RUNNING.fullmatch(texts.iloc[0])
    if match is None or lengths.min() == lengths.max():
        return None
    before, after = match[1], match[3]
    numbers = texts.str.slice(len(before), -len(after) if after else None)
    framed = texts.str.startswith(before) & texts.str.endswith(after)
    if not (framed & numbers.str.fullmatch(r"0|[1-9]\d{0,17}")).all():
        return None
    return Pattern(f"{re.escape(before)}[0-9]{re.escape(after)}", (int(numbers.astype("int64").max()) + 1,))


def _alike(texts: pd.Series, length: int, *, only: bool) -> np.ndarray:
    """Texts of one length -> those of the commonest outline, (n, length) of characters' numbers; all where `only`.

    A new one of the same outline can equal none but these.
    """
    same = texts.to_numpy(dtype=object).astype(f"U{max(length, 1)}")
    letters: np.ndarray = same.view(np.uint32).reshape(len(same), -1)
    if only:
        return letters
    outlines = _outlines(letters)
    commonest = Counter(map(bytes, outlines)).most_common(1)[0][0]
    alike: np.ndarray = letters[(outlines == np.frombuffer(commonest, np.uint8)).all(1)]
    return alike


def _outlines(letters: np.ndarray) -> np.ndarray:
    """Of each character whether it is a digit, a letter or else which one, roughly: (n, length) uint8."""
    outline = (letters % 64 + 3).astype(np.uint8)
    outline[(letters >= ord("a")) & (letters <= ord("z"))] = 2
    outline[(letters >= ord("A")) & (letters <= ord("Z"))] = 1
    outline[(letters >= ord("0")) & (letters <= ord("9"))] = 0
    return outline


def _form(letters: np.ndarray) -> str:
    """The regular expression of texts of one length: at each place a character, or the class of all that occur."""
    seen = [{chr(code) for code in np.flatnonzero(np.bincount(column))} for column in letters.T]
    parts: list[str] = []
    for at, here in reversed(list(enumerate(seen))):
        if here == {"0"} and at + 1 < len(seen) and parts[-1] == "[0-9]":
            parts.append("[0-9]")  # zeros before a number, which grows into them
        elif len(here) == 1:
            parts.append(re.escape(here.pop()))
        else:
            of = next((name for name, allowed in CLASSES.items() if here <= set(allowed)), None)
            own = "".join(sorted(here - set("]\\^-")))
            parts.append(f"[{of or own or '0-9A-Za-z'}]")
    return "".join(reversed(parts))


def _places(form: str) -> list[str]:
    """A form -> the characters that may stand at each place."""
    found = [CLASSES.get(of, of) if of else escaped or plain for of, escaped, plain in PART.findall(form)]
    return found or [CLASSES["0-9"]]


def _size(places: list[str]) -> int:
    """How many texts are told apart by number."""
    size = 1
    for letters in places:
        if size * len(letters) >= TELLING:
            break
        size *= len(letters)
    return size


def _ranks(letters: np.ndarray, places: list[str]) -> np.ndarray:
    """The numbers of texts (n, length) -> (n,) int64, in 0..size-1."""
    ranks, size = np.zeros(len(letters), np.int64), 1
    for column, allowed in zip(letters.T, places, strict=True):
        if size * len(allowed) >= TELLING:
            break
        size *= len(allowed)
        order = np.zeros(max(int(column.max()), *map(ord, allowed)) + 1, np.int64)
        order[[ord(letter) for letter in allowed]] = np.arange(len(allowed))
        ranks = ranks * len(allowed) + order[column]
    return ranks


def _free(used: np.ndarray, size: int) -> tuple[int, ...]:
    """The longest stretches of numbers below `size` that are not used; what lies beyond is free for ever.

    Where those used stand close together, as counters do, new ones go on after the highest.
    """
    highest = int(used[-1]) + 1
    if highest - int(used[0]) <= 2 * len(used):
        return (highest,)
    starts = np.concatenate([[0], used + 1])
    ends = np.append(used, size)
    longest = np.sort(np.argsort(starts - ends, kind="stable")[:STRETCHES])
    pairs = [(int(starts[at]), int(ends[at])) for at in longest if ends[at] > starts[at]]
    return (*(end for pair in pairs for end in pair), size)


def _spread(free: tuple[int, ...], first: int, count: int) -> np.ndarray:
    """Number first..first+count-1 among the free ones."""
    starts = np.array(free[::2])
    lengths = [end - start for start, end in pairwise(free)][::2]
    before = np.concatenate([[0], np.cumsum(np.array(lengths, np.int64))]).astype(np.int64)
    at = np.arange(first, first + count)
    stretch = np.searchsorted(before, at, side="right") - 1
    found: np.ndarray = starts[stretch] + at - before[stretch]
    return found


def _texts(numbers: np.ndarray, places: list[str], keys: np.ndarray, seed: int) -> np.ndarray:
    """The texts of numbers below the size; characters that no number tells are drawn."""
    columns, size, told = [], 1, 0
    for letters in places:
        if size * len(letters) >= TELLING:
            break
        size, told = size * len(letters), told + 1
    for letters in reversed(places[:told]):
        numbers, rest = np.divmod(numbers, len(letters))
        columns.append(np.array(list(letters))[rest])
    columns.reverse()
    for at, letters in enumerate(places[told:]):
        drawn = (chance.uniform(keys, "identifier", seed, at) * len(letters)).astype(np.int64)
        columns.append(np.array(list(letters))[drawn])
    return _strung(columns, len(numbers))


def _longer(numbers: np.ndarray, places: list[str], keys: np.ndarray, seed: int) -> np.ndarray:
    """Texts with as many characters more as it takes, within the last run of places that are not always the same."""
    end = max((at for at, letters in enumerate(places) if len(letters) > 1), default=len(places) - 1) + 1
    letters = places[end - 1] if len(places[end - 1]) > 1 else CLASSES["0-9"]
    start = end
    while start and places[start - 1] == letters:
        start -= 1
    leading = letters.removeprefix("0")  # 99 is followed by 100, not by 000
    made = np.empty(len(numbers), object)
    left, more = np.arange(len(numbers)), end - start + 1
    while len(left):
        wide = [*places[:start], leading, *[letters] * (more - 1), *places[end:]]
        size = _size(wide)
        now = numbers[left] < size
        made[left[now]] = _texts(numbers[left[now]], wide, keys[left[now]], seed)
        numbers, left, more = numbers - size, left[~now], more + 1
    return made


def _uuids(form: str, first: int, count: int, seed: int) -> np.ndarray:
    """Random UUIDs, as of version 4: 122 bits of chance, so that none is ever met twice."""
    keys = chance.numbered(first, count)
    high, low = (chance.bits(keys, "uuid", seed, half).tolist() for half in (0, 1))
    made = np.empty(count, object)
    for at, (left, right) in enumerate(zip(high, low, strict=True)):
        text = f"{left >> 16 & 0xFFFFFFFFFFFF:012x}4{left & 0xFFF:03x}{right & 0x3FFFFFFFFFFFFFFF | 1 << 63:016x}"
        made[at] = f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
    return np.array([text.upper() for text in made], object) if form == "UUID" else made


def _strung(columns: list[np.ndarray], count: int) -> np.ndarray:
    """Columns of characters (count,) each -> texts (count,) as objects."""
    if not columns:
        return np.full(count, "", object)
    letters = np.stack([column.astype("U1") for column in columns], axis=1)
    texts = np.ascontiguousarray(letters).view(f"U{len(columns)}")[:, 0]
    return texts.astype(object)
