"""Which picture of one side belongs to which of the other, told by their names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from sparring.errors import SparringError


class Matches(NamedTuple):
    """Places of the pictures that belong together; the names of those without a partner; and how it was told.

    Attributes:
        a, b: places in the names of each side; the i-th of one belongs to the i-th of the other.
        lone_a, lone_b: names without a partner.
        note: a sentence where the names are not simply equal, else empty.
    """

    a: list[int]
    b: list[int]
    lone_a: tuple[str, ...] = ()
    lone_b: tuple[str, ...] = ()
    note: str = ""


def in_order(count: int) -> Matches:
    """The i-th to the i-th."""
    return Matches(list(range(count)), list(range(count)))


def match(a: Sequence[str], b: Sequence[str]) -> Matches:
    """Pair pictures by their paths within each side, whatever their endings.

    Where that pairs less than half of them, the folders that all of a side share are left out; then what all names of a
    side begin or end with, such as "_photo"; then all folders, if each name is there only once.

    Args:
        a, b: paths with "/", none twice within a side.

    Raises:
        SparringError: where there is no pair, or where two pictures of a side bear the same name.
    """
    ways: tuple[tuple[str, Callable[[Sequence[str]], list[str]]], ...] = (
        ("", lambda names: [_stem(name) for name in names]),
        ("", _below_shared),
        ("Pictures were paired by what their names do not all share on a side", _apart),
        ("Pictures were paired by their names alone, whatever folders they are in", _names),
    )
    best = Matches([], [])
    for how, way in ways:
        keys = way(a), way(b)
        if repeated := _repeated(*keys):
            if not how and way is ways[0][1]:
                raise SparringError(_twice((a, b), keys, repeated))
            continue  # two pictures of a side would be the same
        found = _joined(a, b, *keys, how)
        best = found if len(found.a) > len(best.a) else best
        if 2 * len(best.a) >= min(len(a), len(b)):
            break
    if not best.a:
        raise SparringError(
            f"No picture has a partner: A holds {_some(a)} and B holds {_some(b)}; give both pictures of a pair the "
            "same file name, or list the pairs in a .csv with the columns a and b."
        )
    return best


def _joined(a: Sequence[str], b: Sequence[str], keys_a: list[str], keys_b: list[str], how: str) -> Matches:
    place = {key: index for index, key in enumerate(keys_b)}
    pairs = [(index, place[key]) for index, key in enumerate(keys_a) if key in place]
    with_a, with_b = {index for index, _ in pairs}, {index for _, index in pairs}
    first = f' ("{a[pairs[0][0]]}" with "{b[pairs[0][1]]}").' if pairs else ""
    return Matches(
        [index for index, _ in pairs],
        [index for _, index in pairs],
        tuple(name for index, name in enumerate(a) if index not in with_a),
        tuple(name for index, name in enumerate(b) if index not in with_b),
        how and how + first,
    )


def _stem(name: str) -> str:
    return str(PurePosixPath(name).with_suffix(""))


def _below_shared(names: Sequence[str]) -> list[str]:
    """Paths without the folders that all of them begin with."""
    parts = [PurePosixPath(name).with_suffix("").parts for name in names]
    low, high = min(parts), max(parts)  # what the first and the last in order share, all share
    most = min(map(len, parts)) - 1
    shared = next((at for at in range(most) if low[at] != high[at]), most)
    return ["/".join(path[shared:]) for path in parts]


def _apart(names: Sequence[str]) -> list[str]:
    """Paths in lower case, without the words that all names begin or end with."""
    parts = [PurePosixPath(name.lower()) for name in _below_shared(names)]
    words = [re.findall(r"\d+|[^\W\d_]+", path.name) for path in parts]
    for at in (0, -1):
        while _all_share(words, at):
            for own in words:
                del own[at]
    return [str(path.parent / "-".join(own)) for path, own in zip(parts, words, strict=True)]


def _all_share(words: list[list[str]], at: int) -> bool:
    """Whether all have the same word there, which is no number, and something beside."""
    first = words[0][at] if words[0] else ""
    return bool(first) and not first.isdecimal() and all(len(own) > 1 and own[at] == first for own in words)


def _names(names: Sequence[str]) -> list[str]:
    return [PurePosixPath(name).stem.lower() for name in names]


def _repeated(keys_a: list[str], keys_b: list[str]) -> str:
    """A key that stands for two pictures of a side, if there is one that the other side has too; else any."""
    twice = [{key for key, count in Counter(keys).items() if count > 1} for keys in (keys_a, keys_b)]
    return min(twice[0] | twice[1], default="")


def _twice(sides: tuple[Sequence[str], Sequence[str]], keys: tuple[list[str], list[str]], key: str) -> str:
    for letter, names, own in zip("AB", sides, keys, strict=True):
        both = [name for name, stem in zip(names, own, strict=True) if stem == key]
        if len(both) > 1:
            return (
                f'{letter} holds "{both[0]}" and "{both[1]}", which bear the same name, so it cannot be told which of '
                "them belongs to a pair: rename or remove one."
            )
    raise AssertionError("a key that stands for two")


def _some(names: Sequence[str]) -> str:
    first = ", ".join(f'"{name}"' for name in names[:3])
    return first + (" and others" if len(names) > 3 else "")
