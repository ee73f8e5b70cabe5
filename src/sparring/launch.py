"""Trains in this process, or starts several that train together on this machine."""

from __future__ import annotations

import dataclasses
import logging
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from sparring.cluster import Cluster
from sparring.config import Config, flags, from_dict, to_dict
from sparring.data import source
from sparring.errors import INTERRUPTED, MISTAKE, SparringError
from sparring.folders import free_folder
from sparring.recipes import Recipe
from sparring.run import Run

if TYPE_CHECKING:
    import pandas as pd

ALONE = "a data frame stays in one process: write it to a file to train in several, or leave out `processes`"


def train(recipe: Recipe, data: str | pd.DataFrame, config: Config, quiet: bool = False) -> Run:
    """Train a new run, in `config.processes` processes. -> the run, finished"""
    if config.processes == 1 or "RANK" in os.environ:
        from sparring.start import begin

        return _in_cluster(config, lambda cluster: begin(recipe, data, config, cluster, quiet))
    if not isinstance(data, str):
        raise SparringError(ALONE)
    out = config.out or str(free_folder(recipe.name, _name(data, config), Path("runs")))
    config = dataclasses.replace(config, out=out)
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "settings.yaml"
        settings.write_text(yaml.safe_dump(to_dict(config)), encoding="utf-8")
        words = ["train", recipe.reference, *([data] if config.a is None else []), str(settings)]
        _start(config.processes, words, Path(out), quiet)
    return Run(out)


def _name(data: str, config: Config) -> str:
    """What the data is called in the name of the run's folder."""
    if config.a is None:
        return source.find(data).name
    from sparring.data.sides.read import find_sides, title

    return title(find_sides(config.a, config.b), config.direction == "b-to-a")


def resume(folder: str, changes: dict[str, Any], quiet: bool = False, data: pd.DataFrame | None = None) -> Run:
    """Go on with a run, with the fields in `changes` changed. -> the run, finished

    `data` is what it learnt from, where that is in no file.
    """
    run = Run(folder, data=data)
    config = from_dict(run.recipe.config, {**run.settings, **changes}, str(run.folder / "config.yaml"))
    if config.processes == 1 or "RANK" in os.environ:
        from sparring.start import resume as go_on

        return _in_cluster(config, lambda cluster: go_on(run, config, cluster, quiet))
    if data is not None:
        raise SparringError(ALONE)
    _start(config.processes, ["train", "--resume", folder, *flags(changes)], run.folder, quiet)
    return Run(folder)


def _in_cluster(config: Config, play: Callable[[Cluster], Run]) -> Run:
    cluster = Cluster(config.device)
    try:
        return play(cluster)
    finally:
        cluster.leave()


def _start(processes: int, words: list[str], folder: Path, quiet: bool) -> None:
    """Run `python -m sparring WORDS` in several processes of one group, and wait; when one dies, end the others."""
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)  # its tables, beside our sentence
    logging.getLogger("torch.distributed.launcher").setLevel(logging.CRITICAL)
    if quiet:
        os.environ["SPARRING_QUIET"] = "1"
    plan = LaunchConfig(
        min_nodes=1, max_nodes=1, nproc_per_node=processes, run_id=str(os.getpid()),
        rdzv_backend="c10d", rdzv_endpoint="localhost:0", max_restarts=0, monitor_interval=0.2,
    )  # fmt: skip
    try:
        elastic_launch(plan, sys.executable)("-m", "sparring", *words)
    except SignalException:  # a Ctrl-C: by now the processes have saved and told the user
        raise KeyboardInterrupt from None
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        if failure.exitcode == MISTAKE:
            raise SystemExit(MISTAKE) from None
        if failure.exitcode == INTERRUPTED:
            raise KeyboardInterrupt from None
        how = failure.signal_name() if failure.exitcode < 0 else f"exit status {failure.exitcode}"
        raise SparringError(
            f"process {rank} of {processes} died ({how}), so the others were ended; the last checkpoint is intact: "
            f"go on with `sparring train --resume {folder}`"
        ) from None
    finally:
        os.environ.pop("SPARRING_QUIET", None)
