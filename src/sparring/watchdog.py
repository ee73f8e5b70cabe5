"""Alarms: pure functions from the checkups of a run so far to what is going wrong, in plain words, and what to try.

A checkup is what `eyes.Eyes.look` sees, beside the means of the loss terms and gradient norms since the checkup before.
The thresholds were chosen on the tuning seeds of proofs/watchdog.py and measured on others; docs/watchdog.md has both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sparring.trainer import Remedy

Checkup = Mapping[str, Any]
Checkups = Sequence[Checkup]

PLANNED = 40  # checkups of a run
WARM_UP = 6  # checkups before which a game is still finding itself
YOUNG = 100  # rounds before which nothing but what is not finite is told: short runs are all beginning
LASTING = 3  # checkups in a row that a symptom must last
COLLAPSED = 0.05  # of the reals' spread
WINNING = 6.0  # standard deviations between the critic's scores of reals and of fakes
LOST = 0.3  # the chance of scoring a real above a fake
WILD = 0.6  # of the reals' spread, moved between two checkups
FAR = 1.9  # times the distance between neighbouring reals ...
APART = 0.8  # ... and this share of the reals' spread
STILL = 0.004  # of the reals' spread, moved between two checkups
COPIED = 0.6  # of the distance between neighbouring reals, whatever the critic says; between this and 1 it is asked too
NEARLY, BY_HEART = 1.25, 0.8  # of that distance, where the critic takes held-out samples for fakes to this degree
SWINGING, WINDOW = 20.0, 8  # the largest gradient norm over the smallest, in so many checkups
HUGE, TIMES = 100.0, 10.0  # a loss term or gradient norm, and by how much it must have grown
GROWN = 10.0  # times the size of a player's weights at the start


@dataclass(frozen=True)
class Alarm:
    """What is going wrong.

    Attributes:
        name: such as "collapse".
        seen: a sentence: what is seen.
        attempt: a sentence: what to try, with the flags to type.
        remedy: what `--heal` would do about it.
    """

    name: str
    seen: str
    attempt: str
    remedy: Remedy | None


@dataclass(frozen=True)
class Corner:
    """What of a recipe can be turned: it puts the values into the flags that an alarm tells.

    Attributes:
        rates: each player's learning rate; the first is the generator's, the last the critic's.
        penalty: the name and the value of the field that weighs the gradient penalty; None where there is none.
        pictures: whether augmentation, or more of it, is possible.
    """

    rates: dict[str, float]
    penalty: tuple[str, float] | None
    pictures: bool

    def slower(self, *players: str, by: float = 10) -> str:
        """The flags for smaller learning rates, of all players when none is named."""
        chosen = {who: rate for who, rate in self.rates.items() if not players or who in players}
        return "`" + " ".join(f"--{who}.lr {rate / by:.2g}" for who, rate in chosen.items()) + "`"

    def stricter(self) -> str:
        """The flag for a stronger gradient penalty; for a recipe without one, for a slower critic."""
        if self.penalty is None:
            return f"a slower critic ({self.slower(list(self.rates)[-1], by=4)})"
        name, value = self.penalty
        return f"a stronger gradient penalty (`--{name.replace('_', '-')} {4 * value or 1:.2g}`)"

    @property
    def calming(self) -> Remedy:
        """The remedy against a critic that runs away."""
        return "learning rate" if self.penalty is None or not self.penalty[1] else "penalty"


# ---------------------------------------------------------------- symptoms: what is seen, or None


def non_finite(checkups: Checkups) -> str | None:
    """Rounds were skipped since the last checkup, for a loss or a gradient was not finite."""
    before = checkups[-2]["skipped"] if len(checkups) > 1 else 0
    rounds = checkups[-1]["skipped"] - before
    if rounds <= 0:
        return None
    return f"{rounds} rounds since the last look were skipped, for a loss or a gradient was not a finite number."


def divergence(checkups: Checkups) -> str | None:
    """Losses or gradients explode, or the samples are like no data and stay so."""
    sizes = [_largest(checkup) for checkup in checkups]
    least = min((size for _, size in sizes[:-LASTING]), default=0.0)
    if len(sizes) > WARM_UP and all(size > max(HUGE, TIMES * least) for _, size in sizes[-LASTING:]):
        name, size = sizes[-1]
        return f"{name} is {size:.3g}; earlier the largest of all losses and gradient norms was {least:.3g}."
    grown = max(checkups[-1].get("growth", {}).items(), key=lambda item: item[1], default=("", 0.0))
    if len(checkups) > WARM_UP and grown[1] > GROWN:
        return f"The weights of the {grown[0]} run away: they are {grown[1]:.0f} times as large as at the start."
    far = _last(checkups, lambda c: c.get("gap", 0) > FAR and c.get("distance", 0) > APART)
    if far and len(checkups) > WARM_UP + LASTING:
        return (
            f"The samples are like nothing in the data: each lies {checkups[-1]['gap']:.1f} times as far from the "
            "nearest training sample as those lie from each other, and it does not get better."
        )
    return None


def oscillation(checkups: Checkups) -> str | None:
    """The same latents give other samples at every look, or gradients swing, although the game should have settled."""
    if swing := _swing(checkups):
        return f"The players push each other about: {swing} in the last {WINDOW} looks."
    if len(checkups) <= WARM_UP + LASTING or not _last(checkups, lambda c: c.get("change", 0) > WILD):
        return None
    return (
        f"The players chase each other: since the last look the same latents give samples that differ by "
        f"{checkups[-1]['change']:.0%} of the distance between two real ones, and it does not calm down."
    )


def collapse(checkups: Checkups) -> str | None:
    """The generator makes one sample, or a few."""
    if len(checkups) <= WARM_UP + LASTING or not _last(checkups, lambda c: c.get("spread", 1) < COLLAPSED):
        return None
    alike = checkups[-1]["spread"]
    return f"The samples are nearly all alike: two of them differ by {alike:.1%} of what two real ones do."


def critic_winning(checkups: Checkups) -> str | None:
    """The critic tells every fake with such certainty that the generator learns nothing from it."""
    sure = _last(checkups, lambda c: c.get("separation", 0) > 0.995 and c.get("margin", 0) > WINNING)
    if len(checkups) <= WARM_UP or not sure:
        return None
    return (
        f"The critic tells every sample from the real ones, by {checkups[-1]['margin']:.0f} times the spread of its "
        "own scores: its verdict hardly depends any more on what the generator changes."
    )


def critic_lost(checkups: Checkups) -> str | None:
    """The critic holds fakes to be more real than the real ones: it no longer follows."""
    if len(checkups) <= WARM_UP or not _last(checkups, lambda c: c.get("separation", 1) < LOST):
        return None
    return (
        f"The critic has lost the game: it scores a real sample above a fake one in only "
        f"{checkups[-1]['separation']:.0%} of the cases, so the generator learns to please a judge who is wrong."
    )


def memorising(checkups: Checkups) -> str | None:
    """The samples lie much nearer to training samples than those to each other, or the critic knows these by heart."""
    if len(checkups) <= WARM_UP:
        return None
    if _last(checkups, lambda c: c.get("gap", 1) < COPIED):
        return (
            f"The samples are near to copies: each lies {checkups[-1]['gap']:.2f} times as far from a training sample "
            "as the training samples lie from each other."
        )
    if _last(checkups, _by_heart):
        return (
            f"The critic knows the training set by heart: held-out samples lose {checkups[-1]['overfitting']:.0%} of "
            "the lead that training samples have over fakes, so the generator learns to copy those."
        )
    return _both(checkups)


def _by_heart(c: Checkup) -> bool:
    """Only where the critic tells fakes at all (else its lead is noise), and the fakes come near to the data."""
    return _near(c, NEARLY) and bool(c.get("overfitting", 0) > BY_HEART)


def _near(c: Checkup, gap: float) -> bool:
    return bool(c.get("separation", 0) > 0.7 and c.get("gap", 1) < gap)


def _both(checkups: Checkups) -> str | None:
    """Each sign by itself too weak: the nearer the samples come, the less need the critic know the rest by heart.

    Adaptive augmentation keeps `overfitting` at about a half, also where the generator goes on copying; and as a
    handful of held-out samples makes one look uncertain, the mean counts.
    """
    recent = [c for c in checkups[-WINDOW:] if "overfitting" in c and "gap" in c]
    if len(checkups) < WARM_UP + WINDOW or len(recent) <= WINDOW // 2 or not _last(checkups, lambda c: _near(c, 1.0)):
        return None
    overfitting, gap = (sum(c[sign] for c in recent) / len(recent) for sign in ("overfitting", "gap"))
    if overfitting < BY_HEART * (gap - COPIED) / (1 - COPIED):
        return None
    return (
        f"The samples come nearer to training samples than those to each other ({gap:.2f} times as far), and to the "
        f"critic held-out samples lose {overfitting:.0%} of the lead that training samples have over fakes: the "
        "generator makes mixtures of what it was shown."
    )


def stalled(checkups: Checkups) -> str | None:
    """The generator no longer changes, long before the run's end (where falling learning rates still it)."""
    still = _last(checkups, lambda c: c.get("change", 1) < STILL)
    if not WARM_UP < len(checkups) < 3 * PLANNED // 4 or not still:
        return None
    return "The generator stands still: since the last looks the same latents give the same samples."


