"""What goes on beside the game: checkups with alarms, evaluations, the best so far, and whether to stop early."""

from __future__ import annotations

import math
import time
from typing import Any

from PIL import Image

from sparring.config import Adam
from sparring.data.dataset import Dataset
from sparring.errors import SparringError
from sparring.eyes import Eyes
from sparring.metrics.features import extractor
from sparring.metrics.judge import Evaluation, Judge, is_slow
from sparring.metrics.pairs import pairs
from sparring.tally import by_kind
from sparring.trainer import Trainer
from sparring.watchdog import Alarm, Corner, alarms

CHECKUPS = 40  # over a run
BY_HEART = 0.5  # the overfitting by held-out samples that adaptive augmentation aims at: r_v of Karras et al. 2020
EVALUATIONS = 10  # over a run, unless the config says how often
SHORT = 100  # rounds; a shorter run is not evaluated unless the config says how often
KNOWN = 20_000  # training samples among which copies are sought, where features come quickly
SHARE = 0.15  # of the time that evaluations may take, unless the config says how often
HIGHER_IS_BETTER = ("precision", "recall", "coverage")


class Supervisor:
    """Watches one run. Every process of a run has one; only the chief's has a judge.

    Attributes:
        best: step, metric and value of the best evaluation so far; empty before the first.
        stale: evaluations since then.
        last: the last evaluation, as `Evaluation.to_dict` gives it, with its step; empty before the first.
    """

    def __init__(self, trainer: Trainer, train: Dataset, held_out: Dataset | None) -> None:
        self.trainer, self.train, self.held_out, self.config = trainer, train, held_out, trainer.config
        self.eyes = Eyes(trainer.gan, train, held_out, self.config.seed, trainer.device)
        self.checkups: list[dict[str, Any]] = []
        self.raised: list[str] = []
        self.best: dict[str, Any] = {}
        self.last: dict[str, Any] = {}
        self.stale = 0
        self.spent = 0.0  # seconds of evaluating in this sitting
        self.judge: Judge | None = None
        self.picture: Image.Image | None = None  # of the last evaluation's nearest neighbours

    # -------------------------------------------------------- checkups

    def checkup(self) -> tuple[dict[str, Any], list[Alarm]]:
        """Look at the game. -> (what was seen, with the means since the last checkup; alarms that are new)"""
        trainer = self.trainer
        seen: dict[str, Any] = {
            **self.eyes.look(trainer.gan, trainer.ema.gan),
            **by_kind(trainer.window.read()),
            "skipped": trainer.guard.skipped(),
        }
        shown = trainer.shown - (self.checkups[-1]["images"] if self.checkups else 0)
        self.checkups.append({**seen, "images": trainer.shown, "step": trainer.gan.count})
        if self.held_out is None:
            trainer.adapt(seen.get("bias", math.nan), shown)
        else:  # what held-out samples tell is no mere tilt of the scores towards real
            trainer.adapt(seen.get("overfitting", math.nan), shown, BY_HEART)
        found = alarms(self.checkups, self.corner)
        new = [alarm for alarm in found if alarm.name not in self.raised]
        self.raised = [alarm.name for alarm in found]
        return seen, new

    @property
    def corner(self) -> Corner:
        """What can be turned in this recipe, for the words of the alarms."""
        gan, config = self.trainer.gan, self.config
        plans = {who: getattr(config, who) for who in gan.players()}
        rates = {who: plan.lr for who, plan in plans.items() if isinstance(plan, Adam)}
        name = gan.penalised
        return Corner(
            rates,
            (name, getattr(config, name)) if name else None,
            gan.spec.kind == "pictures" and config.augment == "none",
        )

    # -------------------------------------------------------- evaluations

    def prepare(self) -> str | None:
        """Make the judge, which takes seconds to minutes. -> a sentence where there can be none, else None"""
        if self.config.features == "none" or self._too_short():
            return None
        try:
            features = extractor(self.config.features, self.train, device=self.trainer.device)
            slow = is_slow(features) and self.trainer.device.type == "cpu"
            self.samples = self.config.evaluate_samples or (500 if slow else 1000)
            known = 2 * self.samples if slow else KNOWN
            self.judge = Judge(self.train, self.held_out, features, most=2 * self.samples, most_training=known)
        except SparringError as error:
            return f"training goes on without evaluations: {error}"
        return None

    def _too_short(self) -> bool:
        planned = self.config.steps if self.config.minutes is None else None
        return self.config.evaluate_every is None and planned is not None and planned < SHORT

    def due(self, progress_before: float) -> bool:
        """Whether it is time to evaluate, after a round that began at that progress."""
        if every := self.config.evaluate_every:
            return bool(self.trainer.gan.count % every == 0)
        return int(self.trainer.progress * EVALUATIONS) > int(progress_before * EVALUATIONS)

    def evaluate(self, seconds: float) -> dict[str, Any] | None:
        """Judge the averaged generator. -> what the log gets, or None where there is no judge or no time.

        Args:
            seconds: of training so far; evaluations that would take more than their share are left out.
        """
        bound = self.config.evaluate_every is None and self.config.patience is None and self.trainer.progress < 1
        if self.judge is None or (bound and self.spent > SHARE * seconds):
            return None
        begun = time.monotonic()
        evaluation = self.judge.evaluate(self.trainer.ema.gan, self.samples, self.config.seed, self.trainer.device)
        self.spent += time.monotonic() - begun
        self.last = {"step": self.trainer.gan.count, **evaluation.to_dict()}
        self.picture = pairs(self.trainer.ema.gan, evaluation, self.train, self.held_out)
        return {**evaluation.to_dict(), "best": self._compare(evaluation)}

    def _compare(self, evaluation: Evaluation) -> bool:
        """Whether this is the best so far by the metric that the config names."""
        assert self.judge is not None
        name = {"KD": self.judge.kd, "FD": self.judge.fd}.get(self.config.best, self.config.best)
        if self.trainer.gan.scale > 1 and name == self.judge.kd:  # whole pictures look like themselves when blurred
            name = next((of for of in evaluation.metrics if of.startswith("KD") and "patches" in of), name)
        score = evaluation.metrics.get(name)
        if score is None:
            return False
        sign = 1 if self.config.best in HIGHER_IS_BETTER else -1
        better = not self.best or self.best["metric"] != name or sign * score.value > sign * self.best["value"]
        self.stale = 0 if better else self.stale + 1
        if better:
            self.best = {"step": self.trainer.gan.count, "metric": name, "value": score.value}
        return better

    @property
    def exhausted(self) -> str | None:
        """Why to stop early, as a sentence; None while there is no reason."""
        if self.judge is None or self.config.patience is None or self.stale < self.config.patience:
            return None
        metric, value, step = (self.best[key] for key in ("metric", "value", "step"))
        return f"{self.stale} evaluations without a better {metric} than {value:.4g} at round {step:,}"

    # -------------------------------------------------------- going on

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint must hold, so that a resumed run sees the same alarms and stops at the same round."""
        before = {} if self.eyes.before is None else {"before": self.eyes.before}
        kept = {"checkups": self.checkups, "raised": self.raised, "best": self.best, "stale": self.stale}
        return {**kept, "last": self.last, "start": self.eyes.start, **before}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The inverse of `state_dict`."""
        self.checkups, self.raised = list(state["checkups"]), list(state["raised"])
        self.best, self.stale, self.last = state["best"], state["stale"], state["last"]
        self.eyes.before, self.eyes.start = state.get("before"), state["start"]

    def go_back(self, state: dict[str, Any]) -> None:
        """Take up an earlier state; but the best so far stays what it is, as its checkpoint does."""
        best = self.best
        self.load_state_dict(state)
        self.best = best
