"""The average of the generator's weights over the run: steadier, and better looking, than the weights of any step."""

from __future__ import annotations

import copy

import torch

from sparring.checkpoint import fill
from sparring.gan import GAN


class Ema:
    """A copy of a GAN whose shipped networks hold exponential moving averages; other networks are shared, not copied.

    Floating-point buffers are averaged like parameters, so that BatchNorm's running statistics fit the averaged
    weights; whole-number buffers are copied. The copies stay in evaluation mode.

    Args:
        gan: the GAN that learns.
        half_life: samples after which an old weight counts half (StyleGAN's convention: independent of batch size).
        ramp: the half-life is at most this share of the samples shown so far; 0 means no ramp.
    """

    def __init__(self, gan: GAN, half_life: float, ramp: float) -> None:
        self.half_life, self.ramp = half_life, ramp
        kept = set(gan.shipped())
        shared = [net for name, net in gan.named_children() if name not in kept]
        self.gan = copy.deepcopy(gan, memo={id(thing): thing for thing in (*shared, gan.draws)})
        for net in self.gan.shipped().values():
            net.requires_grad_(False).eval()
        self._live = self._tensors(gan)
        self._mean = self._tensors(self.gan)

    @staticmethod
    def _tensors(gan: GAN) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """-> (floating-point, whole-number) parameters and buffers of the shipped networks."""
        every = [t.detach() for net in gan.shipped().values() for t in (*net.parameters(), *net.buffers())]
        return [t for t in every if t.is_floating_point()], [t for t in every if not t.is_floating_point()]

    @torch.no_grad()
    def update(self, batch: int, shown: int) -> None:
        """Move towards the live weights: `batch` samples since the last call, `shown` since the start."""
        half_life = min(self.half_life, self.ramp * shown) if self.ramp else self.half_life
        share = 1.0 - 0.5 ** (batch / half_life) if half_life > 0 else 1.0
        torch._foreach_lerp_(self._mean[0], self._live[0], share)
        for mean, live in zip(self._mean[1], self._live[1], strict=True):
            mean.copy_(live)
        self.gan.count = self.gan.count + 1

    def state_dict(self) -> dict[str, torch.Tensor]:
        """The averaged tensors alone, named as in the GAN's own state."""
        kept = set(self.gan.shipped())
        return {key: value for key, value in self.gan.state_dict().items() if key.split(".")[0] in kept}

    def load_state_dict(self, state: dict[str, torch.Tensor], count: int) -> None:
        """The inverse of `state_dict`, at round `count`."""
        fill(self.gan, state, self.gan.shipped())
        self.gan.count = count