def _last(checkups: Checkups, holds: Callable[[Checkup], bool]) -> bool:
    """Whether something holds for each of the last LASTING checkups."""
    return len(checkups) >= LASTING and all(holds(checkup) for checkup in checkups[-LASTING:])


def _swing(checkups: Checkups) -> str | None:
    """The player whose gradient's norm swings, and how far; None where none does, or it is too early to tell."""
    if len(checkups) < WARM_UP + WINDOW:
        return None
    for who in checkups[-1]["norms"]:
        norms = [c["norms"][who] for c in checkups[-WINDOW:] if who in c["norms"]]
        if norms and max(norms) > SWINGING * min(norms):
            return f"the norm of the {who}'s gradient swung between {min(norms):.2g} and {max(norms):.2g}"
    return None


def _largest(checkup: Checkup) -> tuple[str, float]:
    """The loss term or gradient norm of the largest size, by its name."""
    norms = {f"the gradient norm of the {who}": size for who, size in checkup["norms"].items()}
    sizes = {name: abs(value) for name, value in {**checkup["terms"], **norms}.items()}
    return max(sizes.items(), key=lambda item: item[1], default=("", 0.0))


# ---------------------------------------------------------------- what to try


def alarms(checkups: Checkups, corner: Corner) -> list[Alarm]:
    """Every alarm that stands after the last checkup, the most telling first.

    Args:
        checkups: all of the run so far, oldest first; at least one.
        corner: what can be turned in this recipe.
    """
    augment = " and augmentation (`--augment adaptive`)" if corner.pictures else ""
    advice: dict[Callable[[Checkups], str | None], tuple[str, Remedy | None]] = {
        non_finite: (f"smaller learning rates ({corner.slower()}), or shorter steps (`--clip 1`).", "learning rate"),
        divergence: (f"smaller learning rates ({corner.slower()}), or shorter steps (`--clip 1`).", "learning rate"),
        oscillation: (f"smaller learning rates ({corner.slower(by=4)}) and a larger batch.", "learning rate"),
        collapse: (
            f"{corner.stricter()}, or a slower generator ({corner.slower(next(iter(corner.rates)), by=4)}); check that "
            "the recipe's generator uses its noise.",
            corner.calming,
        ),
        critic_lost: (
            f"a slower generator ({corner.slower(next(iter(corner.rates)), by=4)}) or a wider critic; check that the "
            "critic's weights change (its gradient norm is in the log).",
            "learning rate",
        ),
        critic_winning: (f"{corner.stricter()}, or a narrower critic{augment}.", corner.calming),
        memorising: (
            f"more data{augment or ' or a smaller generator'}; with less than a few hundred samples little else helps.",
            "augmentation" if corner.pictures else None,
        ),
        stalled: (
            f"larger learning rates ({corner.slower(by=0.25)}); check that the generator's loss reaches its weights.",
            None,
        ),
    }
    found = []
    young = checkups[-1]["step"] < YOUNG
    for symptom, (attempt, remedy) in advice.items():
        if (symptom is non_finite or not young) and (seen := symptom(checkups)):
            found.append(Alarm(symptom.__name__.replace("_", " "), seen, attempt, remedy))
    return found
