"""Ways through the latent space: less variation, paths from one latent to another, and back from a picture."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from sparring.data.dataset import decode, encode
from sparring.data.given import draw
from sparring.draws import mix
from sparring.errors import SparringError

if TYPE_CHECKING:
    from pathlib import Path

    from PIL import Image

    from sparring.data.spec import Spec
    from sparring.gan import GAN

MOST_VARIATION = 1.5  # latents further out are ones that training has hardly ever seen
CANDIDATES, STARTS = 256, 8  # latents that are tried first, and the best of them, which are then improved
STEPS, RATE = 400, 0.1  # of Adam on the latent; the rate falls to 0 as half a cosine
COARSER = 2, 4  # by which pictures are reduced as well, so that what is merely shifted is not wholly wrong
# What a latent costs that is 1 longer or shorter than usual, in squared differences within -1..1. Lengths of normal
# latents scatter by 0.7 whatever their dimension, so this weighs alike in few and in many.
PRIOR = 0.003
AT_ONCE = 64  # candidates at once


def sample(gan: GAN, noise: Tensor, given: Tensor, truncation: float = 1.0) -> Tensor:
    """Samples (n, *spec.shape) of less variation and, mostly, fewer flaws: the truncation trick.

    A GAN whose own latents are not its input, as in StyleGAN, brings a method `truncate(noise, given, psi)` that
    returns samples. For all others the noise is scaled towards 0, the likeliest latent.

    Args:
        noise: (n, *gan.noise_shape).
        given: (n, spec.given).
        truncation: psi: 1 as trained, 0 the one sample in the middle, at most 1.5 for more variation than in training.

    Raises:
        SparringError: for a truncation outside 0..1.5.
    """
    if not 0 <= truncation <= MOST_VARIATION:
        raise SparringError(
            f"the truncation is {truncation:g}; give one from 0 (all alike) over 1 (as trained) to {MOST_VARIATION}"
        )
    if truncation == 1:
        return gan.sample(noise, given)
    own = getattr(gan, "truncate", None)
    made: Tensor = gan.sample(noise * truncation, given) if own is None else own(noise, given, truncation)
    return made


def path(keys: Tensor, frames: int) -> Tensor:
    """Latents from each key to the next in equal angles, (1 + (k - 1) * frames, *shape); keys are met exactly.

    Spherical interpolation (White 2016, "Sampling Generative Networks"): a straight line would pass near 0, where a
    normal latent in many dimensions never lies. Length goes evenly from one key's to the next's.

    Args:
        keys: (k, *shape), k at least 2. Between opposite keys, which no arc is the shortest, one is chosen.
        frames: steps from a key to the next, at least 1.
    """
    legs = [_arc(a, b, frames) for a, b in pairwise(keys.flatten(1).double())]
    return torch.cat([*legs, keys.flatten(1)[-1:].double()]).to(keys.dtype).view(-1, *keys.shape[1:])


def _arc(a: Tensor, b: Tensor, frames: int) -> Tensor:
    """From a (d,) almost to b, (frames, d)."""
    share = torch.arange(frames, dtype=a.dtype)[:, None] / frames
    from_here, to_there = F.normalize(a, dim=0), F.normalize(b, dim=0)
    across = _perpendicular(to_there, from_here)
    if across.norm() < 1e-9:  # the same direction, or the opposite one
        across = _perpendicular(F.one_hot(a.abs().argmin(), len(a)).to(a.dtype), from_here)
    # By its sine and cosine the angle is exact for nearly parallel keys too, of which the arccosine would lose half
    # the digits.
    angle = torch.atan2(_perpendicular(to_there, from_here).norm(), to_there @ from_here)
    direction = torch.cos(share * angle) * from_here + torch.sin(share * angle) * F.normalize(across, dim=0)
    return direction * torch.lerp(a.norm(), b.norm(), share)


def _perpendicular(b: Tensor, a: Tensor) -> Tensor:
    """What of b stands at a right angle on the unit vector a."""
    return b - (a @ b) * a


def between(keys: Tensor, frames: int) -> Tensor:
    """What is given with the latents of `path`, (1 + (k - 1) * frames, g): one key's fades into the next's."""
    share = torch.arange(frames, dtype=keys.dtype)[:, None] / frames
    return torch.cat([*(torch.lerp(a, b, share) for a, b in pairwise(keys)), keys[-1:]])


@dataclass(frozen=True)
class Inversion:
    """The latent whose sample comes nearest to a picture.

    Attributes:
        picture: what was sought, (1, *spec.shape) in -1..1.
        sample: what the latent gives, alike.
        noise: the latent, (1, *noise_shape).
        given: what is shown, (1, spec.given).
        error: the mean absolute difference of both pictures, in 0..255 of 8 bits.
    """

    picture: Tensor
    sample: Tensor
    noise: Tensor
    given: Tensor
    error: float


def invert(gan: GAN, picture: Tensor, seed: int = 0, given: Tensor | None = None) -> Inversion:
    """Find the latent of a picture, by Adam on the latent from the best of many random starts.

    What is made smaller: the mean squared difference of the pixels, as they are and of both pictures reduced 2 and 4
    times, and 0.003 (|z| - sqrt d)², which keeps the latent where those of training lie. After Zhu et al. 2016,
    "Generative Visual Manipulation on the Natural Image Manifold", section 3.1, without its network.

    Args:
        gan: in evaluation mode, on the CPU.
        picture: (1, *spec.shape) in -1..1.
        seed: of the starts; the same one gives the same latent. Unrelated to the latents that it gives for sampling.
        given: (1, spec.given) to show; None tries what is drawn as frequent as in the data, and keeps what fits best.
    """
    begin = mix("inversion", seed)
    noise = gan.latents(CANDIDATES, begin)
    wishes = draw(gan.spec, CANDIDATES, begin) if given is None else given.expand(CANDIDATES, -1)
    best = torch.cat(list(_rated(gan, noise, wishes, picture))).topk(STARTS, largest=False).indices
    noise, wishes = _improve(gan, noise[best], wishes[best], picture), wishes[best]
    with torch.no_grad():
        made = gan.sample(noise, wishes)
        first = _difference(made, picture).argmin()
    chosen = made[first : first + 1]
    error = difference(picture, chosen)
    return Inversion(picture, chosen, noise[first : first + 1], wishes[first : first + 1], error)


def difference(one: Tensor, other: Tensor) -> float:
    """The mean absolute difference of two pictures (1, *spec.shape) in -1..1 as files hold them, in 0..255."""
    a, b = (torch.from_numpy(encode(picture)).double() for picture in (one, other))
    return float((a - b).abs().mean())


def _rated(gan: GAN, noise: Tensor, given: Tensor, picture: Tensor) -> Iterator[Tensor]:
    """How far each latent's sample is from the picture, some at a time."""
    for start in range(0, len(noise), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        with torch.no_grad():
            yield _difference(gan.sample(noise[part], given[part]), picture)


def _improve(gan: GAN, noise: Tensor, given: Tensor, picture: Tensor) -> Tensor:
    """Latents (s, *noise_shape), all improved at once and independently, as every term is of one latent alone."""
    z = noise.clone().requires_grad_()
    usual = math.sqrt(z[0].numel())
    optimiser = torch.optim.Adam([z], RATE)
    for step in range(STEPS):
        for group in optimiser.param_groups:
            group["lr"] = RATE * (1 + math.cos(math.pi * step / STEPS)) / 2
        unlikely = (z.flatten(1).norm(dim=1) - usual).square()
        loss = (_difference(gan.sample(z, given), picture) + PRIOR * unlikely).sum()
        (z.grad,) = torch.autograd.grad(loss, [z])
        optimiser.step()
    return z.detach()


def _difference(samples: Tensor, picture: Tensor) -> Tensor:
    """Mean squared differences from a picture (1, c, h, w) at three sizes, summed: (n,)."""
    gap = samples.float() - picture
    sizes = [gap, *(F.avg_pool2d(gap, times, ceil_mode=True) for times in COARSER)]
    return torch.stack([size.square().flatten(1).mean(1) for size in sizes]).sum(0)


def seen(picture: str | Path | Image.Image, spec: Spec) -> torch.Tensor:
    """A picture as the networks of a run see it: (1, *spec.shape) in -1..1. SparringError where it cannot be read."""
    from PIL import Image

    from sparring.data.gallery import why
    from sparring.data.pictures import row

    channels, height, width = spec.shape
    try:
        image = picture if isinstance(picture, Image.Image) else Image.open(picture)
        return decode(torch.from_numpy(row(image, (height, width), channels).copy()))[None]
    except Exception as error:  # Pillow's decoders raise anything on a broken file
        reason = getattr(error, "strerror", None) or why(error)
        raise SparringError(f"cannot read the picture {picture}: {reason}") from None
