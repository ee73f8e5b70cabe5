"""The residual translator of CycleGAN (Zhu et al. 2017; after Johnson et al. 2016), and the choice of a generator."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from sparring.networks.doubling import Doubling, ToFew
from sparring.networks.unet import Norm, initialise, normalise
from sparring.networks.unet import Upsample as Upsample


class Mirror(nn.Module):
    """Pad a map by its own mirror image, so that nothing dark comes in at the edges: (b, c, h, w) + n on each side."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.n = n

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x, (self.n,) * 4, "reflect" if min(x.shape[2:]) > self.n else "replicate")


class Residual(nn.Module):
    """Maps (b, c, h, w) -> the same plus what two convolutions make of them."""

    def __init__(self, channels: int, norm: Norm) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *convolved(channels, channels, 3, norm), nn.ReLU(), *convolved(channels, channels, 3, norm)
        )

    def forward(self, x: Tensor) -> Tensor:
        change: Tensor = self.layers(x)
        return x + change


def convolved(before: int, after: int, kernel: int, norm: Norm) -> list[nn.Module]:
    """A convolution that keeps the size, mirrored at the edges, and the norm behind it."""
    return [Mirror(kernel // 2), nn.Conv2d(before, after, kernel, bias=norm == "none"), *normalise(norm, after)]


def doubled(before: int, after: int, norm: Norm, upsample: Upsample) -> list[nn.Module]:
    """Twice the sides: each place repeated, then a convolution; or a transposed one, which may leave a grid."""
    if upsample == "resize":
        return [Doubling(before, after, bias=norm == "none"), *normalise(norm, after)]
    return [nn.ConvTranspose2d(before, after, 3, 2, 1, 1, bias=norm == "none"), *normalise(norm, after)]


class ResNet(nn.Module):
    """Pictures (b, before, h, w) -> (b, after, h, w) in -1..1: halved twice, residual blocks, doubled twice.

    Args:
        before, after: channels of what goes in and comes out.
        width: channels at the full size; a quarter of it has four times as many. The paper's: 64.
        blocks: how many residual blocks. The paper's: 6 for pictures of 128 pixels, 9 for 256.
        norm: behind each convolution but the last.
        upsample: how sides are doubled; "transposed" is the paper's.

    Attributes:
        multiple: what h and w must be multiples of.
        reach: how many pixels an output pixel sees in each direction, besides what the norms tell it of all.
        nce_layers: the layers that CUT compares by default: the picture itself, both halvings, the first block and a
            middle one (Park et al. 2020, "Contrastive Learning for Unpaired Image-to-Image Translation", section 4).
    """

    def __init__(
        self,
        before: int,
        after: int,
        width: int = 16,
        blocks: int = 4,
        norm: Norm = "instance",
        upsample: Upsample = "resize",
    ) -> None:
        super().__init__()
        encoder: list[nn.Module] = [*convolved(before, width, 7, norm), nn.ReLU()]
        halvings = []
        for fan_in in (width, 2 * width):
            halvings.append(len(encoder))
            encoder += [nn.Conv2d(fan_in, 2 * fan_in, 3, 2, 1, bias=norm == "none")]
            encoder += [*normalise(norm, 2 * fan_in), nn.ReLU()]
        first = len(encoder)
        encoder += [Residual(4 * width, norm) for _ in range(blocks)]
        decoder = [*doubled(4 * width, 2 * width, norm, upsample), nn.ReLU()]
        decoder += [*doubled(2 * width, width, norm, upsample), nn.ReLU(), Mirror(3), ToFew(width, after, 7), nn.Tanh()]
        self.encoder = nn.Sequential(*encoder)
        self.decoder = nn.Sequential(*decoder)
        self.multiple, self.reach = 4, 8 * blocks + (15 if upsample == "resize" else 12)
        self.nce_layers = tuple(sorted({0, *halvings, first, first + blocks // 2} & {*range(len(encoder))}))
        self.apply(initialise)

    def forward(self, x: Tensor) -> Tensor:
        pictures: Tensor = self.decoder(self.encoder(x))
        return pictures

    def features(self, x: Tensor, layers: Sequence[int]) -> list[Tensor]:
        """What comes out of layers of the encoder, by their places in it, in ascending order; nothing beyond is run.

        Layer 0 pads the picture, so its "features" are the picture with its mirrored edges.
        """
        found = []
        for i in range(max(layers) + 1):
            x = self.encoder[i](x)
            if i in layers:
                found.append(x)
        return found

    def with_features(self, x: Tensor, layers: Sequence[int]) -> tuple[Tensor, list[Tensor]]:
        """Both at the cost of one. -> (pictures, features)"""
        found = self.features(x, [*layers, len(self.encoder) - 1])
        pictures: Tensor = self.decoder(found[-1])
        return pictures, found[: len(set(layers))]
