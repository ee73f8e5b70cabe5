"""How good made-up sequences are: can a network tell them from real ones, and does one that learns from them predict?

After TimeGAN's two scores (Yoon, Jarrett & van der Schaar 2019, section 5): a recurrent network (GRU) is trained afresh
for each. Its size is our own, so values compare with each other and not with those of papers. Both scores favour a copy
of the training data: read them beside `memorising` (metrics/neighbours.py), and beside those of what takes no
generator: a vector autoregression (`var`) and shuffled channels (`shuffled`).
"""

from __future__ import annotations

import statistics
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, l1_loss

HIDDEN = 16  # numbers in the state of a network
ROUNDS = 2000  # as in the paper's classifier; with 500 it hardly begins to tell good sequences
BATCH = 128
RATE = 5e-3
LEARN = 0.8  # share of the sequences that the classifier learns from


Loss = Callable[["Reader", Tensor], Tensor]


class Reader(nn.Module):
    """A GRU with a linear head: (b, steps, channels) -> (b, steps) one number after each step."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gru = nn.GRU(channels, HIDDEN, batch_first=True)
        self.head = nn.Linear(HIDDEN, 1)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.head(self.gru(x)[0]).squeeze(2)
        return scores


def discriminative(real: Tensor, fake: Tensor, seed: int = 0, rounds: int = ROUNDS) -> float:
    """By how much a network tells real sequences from fakes better than by chance: |accuracy - 0.5|, 0..0.5.

    It learns from four fifths of both and is asked about the rest; as many of each are taken.

    Args:
        real, fake: (n, channels, steps) in -1..1, on the CPU; 10 or more of each.
        seed: of the parting, of the network and of its batches.
        rounds: of training.
    """
    chance = np.random.default_rng(seed)
    n = min(len(real), len(fake))
    learn: list[tuple[Tensor, Tensor]] = []
    ask: list[tuple[Tensor, Tensor]] = []
    for label, samples in ((1.0, real), (0.0, fake)):
        some = samples[torch.from_numpy(chance.permutation(len(samples))[:n])]
        x = some.float().transpose(1, 2).split([int(LEARN * n), n - int(LEARN * n)])  # type: ignore[no-untyped-call]
        for part, into in zip(x, (learn, ask), strict=True):
            into.append((part, torch.full((len(part),), label)))
    (x, y), (asked, truth) = ((torch.cat(parts) for parts in zip(*both, strict=True)) for both in (learn, ask))

    def loss(reader: Reader, rows: Tensor) -> Tensor:
        return binary_cross_entropy_with_logits(reader(x[rows])[:, -1], y[rows])

    reader = _taught(x.shape[2], len(x), loss, chance, seed, rounds)
    with torch.no_grad():
        right = (reader(asked)[:, -1] > 0) == (truth > 0)
    return abs(float(right.float().mean()) - 0.5)


def told_apart(real: Tensor, fake: Tensor, judges: int, rounds: int = ROUNDS) -> float:
    """The mean of `discriminative` over so many networks."""
    return statistics.mean(discriminative(real, fake, seed, rounds) for seed in range(judges))


def predictive(fake: Tensor, real: Tensor, seed: int = 0, rounds: int = ROUNDS) -> float:
    """The mean absolute error on real sequences of a network that learnt from fakes, as a share of the range.

    It foretells the last channel's next value from all other channels so far.

    Args:
        fake, real: (n, channels, steps) in -1..1, on the CPU; two channels or more.
        seed, rounds: as in `discriminative`.
    """

    def cut(samples: Tensor) -> tuple[Tensor, Tensor]:
        unit = (samples.float() + 1) / 2  # so that the error is a share of the range
        return unit[:, :-1, :-1].transpose(1, 2), unit[:, -1, 1:]

    x, y = cut(fake)
    reader = _taught(
        x.shape[2], len(x), lambda reader, rows: l1_loss(reader(x[rows]), y[rows]), np.random.default_rng(seed), seed,
        rounds,
    )  # fmt: skip
    with torch.no_grad():
        seen, truth = cut(real)
        return float(l1_loss(reader(seen), truth))


def var(train: Tensor, seed: int = 0) -> Tensor:
    """As many sequences of a vector autoregression, VAR(1): each step a linear function of the last, and an error.

    Fitted by least squares, with normal errors that are correlated as the fit's are; from real first steps on.

    Args:
        train: (n, channels, steps) in -1..1; so are those that are made.
        seed: of the first steps and the errors.
    """
    x = train.double().numpy().transpose(2, 0, 1)  # (steps, n, channels)

    def known(rows: np.ndarray) -> np.ndarray:
        return np.hstack([rows, np.ones((len(rows), 1))])

    before, after = known(x[:-1].reshape(-1, x.shape[2])), x[1:].reshape(-1, x.shape[2])
    weights = np.linalg.lstsq(before, after, rcond=None)[0]
    spread = np.atleast_2d(np.cov((after - before @ weights).T))
    chance = np.random.default_rng(seed)
    made = [x[0][chance.integers(0, x.shape[1], x.shape[1])]]
    for _ in x[1:]:
        error = chance.multivariate_normal(np.zeros(len(spread)), spread, len(made[0]))
        made.append(np.clip(known(made[-1]) @ weights + error, -1, 1))
    return torch.from_numpy(np.stack(made, 2)).float()


def shuffled(train: Tensor, seed: int = 0) -> Tensor:
    """As many sequences, (n, channels, steps), of which each channel is that of another: no channel fits another."""
    chance = np.random.default_rng(seed)
    return torch.stack([train[chance.permutation(len(train)), channel] for channel in range(train.shape[1])], 1)


def _taught(channels: int, count: int, loss: Loss, chance: np.random.Generator, seed: int, rounds: int) -> Reader:
    """A network after so many rounds of Adam, its learning rate falling to 0."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        reader = Reader(channels)
    optimiser = torch.optim.Adam(reader.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, rounds)
    for _ in range(rounds):
        optimiser.zero_grad()
        loss(reader, torch.from_numpy(chance.integers(0, count, BATCH))).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    return reader
