"""Does it learn? The smallest experiment of the field: a ring of eight Gaussians, and every one must be covered."""

from __future__ import annotations

import time
from pathlib import Path

import torch

import sparring

# Half the shipped width, and a generator that learns half as fast as the critic: at equal rates two of four seeds lost
# the ring in so few rounds.
SETTINGS = {"width": 128, "batch": 256, "generator": {"lr": 5e-4}, "features": "none"}


def test_vanilla_covers_every_mode_of_a_ring_within_a_minute(tmp_path: Path) -> None:
    """Of seeds 0, 21, 22 and 23 the worst mode's share was 0.045, and 79 % of the points lay near a mode at least."""
    begun = time.process_time()
    run = sparring.train("vanilla", "ring", quiet=True, out=str(tmp_path / "run"), steps=1800, **SETTINGS)
    assert time.process_time() - begun < 60
    angles = torch.arange(8) * torch.pi / 4
    modes = torch.stack([angles.cos(), angles.sin()], 1)
    distance, nearest = torch.cdist(run.sample(4000, seed=1), modes).min(1)
    good = distance < 0.2  # four standard deviations of a mode
    shares = torch.bincount(nearest[good], minlength=8) / 4000
    assert (shares > 0.02).all(), f"modes' shares: {shares.tolist()}"
    assert good.float().mean() > 0.6, f"only {good.float().mean():.0%} of the points lie near a mode"
