"""Judges samples: features -> distances and neighbours -> numbers, each with its protocol and its baselines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sparring.asking import Questions
from sparring.data.dataset import Dataset, decode, encode
from sparring.data.tables.field import Layout
from sparring.errors import SparringError
from sparring.gan import GAN
from sparring.metrics.bank import chosen, features_of, streamed
from sparring.metrics.distances import Estimate, frechet, inception_score, kernel_distance
from sparring.metrics.features import Features
from sparring.metrics.neighbours import Memorising, diversity, memorising, neighbourhoods
from sparring.metrics.truth import COMPARED, against_truth, keeping

MOST_REAL = 5000  # of the samples that fakes are compared with
SLOW = ("efficientnet", "inception", "onnx")  # networks that take tens of milliseconds a picture on a CPU
MOST_SLOW, MOST_QUICK = 10_000, 100_000  # of the training samples among which copies are sought
MOST_SCORED = 50_000  # of the fakes that an Inception score looks at, as in the papers
ENOUGH = 2000  # from here on the Fréchet distance's bias is small
FEWEST = 50  # held-out samples; with less, fakes are compared with the training data instead
PASS = 128  # samples made at once
PAIRS = 8

Measured = dict[str, Estimate | float]


@dataclass(frozen=True)
class Score:
    """One number, with what it takes to read it.

    Attributes:
        value: of the fakes.
        error: its standard error, where it is a mean of independent values.
        floor: the same number for real training samples in place of fakes: what a perfect generator would get.
        mean_picture: the same for the training set's mean picture: what the laziest generator would get. Of points
            and sequences their mean; of a table the row of mean places and of each code's most frequent state.
        unchanged: the same for pictures that were to be translated, as they are; where larger ones are made of them,
            enlarged bicubically.
    """

    value: float
    error: float | None = None
    floor: float | None = None
    mean_picture: float | None = None
    unchanged: float | None = None


@dataclass(frozen=True)
class Evaluation:
    """All that was measured at one time.

    Attributes:
        protocol: features, fingerprint, preprocessing, real, fake, training (numbers of samples), split, seed, and the
            scale where pictures are enlarged.
        metrics: by the name that is printed; what leads comes first.
        notes: plain sentences: what could not be measured and the remedy, what to beware of.
        pairs: the fakes nearest to training samples: (fake, training sample, held-out sample), as indices of the
            fakes' latents and of the rows of both data sets.
    """

    protocol: dict[str, Any]
    metrics: dict[str, Score]
    notes: tuple[str, ...] = ()
    pairs: tuple[tuple[int, int, int], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        metrics = {
            name: {key: value for key, value in asdict(score).items() if value is not None}
            for name, score in self.metrics.items()
        }
        return {"protocol": self.protocol, "metrics": metrics, "notes": list(self.notes)}


class Judge:
    """Compares what a generator makes with data that it never saw. What concerns real data is measured once.

    Args:
        train: what the generator learns from.
        held_out: what it never sees; None, or fewer than 50 samples, and fakes are compared with `train` itself.
        features: the network that looks; see `features.extractor`.
        most: how many real samples to look at, at most.
        most_training: among how many training samples to seek copies; None takes as many as take bearable time.
    """

    def __init__(
        self,
        train: Dataset,
        held_out: Dataset | None,
        features: Features,
        most: int = MOST_REAL,
        most_training: int | None = None,
    ) -> None:
        most_training = most_training or (MOST_SLOW if is_slow(features) else MOST_QUICK)
        self.features, self.train, self.held_out = features, train, held_out
        self.trained_on = features_of(train, features, most_training)
        self.training_rows = chosen(train, most_training)
        if held_out is not None and len(held_out) >= FEWEST:
            self.split, self.real = "held-out", features_of(held_out, features, most)
            self.real_rows = chosen(held_out, most)
        else:
            rows = _spread_out(len(self.trained_on), most)
            self.split, self.real, self.real_rows = "training", self.trained_on[rows], self.training_rows[rows.numpy()]
        short = "FID", "KID"
        if features.name != "inception-2015":  # the bare words are for the original network alone
            short = f"FD[{features.name}]", f"KD[{features.name}]"
        self.fd, self.kd = short
        self.notes: list[str] = []
        self._baselines: dict[int, tuple[Measured, Measured]] = {}  # by the number of fakes

    def evaluate(self, gan: GAN, fake: int, seed: int = 0, device: torch.device | str = "cpu") -> Evaluation:
        """Draw samples of a generator and measure them.

        Args:
            gan: its `sample` is called; give the averaged one, in evaluation mode.
            fake: how many samples.
            seed: of their latents.
            device: where the GAN's networks live.
        """
        self.notes = []
        questions = self.questions(gan, fake, seed)
        fake = len(questions)
        kept: list[Tensor] = []  # the first pictures, to compare with the truth
        made = streamed(self.features(batch) for batch in keeping(kept, fakes(questions, device)))
        if fake not in self._baselines:
            self._baselines[fake] = self._measure_baselines(fake)
        floor, mean = self._baselines[fake]
        metrics = {
            name: Score(*_pair(value), floor=_value(floor.get(name)), mean_picture=_value(mean.get(name)))
            for name, value in self._measure(made, self.notes).items()
        }
        if gan.conditional and self.features.classes == self.train.spec.classes:
            metrics["asked class"] = self._obedience(made, questions.given)
        if gan.translates:
            metrics |= self._truth(questions, torch.cat(kept)[:COMPARED])
        copying = self._copying(made)
        if copying:
            metrics["memorising"] = Score(copying.ratio, floor=1.0)
        few = min(len(self.real), fake) < ENOUGH
        leading = (self.kd, self.fd) if few else (self.fd, self.kd)
        names = [*(name for name in leading if name in metrics), *(name for name in metrics if name not in leading)]
        pairs = copying.pairs if copying else ()
        return Evaluation(
            self._protocol(fake, seed) | ({"scale": gan.scale} if gan.translates and gan.scale > 1 else {}),
            {name: metrics[name] for name in names},
            (*self._warnings(fake), *self.notes),
            tuple((i, int(self.training_rows[t]), int(self.real_rows[h])) for i, t, h in pairs),
        )

    def questions(self, gan: GAN, n: int, seed: int) -> Questions:
        """What fakes are made from; translators translate what they never saw, where there is enough of it."""
        unseen = self.held_out if self.split == "held-out" else None
        return Questions(gan, unseen or self.train, n, seed)

    def _measure(self, cloud: Tensor, notes: list[str]) -> Measured:
        """Every number that can be had of a cloud of features; a note for each that cannot."""
        n = min(len(self.real), len(cloud))
        found: Measured = {}

        def attempt(name: str, measure: Callable[[], Estimate | float]) -> None:
            try:
                found[name] = measure()
            except SparringError as error:
                notes.append(f"{name} could not be measured: {error}.")

        attempt(self.kd, lambda: kernel_distance(self.real, cloud))
        attempt(self.fd, lambda: frechet(self.real, cloud))
        try:
            real, others = (rows[_spread_out(len(rows), n)] for rows in (self.real, cloud))
            found |= neighbourhoods(real, others)._asdict()
        except SparringError as error:
            notes.append(f"Precision, recall, density and coverage could not be measured: {error}.")
        if self.features.classes is not None:
            some = cloud[_spread_out(len(cloud), MOST_SCORED)]
            attempt(f"IS[{self.features.name}]", lambda: inception_score(self.features.probabilities(some)))
        attempt("diversity", lambda: diversity(cloud[_spread_out(len(cloud), MOST_REAL)]))
        return found

    def _measure_baselines(self, fake: int) -> tuple[Measured, Measured]:
        """What real training samples, and what the training set's mean, would score in place of the fakes."""
        floor = (
            {}
            if self.split == "training"
            else self._measure(self.trained_on[_spread_out(len(self.trained_on), fake)], [])
        )
        alone = self.features(self._mean).float().cpu()
        return floor, self._measure(alone.repeat(min(fake, len(self.real)), 1), [])

    @cached_property
    def _mean(self) -> Tensor:
        """The training set's mean as one sample, (1, *spec.shape)."""
        spec = self.train.spec
        mean = np.asarray(sum(block.astype(np.float64).sum(0) for block in self.train.blocks()) / len(self.train))
        if spec.kind == "table":  # codes have no mean: what lies between two of them is a third
            states = [np.argmax(field.shares) for field in Layout(spec.fields).learnt]
            mean[len(mean) - len(states) :] = states
        raw = torch.from_numpy(mean[None])
        return decode(raw.round().to(torch.uint8)) if spec.has_pictures else raw.float()

    def _truth(self, questions: Questions, made: Tensor) -> dict[str, Score]:
        """How near translated pictures come to the true ones."""
        return {
            name: Score(beside.made.value, beside.made.error, beside.made.true, beside.mean, beside.unchanged)
            for name, beside in against_truth(questions, made, self._mean).items()
        }

    def _obedience(self, made: Tensor, wishes: Tensor) -> Score:
        """The share of the fakes that are read as the class that was asked for; floor: of real ones, as their own."""

        def read(features: Tensor, classes: Tensor) -> float:
            return float((self.features.probabilities(features).argmax(1) == classes).float().mean())

        of = self.train if self.split == "training" else self.held_out
        assert of is not None
        assert of.labels is not None
        asked = wishes[:, : len(self.train.spec.classes)].argmax(1)
        return Score(read(made, asked), floor=read(self.real, torch.from_numpy(of.labels[self.real_rows])))

    def _copying(self, made: Tensor) -> Memorising | None:
        if self.split == "training":
            return None
        try:
            some = _spread_out(len(made), MOST_REAL)
            found = memorising(self.trained_on, self.real, made[some], PAIRS)
            return found._replace(pairs=tuple((int(some[i]), t, h) for i, t, h in found.pairs))
        except SparringError as error:
            self.notes.append(f"Memorising could not be measured: {error}.")
            return None

    def _protocol(self, fake: int, seed: int) -> dict[str, Any]:
        network = self.features
        seen = {"features": network.name, "fingerprint": network.fingerprint, "preprocessing": network.preprocessing}
        counts = {"real": len(self.real), "fake": fake, "training": len(self.trained_on)}
        return {**seen, **counts, "split": self.split, "seed": seed}

    def _warnings(self, fake: int) -> Iterator[str]:
        if self.split == "training":
            held = 0 if self.held_out is None else len(self.held_out)
            yield (
                f"Fakes are compared with the training data, for {held} samples are held out and {FEWEST} are needed: "
                "memorising goes unnoticed. Give more data, or a larger --held-out."
            )
        if min(len(self.real), fake) < ENOUGH:
            yield (
                f"With fewer than {ENOUGH:,} samples (real {len(self.real):,}, fake {fake:,}) the Fréchet distance is "
                "too high by an amount that depends on their number, so the kernel distance leads."
            )
        if self.split == "held-out" and len(self.trained_on) < len(self.train):
            yield (
                f"Copies were sought among {len(self.trained_on):,} of {len(self.train):,} training samples: those of "
                "the others go unnoticed."
            )
        if self.features.classes is None:
            remedy = "; labels in the data would give it some" if self.features.name.startswith("trained") else ""
            yield f"There is no Inception score: {self.features.name} knows no classes{remedy}."


