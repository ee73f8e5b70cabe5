"""Writers are told what the log is told, and none of them can hurt a run: W&B and MLflow are played by recorders."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from sparring.errors import SparringError
from sparring.writers import Writer, Writers, check, writers

REPORT = {
    "step": 20,
    "images": 1280,
    "images_per_second": 640.0,
    "terms": {"critic/real": 0.5, "critic/fake": float("nan"), "generator/fool": "x"},
    "norms": {"critic": 0.25},
    "skipped": 1,
}
CHECKUP = {"event": "checkup", "step": 30, "images": 1920, "seconds": 3.0, "accuracy": {"held-out": 0.75}, "gap": 0.125}
EVALUATION = {
    "event": "evaluation",
    "step": 40,
    "metrics": {"KD[x]": {"value": 0.5, "error": 0.1}, "FD[x]": {"value": None}, "recall": 0.75},
    "best": True,
}
ALARM = {"event": "alarm", "step": 50, "alarm": "collapse", "seen": "All alike.", "try": "Use `--critic.lr 1e-4`."}
RECORDS: list[dict[str, Any]] = [{"event": "start", "step": 0}, REPORT, CHECKUP, EVALUATION, ALARM, {"terms": {"a": 1}}]
CURVES = {
    "critic/real": (20, 0.5),
    "norm/critic": (20, 0.25),
    "training/images_per_second": (20, 640.0),
    "training/skipped": (20, 1),
    "accuracy/held-out": (30, 0.75),
    "checkup/gap": (30, 0.125),
    "metric/KD[x]": (40, 0.5),
    "metric/recall": (40, 0.75),
}
CONFIG = {"recipe": "dcgan", "critic": {"lr": 0.0002}}


class Recorder:
    """A writer that remembers its calls, and fails from a call of that name on."""

    def __init__(self, fails_at: str = "") -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.fails_at = fails_at

    def _take(self, *call: Any) -> None:
        self.calls.append(call)
        if call[0] == self.fails_at:
            raise RuntimeError("the disk is full\nand more")

    def numbers(self, step: int, values: dict[str, float]) -> None:
        self._take("numbers", step, values)

    def picture(self, step: int, name: str, path: Path) -> None:
        self._take("picture", step, name, path)

    def text(self, step: int, name: str, text: str) -> None:
        self._take("text", step, name, text)

    def close(self) -> None:
        self._take("close")


def tell(chosen: Writers, folder: Path) -> None:
    """A whole run, in short."""
    Image.new("L", (6, 4), 255).save(folder / "000050.png")
    for record in RECORDS:
        chosen.record(record)
    chosen.grid(50, folder / "000050.png")
    chosen.close()


def pretend(monkeypatch: pytest.MonkeyPatch, name: str, **contents: Any) -> None:
    """Put a module of that name and these contents where imports find it."""
    module = ModuleType(name)
    module.__spec__ = ModuleSpec(name, None)
    vars(module).update(contents)
    monkeypatch.setitem(sys.modules, name, module)


def test_records_become_curves_and_words(tmp_path: Path) -> None:
    recorder = Recorder()
    tell(Writers({"recorder": recorder}, pytest.fail), tmp_path)
    points = [call for call in recorder.calls if call[0] == "numbers"]
    assert {name: (step, value) for _, step, values in points for name, value in values.items()} == CURVES
    text = ("text", 50, "alarm/collapse", "All alike.\n\nTry: Use `--critic.lr 1e-4`.")
    picture = ("picture", 50, "samples", tmp_path / "000050.png")
    assert [call for call in recorder.calls if call[0] != "numbers"] == [text, picture, ("close",)]


@pytest.mark.parametrize("moment", ["numbers", "text", "picture", "close"])
def test_a_failing_writer_is_switched_off_once_and_the_others_go_on(tmp_path: Path, moment: str) -> None:
    said: list[str] = []
    bad, good = Recorder(moment), Recorder()
    both: dict[str, Writer] = {"bad": bad, "good": good}
    tell(Writers(both, said.append), tmp_path)
    assert said == ["bad is switched off, and training goes on without it: the disk is full"]
    assert [call[0] for call in bad.calls].count(moment) == 1
    assert bad.calls[-1][0] == moment
    assert good.calls[-1] == ("close",)


def test_ctrl_c_is_no_failure_of_a_writer() -> None:
    class Interrupted(Recorder):
        def _take(self, *call: Any) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Writers({"w": Interrupted()}, pytest.fail).record(REPORT)


def test_an_unknown_writer_is_refused_with_the_nearest() -> None:
    with pytest.raises(SparringError, match=r"no writer called tensorbord; did you mean tensorboard\?$"):
        check(["tensorbord"])
    with pytest.raises(SparringError, match="no writer called x; there are tensorboard, wandb, mlflow"):
        check(["x"])


@pytest.mark.parametrize("name", ["tensorboard", "wandb", "mlflow"])
def test_a_missing_package_is_named_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(SparringError, match=f"the writer {name} needs a package: pip install {name}"):
        writers(["tensorboard", name], tmp_path / "run", CONFIG)
    assert not (tmp_path / "run").exists()


def test_no_writer_needs_no_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("tensorboard", "wandb", "mlflow"):
        monkeypatch.setitem(sys.modules, name, None)
    tell(writers([], tmp_path, CONFIG, pytest.fail), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["000050.png"]


def test_tensorboard_can_read_it_back(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="pip install tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    tell(writers(["tensorboard"], tmp_path, CONFIG, pytest.fail), tmp_path)
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    tags = events.Tags()
    found = {name: (point.step, point.value) for name in tags["scalars"] for point in events.Scalars(name)}
    assert found == CURVES
    (picture,) = events.Images("samples")
    assert (picture.step, picture.width, picture.height) == (50, 6, 4)
    words = {tag: events.Tensors(tag)[0].tensor_proto.string_val[0].decode() for tag in tags["tensors"]}
    assert words["alarm/collapse/text_summary"].startswith("All alike.")
    assert "      lr: 0.0002" in words["config/text_summary"]


class PlayedWandB:
    """W&B's functions, with the parameters that its reference gives them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[tuple[Any, ...]] = []
        contents = {"init": self.init, "Image": lambda path: ("image", path), "Settings": lambda **given: given}
        pretend(monkeypatch, "wandb", **contents)

    def init(
        self, *, project: str, name: str, dir: str, config: Any, mode: str | None, reinit: str, settings: Any
    ) -> PlayedWandB:
        self.begun = {"project": project, "name": name, "dir": dir, "config": config, "mode": mode, "reinit": reinit}
        return self

    def define_metric(self, name: str, step_metric: str | None = None, hidden: bool | None = None) -> None:
        self.calls.append(("define", name, step_metric))

    def log(self, data: dict[str, Any], step: int | None = None) -> None:
        assert step is None, "W&B throws away what comes at a lower step than before"
        self.calls.append(("log", data))

    def alert(self, title: str, text: str, level: str | None = None) -> None:
        self.calls.append(("alert", title, text))

    def finish(self, exit_code: int | None = None) -> None:
        self.calls.append(("finish",))


