"""Features of real data, computed once: kept on disk by content, and mapped from there ever after."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
import tokenize
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from rich.console import Console
from rich.progress import Progress
from torch import Tensor

from sparring.data.dataset import Dataset, decode
from sparring.data.prepare import cache_folder
from sparring.draws import mix
from sparring.errors import SparringError
from sparring.metrics.features import Features

VERSION = 1  # raise it whenever the same data and network would give other numbers
BATCH = 64
MANY = 500  # from here on the wait may be long enough for a progress bar


def chosen(dataset: Dataset, most: int) -> np.ndarray:
    """Which samples stand for a data set: all, or `most` drawn once and for all, ascending."""
    everything = np.random.default_rng(mix("bank", 0)).permutation(len(dataset))
    return np.sort(everything[:most])


def features_of(dataset: Dataset, features: Features, most: int) -> Tensor:
    """Features of the samples that `chosen` names, (n, d) float32 on the CPU, mapped from a file.

    The file's name is a digest of the data's content, the network's fingerprint, its preprocessing and `most`, so a
    folder that changed, or another network of the same name, can never be mistaken for this one.

    Raises:
        SparringError: where the cache cannot be written.
    """
    spec = dataset.spec
    identity = [VERSION, spec.hash, spec.shape, spec.count, features.fingerprint, features.preprocessing, most]
    key = hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:16]
    label = f"{spec.name}-{features.name}"[:40]  # a file's name holds 255 bytes, and a letter may take four
    path = cache_folder() / "features" / f"{label}-{key}.npy"
    rows = chosen(dataset, most)
    if (kept := _mapped(path, len(rows))) is not None:
        return kept
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as file:
            _write(file, dataset, features, rows)
        os.replace(draft, path)
    except OSError as error:
        raise SparringError(
            f"the features of {spec.name} cannot be written to {path.parent} ({error.strerror or error}); "
            "make room there or set SPARRING_CACHE to a folder that can be written"
        ) from error
    finally:
        with suppress(OSError):  # where the folder cannot even be entered
            draft.unlink(missing_ok=True)
    made = _mapped(path, len(rows))
    assert made is not None
    return made


def streamed(batches: Iterable[Tensor]) -> Tensor:
    """Features that come batch by batch (b, d) -> all of them (n, d) float32, in a nameless file, so in flat memory."""
    with tempfile.TemporaryFile() as file:
        rows, width = 0, 0
        for batch in batches:
            rows, width = rows + len(batch), batch.shape[1]
            file.write(np.ascontiguousarray(batch.float().cpu().numpy(), "<f4").data)
        file.flush()
        return torch.from_numpy(np.memmap(file, "<f4", "c", shape=(rows, width)))


def _mapped(path: Path, count: int) -> Tensor | None:
    """The matrix of `count` rows in a file; None where there is none, or a damaged one."""
    try:
        matrix = np.lib.format.open_memmap(path, mode="c")  # copy on write: torch wants memory that it may write to
        whole = matrix.offset + matrix.nbytes == path.stat().st_size
    except (OSError, ValueError, tokenize.TokenError):  # the last where brackets of the header do not match
        return None
    sound = whole and matrix.dtype == np.float32 and matrix.ndim == 2 and len(matrix) == count
    return torch.from_numpy(matrix) if sound else None


def _write(file: BinaryIO, dataset: Dataset, features: Features, indices: np.ndarray) -> None:
    """A batch at a time, so that memory stays flat however many there are."""
    wanted = len(indices) > MANY and sys.stderr.isatty()
    with Progress(console=Console(stderr=True), disable=not wanted, transient=True) as progress:
        task = progress.add_task(f"Looking at real data with {features.name}", total=len(indices))
        for start in range(0, len(indices), BATCH):
            batch = decode(torch.from_numpy(dataset.take(indices[start : start + BATCH])))
            values = features(batch).float().cpu().numpy()
            if start == 0:
                header = {"descr": "<f4", "fortran_order": False, "shape": (len(indices), values.shape[1])}
                np.lib.format.write_array_header_1_0(file, header)
            file.write(np.ascontiguousarray(values, "<f4").data)
            progress.advance(task, len(batch))
    file.flush()
    os.fsync(file.fileno())
