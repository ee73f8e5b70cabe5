"""What suits which data: the recipe, and settings that the user leaves open. Pure functions of a Spec and of seconds.

`RULES` is the one place that says which recipe is for which data; the first rule that fits is taken. `auto.py` opens
the data, measures, and says what was chosen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from sparring import recipes
from sparring.config import Config, flags
from sparring.data.spec import Spec
from sparring.errors import SparringError

EPOCHS, FEWEST, MOST = 80, 150_000, 5_000_000  # how often each sample is shown; samples shown over a run
TRANSLATED = 20_000, 1_000_000  # the same of pictures that are made from others
OF_ROWS, FEWEST_ROWS = 160, 1_500_000  # the first two of a table, whose rows say less and cost less
AUGMENTED = 100_000  # pictures; with more than these augmentation gains nothing
FEW = 1_000  # pictures
PER_CLASS = 20  # pictures; with fewer, classes can hardly be learnt apart
LARGE = 128  # pixels a side
BUDGETS = ((32, 10), (64, 30), (math.inf, 60))  # pixels a side up to which a run may take so many minutes
PLAYING = 0.8  # of a run's time; the rest is for lazy penalties, which a median does not see, for judging and for grids
ENOUGH = 100_000  # samples shown; networks too slow for these in their time are made narrower
NARROWEST, SHRUNK = 8, 4  # channels, and what share of the recipe's own width, are the least
IN_MEMORY = 4096  # sides of pictures in a batch, as in StyleGAN2's own rule
GROWING, PIXELS = ("dcgan", "cgan"), 32  # recipes whose fixed penalty weight was found at this side and below


@dataclass(frozen=True)
class Choice:
    """A recipe's name, the fields of its Config that were settled, and why, as lines to print."""

    recipe: str
    settings: dict[str, Any]
    reasons: tuple[str, ...]


def default_steps(spec: Spec, batch: int, translates: bool = False) -> int:
    """Rounds of a run that nobody limits: each sample is shown 80 times, within 150,000 to 5,000,000 samples.

    Of a table each row is shown 160 times, and at least 1,500,000 are; of pictures that are made from others, by a
    recipe that translates, 20,000 to 1,000,000, for each of them teaches more.

    >>> of = lambda kind, count: Spec(kind, "made up", (2,), (-1, 1), count)
    >>> [default_steps(of("pictures", count), 64) for count in (1_617, 55_000, 10**6)]
    [2344, 68750, 78125]
    >>> [default_steps(of("table", count), 500) for count in (1_000, 30_000, 10**6)]
    [3000, 9600, 10000]
    >>> [default_steps(of("pairs", count), 8, translates=True) for count in (100, 1_000, 10**6)]
    [2500, 10000, 125000]
    """
    epochs, fewest = (OF_ROWS, FEWEST_ROWS) if spec.kind == "table" else (EPOCHS, FEWEST)
    fewest, most = TRANSLATED if translates else (fewest, MOST)
    return max(1, round(min(max(epochs * spec.count, fewest), most) / batch))


def augmentation(spec: Spec) -> str:
    """ "adaptive" for up to 100,000 pictures, else "none".

    Below 30,000 pictures augmentation is worth having, and above 100,000 none is at least as good (Karras et al. 2020,
    and the notes of StyleGAN3). Between the two, adaptive is the cautious choice: its strength begins at 0, which costs
    nothing, and rises only while the critic overfits.
    """
    return "adaptive" if spec.kind == "pictures" and spec.count <= AUGMENTED else "none"


# ---------------------------------------------------------------- which recipe


@dataclass(frozen=True)
class Rule:
    """Which data of a kind a recipe is for, and why, as the end of a sentence."""

    kind: str
    fits: Callable[[Spec], bool]
    recipe: str
    why: Callable[[Spec], str]


def _side(spec: Spec) -> float:
    """Pixels a side of a square of the same area; 0 for what is no picture."""
    return math.sqrt(spec.shape[1] * spec.shape[2]) if spec.kind == "pictures" else 0.0


def _size(spec: Spec) -> str:
    return f"{spec.shape[1]}×{spec.shape[2]}"


def _labelled(spec: Spec) -> bool:
    """Whether there is something to ask for, and pictures enough of each class to learn it from."""
    return bool(spec.columns) or (len(spec.classes) > 1 and spec.count >= PER_CLASS * len(spec.classes))


