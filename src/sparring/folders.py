"""The names of run folders: the next that is free, and those that somebody may have meant."""

from __future__ import annotations

import difflib
import re
from pathlib import Path


def free_folder(recipe: str, data: str, parent: Path) -> Path:
    """The first of <recipe>-<data>-1, -2, ... that does not exist in `parent`."""
    stem = re.sub(r"[^\w.-]+", "-", f"{recipe}-{data}").strip("-")
    number = 1
    while (parent / f"{stem}-{number}").exists():
        number += 1
    return parent / f"{stem}-{number}"


def runs_near(folder: Path) -> str:
    """The runs in and beside a folder that holds none, likeliest first, as the end of a sentence."""
    places = {*folder.glob("*/config.yaml"), *folder.parent.glob("*/config.yaml"), *Path("runs").glob("*/config.yaml")}
    found = sorted((str(place.parent) for place in places), key=lambda name: _unlike(name, str(folder)))
    return f"; there are runs in {', '.join(found[:5])}" if found else ""


def _unlike(a: str, b: str) -> float:
    return 1 - difflib.SequenceMatcher(None, a, b).ratio()
