"""One configuration, three ways to write it: a dataclass, a YAML file, and flags, all checked alike."""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import io
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar, get_type_hints

import yaml
from tyro.conf import arg

from sparring.errors import SparringError


@dataclass(frozen=True)
class Adam:
    """One player's optimiser (Kingma & Ba 2015), with a learning rate that can fall over the run."""

    lr: float = 2e-4
    """Learning rate at the start."""
    betas: tuple[float, float] = (0.5, 0.999)
    """Decay of the running mean of the gradient, and of its square."""
    final: float = 1.0
    """Learning rate at the end of the run as a share of `lr`, reached along half a cosine; 1 keeps it constant."""

    def __post_init__(self) -> None:
        _demand(0 < self.lr < math.inf, f"a learning rate must be above 0 and finite; it is {self.lr}")
        _demand(all(0 <= b < 1 for b in self.betas), f"betas lie in 0 <= beta < 1; they are {self.betas}")
        _demand(0 <= self.final <= 1, f"`final` is a share of `lr`, in 0..1; it is {self.final}")


@dataclass(frozen=True, kw_only=True)
class Config:
    """What every recipe has. A recipe's own Config adds its fields, and one `Adam` for each player."""

    PAPER: ClassVar[dict[str, Any]] = {}
    """What `--paper` sets: the paper's values of those fields whose defaults differ, nested as in YAML."""
    PAPER_LENGTH: ClassVar[str] = ""
    """How long the paper trains, in words: runs of that length are for the user to ask for."""

    out: str | None = None
    """Folder of the run; by default runs/<recipe>-<data>-<number>."""
    steps: int | None = None
    """Rounds of the game; by default enough to show each sample 80 times (each row of a table 160 times), within
    150,000 to 5,000,000 samples, or 20,000 to 1,000,000 where pictures are made from others."""
    minutes: float | None = None
    """Train for this long instead of for a number of steps."""
    paper: bool = False
    """The settings of the recipe's paper wherever you give none yourself, but for the length of the run."""
    batch: int = 64
    """Samples in a batch, over all processes and micro-batches together."""
    seed: int = 0
    """Fixes weights, noise and the order of the data: the same seed gives the same run."""
    size: str | None = None
    """Side of the pictures, as 32, or height x width, as 48x64; by default chosen from the data."""
    channels: Literal[1, 3, 4] | None = None
    """1 grey, 3 colour, 4 colour and transparency; by default as the data says."""
    a: str | None = None
    """To translate pictures, with --b and instead of DATA: what to translate, a folder, .zip or .csv of pictures."""
    b: str | None = None
    """What to translate into; where a recipe learns from pairs, files of the same name belong together."""
    direction: Literal["a-to-b", "b-to-a"] = "a-to-b"
    """Which side is translated into which."""
    crop: str | None = None
    """Of two sides: train on random crops of this size, as 64 or 48x64, out of pictures of --size; by default on whole
    pictures."""
    flip: bool = True
    """Of two sides: mirror half of the pictures in training, both of a pair, or each side by itself."""
    label_maps: bool = False
    """What is to be translated are maps of labels: each value of a pixel is a class of its own, and no shade."""
    kinds: tuple[str, ...] = ()
    """Kinds of a table's columns: zip=categorical age=integer; by default chosen from the data."""
    constraints: tuple[str, ...] = ()
    """What every row of a table keeps: "start <= end" "0 <= age <= 120" "city+country fixed" "zip matches [0-9]{5}"."""
    time: str | None = None
    """To learn whole sequences of a table's rows: the column that says when each was; by default in order."""
    entity: str | None = None
    """The same: the column that says whose each row is, such as a patient or a station; by default all are of one."""
    window: int | None = None
    """With --time or --entity: rows of a sequence; by default 24."""
    from_run: Annotated[str | None, arg(aliases=("--from",))] = None
    """Folder of a run of the same recipe whose networks to start from; the average then begins at its full length."""
    freeze_critic: int = 0
    """With --from: so many of the critic's first layers keep that run's weights (Mo et al. 2020). Convolutions and
    linear layers count, in the order in which the critic holds them, each with the norm behind it."""
    checkpoint_every: int | None = None
    """Rounds between checkpoints; by default one every five minutes, and at the end."""
    processes: int = 1
    """Processes on this machine that train together, sharing each batch out."""
    accumulate: int = 1
    """Micro-batches that a batch is cut into, to fit it in memory."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to train; auto takes CUDA, then Apple's MPS, then the CPU."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """bf16 runs the networks in bfloat16 (weights stay in float32); auto does so on CUDA devices that have it, and on
    processors where convolutional networks and those of tables are timed to gain much by it, unless they make pictures
    from pictures."""
    memory_format: Literal["auto", "contiguous", "channels_last"] = "auto"
    """How picture tensors lie in memory; auto times both at the start and keeps the faster."""
    compile: bool = False
    """Run the networks through torch.compile; starting then takes minutes, and docs/performance.md says what pays."""
    ema: float = 10_000
    """Half-life, in samples, of the average of the generator's weights that samples are made with."""
    ema_ramp: float = 0.05
    """The half-life is at most this share of the samples shown so far, so that the average starts fast."""
    augment: Literal["auto", "none", "adaptive", "full"] = "auto"
    """adaptive shows the critic shifted, cut and recoloured pictures, the more it overfits the more; full, always.
    auto takes adaptive for up to 100,000 pictures, else none."""
    held_out: float = 0.1
    """Share of the data that is never trained on, at most 5,000 samples, so that there is something to judge by."""
    features: str = "auto"
    """Network to judge by: trained, efficientnet-lite0, inception:FILE, onnx:FILE, or none to train unjudged."""
    evaluate_every: int | None = None
    """Rounds between evaluations; by default ten over the run."""
    evaluate_samples: int | None = None
    """Samples in each; by default 1000, or 500 where features take long."""
    best: Literal["KD", "FD", "precision", "recall", "coverage"] = "KD"
    """The metric that decides which checkpoint is kept as the best."""
    patience: int | None = None
    """Stop after this many evaluations without a better one; by default never."""
    heal: bool = False
    """On an alarm go back to the last healthy state and apply the remedy that it names, at most three times."""
    writers: tuple[Literal["tensorboard", "wandb", "mlflow"], ...] = ()
    """Where else to write what goes into the log."""
    clip: float | None = None
    """Largest norm of a player's gradient in a turn; longer gradients are scaled down to it."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            _demand(not isinstance(value, float) or math.isfinite(value), f"`{name}` must be finite; it is {value}")
        for name in (*ABOVE_ZERO, "evaluate_every", "evaluate_samples", "patience"):
            value = getattr(self, name)
            _demand(value is None or value > 0, f"`{name}` must be above 0; it is {value}")
        _demand(bool(self.PAPER) or not self.paper, "this recipe knows no other settings of a paper: leave out `paper`")
        _demand(self.seed >= 0, f"`seed` must be 0 or more; it is {self.seed}")
        _demand(
            0 <= self.held_out < 1, f"`held_out` is a share of the data, in 0..1 and below 1; it is {self.held_out}"
        )
        for field in dataclasses.fields(self):  # a recipe's own whole numbers are sizes and intervals
            counts = type(field.default) is int and field.default >= 1 and field.name not in Config.__dataclass_fields__
            value = getattr(self, field.name)
            _demand(not counts or value >= 1, f"`{field.name}` must be 1 or more; it is {value}")
        _demand(
            (self.a is None) == (self.b is None), "`a` and `b` are the two sides of a translation: give both or neither"
        )
        _demand(self.freeze_critic >= 0, f"`freeze_critic` must be 0 or more; it is {self.freeze_critic}")
        _demand(
            not self.freeze_critic or self.from_run is not None,
            "`freeze_critic` keeps layers as they came from another run, so it goes with --from RUN",
        )
        _demand(self.ema >= 0 and self.ema_ramp >= 0, "`ema` and `ema_ramp` must be 0 or more")
        _demand(
            self.batch % (self.processes * self.accumulate) == 0,
            f"a batch of {self.batch} cannot be shared equally by {self.processes} processes "
            f"with {self.accumulate} micro-batches each; choose a multiple of {self.processes * self.accumulate}",
        )


ABOVE_ZERO = ("steps", "minutes", "window", "batch", "checkpoint_every", "processes", "accumulate", "clip")

# Fields that change how a run is carried out but not what it computes: these may differ on resume.
FREE_ON_RESUME = frozenset(
    {"out", "steps", "minutes", "checkpoint_every", "processes", "accumulate", "device", "features", "evaluate_every"}
    | {"evaluate_samples", "best", "patience", "heal", "writers"}
)

C = TypeVar("C", bound=Config)


def _demand(holds: bool, otherwise: str) -> None:
    if not holds:
        raise SparringError(otherwise)


def to_dict(config: Config) -> dict[str, Any]:
    """Nested plain values, as YAML and checkpoints hold them."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(inner) for key, inner in value.items()}
        return [plain(inner) for inner in value] if isinstance(value, tuple | list) else value

    return {key: plain(value) for key, value in dataclasses.asdict(config).items()}


