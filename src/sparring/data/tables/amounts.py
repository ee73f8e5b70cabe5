"""Text that holds numbers: with signs between the digits, "?" amid them, a constant text around them, or durations."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from sparring.data.tables import numbers, wording
from sparring.data.tables.wording import Wording

if TYPE_CHECKING:
    import pandas as pd

# What stands for a missing value amid numbers alone.
MARKERS = ("?", "-", "--", ".", "None", "none", "missing")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
CODE = re.compile(r"(0|\+)\d+")
MONEY = "$€£¥₹₽₩₺₫₪฿₴₦"
CURRENCIES = "USD EUR GBP JPY CHF CAD AUD NZD CNY INR KRW SGD HKD SEK NOK DKK PLN CZK HUF TRY RUB BRL MXN ZAR"
CORE = r"(?:\d[\d.,]*\d|\d)"
BEFORE = rf"(?:[A-Z]{{0,3}}[{MONEY}]|(?:{CURRENCIES.replace(' ', '|')})(?=\s))\s?"
AFTER = rf"\s?(?:[%‰{MONEY}]|[µ°]?[^\W\d_]{{1,12}}(?:[/ ][^\W\d_]{{1,12}})?[²³]?|°)"
FRAMED = re.compile(rf"([+-]?)({BEFORE})?([+-]?){CORE}({AFTER})?")
DURATION = re.compile(r"(-?)(\d+):([0-5]\d):([0-5]\d)(\.\d+)?")
FIRST = 200  # texts that are looked at before all
DAY = 24  # hours, below which a time is one of the day
EACH = 10  # rows a value, from which texts of few values are learnt as they are


class Amounts(NamedTuple):
    """A column of text as the numbers that it holds.

    Attributes:
        values: of pandas' nullable types.
        wording: how they are spelt.
        notes: plain sentences on what was taken for what.
    """

    values: pd.Series
    wording: Wording
    notes: tuple[str, ...]


def read(name: str, column: pd.Series, decimal: str = ".") -> Amounts | None:
    """The numbers that a column of text holds; None where its texts are not all numbers.

    A "?" or another of MARKERS is a missing value where all else are numbers. A text around them, such as a currency
    or a unit, is the same in all; texts of few values stay text, for they are learnt as they are.

    Args:
        name: of the column, for the notes.
        column: of pandas' string type.
        decimal: what stands before decimals in the file.
    """
    import pandas as pd

    known = column.dropna().unique().tolist()
    marks = [text for text in known if text.strip() in MARKERS]
    texts = [text.strip() for text in known if text.strip() not in MARKERS]
    found = _signs(texts, decimal)
    if found == ("", decimal) and not marks:  # whole numbers beyond 64 bits stay text
        return None
    plain = column.mask(column.isin(marks)).str.strip()
    if found is not None:
        between, point = found
        how = wording.of_numbers(texts, point, between, whole=_whole(texts, between))
        told = _told_signs(name, between, point) if (between, point) != ("", decimal) else ()
    elif len(texts) <= numbers.FEW and len(column) >= EACH * len(texts):
        return None
    elif durations := _durations(texts):
        how, told = durations, (f'The durations of {name}, such as "{texts[0]}", are learnt in seconds.',)
        plain = plain.map(_seconds, na_action="ignore")
    elif framed := _framed(texts, decimal):
        how, told = framed, (f'The column {name} is learnt as numbers, which are written as "{texts[0]}".',)
        plain = plain.str.replace(how.before, "", regex=False).str.removesuffix(how.after)
    else:
        return None
    plain = plain.str.replace(how.thousands, "", regex=False) if how.thousands else plain
    values = pd.to_numeric(plain.astype("string").str.replace(how.point, ".", regex=False))
    if marks:
        amount = cells(int(column.isin(marks).sum()))
        told = (f'In the column {name}, {amount} with "{marks[0]}" counted as missing.', *told)
        if len(marks) == 1 and not column.isna().any():
            how = replace(how, lost=marks[0])
    return Amounts(values, how, told)


def number(word: str, how: Wording) -> str:
    """A word such as "$3,316.03" of a column that is worded so, as a plain number; other words as they are."""
    if how.style == "duration":
        return _seconds(word) if DURATION.fullmatch(word) else word
    framed = len(word) > len(how.before + how.after) and how.is_text
    sign = "-" if framed and word.startswith("-") and how.before else ""
    bare = word[len(sign) :]
    if not (framed and bare.startswith(how.before) and bare.endswith(how.after)):
        return word
    bare = bare[len(how.before) : len(bare) - len(how.after)]
    return sign + (bare.replace(how.thousands, "") if how.thousands else bare).replace(how.point, ".")


def cells(count: int) -> str:
    """So many cells, in words."""
    return "1 cell" if count == 1 else f"{count:,} cells"


def _told_signs(name: str, between: str, point: str) -> tuple[str, ...]:
    sign, what = (between, "between thousands") if between else (point, "before decimals")
    return (f'In the column {name}, "{sign}" stands {what}.',)


def _signs(texts: Sequence[str], decimal: str) -> tuple[str, str] | None:
    """What stands between thousands, if anything, and before decimals; None where these are not all numbers."""
    if not texts or any(map(CODE.fullmatch, texts)):
        return None
    other = "." if decimal == "," else ","
    if all(NUMBER.fullmatch(text.replace(decimal, ".")) for text in texts):
        return "", decimal
    grouped = re.compile(rf"[+-]?\d{{1,3}}(?:\{other}\d{{3}})+(?:\{decimal}\d+)?")
    if all(grouped.fullmatch(text) or NUMBER.fullmatch(text.replace(decimal, ".")) for text in texts):
        return other, decimal
    return ("", ",") if all(NUMBER.fullmatch(text.replace(",", ".")) for text in texts) else None


def _whole(texts: Sequence[str], between: str) -> bool:
    return all(text.replace(between, "").lstrip("+-").isdecimal() for text in texts)


def _framed(texts: Sequence[str], decimal: str) -> Wording | None:
    """The wording of numbers between texts that are always the same; None where these are none."""
    match = FRAMED.fullmatch(texts[0]) if texts else None
    if match is None or not (match[2] or match[4]):
        return None
    before, after = match[2] or "", match[4] or ""
    pattern = re.compile(rf"([+-]?){re.escape(before)}([+-]?)({CORE}){re.escape(after)}")
    matches = [found for found in map(pattern.fullmatch, texts[:FIRST]) if found]
    if len(matches) < len(texts[:FIRST]):
        return None
    matches += [found for found in map(pattern.fullmatch, texts[FIRST:]) if found]
    if len(matches) < len(texts) or any(found[1] and found[2] for found in matches):
        return None
    cores = [found[1] + found[2] + found[3] for found in matches]
    marks = _signs(cores, decimal) or _signs(cores, "," if decimal == "." else ".")
    if marks is None:
        return None
    how = wording.of_numbers(cores, marks[1], marks[0], whole=_whole(cores, marks[0]))
    ahead = bool(before) and any(found[1] for found in matches)
    return replace(how, before=before, after=after, ahead=ahead)


def _durations(texts: Sequence[str]) -> Wording | None:
    """The wording of hours, minutes and seconds; None where these are no such, or times of one day."""
    matches = [match for match in map(DURATION.fullmatch, texts[:FIRST]) if match]
    if not matches or len(matches) < len(texts[:FIRST]):
        return None
    matches += [match for match in map(DURATION.fullmatch, texts[FIRST:]) if match]
    longer = any(match[1] or int(match[2]) >= DAY for match in matches)
    if len(matches) < len(texts) or not longer:
        return None
    behind = max(len(match[5] or ".") - 1 for match in matches)
    return Wording("duration", behind, min(len(match[2]) for match in matches))


def _seconds(text: str) -> str:
    match = DURATION.fullmatch(text)
    assert match is not None
    whole = int(match[2]) * 3600 + int(match[3]) * 60 + int(match[4])
    return f"{match[1]}{whole}{match[5] or ''}"