def test_wandb_is_offline_and_in_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WANDB_MODE", raising=False)
    monkeypatch.delenv("WANDB_PROJECT", raising=False)
    monkeypatch.setenv("WANDB_ERROR_REPORTING", "")  # so that the test leaves the environment as it was
    played = PlayedWandB(monkeypatch)
    tell(writers(["wandb"], tmp_path, CONFIG, pytest.fail), tmp_path)
    assert played.begun == {
        "project": "sparring",
        "name": tmp_path.name,
        "dir": str(tmp_path),
        "config": CONFIG,
        "mode": "offline",
        "reinit": "create_new",
    }
    assert ("define", "*", "step") in played.calls
    assert ("log", {"metric/KD[x]": 0.5, "metric/recall": 0.75, "step": 40}) in played.calls
    picture = ("log", {"samples": ("image", str(tmp_path / "000050.png")), "step": 50})
    words = ("alert", "alarm/collapse at step 50", "All alike.\n\nTry: Use `--critic.lr 1e-4`.")
    assert played.calls[-3:] == [words, picture, ("finish",)]


def test_wandb_goes_online_where_the_user_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "online")
    monkeypatch.setenv("WANDB_PROJECT", "mine")
    played = PlayedWandB(monkeypatch)
    writers(["wandb"], tmp_path, CONFIG, pytest.fail)
    assert (played.begun["mode"], played.begun["project"]) == (None, "mine")  # None: it reads WANDB_MODE itself


