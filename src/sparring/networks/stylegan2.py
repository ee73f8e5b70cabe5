"""The networks of StyleGAN2 (Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN").

Written from the paper's equations, in plain torch operations. Without the noise that the paper adds to each layer: a
sample follows from its latent alone.
"""

from __future__ import annotations

from itertools import pairwise
from math import sqrt

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d, interpolate, leaky_relu, linear, pixel_shuffle

from sparring.networks.shapes import halved, stages


def active(x: Tensor) -> Tensor:
    """Leaky ReLU of slope 0.2 times the root of 2, which keeps the variance of what passes through."""
    return leaky_relu(x, 0.2) * sqrt(2)


def normalised(x: Tensor) -> Tensor:
    """Rows (b, n) scaled to a mean square of 1."""
    return x * (x.square().mean(1, keepdim=True) + 1e-8).rsqrt()


def enlarged(maps: Tensor, size: tuple[int, ...]) -> Tensor:
    """Maps (b, c, h, w) -> (b, c, *size), bilinear, which for twice the size is the kernel [1, 3, 3, 1] each way."""
    return interpolate(maps, size, mode="bilinear", align_corners=False)


def halved_maps(maps: Tensor) -> Tensor:
    """Maps (b, c, h, w) -> (b, c, h // 2, w // 2), smoothed by the kernel [1, 3, 3, 1] each way, with zeros outside."""
    line = torch.tensor([1.0, 3.0, 3.0, 1.0], device=maps.device, dtype=maps.dtype) / 8
    kernel = (line[:, None] * line).expand(maps.shape[1], 1, 4, 4)
    return conv2d(maps, kernel, stride=2, padding=1, groups=maps.shape[1])


class Linear(nn.Module):
    """A linear layer of equalised learning rate (Karras et al. 2018, section 4.1): (b, fan_in) -> (b, fan_out).

    Weights are kept with a spread of 1 and scaled by 1 / sqrt(fan_in) in use, so that Adam's steps are in proportion.

    Args:
        fan_in, fan_out: numbers in and out.
        bias: the bias at the start, or None for none.
        rate: what the learning rate is multiplied by, in effect; the weights are kept as much larger.
    """

    def __init__(self, fan_in: int, fan_out: int, bias: float | None = 0.0, rate: float = 1.0) -> None:
        super().__init__()
        self.scale, self.rate = rate / sqrt(fan_in), rate
        self.weight = nn.Parameter(torch.randn(fan_out, fan_in) / rate)
        self.bias = None if bias is None else nn.Parameter(torch.full((fan_out,), bias / rate))

    def forward(self, x: Tensor) -> Tensor:
        return linear(x, self.weight * self.scale, None if self.bias is None else self.bias * self.rate)