def flags(tree: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """{"critic": {"lr": 1e-4}, "batch": 32} -> --critic.lr=0.0001 --batch=32; the command line checks them all."""
    for key, value in tree.items():
        name = key.replace("_", "-")
        if isinstance(value, dict):
            yield from flags(value, f"{prefix}{name}.")
        elif isinstance(value, bool):
            yield f"--{prefix}{name}" if value else f"--{prefix}no-{name}"
        else:
            words = [str(inner) for inner in value] if isinstance(value, list | tuple) else [str(value)]
            yield f"--{prefix}{name}" + "".join(f"={word}" for word in words[:1])  # a value may begin with a dash
            yield from words[1:]


def parse(kind: type[C], argv: Sequence[str], prog: str, description: str, data: Sequence[str] = ()) -> C:
    """Flags, and under them the paper's where they ask for these -> a config.

    Prints help, on flags for these kinds of data, or a suggestion, and raises SystemExit, as command lines do.
    """
    import tyro

    from sparring import helping

    paper = list(flags(kind.PAPER))
    asked = [word for word in argv if word in ("--paper", "--no-paper")]  # the last of which counts
    words = [*paper, *argv] if asked[-1:] == ["--paper"] else list(argv)
    if helping.is_asked(argv):
        description = helping.described(description, data, paper, kind.PAPER_LENGTH)
        kind = helping.readable(kind, data)
    return tyro.cli(kind, args=words, prog=prog, description=description, config=(tyro.conf.HelptextFromCommentsOff,))


def parse_known(kind: type[C], tree: dict[str, Any], argv: Sequence[str], prog: str) -> C:
    """As `parse`, of nested plain values and then flags, but flags that the config does not have are passed over."""
    import tyro

    words, style = [*flags(tree), *argv], (tyro.conf.HelptextFromCommentsOff,)
    config, _ = tyro.cli(kind, args=words, prog=prog, config=style, return_unknown_args=True)
    return config


def from_dict(kind: type[C], tree: dict[str, Any], where: str) -> C:
    """Nested plain values -> a config. `where` names the file or call that a SparringError will blame."""
    check_keys(kind, tree, where)
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint), contextlib.redirect_stdout(complaint):
            return parse(kind, list(flags(tree)), "sparring", "")
    except SystemExit:
        raise SparringError(f"{where}: {_plain_text(complaint.getvalue())}") from None
    except SparringError as error:
        raise SparringError(f"{where}: {error}") from None


