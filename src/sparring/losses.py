"""Adversarial losses: pure functions from critic scores to a scalar. Scores are logits, (b,) or any shape.

Names are the field's: `real` are the critic's scores of data, `fake` those of what the generator made.
"""

from __future__ import annotations

import torch
from torch.nn.functional import softplus


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
