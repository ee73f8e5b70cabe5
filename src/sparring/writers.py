"""The log of a run, told to TensorBoard, Weights & Biases or MLflow as well, on request and in the run's folder.

None is needed: everything lies in log.jsonl. A writer that fails is switched off, and training goes on.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import yaml

from sparring.errors import SparringError
from sparring.history import REPORTED, metrics_of, number, numbers

PROJECT = "sparring"  # the project or experiment that runs are listed under, unless the user's environment names one
MOST_PARAMETERS = 100  # that MLflow takes at once
LONGEST_PARAMETER = 500  # characters that every version of MLflow takes


class Writer(Protocol):
    """A program that draws curves of its own. Each method may raise anything: `Writers` catches it.

    Names have parts between slashes, as in `critic/real`; values are finite; `path` is a PNG that stays as it is.
    """

    def numbers(self, step: int, values: dict[str, float]) -> None:
        """Points of several curves at a step."""
        ...

    def picture(self, step: int, name: str, path: Path) -> None:
        """A picture at a step."""
        ...

    def text(self, step: int, name: str, text: str) -> None:
        """Words at a step."""
        ...

    def close(self) -> None:
        """Write what is still in memory."""
        ...


class Writers:
    """All chosen writers as one, fed with the records of log.jsonl. A failing one is switched off with one sentence.

    Args:
        opened: the writers by their names.
        say: is given the sentence.
    """

    def __init__(self, opened: dict[str, Writer], say: Callable[[str], None]) -> None:
        self._opened = opened
        self._say = say

    def record(self, record: dict[str, Any]) -> None:
        """Pass a record of log.jsonl on: the numbers of reports, checkups and evaluations, and alarms in words."""
        step = number(record.get("step"))
        if step is None:
            return
        values, words = dict(_values(record)), _words(record)
        if values:
            self._tell(lambda writer: writer.numbers(int(step), values))
        if words:
            self._tell(lambda writer: writer.text(int(step), *words))

    def grid(self, step: int, path: Path) -> None:
        """Pass a grid of samples on, a PNG."""
        self._tell(lambda writer: writer.picture(step, "samples", path))

    def close(self) -> None:
        """Close them all; what comes later goes nowhere."""
        self._tell(lambda writer: writer.close())
        self._opened = {}

    def _tell(self, what: Callable[[Writer], None]) -> None:
        for name, writer in list(self._opened.items()):
            try:
                what(writer)
            except Exception as error:  # whatever a foreign program raises must not end hours of training
                del self._opened[name]
                self._say(_switched_off(name, error))


def check(names: Sequence[str]) -> None:
    """Refuse unknown writers, and those whose package is missing, before anything is written.

    SparringError names the nearest writer, or the package to install.
    """
    for name in names:
        if name not in OPEN:
            near = difflib.get_close_matches(name, OPEN, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(OPEN)}"
            raise SparringError(f"there is no writer called {name}; {hint}")
        if importlib.util.find_spec(name) is None:  # each writer is called as its package
            raise SparringError(f"the writer {name} needs a package: pip install {name}")


def writers(names: Sequence[str], folder: Path, config: dict[str, Any], say: Callable[[str], None] = print) -> Writers:
    """Open writers for a run. One that is there but does not start is switched off with a sentence.

    Args:
        names: of `tensorboard`, `wandb` and `mlflow`, which are also the packages that they need. W&B writes
            offline unless WANDB_MODE is set, and MLflow into the folder unless MLFLOW_TRACKING_URI is.
        folder: the run's; each writer has a folder of its own name in it.
        config: nested plain values, kept beside the curves.
        say: is given a sentence whenever a writer is switched off.

    Raises:
        SparringError: as `check` does, before anything is written.
    """
    check(names)
    opened: dict[str, Writer] = {}
    for name in dict.fromkeys(names):
        try:
            opened[name] = OPEN[name](folder.resolve(), config)
        except Exception as error:  # as above
            say(_switched_off(name, error))
    return Writers(opened, say)


class TensorBoard:
    """Event files in tensorboard/; `tensorboard --logdir runs` shows all runs."""

    def __init__(self, folder: Path, config: dict[str, Any]) -> None:
        module: Any = importlib.import_module("torch.utils.tensorboard")
        self._writer = module.SummaryWriter(str(folder / "tensorboard"), flush_secs=10)
        lines = yaml.safe_dump(config, sort_keys=False, allow_unicode=True).splitlines()
        self.text(0, "config", "\n".join(f"    {line}" for line in lines))  # Markdown for what is set as it is

    def numbers(self, step: int, values: dict[str, float]) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def picture(self, step: int, name: str, path: Path) -> None:
        import numpy as np
        from PIL import Image

        with Image.open(path) as image:
            self._writer.add_image(name, np.array(image.convert("RGB")), step, dataformats="HWC")

    def text(self, step: int, name: str, text: str) -> None:
        self._writer.add_text(name, text, step)

    def close(self) -> None:
        self._writer.close()


class WandB:
    """A run of Weights & Biases in wandb/, to be sent off by `wandb sync` if at all; each sitting is one."""

    def __init__(self, folder: Path, config: dict[str, Any]) -> None:
        offline = "WANDB_MODE" not in os.environ
        if offline:
            os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # offline means that crashes are not reported too
        self._wandb: Any = importlib.import_module("wandb")
        self._run = self._wandb.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT),
            name=folder.name,
            dir=str(folder),
            config=config,
            mode="offline" if offline else None,
            reinit="create_new",  # leaves alone a run that the user's own code may have begun
            settings=self._wandb.Settings(console="off", quiet=True),
        )
        # Its own steps may only rise, but a run that is restored goes back: so the step is a value like others.
        self._run.define_metric("step", hidden=True)
        self._run.define_metric("*", step_metric="step")

    def numbers(self, step: int, values: dict[str, float]) -> None:
        self._run.log({**values, "step": step})

    def picture(self, step: int, name: str, path: Path) -> None:
        self._run.log({name: self._wandb.Image(str(path)), "step": step})

    def text(self, step: int, name: str, text: str) -> None:
        self._run.alert(title=f"{name} at step {step}", text=text, level="WARN")

    def close(self) -> None:
        self._run.finish()


class MLflow:
    """A run of MLflow, in mlflow/ unless MLFLOW_TRACKING_URI names another store; each sitting is one.

    The store in the folder is a SQLite file: newer versions of MLflow refuse plain files.
    """

    def __init__(self, folder: Path, config: dict[str, Any]) -> None:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        self._entities: Any = importlib.import_module("mlflow.entities")
        tracking: Any = importlib.import_module("mlflow.tracking")
        place, store, artifacts = folder / "mlflow", os.environ.get("MLFLOW_TRACKING_URI"), None
        if not store:
            place.mkdir(parents=True, exist_ok=True)
            store, artifacts = f"sqlite:///{(place / 'mlflow.db').as_posix()}", (place / "artifacts").as_uri()
        self._client = tracking.MlflowClient(tracking_uri=store)
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", PROJECT)
        known = self._client.get_experiment_by_name(name)
        experiment = known.experiment_id if known else self._client.create_experiment(name, artifacts)
        self._run = self._client.create_run(experiment, run_name=folder.name).info.run_id
        flat = list(_flat(config))
        for start in range(0, len(flat), MOST_PARAMETERS):
            some = flat[start : start + MOST_PARAMETERS]
            self._client.log_batch(self._run, params=[self._entities.Param(key, value) for key, value in some])

    def numbers(self, step: int, values: dict[str, float]) -> None:
        now = int(time.time() * 1000)
        points = [self._entities.Metric(_plain(name), float(value), now, step) for name, value in values.items()]
        self._client.log_batch(self._run, metrics=points)

    def picture(self, step: int, name: str, path: Path) -> None:
        self._client.log_artifact(self._run, str(path), _plain(name))

    def text(self, step: int, name: str, text: str) -> None:
        self._client.log_text(self._run, text, f"{_plain(name)}-{step:06d}.txt")

    def close(self) -> None:
        self._client.set_terminated(self._run)


OPEN: dict[str, Callable[[Path, dict[str, Any]], Writer]] = {
    "tensorboard": TensorBoard,
    "wandb": WandB,
    "mlflow": MLflow,
}


def _values(record: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """The finite numbers of a report, a checkup or an evaluation, by names with a slash that groups them."""
    kind, plain = record.get("event"), numbers(record)
    if kind is None:
        yield from numbers(record.get("terms")).items()
        yield from ((f"norm/{name}", value) for name, value in numbers(record.get("norms")).items())
        yield from ((f"training/{name}", plain[name]) for name in ("images_per_second", "skipped") if name in plain)
    elif kind == "checkup":
        yield from ((f"accuracy/{name}", value) for name, value in numbers(record.get("accuracy")).items())
        yield from ((f"checkup/{name}", value) for name, value in plain.items() if name not in REPORTED)
    elif kind == "evaluation":
        for name, figures in metrics_of(record)[0].items():
            if figures["value"] is not None:
                yield f"metric/{name}", figures["value"]


def _words(record: dict[str, Any]) -> tuple[str, str] | None:
    """An alarm's name, and what it says."""
    if record.get("event") != "alarm":
        return None
    return f"alarm/{record.get('alarm')}", f"{record.get('seen')}\n\nTry: {record.get('try')}"


def _plain(name: str) -> str:
    """A name that MLflow takes: `metric/KD[trained-digits]` -> `metric/KD trained-digits`."""
    return re.sub(r"[^\w\-. :/]+", " ", name).strip()


def _flat(tree: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", str(value)[:LONGEST_PARAMETER]


def _switched_off(name: str, error: Exception) -> str:
    reason = (str(error) or type(error).__name__).strip().split("\n")[0]
    return f"{name} is switched off, and training goes on without it: {reason}"
