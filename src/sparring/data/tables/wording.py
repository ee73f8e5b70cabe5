"""How a text file spells its cells: found in the cells that were read, and given to those that are written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

LONG = 8  # digits behind the point, above which significant ones are counted
EXACT = 12  # significant digits, above which a number has all that it can have


@dataclass(frozen=True)
class Dialect:
    """What all cells of a text file share.

    Attributes:
        comma: what stands between cells; of a file that is called .tsv a comma, as its tabs go with that name.
        encoding: Python's name of it.
    """

    comma: str = ","
    encoding: str = "utf-8"


@dataclass(frozen=True)
class Wording:
    """How the cells of one column are spelt.

    Attributes:
        style: of numbers "" as Python writes them; "short" for that without the .0 of whole ones; "f", "e", "E" or "g"
            as Python's presentation types of `digits` digits; "duration" for hours:minutes:seconds. Of true and false
            "upper" or "lower"; "" is True and False.
        digits: behind the point; of "g" significant ones.
        width: of "duration", the digits that hours have at least.
        point, thousands: what stands before decimals, and between thousands.
        bare: whether 0 has no decimals, unlike others.
        before, after: the text around a number.
        ahead: whether a minus stands before `before`.
        lost: what stands for a missing value.
    """

    style: str = ""
    digits: int = 0
    width: int = 1
    point: str = "."
    thousands: str = ""
    bare: bool = False
    before: str = ""
    after: str = ""
    ahead: bool = False
    lost: str = ""

    @property
    def is_text(self) -> bool:
        """Whether a column of such cells is text in a data frame, too."""
        return bool(self.before or self.after or self.style == "duration")


class Worded(Protocol):
    """A column's card."""

    @property
    def name(self) -> str: ...
    @property
    def wording(self) -> Wording: ...


def of_numbers(texts: Sequence[str], point: str = ".", thousands: str = "", *, whole: bool) -> Wording:
    """The plainest wording in which numbers are spelt just as these texts, or the plain one where none does.

    Args:
        texts: of numbers, at least one, without spaces around them; each once is enough.
        point, thousands: as they are in the texts.
        whole: whether the column holds whole numbers alone.
    """
    plain = [text.replace(thousands, "") if thousands else text for text in texts]
    plain = [text.replace(point, ".") for text in plain]
    values: list[float] = [int(text) if whole else float(text) for text in plain]
    usual = Wording(point=point, thousands=thousands)
    fits = (wording for wording in _candidates(usual, plain) if all(map(_says(wording), values, texts)))
    found = next(fits, usual)
    if found != usual or whole or "0" not in texts or not (others := [text for text in texts if text != "0"]):
        return found
    beside = replace(of_numbers(others, point, thousands, whole=False), bare=True)
    return beside if all(map(_says(beside), values, texts)) else usual


def of_truth(texts: Sequence[str]) -> Wording:
    """The wording of true and false, where all are upper or lower case."""
    cases = (case for case in ("upper", "lower") if all(getattr(text, case)() == text for text in texts))
    return Wording(next(cases, ""))


def holds(wording: Wording, column: pd.Series) -> bool:
    """Whether numbers keep all their digits so; they were seen in some of them only."""
    import pandas as pd

    if wording.style not in ("f", "e", "g", "E") or column.dtype.kind != "f":
        return True
    values = column.dropna().to_numpy(dtype=np.float64)
    if wording.style == "f":
        return bool((np.round(values, wording.digits) == values).all())
    bare = replace(wording, point=".", thousands="", before="", after="")
    spelt = _speller(bare)
    return all(float(spelt(value)) == value for value in pd.unique(values).tolist())


def spelt(column: pd.Series, wording: Wording) -> pd.Series:
    """A column of numbers or of true and false (n,) as text, None where it is missing."""
    import pandas as pd

    spell, made = _speller(wording), np.empty(len(column), object)
    lost = column.isna().to_numpy()
    made[:] = [None if gone else spell(value) for value, gone in zip(column.tolist(), lost, strict=True)]
    return pd.Series(made, dtype=pd.Series(["", None]).dtype)


def written(frames: Iterable[pd.DataFrame], fields: Sequence[Worded]) -> Iterator[pd.DataFrame]:
    """Tables as `types.restore` leaves them, with the cells as their files spell them; other columns as they are."""
    import pandas as pd

    for frame in frames:
        changed = {}
        for field in fields:
            wording, column = field.wording, frame[field.name]
            if wording != Wording(lost=wording.lost) and column.dtype.kind in "iufb":
                column = spelt(column, wording)
            if wording.lost:
                texts = column.astype(object)
                column = texts.where(column.notna(), wording.lost)
            if column is not frame[field.name]:
                changed[field.name] = column.array
        columns = {name: changed.get(name, frame[name].array) for name in frame}
        yield pd.DataFrame(columns, copy=False) if changed else frame


def _candidates(usual: Wording, plain: Sequence[str]) -> Iterator[Wording]:
    """The wordings that texts of numbers with a point may be of, the plainest first."""
    mantissas = [text.lower().partition("e")[0] for text in plain]
    behind = max(len(text.partition(".")[2]) for text in mantissas)
    deep = max(-int(Decimal(text).as_tuple().exponent) for text in plain)  # an exponent puts them deeper
    significant = max(len(text.lstrip("+-").replace(".", "").lstrip("0")) for text in mantissas)
    rounded = [replace(usual, style=style, digits=behind) for style in ("f", "e", "E")]
    if significant <= EXACT:
        rounded.append(replace(usual, style="g", digits=max(significant, 1)))
    shortest = [usual, replace(usual, style="short")]
    # to be told from a number of as many digits as a float has, one of many must say how many
    yield from [*rounded, *shortest] if deep > LONG else [*shortest, *rounded]


def _says(wording: Wording) -> Callable[[Any, str], bool]:
    spell = _speller(wording)
    return lambda value, text: spell(value) == text


def _speller(wording: Wording) -> Callable[[Any], str]:
    """What spells one value, which is not missing."""
    if wording.style in ("upper", "lower"):
        return lambda value: str(getattr(str(bool(value)), wording.style)())
    if wording.style == "duration":
        return lambda value: _duration(value, wording)
    precision = f".{wording.digits}{wording.style}" if wording.style in ("f", "e", "E", "g") else ""
    form = "{:" + ("," if wording.thousands else "") + precision + "}"
    marks = str.maketrans({",": wording.thousands, ".": wording.point})
    own, short = (wording.thousands, wording.point) in (("", "."), (",", ".")), wording.style == "short"

    def spell(value: Any) -> str:
        text = form.format(value + 0) if value or not wording.bare else "0"  # + 0, for there is no -0
        if short:
            text = text.removesuffix(".0")
        if not own:
            text = text.translate(marks)
        return _framed(text, wording) if wording.is_text else text

    return spell


def _framed(text: str, wording: Wording) -> str:
    if wording.ahead and text.startswith("-"):
        return f"-{wording.before}{text[1:]}{wording.after}"
    return f"{wording.before}{text}{wording.after}"


def _duration(seconds: float, wording: Wording) -> str:
    scale = 10**wording.digits
    whole, part = divmod(round(abs(seconds) * scale), scale)
    minutes, second = divmod(whole, 60)
    hour, minute = divmod(minutes, 60)
    behind = f"{wording.point}{part:0{wording.digits}}" if wording.digits else ""
    minus = "-" if seconds < 0 and (whole or part) else ""
    return f"{minus}{hour:0{wording.width}}:{minute:02}:{second:02}{behind}"
