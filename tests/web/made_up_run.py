"""A run folder that a test fills as training would, line by line; and the page served over it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

CONFIG = "recipe: dcgan\ndata: digits\nsteps: 100\n"


class MadeUp:
    """A run folder that a test fills as training would."""

    def __init__(self, folder: Path, config: str = CONFIG) -> None:
        self.folder = folder
        (folder / "samples").mkdir(parents=True)
        (folder / "config.yaml").write_text(config)

    def write(self, *records: Any, end: str = "\n") -> None:
        """Append lines to the log; a text goes in as it is."""
        with open(self.folder / "log.jsonl", "a", encoding="utf-8") as log:
            for record in records:
                log.write((record if isinstance(record, str) else json.dumps(record)) + end)

    def start(self, kind: str = "pictures") -> None:
        self.write({"event": "start", "step": 0, "data": {"kind": kind, "name": "digits"}})

    def report(self, step: int, **terms: Any) -> None:
        """A report as the session writes it."""
        self.write({**place(step), "terms": terms or {"critic/real": 0.5, "generator/fool": 1.0}, **FIGURES})

    def grid(self, step: int, shade: int = 200) -> None:
        Image.new("L", (32, 16), shade).save(self.folder / "samples" / f"{step:06d}.png")


FIGURES = {"norms": {"critic": 0.4}, "images_per_second": 640.0, "skipped": 0}


def place(step: int) -> dict[str, float]:
    return {"step": step, "images": step * 64, "seconds": step / 10}


def alarm(step: int, **more: str) -> dict[str, Any]:
    words = {"alarm": "collapse", "seen": "All samples are alike.", "try": "Lower it: --critic.lr 0.0001."}
    return {"event": "alarm", **place(step), **words, **more}


def evaluation(step: int, value: Any = 0.02, best: bool = False, **more: Any) -> dict[str, Any]:
    metrics = {"KD[trained-digits]": {"value": value, "error": 0.001, "floor": 0.0005, "mean_picture": 0.5}}
    protocol = {
        "features": "trained-digits",
        "fingerprint": "ab12cd34ef",
        "real": 180,
        "fake": 2000,
        "split": "held-out",
    }
    record = {"event": "evaluation", **place(step), "protocol": protocol, "metrics": metrics, "best": best}
    return {**record, "notes": ["Few are held out."], **more}


def checkup(step: int) -> dict[str, Any]:
    return {"event": "checkup", **place(step), "accuracy": {"real": 0.8, "fake": 0.9, "held-out": 0.7}}


@contextmanager
def serving(folder: Path) -> Iterator[int]:
    """Serves the page over a folder, as `sparring watch` does, from a thread. -> the port."""
    from sparring.web.server import application, listen, server

    listener = listen(0)
    served = server(application(folder))
    thread = threading.Thread(target=served.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        served.should_exit = True
        thread.join(10)
        listener.close()
    assert not thread.is_alive()
