"""Run folders and log records that the tests of the report, its parts and the notebook make up."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from PIL import Image

from sparring.report import write_report

TERMS = ("critic/real", "critic/fake", "generator/fool")
DATA = {"kind": "pictures", "name": "digits", "shape": [1, 8, 8], "range": [-1.0, 1.0], "count": 1797}


def line(step: int, **terms: float) -> dict[str, Any]:
    """A report line, as the session writes it."""
    terms = terms or {name: step + i for i, name in enumerate(TERMS)}
    place = {"step": step, "images": step * 64, "seconds": step / 10, "images_per_second": 640.0}
    return {**place, "terms": terms, "norms": {"critic": 1.0, "generator": 2.0}, "skipped": 0}


def opening(event: str = "start", step: int = 0, **data: Any) -> dict[str, Any]:
    """A start or a resume."""
    card = {**DATA, "classes": ["zero", "one"], "hash": "c0ffee", "notes": ["made by code"], **data}
    machine = {"python": "3.11", "packages": {"torch": "2.6"}, "commit": None}
    return {
        "event": event,
        "step": step,
        "data": card,
        "parameters": {"critic": 12345},
        "environment": machine,
    }


def make_run(folder: Path, records: list[Any], metrics: Any = None, steps: tuple[int, ...] = ()) -> Path:
    """A run folder with these log records, metrics and grids."""
    (folder / "samples").mkdir(parents=True)
    config = "recipe: dcgan\ndata: digits\nsteps: 100\nlatent: 61\ncritic: {lr: 0.0003}\n"
    (folder / "config.yaml").write_text(config)
    (folder / "log.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    if metrics is not None:
        (folder / "metrics.json").write_text(json.dumps(metrics))
    for step in steps:
        Image.new("RGBA", (8, 6), (step % 256, 0, 0, 128)).save(folder / "samples" / f"{step:06d}.png")
    return folder


def page_of(folder: Path) -> str:
    return write_report(folder).read_text(encoding="utf-8")


def payload_of(page: str) -> dict[str, Any]:
    """What the page's script draws."""
    found = re.search(r'<script type="application/json" id="payload">(.*?)</script>', page, re.S)
    assert found
    payload: dict[str, Any] = json.loads(found[1])
    return payload


class Tags(HTMLParser):
    """Every element of a page with its attributes, and whether each one that opens also closes."""

    VOID = ("meta", "link", "img", "input", "br")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def checkup(step: int, **more: Any) -> dict[str, Any]:
    """What the watchdog has seen."""
    place = {"event": "checkup", "step": step, "images": step * 64, "seconds": step / 10}
    accuracy = {"real": 0.75, "fake": 0.875, "held-out": 0.5}
    return {**place, "accuracy": accuracy, "spread": 0.5, "terms": {"critic/real": 1.0}, "skipped": 0, **more}


def evaluation(step: int, best: bool = False, **metrics: Any) -> dict[str, Any]:
    """What the judge has measured."""
    metrics = metrics or {
        "KD[x]": {"value": 1 / step, "error": 0.0123, "floor": 0.001, "mean_picture": 3.5},
        "recall": {"value": 0.25},
    }
    protocol = {"features": "trained-x", "fingerprint": "abcdef0123456789", "preprocessing": "bilinear 32"}
    protocol |= {"real": 180, "fake": 2000, "split": "held-out", "seed": 5}
    place = {"event": "evaluation", "step": step, "images": step * 64, "seconds": step / 10}
    return {**place, "protocol": protocol, "metrics": metrics, "notes": ["180 are few."], "best": best}


def alarm(step: int, name: str = "collapse", seen: str = "All alike.", attempt: str = "Use --critic.lr 1e-4.") -> Any:
    """What the watchdog has said."""
    place = {"event": "alarm", "step": step, "images": step * 64, "seconds": step / 10}
    return {**place, "alarm": name, "seen": seen, "try": attempt}


def heal(step: int, back: int) -> dict[str, Any]:
    """What was done about it."""
    remedy = {"alarm": "collapse", "remedy": "0.5 times the learning rates"}
    return {"event": "heal", "from_step": step, "step": back, **remedy}
