from __future__ import annotations

from pathlib import Path

import pytest
from made_up_sides import dark, picture, save


@pytest.fixture
def sides(tmp_path: Path) -> tuple[Path, Path]:
    """Two folders of 24 PNGs of 20x24; each picture of the first is half as bright as its namesake in the second."""
    for number in range(24):
        save(dark(number), tmp_path / f"dark/{number:02}.png")
        save(picture(number), tmp_path / f"bright/{number:02}.png")
    return tmp_path / "dark", tmp_path / "bright"
