"""Adversarial losses: pure functions from critic scores to a scalar. Scores are logits, (b,) or any shape.

Names are the field's: `real` are the critic's scores of data, `fake` those of what the generator made.
"""

from __future__ import annotations

import torch
from torch.nn.functional import cross_entropy, relu, softplus


def tell_real(real: torch.Tensor) -> torch.Tensor:
    """-E log sigmoid(D(x)): the critic's cost of taking data for fakes (Goodfellow et al. 2014, eq. 1). -> scalar"""
    return softplus(-real).mean()


def tell_fake(fake: torch.Tensor) -> torch.Tensor:
    """-E log(1 - sigmoid(D(G(z)))): the critic's cost of taking fakes for data (same, eq. 1). -> scalar"""
    return softplus(fake).mean()


def non_saturating(fake: torch.Tensor) -> torch.Tensor:
    """-E log sigmoid(D(G(z))): the generator's loss with a strong gradient while the critic wins (same, section 3)."""
    return softplus(-fake).mean()


def minimax(fake: torch.Tensor) -> torch.Tensor:
    """E log(1 - sigmoid(D(G(z)))): the generator's side of the original minimax game (same, eq. 1); saturates."""
    return -softplus(fake).mean()


# ---------------------------------------------------------------- hinge (Lim & Ye 2017; Miyato et al. 2018, eq. 16-17)


def hinge_real(real: torch.Tensor) -> torch.Tensor:
    """E max(0, 1 - D(x)): the critic's cost of scoring data below 1. -> scalar"""
    return relu(1 - real).mean()


def hinge_fake(fake: torch.Tensor) -> torch.Tensor:
    """E max(0, 1 + D(G(z))): the critic's cost of scoring fakes above -1. -> scalar"""
    return relu(1 + fake).mean()


# ---------------------------------------------------------------- Wasserstein (Arjovsky et al. 2017, eq. 2-3)


def critic_real(real: torch.Tensor) -> torch.Tensor:
    """-E D(x): the critic's cost of low scores for data. -> scalar, without a lower bound"""
    return -real.mean()


def critic_fake(fake: torch.Tensor) -> torch.Tensor:
    """E D(G(z)): the critic's cost of high scores for fakes. -> scalar, without a lower bound"""
    return fake.mean()


def raise_scores(fake: torch.Tensor) -> torch.Tensor:
    """-E D(G(z)): the generator's side of the Wasserstein and of the hinge game. -> scalar"""
    return -fake.mean()


# ---------------------------------------------------------------- least squares (Mao et al. 2017, eq. 9: a=0, b=c=1)


def towards_one(scores: torch.Tensor) -> torch.Tensor:
    """1/2 E (D - 1)^2: the critic's cost on data, and the generator's on fakes. -> scalar"""
    return (scores - 1).square().mean() / 2


def towards_zero(fake: torch.Tensor) -> torch.Tensor:
    """1/2 E D(G(z))^2: the critic's cost on fakes. -> scalar"""
    return fake.square().mean() / 2


# ---------------------------------------------------------------- relativistic pairing (Huang et al. 2024, eq. 2)


def relativistic(winners: torch.Tensor, losers: torch.Tensor) -> torch.Tensor:
    """E log(1 + exp(-(D(winner) - D(loser)))), pair by pair: the winners should score above the losers. -> scalar

    The critic's cost with winners = D(x) and losers = D(G(z)), the generator's the other way round.

    Args:
        winners, losers: (b,) scores; the i-th of each make a pair.
    """
    return softplus(losers - winners).mean()


def relativistic_average(winners: torch.Tensor, losers: torch.Tensor) -> torch.Tensor:
    """1/2 E[log(1 + exp(-(w - mean l))) + log(1 + exp(l - mean w))]: winners should score above losers. -> scalar

    Jolicoeur-Martineau 2018, and Wang et al. 2018 (ESRGAN), eq. 1-2. The means go over the places of one picture, not
    over the batch: so scores are compared with those of the same scene, whatever else is in the batch.

    Args:
        winners, losers: (b, ...) scores; the i-th of each are of one scene.
    """
    above = winners - losers.flatten(1).mean(1).view(-1, *[1] * (losers.dim() - 1))
    below = losers - winners.flatten(1).mean(1).view(-1, *[1] * (winners.dim() - 1))
    return (softplus(-above).mean() + softplus(below).mean()) / 2


# ---------------------------------------------------------------- contrast of patches (Park et al. 2020, eq. 3-4)


def patch_nce(queries: torch.Tensor, keys: torch.Tensor, temperature: float = 0.07) -> torch.Tensor:
    """-E log softmax(q k / temperature) at a query's own key, among all keys of the same picture. -> scalar

    Args:
        queries, keys: (b, places, width), directions of length 1; the i-th of each come from the same place of a
            picture and of what it became. No gradient goes into the keys.
        temperature: how much nearer than all others the right key must be.
    """
    likeness = queries @ keys.detach().transpose(1, 2) / temperature
    right = torch.arange(likeness.shape[1], device=likeness.device)
    return cross_entropy(likeness.flatten(0, 1), right.repeat(len(likeness)))
