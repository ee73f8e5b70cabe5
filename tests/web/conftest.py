"""Made-up runs in progress."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_up_run import MadeUp


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """An empty folder for runs."""
    folder = tmp_path / "runs"
    folder.mkdir()
    return folder


@pytest.fixture
def made_up(runs: Path) -> MadeUp:
    """A run that has begun and reported once."""
    run = MadeUp(runs / "first")
    run.start()
    run.report(10)
    return run