def is_slow(features: Features) -> bool:
    """Whether a network takes long for each picture on a CPU."""
    return features.name.startswith(SLOW)


def fakes(questions: Questions, device: torch.device | str = "cpu") -> Iterator[Tensor]:
    """The answers, some at a time, as they would be shipped: pictures are rounded to 8 bits."""
    for start in range(0, len(questions), PASS):
        with torch.no_grad():
            noise, given = (part.to(device) for part in questions.take(slice(start, start + PASS)))
            batch = questions.gan.sample(noise, given)
        yield shipped(questions.gan, batch)


def shipped(gan: GAN, samples: Tensor) -> Tensor:
    """Samples on the CPU; pictures rounded to 8 bits, as their files would be."""
    return decode(torch.from_numpy(encode(samples))) if gan.spec.has_pictures else samples.float().cpu()


def _spread_out(count: int, n: int) -> Tensor:
    """At most n places from all over `count` rows, which may lie in the order of a folder."""
    return torch.linspace(0, count - 1, min(n, count)).round().long()


def _pair(value: Estimate | float) -> tuple[float, float | None]:
    return (value.value, value.standard_error) if isinstance(value, Estimate) else (value, None)


def _value(value: Estimate | float | None) -> float | None:
    return None if value is None else _pair(value)[0]
