"""What the watchdog sees: a few hundred samples and the critic's opinion of them, in plain numbers.

Looking changes nothing that training uses: neither weights, nor buffers, nor random numbers. Samples are compared as
they are, pictures at 16 pixels: enough to tell collapse and copying, and it costs no feature network.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from sparring.asking import Questions
from sparring.augment import augment
from sparring.data.batches import Batch, some
from sparring.data.dataset import Dataset
from sparring.data.spec import Spec
from sparring.data.tables.field import Layout
from sparring.draws import Draws, mix
from sparring.gan import GAN
from sparring.networks.table import expand

SAMPLES = 128  # of the generator, and of the data, in each look
TO_TRANSLATE = 32  # pictures, for translating takes far longer than making small ones from noise
KNOWN = 1024  # training samples among which nearest neighbours are sought
SIDE = 16  # pixels
PARTS = 8  # in which they are read, lest large pictures fill the memory
NEIGHBOURS = 5

Sight = dict[str, float | dict[str, float]]


class Eyes:
    """Looks at a GAN that learns, always with the same latents and the same real samples.

    Args:
        gan: the one that learns, before its first round.
        train: what it learns from.
        held_out: what it never sees, or None.
        seed: which latents and which samples.
        device: where the networks live.

    Attributes:
        before: the fakes of the last look, (n, d); None before the first. A checkpoint must hold it, and `start`.
        start: the size of each player's weights when the game began.
    """

    def __init__(self, gan: GAN, train: Dataset, held_out: Dataset | None, seed: int, device: torch.device) -> None:
        asked = train
        if gan.translates and held_out is not None and len(held_out) > 1:
            asked = held_out
        self.copies_tell = not gan.translates or asked is held_out  # what it learnt from it may well know by heart
        questions = Questions(gan, asked, TO_TRANSLATE if gan.translates else SAMPLES, seed)
        self.latents = gan.latents(len(questions), mix("eyes", seed) % 2**32).to(device)
        self.wishes = questions.take(slice(None))[1].to(device)
        rows = chosen(train, KNOWN, seed)
        self.known = torch.cat([seen(some(train, part).x, train.spec) for part in np.array_split(rows, PARTS)])
        shown = some(train, rows[:: max(1, len(rows) // SAMPLES)][:SAMPLES])
        self.real, self.given = shown.x.to(device), gan.asked(shown).to(device)
        unseen = some(train, rows[:0]) if held_out is None else some(held_out, chosen(held_out, SAMPLES, seed))
        self.held_out = Batch(unseen.x.to(device), gan.asked(unseen).to(device))
        between = torch.cdist(self.known, self.known).fill_diagonal_(torch.inf)
        others = between.sort(dim=1).values
        self.real_gap = others[:, 0].median()  # from a training sample to the nearest other one
        self.reach = others[:, min(NEIGHBOURS, len(others) - 1) - 1]
        self.real_spread = spread(seen(self.real, train.spec))
        self.before: Tensor | None = None
        self.start = sizes(gan)
        self._draws = Draws(seed, 0, 1, device)

    @torch.no_grad()
    def look(self, gan: GAN, averaged: GAN) -> Sight:
        """What can be seen now.

        spread: mean distance between two fakes over that between two reals; 0 when all fakes are one.
        coverage: share of the reals with a fake within their five nearest neighbours' reach; 0..1.
        gap: median distance from a fake to the nearest training sample over that from one training sample to the next;
            0 for copies, about 1 for samples as new as real ones, more for what is unlike the data.
        distance: the same median over the reals' spread.
        growth: the size of each player's weights over that at the start.
        change: mean distance that the fakes of the same latents moved since the last look, over the reals' spread.
        separation: the chance that the critic scores a real sample above a fake one; 0.5 when it cannot tell them.
        margin: by how many of its scores' own standard deviations the critic scores reals above fakes.
        overfitting: how far the critic's mean score falls from training to held-out samples, as a share of how far it
            falls to fakes (Karras et al. 2020, eq. 1, r_v); about 0, and 1 when it takes the held-out ones for fakes.
        accuracy: the share of the reals (and held-out reals) that the critic scores above 0, of the fakes below 0.
        bias: mean sign of the critic's score of training samples, augmented as in training (the same, r_t).

        Args:
            gan: the one that learns, for the critic's opinion of what it faces.
            averaged: its average, which is what ships, for what is made.
        """
        fakes = seen(averaged.sample(self.latents, self.wishes), gan.spec)
        distances = torch.cdist(fakes, self.known)
        sight: Sight = {
            "spread": float(spread(fakes) / self.real_spread),
            "coverage": share(distances.min(0).values < self.reach),
            "gap": float(distances.min(1).values.median() / self.real_gap),
            "distance": float(distances.min(1).values.median() / self.real_spread),
            "growth": {who: size / max(self.start[who], 1e-12) for who, size in sizes(gan).items()},
        }
        if not self.copies_tell:
            del sight["gap"]
        if self.before is not None:
            sight["change"] = float((fakes - self.before).norm(dim=1).mean() / self.real_spread)
        self.before = fakes
        return finite(sight | self._opinion(gan))

    def _opinion(self, gan: GAN) -> Sight:
        """The critic's, in training mode as it plays; empty where the recipe has no `critique`, and for one sample."""
        if len(self.real) < 2:  # BatchNorm cannot
            return {}
        with undisturbed(gan):
            together, given = torch.cat([self.real, self.held_out.x]), torch.cat([self.given, self.held_out.given])
            scores = gan.critique(together, given)  # in one batch, so that BatchNorm treats both alike
            if scores is None:
                return {}
            fake = gan.critique(gan.sample(self.latents, self.wishes), self.wishes)
            self._draws.at(gan.count)  # so that a resumed run looks through the same augmentations
            shown = augment(self.real, gan.augmentation, self._draws) if gan.augmentation else self.real
            bias = gan.critique(shown, self.given)
        assert fake is not None
        assert bias is not None
        fake, scores = fake.float().cpu(), scores.float().cpu()
        real, held = scores[: len(self.real)], scores[len(self.real) :]
        lead = real.mean() - fake.mean()
        accuracy, opinion = {"real": share(real > 0), "fake": share(fake < 0)}, Sight()
        if len(held):
            accuracy["held-out"] = share(held > 0)
            if lead > 0:
                opinion["overfitting"] = float((real.mean() - held.mean()) / lead)
        deviation = ((real.var(correction=0) + fake.var(correction=0)) / 2).sqrt()
        above = (real[:, None] > fake[None]).float() + (real[:, None] == fake[None]).float() / 2
        return opinion | {
            "separation": float(above.mean()),
            "margin": float(lead / deviation.clamp(min=1e-6)),
            "accuracy": accuracy,
            "bias": float(bias.float().sign().mean()),
        }


