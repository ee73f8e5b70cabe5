"""Cards and rows of a made-up table, made once."""

from __future__ import annotations

from typing import Any

import pytest
from made_up_people import people


@pytest.fixture(scope="session")
def cards() -> Any:
    """The cards of its columns, which are no part of what is tested here."""
    from sparring.data.tables import check, codec, kinds

    frame = check.check(people(1500), "made up")
    asked = ("age=integer", "years=continuous", "pay=continuous", "began=date")
    return codec.fit(frame, kinds.infer(frame, asked))


@pytest.fixture(scope="session")
def train() -> Any:
    """What was learnt from."""
    return people(1500)


@pytest.fixture(scope="session")
def held_out() -> Any:
    """What was never seen."""
    return people(600, 1)