def _labels(spec: Spec) -> str:
    names = [f"{len(spec.classes)} classes"] if len(spec.classes) > 1 else []
    if spec.columns:
        names.append(f"the column{'s' * (len(spec.columns) > 1)} {', '.join(card.name for card in spec.columns)}")
    return " and ".join(names)


def _missing(spec: Spec) -> str:
    return "labels" if len(spec.classes) < 2 else f"pictures enough of each of the {len(spec.classes)} classes"


# What the rules for pictures go by: every recipe at equal time, also on few pictures, by `proofs/pictures.py`, which
# writes docs/pictures.md, and which recipes keep all modes, by `proofs/stacked.py`, which writes docs/stacked.md.
# Neither has pictures as large as LARGE.
RULES = (
    Rule("table", lambda spec: True, "ctgan", lambda spec: f"this is a table, of {spec.count:,} rows"),
    Rule("sequences", lambda spec: True, "wavegan", lambda spec: f"these are sequences of {spec.shape[1]} steps"),
    Rule(
        "points",
        lambda spec: True,
        "vanilla",
        lambda spec: f"points of {spec.shape[0]} numbers want perceptrons, not convolutions",
    ),
    Rule(
        "pictures",
        lambda spec: spec.count < FEW,
        "fastgan",
        lambda spec: f"{spec.count:,} pictures are few, and its critic is slow to learn them by heart",
    ),
    Rule(
        "pictures",
        lambda spec: _side(spec) >= LARGE,
        "fastgan",
        lambda spec: f"pictures of {_size(spec)} are large, and it is made to learn such in few rounds",
    ),
    Rule(
        "pictures",
        _labelled,
        "cgan",
        lambda spec: f"the pictures come with {_labels(spec)}, so that samples can be asked for by them",
    ),
    Rule(
        "pictures",
        lambda spec: True,
        "dcgan",
        lambda spec: f"these are {spec.count:,} pictures of {_size(spec)} without {_missing(spec)}",
    ),
)


def pick(spec: Spec, known: Collection[str] | None = None) -> tuple[str, str]:
    """The recipe of the first rule that fits, of those that there are. -> (recipe, why)

    Raises:
        SparringError: where no recipe learns data of that kind.
    """
    known = recipes.names() if known is None else known
    for rule in RULES:
        if rule.kind == spec.kind and rule.recipe in known and rule.fits(spec):
            return rule.recipe, rule.why(spec)
    raise SparringError(
        f"auto knows no recipe for data of the kind {spec.kind}; name one that `sparring recipes` lists"
    )


# ---------------------------------------------------------------- which settings


@dataclass(frozen=True)
class _Case:
    """What a setting is decided by; `so_far` are the settings asked for and those decided already."""

    spec: Spec
    recipe: str
    config: Config
    so_far: dict[str, Any]


_Decision = tuple[str, Any, str] | None  # a field, its value and why


def choose(spec: Spec, asked: dict[str, Any], seconds: Callable[[dict[str, Any]], float]) -> Choice:
    """Choose a recipe, and settle what the user has not asked for.

    Args:
        spec: the card of what is trained on.
        asked: the user's own settings, which are kept: fields of the recipe's Config.
        seconds: of a round of that recipe on this machine, with the settings that it is given and the user's own.
    """
    name, why = pick(spec)
    config = recipes.find(name).config()
    settings: dict[str, Any] = {}
    reasons = [f"auto: {name}, because {why}"]
    for decide in (_batch, _penalty, _augment):
        found = decide(_Case(spec, name, config, {**settings, **asked}))
        if found and found[0] not in asked:
            settings[found[0]] = found[1]
            reasons.append(f"  {found[0]} {found[1]}: {found[2]}")
    if not asked.get("steps"):
        paced, why_so = _pace(_Case(spec, name, config, {**settings, **asked}), seconds)
        settings |= paced
        reasons += [f"  {line}" for line in why_so]
    if asked:
        reasons.append(f"  as asked: {' '.join(flags(asked))}")
    return Choice(name, settings, tuple(reasons))