def test_a_writer_that_does_not_start_is_switched_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**given: Any) -> None:
        raise RuntimeError("no network")

    monkeypatch.setenv("WANDB_ERROR_REPORTING", "")
    pretend(monkeypatch, "wandb", init=refuse, Settings=dict)
    said: list[str] = []
    tell(writers(["wandb"], tmp_path, CONFIG, said.append), tmp_path)
    assert said == ["wandb is switched off, and training goes on without it: no network"]


class PlayedMLflow:
    """MLflow's client, with the parameters that its reference gives it, and its rules for names and batches."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.store = ""
        pretend(monkeypatch, "mlflow")
        pretend(monkeypatch, "mlflow.tracking", MlflowClient=self.client)
        pretend(monkeypatch, "mlflow.entities", Metric=self.metric, Param=lambda key, value: (key, value))

    @staticmethod
    def metric(key: str, value: float, timestamp: int, step: int) -> tuple[str, float, int]:
        return key, value, step

    def client(self, tracking_uri: str | None = None) -> PlayedMLflow:
        self.store = str(tracking_uri)
        return self

    def get_experiment_by_name(self, name: str) -> None:
        self.calls.append(("sought", name))

    def create_experiment(self, name: str, artifact_location: str | None = None) -> str:
        self.calls.append(("experiment", name, artifact_location))
        return "7"

    def create_run(self, experiment_id: str, run_name: str | None = None) -> Any:
        self.calls.append(("run", experiment_id, run_name))
        return SimpleNamespace(info=SimpleNamespace(run_id="r"))

    def log_batch(self, run_id: str, metrics: Any = (), params: Any = ()) -> None:
        assert len(params) <= 100
        assert not any(set("[]()") & set(key) for key, *_ in metrics), "MLflow refuses such a name"
        self.calls += [("param", *param) for param in params] + [("metric", *metric) for metric in metrics]

    def log_artifact(self, run_id: str, local_path: str, artifact_path: str | None = None) -> None:
        self.calls.append(("file", local_path, artifact_path))

    def log_text(self, run_id: str, text: str, artifact_file: str) -> None:
        self.calls.append(("words", artifact_file))

    def set_terminated(self, run_id: str) -> None:
        self.calls.append(("end", run_id))


def test_mlflow_keeps_its_store_in_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    played = PlayedMLflow(monkeypatch)
    many = {**CONFIG, **{f"p{i}": i for i in range(150)}}
    tell(writers(["mlflow"], tmp_path, many, pytest.fail), tmp_path)
    assert played.store == f"sqlite:///{tmp_path}/mlflow/mlflow.db"
    assert ("experiment", "sparring", (tmp_path / "mlflow" / "artifacts").as_uri()) in played.calls
    assert ("run", "7", tmp_path.name) in played.calls
    assert ("param", "critic.lr", "0.0002") in played.calls
    assert ("param", "p149", "149") in played.calls
    assert ("metric", "metric/KD x", 0.5, 40) in played.calls
    assert ("metric", "critic/real", 0.5, 20) in played.calls
    words, picture = ("words", "alarm/collapse-000050.txt"), ("file", str(tmp_path / "000050.png"), "samples")
    assert played.calls[-3:] == [words, picture, ("end", "r")]


def test_mlflow_uses_the_users_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://localhost:5000")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "mine")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    played = PlayedMLflow(monkeypatch)
    writers(["mlflow"], tmp_path, CONFIG, pytest.fail)
    assert played.store == "http://localhost:5000"
    assert ("experiment", "mine", None) in played.calls
    assert not (tmp_path / "mlflow").exists()