def check_keys(kind: type[Any], tree: dict[str, Any], where: str, prefix: str = "") -> None:
    """Refuse a key that the config does not have, and name the nearest one that it has."""
    hints = get_type_hints(kind)
    known = {field.name: hints[field.name] for field in dataclasses.fields(kind)}
    for key, value in tree.items():
        if key not in known:
            raise SparringError(f"{where}: there is no `{prefix}{key}`{nearest(str(key), list(known))}")
        nested = dataclasses.is_dataclass(known[key])
        if nested and isinstance(value, dict):
            check_keys(known[key], value, where, f"{prefix}{key}.")
        elif nested or isinstance(value, dict):
            wanted = "fields of its own, such as lr" if nested else "one value, without fields"
            raise SparringError(f"{where}: `{prefix}{key}` takes {wanted}")


def nearest(word: str, known: Sequence[str]) -> str:
    """'; perhaps you meant ...' for a misspelt word, else the list of what there is."""
    near = difflib.get_close_matches(word, known, n=2, cutoff=0.6)
    return f"; perhaps you meant {' or '.join(near)}" if near else f"; there are {', '.join(known)}"


def read_yaml(path: str | Path) -> dict[str, Any]:
    """A YAML file's top-level mapping; SparringError names the file and the line of what is wrong."""
    try:
        tree = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SparringError(f"cannot read {path}: {error}") from None
    except yaml.YAMLError as error:
        raise SparringError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(tree, dict):
        raise SparringError(f"{path} must hold `key: value` lines")
    return tree


def difference(before: dict[str, Any], after: dict[str, Any], prefix: str = "") -> list[str]:
    """Lines `field: before -> after` for every nested field in which two plain configs differ."""
    lines = []
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key), after.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            lines += difference(old, new, f"{prefix}{key}.")
        elif old != new:
            lines.append(f"{prefix}{key}: {old} -> {new}")
    return lines


def _plain_text(boxed: str) -> str:
    """What is wrong, out of a boxed message of the command-line parser: the part between its first two rules."""
    without_colours = re.sub(r"\x1b\[[0-9;]*m", "", boxed)
    parts = re.split(r"-{20,}|─{20,}", re.sub(r"[╭╮╰╯│]", " ", without_colours))
    return " ".join(parts[1 if len(parts) > 1 else 0].split())