def _batch(case: _Case) -> _Decision:
    """Fewer large pictures at once, and no more than there are samples."""
    spec, usual = case.spec, case.config.batch
    batch, why = usual, ""
    if spec.kind == "pictures" and (room := max(16, _power_of_two(IN_MEMORY / _side(spec)))) < batch:
        batch, why = room, f"pictures of {_size(spec)} take memory"
    if spec.count < batch:
        batch, why = max(2, _power_of_two(spec.count)), f"there are only {spec.count:,} samples"
    shares = case.so_far.get("processes", 1) * case.so_far.get("accumulate", 1)
    batch = max(shares, batch // shares * shares)
    return ("batch", batch, why) if batch < usual else None


def _penalty(case: _Case) -> _Decision:
    """The squared gradient is a sum over pixels, and StyleGAN2's rule too has the weight in proportion to them."""
    if case.recipe not in GROWING or _side(case.spec) <= PIXELS:
        return None
    times = (_side(case.spec) / PIXELS) ** 2
    value = round(case.config.r1 * times, 3)  # type: ignore[attr-defined]
    return "r1", value, f"{_size(case.spec)} has {times:.3g} times the pixels of {PIXELS}×{PIXELS}"


def _augment(case: _Case) -> _Decision:
    if case.spec.kind != "pictures" or case.config.augment != "auto":  # some recipes have a default of their own
        return None
    value = augmentation(case.spec)
    why = f"{case.spec.count:,} pictures can be learnt by heart; it rises only while the critic does so"
    return "augment", value, why if value == "adaptive" else f"{case.spec.count:,} pictures are enough without"


def _pace(case: _Case, seconds: Callable[[dict[str, Any]], float]) -> tuple[dict[str, Any], list[str]]:
    """Width and rounds, by the time that there is. -> (settings, why)"""
    spec, asked, batch = case.spec, case.so_far, case.so_far.get("batch", case.config.batch)
    wanted = default_steps(spec, batch)
    limit = asked.get("minutes") or next(minutes for side, minutes in BUDGETS if _side(spec) <= side)
    usual: Any = asked.get("width", getattr(case.config, "width", None))
    free = isinstance(usual, int) and not {"width", "from_run"} & asked.keys()  # another run's are as wide as they are
    width, narrowest = (usual, max(NARROWEST, usual // SHRUNK)) if free else (1, 1)
    while True:
        took = seconds({"batch": batch, **({"width": width} if free else {})})
        rounds = max(1, int(60 * PLAYING * limit / took))
        if rounds >= min(wanted, ENOUGH / batch) or width // 2 < narrowest:
            break
        width //= 2
    settings: dict[str, Any] = {}
    reasons = []
    if free and width == usual:
        reasons.append(f"width {width}: the recipe's own, as this machine is fast enough for it")
    elif free:
        settings["width"] = width
        reasons.append(f"width {width}: too few rounds of networks of width {usual} fit into {limit:g} minutes here")
    if asked.get("minutes"):
        return settings, [
            *reasons,
            f"minutes {limit:g}: about {rounds:,} rounds, as one takes {1000 * took:.3g} ms here",
        ]
    settings["steps"] = steps = min(rounds, wanted)
    return settings, [*reasons, f"steps {steps}: {_steps_are(steps, wanted, batch / spec.count, took, limit)}"]


def _steps_are(steps: int, wanted: int, epoch: float, took: float, limit: float) -> str:
    """Why so many; `epoch` is the share of the data in a batch, `took` the seconds of a round."""
    why = f"a round takes {1000 * took:.3g} ms here, "
    if steps == wanted:
        length = _time(steps * took / PLAYING)
        return f"{why}so that these, which show each sample {steps * epoch:.3g} times, take {length}"
    return (
        f"{why}and no more fit into {limit:g} minutes; each sample is shown {steps * epoch:.3g} times. "
        f"--steps {wanted}, for {wanted * epoch:.3g} times, would take {_time(wanted * took / PLAYING)}"
    )


def _power_of_two(most: float) -> int:
    return 1 << int(math.log2(most))


def _time(seconds: float) -> str:
    """A duration, said roughly.

    >>> _time(40), _time(500), _time(9000)
    ('40 seconds', '8 minutes', '2.5 hours')
    """
    if seconds < 100:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 100 * 60 else f"{seconds / 3600:.1f} hours"