def sizes(gan: GAN) -> dict[str, float]:
    """The Euclidean norm of all weights of each player."""
    nets = {who: [p.detach() for net in players for p in net.parameters()] for who, players in gan.players().items()}
    return {who: float(torch.nn.utils.get_total_norm(weights)) for who, weights in nets.items()}


def finite(sight: Sight) -> Sight:
    """Without what could not be reckoned: a spread of one sample, a gap among equal ones."""
    return {key: value for key, value in sight.items() if isinstance(value, dict) or math.isfinite(value)}


def chosen(dataset: Dataset, most: int, seed: int) -> np.ndarray:
    """At most that many places in a data set, drawn by the seed, ascending (n,)."""
    places: np.ndarray = np.sort(np.random.default_rng(mix("some", seed)).permutation(len(dataset))[:most])
    return places


def seen(samples: Tensor, spec: Spec) -> Tensor:
    """Samples as vectors (n, d), float32 on the CPU; pictures reduced to at most 16 pixels a side, rows expanded."""
    if spec.kind == "table":
        samples = expand(Layout(spec.fields), samples)
    if samples.dim() == 4 and max(samples.shape[2:]) > SIDE:
        height, width = samples.shape[2:]
        size = [max(1, round(side * SIDE / max(height, width))) for side in (height, width)]
        samples = interpolate(samples, size, mode="area")
    return samples.float().flatten(1).cpu()


def spread(vectors: Tensor) -> Tensor:
    """Mean distance between two of (n, d); n at least 2."""
    return torch.pdist(vectors).mean()


def share(of: Tensor) -> float:
    """How many of (n,) booleans are true, in 0..1."""
    return float(of.float().mean())


@contextmanager
def undisturbed(module: nn.Module) -> Iterator[None]:
    """Put every buffer (BatchNorm's statistics) back afterwards."""
    kept = [(buffer, buffer.clone()) for buffer in module.buffers()]
    try:
        yield
    finally:
        for buffer, value in kept:
            buffer.copy_(value)
