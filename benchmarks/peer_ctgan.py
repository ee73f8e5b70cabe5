"""ctgan under orders: benchmarks/tables.py starts this by the interpreter that ctgan is installed for.

    PYTHON peer_ctgan.py TABLE.csv        # then a line of JSON for each order: ["epochs", 1]

ctgan's own `fit` and `sample` are run, unchanged. The progress bar that `fit` loops over is replaced by one that takes
orders between epochs, so that a model in training can be timed and sampled from. It needs nothing of Sparring.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
import warnings
from collections.abc import Iterator
from typing import Any


def orders() -> Iterator[list[Any]]:
    """What the lines of the standard input say: an act and its arguments."""
    for line in sys.stdin:
        yield json.loads(line)


def answer(value: Any) -> None:
    """One line of JSON, which whoever gave the order waits for."""
    print(json.dumps(value), flush=True)


class Peer:
    """A model of ctgan that fits a table with its published settings.

    Args:
        path: a CSV file; columns that hold no numbers are discrete.
        shipped: leave its transforms their worker processes, else they run in this one, where their time is counted.
    """

    def __init__(self, path: str, shipped: bool) -> None:
        import pandas as pd
        from ctgan.synthesizers import ctgan

        self.frame = pd.read_csv(path)
        self.discrete = [name for name in self.frame if not pd.api.types.is_numeric_dtype(self.frame[name])]
        self.shipped = shipped
        self.model = ctgan.CTGAN(enable_gpu=False, epochs=1)
        ctgan.tqdm = self.epochs

    def fit(self) -> None:
        """Until no more orders come."""
        with self.workers():
            self.model.fit(self.frame, self.discrete)

    def workers(self) -> contextlib.AbstractContextManager[Any]:
        """Where joblib runs the transforms."""
        import joblib

        return contextlib.nullcontext() if self.shipped else joblib.parallel_config(backend="sequential")

    def epochs(self, *_: Any, **__: Any) -> Iterator[int]:
        """In place of the progress bar over epochs."""
        answer("ready")
        for act, *arguments in orders():
            if act == "epochs":
                begun = time.perf_counter()
                yield from range(*arguments)
                answer({"seconds": time.perf_counter() - begun, "steps": arguments[0] * (len(self.frame) // 500)})
            else:
                answer(getattr(self, act)(*arguments))

    def transforms(self) -> dict[str, float]:
        """Fit the columns' transforms anew and apply them. -> seconds of all processors, and of the clock"""
        from ctgan.data_transformer import DataTransformer

        with self.workers():
            cpu, wall = time.process_time(), time.perf_counter()
            transformer = DataTransformer()
            transformer.fit(self.frame, self.discrete)
            transformer.transform(self.frame)
            return {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}

    def sample(self, n: int, path: str | None = None) -> float:
        """Make rows, and write them where a path is given. -> seconds that making them took"""
        begun = time.perf_counter()
        made = self.model.sample(n)
        seconds = time.perf_counter() - begun
        if path:
            made.to_csv(path, index=False)
        return seconds


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    Peer(sys.argv[1], "--shipped" in sys.argv[2:]).fit()