class Convolution(nn.Module):
    """A convolution of equalised learning rate (see Linear): (b, fan_in, h, w) -> (b, fan_out, h, w).

    With a stride of 2, and a kernel of 4, the sides are halved, and rounded down.
    """

    def __init__(self, fan_in: int, fan_out: int, kernel: int, bias: bool = True, stride: int = 1) -> None:
        super().__init__()
        self.scale, self.padding, self.stride = 1 / sqrt(fan_in * kernel**2), (kernel - 1) // 2, stride
        self.weight = nn.Parameter(torch.randn(fan_out, fan_in, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(fan_out)) if bias else None

    def forward(self, maps: Tensor) -> Tensor:
        return conv2d(maps, self.weight * self.scale, self.bias, self.stride, self.padding)


class Modulated(nn.Module):
    """A convolution whose weights each sample's style scales: maps (b, fan_in, h, w), styles (b, style) -> maps.

    In its scaled form (section 2.2): the input is scaled by the style, all samples share one convolution, and the
    output is divided by the norm of the weights that the sample would have had (equation 3). This equals a
    convolution with weights of each sample's own, without making these.

    Args:
        fan_in, fan_out: channels in and out.
        kernel: side of the kernel.
        style: numbers in a style.
        demodulated: whether the output is divided by the norm.
        doubling: whether it is transposed and doubles the sides of the maps; then of kernel 4, and not smoothed.
    """

    def __init__(
        self, fan_in: int, fan_out: int, kernel: int, style: int, demodulated: bool = True, doubling: bool = False
    ) -> None:
        super().__init__()
        self.doubling = doubling
        self.scales = Linear(style, fan_in, bias=1.0)
        self.convolution = Convolution(fan_in, fan_out, kernel, bias=False)
        self.bias = nn.Parameter(torch.zeros(fan_out))
        self.demodulated = demodulated

    def forward(self, maps: Tensor, style: Tensor) -> Tensor:
        scales = self.scales(style)
        maps, weight = maps * scales[:, :, None, None], self.convolution.weight * self.convolution.scale
        if self.doubling:  # a place of the new map meets a quarter of the kernel
            maps = conv_transpose2d(maps, 2 * weight.transpose(0, 1), stride=2, padding=1)
        else:
            maps = self.convolution(maps)
        if self.demodulated:
            power = weight.square().sum((2, 3))
            maps = maps * (linear(scales.square(), power) + 1e-8).rsqrt()[:, :, None, None]
        return maps + self.bias[:, None, None]


class Mapping(nn.Module):
    """Latents z (b, latent) and what is given (b, given) -> w (b, style), by fully connected layers.

    What is given is embedded by a linear layer to as many numbers as a latent has, and joined to it, each normalised.

    Args:
        latent, given, style: numbers in a latent, in a row of what is given (0 for none), and in a style.
        depth: layers.
        rate: what the learning rate of these layers is multiplied by.
    """

    def __init__(self, latent: int, given: int, style: int, depth: int, rate: float) -> None:
        super().__init__()
        self.embedding = Linear(given, latent) if given else None
        widths = [2 * latent if given else latent, *[style] * depth]
        self.layers = nn.ModuleList(Linear(*pair, rate=rate) for pair in pairwise(widths))

    def forward(self, z: Tensor, given: Tensor) -> Tensor:
        w = normalised(z)
        if self.embedding is not None:
            w = torch.cat([w, normalised(self.embedding(given))], 1)
        for layer in self.layers:
            w = active(layer(w))
        return w


class Stage(nn.Module):
    """The generator's convolutions at one resolution, of which the first of two gets there, and the colours they add.

    Args:
        channels: before the first convolution, after it, and so on.
        colours: channels of the picture.
        style: numbers in a style.
        patch: each place of the map adds a square of this side to the picture: 1 or 2.
    """

    def __init__(self, channels: list[int], colours: int, style: int, patch: int = 1) -> None:
        super().__init__()
        self.patch = patch
        self.convolutions = nn.ModuleList(Modulated(*pair, 3, style) for pair in pairwise(channels))
        if len(channels) > 2:
            self.convolutions[0] = Modulated(channels[0], channels[1], 4, style, doubling=True)
        self.colours = Modulated(channels[-1], colours * patch**2, 2 * patch - 1, style, demodulated=False)

    def forward(self, maps: Tensor, styles: Tensor) -> tuple[Tensor, Tensor]:
        """Maps (b, c, h, w), styles (b, convolutions, style) -> maps (b, c', h', w'), colours, patch times as large."""
        for i, convolution in enumerate(self.convolutions):
            maps = active(convolution(maps, styles[:, i]))
        return maps, pixel_shuffle(self.colours(maps, styles[:, -1]), self.patch)


def channels(width: int, widest: int, k: int) -> list[int]:
    """Channels at each of k + 1 resolutions, the finest first: width, 2 width, ... up to `widest`."""
    return [min(width * 2**i, max(widest, width)) for i in range(k + 1)]


class Generator(nn.Module):
    """Latents (b, latent) and what is given (b, given) -> pictures (b, *shape) in -1..1.

    Each resolution adds to the picture of the one below (the paper's "output skips", figure 7b); tanh bounds the sum.

    Args:
        latent, given: numbers in a latent, and in a row of what is given (0 for none).
        shape: (channels, height, width) of a picture.
        width: channels at the finest map; each coarser map has twice as many.
        widest: but no map has more than this.
        style: numbers in a style w.
        depth, rate: layers of the mapping, and what their learning rate is multiplied by.
        patch: 1, or 2 for finest maps of half the picture's size, as DCGAN has them: a third of the work.

    Attributes:
        layers: how many styles `draw` takes for a picture: one a convolution.
    """

    def __init__(
        self,
        latent: int,
        given: int,
        shape: tuple[int, ...],
        width: int,
        widest: int,
        style: int,
        depth: int,
        rate: float,
        patch: int = 1,
    ) -> None:
        super().__init__()
        colours, self.height, self.width = shape
        k, base = stages(self.height, self.width)
        patch = patch if k else 1
        k -= patch - 1
        wide = channels(width, widest, k)[::-1]
        self.mapping = Mapping(latent, given, style, depth, rate)
        self.constant = nn.Parameter(torch.randn(wide[0], *base))
        plans = [[wide[0], wide[0]], *([before, after, after] for before, after in pairwise(wide))]
        patches = [*[1] * k, patch]
        self.stages = nn.ModuleList(
            Stage(plan, colours, style, side) for plan, side in zip(plans, patches, strict=True)
        )
        self.layers = 1 + 2 * k

    def forward(self, z: Tensor, given: Tensor) -> Tensor:
        pictures: Tensor = self.draw(self.mapping(z, given))
        return pictures

    def draw(self, w: Tensor) -> Tensor:
        """Styles (b, style), or one a convolution (b, layers, style) -> pictures (b, *shape) in -1..1."""
        styles = w if w.dim() == 3 else w[:, None].expand(-1, self.layers, -1)
        maps, picture = self.stages[0](self.constant.expand(len(w), -1, -1, -1), styles[:, :1])
        for i, stage in enumerate(self.stages[1:]):
            maps, colours = stage(maps, styles[:, 2 * i + 1 : 2 * i + 3])
            picture = enlarged(picture, colours.shape[2:]) + colours
        whole: Tensor = picture[..., : self.height, : self.width].tanh()
        return whole


class Residual(nn.Module):
    """Maps (b, fan_in, h, w) -> (b, fan_out, h // 2, w // 2): two convolutions beside one of 1 x 1 (figure 7c).

    Maps are halved before the second convolution, which then costs a quarter; the paper does so after it.
    """

    def __init__(self, fan_in: int, fan_out: int) -> None:
        super().__init__()
        self.first, self.second = Convolution(fan_in, fan_in, 3), Convolution(fan_in, fan_out, 3)
        self.direct = Convolution(fan_in, fan_out, 1, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        out = active(self.second(halved_maps(active(self.first(maps)))))
        both: Tensor = out + self.direct(halved_maps(maps))
        return both / sqrt(2)


class Critic(nn.Module):
    """Pictures (b, *shape) and what is given (b, given) -> scores (b,).

    Residual blocks down to the coarsest map, the spread of a group of pictures beside it (Karras et al. 2018,
    section 3), and a linear head. What is given is embedded and multiplied into the features (Miyato & Koyama 2018).

    Args:
        shape: (channels, height, width) of a picture.
        given: numbers in a row of what is given; 0 for none.
        width, widest, patch: as in the generator.
        group: pictures that lie next to each other in a batch and share one measure of their spread; 1 for none.
    """

    def __init__(self, shape: tuple[int, ...], given: int, width: int, widest: int, group: int, patch: int = 1) -> None:
        super().__init__()
        colours, height, side = shape
        k, _ = stages(height, side)
        left = halved(height, side, k)
        patch = patch if k else 1
        wide = channels(width, widest, k - patch + 1)
        self.group, self.features = group, wide[-1]
        self.colours = Convolution(colours, wide[0], 1 if patch == 1 else 4, stride=patch)
        self.blocks = nn.Sequential(*(Residual(*pair) for pair in pairwise(wide)))
        self.last = Convolution(wide[-1] + (group > 1), wide[-1], 3)
        self.dense = Linear(wide[-1] * left[0] * left[1], wide[-1])
        self.head = Linear(wide[-1], 1)
        self.embedding = Linear(given, wide[-1], bias=None) if given else None

    def forward(self, x: Tensor, given: Tensor) -> Tensor:
        maps = self.blocks(active(self.colours(x)))
        if self.group > 1:
            spread = group_spread(maps, self.group)
            maps = torch.cat([maps, spread[:, None, None, None].expand(-1, 1, *maps.shape[2:])], 1)
        features = active(self.dense(active(self.last(maps)).flatten(1)))
        scores: Tensor = self.head(features).flatten()
        if self.embedding is not None:
            scores = scores + (features * self.embedding(given)).sum(1) / sqrt(self.features)
        return scores


def group_spread(maps: Tensor, group: int) -> Tensor:
    """Maps (b, c, h, w) -> (b,): the mean standard deviation, within groups of neighbours in the batch, of all values.

    A last group that is not full is filled up with the batch's first samples.
    """
    count, group = len(maps), min(group, len(maps))
    full = torch.arange(-(-count // group) * group, device=maps.device) % count
    groups = maps.float()[full].view(-1, group, *maps.shape[1:])
    spread: Tensor = (groups.var(1, correction=0) + 1e-8).sqrt().mean((1, 2, 3)).to(maps.dtype)
    return spread.repeat_interleave(group)[:count]
