"""The command line: quick to answer, forgiving of misspellings, and never a traceback for a user's mistake."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

import sparring
from fighting import UNPROBED
from sparring import cli
from sparring.errors import MISTAKE

TINY = ["--steps", "2", "--batch", "8", "--width", "8", "--device", "cpu", "--memory-format", "contiguous"]


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int | str | None:
    """The command line in this process. -> its exit status"""
    monkeypatch.setattr(sys, "argv", ["sparring", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    settings = {"steps": 2, "batch": 8, "width": 8, **UNPROBED}
    sparring.train("dcgan", "digits", quiet=True, out=str(tmp_path / "run"), **settings)
    return tmp_path / "run"


def test_help_answers_at_once_and_imports_no_torch() -> None:
    program = (
        "import sys; sys.argv = ['sparring', '--help']\n"
        "from sparring.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "assert 'torch' not in sys.modules, 'torch was imported'\n"
    )
    seconds = []
    for _ in range(3):
        begun = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        seconds.append(time.perf_counter() - begun)
        assert done.returncode == 0, done.stderr
    assert "sparring COMMAND" in done.stdout
    assert min(seconds) < 0.4, f"--help took {min(seconds):.2f} s"


@pytest.mark.parametrize("command", sorted(cli.COMMANDS))
def test_every_command_explains_itself(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, command, "--help") == 0
    assert len(capsys.readouterr().out) > 60


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["trian"], "there is no command `trian`; perhaps you meant train"),
        (["train", "dcgam", "digits"], "there is no recipe `dcgam`; perhaps you meant dcgan"),
        (["train", "dcgan", "digist"], "digits"),
        (["train", "dcgan", "no/such/folder"], "no/such/folder"),
        (["train", "dcgan", "digits", "more"], "one word too many"),
        (["train", "dcgan", "digits", "--batch", "0"], "`batch` must be above 0"),
        (["train", "dcgan", "digits", "--processes", "3"], "choose a multiple of 3"),
        (["train", "dcgan", "digits", "--size", "4"], "4"),
        (["train", "dcgan", "ring"], "learns pictures, and ring holds points"),
        (["train", "missing.py", "digits"], "no file missing.py"),
        (["train", "--resume"], "needs the folder of a run"),
        (["train", "--resume", "nowhere"], "there is no run in nowhere"),
        (["train", "dcgan", "--resume", "nowhere"], "leave out RECIPE and DATA"),
        (["sample", "nowhere"], "there is no run in nowhere"),
        (["plan", "dcgan", "no/such/folder"], "no/such/folder"),
        (["data", "no/such/folder"], "no/such/folder"),
        (["recipes", "all"], "takes nothing"),
    ],
)
def test_mistakes_end_in_one_sentence(
    words: list[str], sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, *words) == MISTAKE
    complaint = capsys.readouterr().err
    assert sentence in complaint
    assert complaint.startswith("sparring: ")
    assert complaint.count("\n") == 1


def test_a_misspelt_flag_is_recognised(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "train", "dcgan", "digits", "--crtic.lr", "1e-4") == 2
    complaint = capsys.readouterr().err
    assert "Perhaps you meant" in complaint
    assert "--critic.lr" in complaint


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("sise: 32\n", "my.yaml: there is no `sise`; perhaps you meant size"),
        ("critic:\n  rl: 1\n", "my.yaml: there is no `critic.rl`"),
        ("critic: 3\n", "my.yaml: `critic` takes fields of its own"),
        ("batch: many\n", "my.yaml: Error parsing --batch"),
        ("batch: [\n", "my.yaml is not YAML"),
        ("- batch\n", "my.yaml must hold `key: value` lines"),
    ],
)
def test_a_mistake_in_a_file_names_the_file(
    text: str,
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my.yaml").write_text(text)
    assert run(monkeypatch, "train", "dcgan", "digits", "my.yaml") == MISTAKE
    assert sentence in capsys.readouterr().err


def test_flags_win_over_files_and_later_files_over_earlier_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.yaml").write_text("seed: 1\nlatent: 11\ncritic:\n  lr: 0.1\n  final: 0.5\n")
    Path("b.yaml").write_text("seed: 2\ncritic:\n  lr: 0.2\n")
    assert run(monkeypatch, "train", "dcgan", "digits", "a.yaml", "b.yaml", *TINY, "--latent", "12") == 0
    config = sparring.load("runs/dcgan-digits-1").config
    assert (config.seed, config.latent) == (2, 12)  # type: ignore[attr-defined]
    assert (config.critic.lr, config.critic.final) == (0.2, 0.5)  # type: ignore[attr-defined]


def test_train_then_sample_then_resume(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    grid, folder = tmp_path / "new" / "grid.png", tmp_path / "each"
    assert run(monkeypatch, "sample", str(trained), "-n", "9", "--seed", "7", "--grid", str(grid)) == 0
    with Image.open(grid) as picture:
        assert picture.size == ((16 + 2) * 3 * 4 + 2 * 4, (16 + 2) * 3 * 4 + 2 * 4)
    assert run(monkeypatch, "sample", str(trained), "-n", "3", "--out", str(folder)) == 0
    assert [p.name for p in sorted(folder.iterdir())] == ["000000.png", "000001.png", "000002.png"]
    assert run(monkeypatch, "train", "--resume", str(trained), "--steps", "4") == 0
    assert "done: 4 rounds" in capsys.readouterr().out
    assert run(monkeypatch, "train", "--resume", str(trained), "--batch", "4") == MISTAKE
    assert "batch: 8 -> 4" in capsys.readouterr().err


def test_sampling_mistakes(trained: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "sample", str(trained), "-n", "0") == MISTAKE
    assert "one sample or more" in capsys.readouterr().err
    assert run(monkeypatch, "sample", str(trained), "--grid", str(trained / "grid.doc")) == MISTAKE
    assert "cannot write the samples" in capsys.readouterr().err


def test_plan_measures_and_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, "plan", "dcgan", "digits", *TINY) == 0
    text = capsys.readouterr().out
    for word in ("parameters   generator", "ms a round", "MB at the peak", "2 rounds of 8"):
        assert word in text
    assert not Path("runs").exists()


def test_data_reports_and_draws_a_sheet(
    squares_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sheet = tmp_path / "sheet.png"
    assert run(monkeypatch, "data", str(squares_folder), "--sheet", str(sheet)) == 0
    assert "24" in capsys.readouterr().out
    with Image.open(sheet) as picture:
        assert picture.width > 100


RECIPE = '''"""Mean matching: a recipe of my own."""
from dataclasses import dataclass
from torch import nn
from sparring import config
from sparring.gan import GAN


@dataclass(frozen=True, kw_only=True)
class Config(config.Config):
    """Mine."""

    latent: int = 4
    """Numbers in a latent."""
    generator: config.Adam = config.Adam(lr=1e-2)
    """The only player."""


class Mine(GAN):
    kinds = ("points",)

    def __init__(self, spec, config):
        super().__init__(spec, config)
        self.generator = nn.Linear(4, 2)

    def players(self):
        return {"generator": [self.generator]}

    def step(self, batches):
        x = next(batches).x
        yield "generator", {"mean": (self.generator(self.noise(x)).mean(0) - x.mean(0)).square().sum()}

    def sample(self, noise, given):
        return self.generator(noise)
'''


def test_a_recipe_outside_the_package_trains_and_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(RECIPE)
    assert run(monkeypatch, "train", "./mine.py", "ring", "--steps", "3", "--generator.lr", "0.1") == 0
    assert run(monkeypatch, "sample", "runs/mine-ring-1", "-n", "5", "--out", "points") == 0
    assert len(Path("points/000000.csv").read_text().splitlines()) == 5
    Path("broken.py").write_text("import nothing_such\n")
    assert run(monkeypatch, "train", "./broken.py", "ring") == MISTAKE
    assert "fails to import: ModuleNotFoundError" in capsys.readouterr().err
    Path("empty.py").write_text("from sparring.config import Config\n")
    assert run(monkeypatch, "train", "./empty.py", "ring") == MISTAKE
    assert "must define exactly one class of GAN; it defines 0" in capsys.readouterr().err


def test_python_mistakes_are_sentences_too() -> None:
    with pytest.raises(sparring.errors.SparringError, match=r"sparring\.train\('dcgan'\): there is no `stepz`"):
        sparring.train("dcgan", "digits", stepz=3)
    with pytest.raises(sparring.errors.SparringError, match="invalid choice 'gpu'"):
        sparring.train("dcgan", "digits", device="gpu")


def test_help_shows_the_flags_of_a_recipes_own_data(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = {}
    for name in ("ctgan", "wavegan", "dcgan"):
        assert run(monkeypatch, "train", name, "--help") == 0
        shown[name] = capsys.readouterr().out
    assert "--kinds" in shown["ctgan"]
    assert "--window" in shown["wavegan"]
    assert "--channels" in shown["dcgan"]
    for flag in ("--channels", "--crop", "--flip", "--label-maps", "--features", "--best"):
        assert flag not in shown["ctgan"] + shown["wavegan"], flag
    assert "--window" not in shown["ctgan"] + shown["dcgan"]
    assert "None" not in "".join(shown.values())


def test_help_of_sample_reads_well(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "sample", "--help") == 0
    shown = capsys.readouterr().out
    assert "-n INT" in shown
    assert "None" not in shown
    assert "(default: )" not in shown
    assert "The same seed gives the same samples. (default: 0)" in shown


def test_a_report_is_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.yaml").write_text("recipe: dcgan\ndata: digits\n")
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    assert run(monkeypatch, "report", str(tmp_path), "--open") == 0
    assert str(tmp_path / "report.html") in capsys.readouterr().out
    assert "dcgan on digits" in (tmp_path / "report.html").read_text()
    assert opened == [(tmp_path / "report.html").as_uri()]
