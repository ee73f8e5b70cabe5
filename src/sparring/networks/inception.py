"""Inception v3 (Szegedy et al. 2015) as in the network that FID is defined with (Heusel et al. 2017).

It differs from the paper's and from torchvision's: average pools do not count their padding, the last block takes a
maximum instead of an average, and there are 1008 scores, some of which no class uses. The names of its layers are
those of the published weights.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, avg_pool2d, max_pool2d

CLASSES = 1008
WIDTH = 2048  # numbers in a feature
SIDE = 299

Layer = tuple[str, int, tuple[int, int]]  # its name, its channels, its kernel
Chain = list[list[Layer]]  # layers in a row; where a link holds two, they lie side by side and their maps are joined


class Convolution(nn.Module):
    """A convolution without bias, BatchNorm and ReLU: (b, fan_in, h, w) -> (b, fan_out, h', w')."""

    def __init__(
        self, fan_in: int, fan_out: int, kernel: tuple[int, int], stride: int = 1, padded: bool = True
    ) -> None:
        super().__init__()
        padding = (kernel[0] // 2, kernel[1] // 2) if padded else (0, 0)
        self.conv = nn.Conv2d(fan_in, fan_out, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(fan_out, eps=1e-3)

    def forward(self, maps: Tensor) -> Tensor:
        normalised: Tensor = self.bn(self.conv(maps))
        return normalised.relu()


class Block(nn.Module):
    """Chains of convolutions side by side, and a pool beside them; their maps are joined in this order.

    Args:
        fan_in: channels of its input.
        chains: the convolutions.
        pooled: channels of the convolution after an average or maximum of 3×3; 0 halves the map instead: the pool is
            a maximum with no convolution after it, and each chain's last link has a stride of 2.
        highest: whether the pool takes the maximum.
    """

    def __init__(self, fan_in: int, chains: list[Chain], pooled: int, highest: bool = False) -> None:
        super().__init__()
        self.halves, self.highest = not pooled, highest
        self.chains = [[[name for name, _, _ in link] for link in chain] for chain in chains]
        for chain in chains:
            width = fan_in
            for link in chain:
                last = self.halves and link is chain[-1]
                for name, channels, kernel in link:
                    self.add_module(name, Convolution(width, channels, kernel, 2 if last else 1, not last))
                width = sum(channels for _, channels, _ in link)
        if pooled:
            self.branch_pool = Convolution(fan_in, pooled, (1, 1))

    def forward(self, maps: Tensor) -> Tensor:
        joined = []
        for chain in self.chains:
            passed = maps
            for link in chain:
                maps_of_link = [self.get_submodule(name)(passed) for name in link]
                passed = maps_of_link[0] if len(link) == 1 else torch.cat(maps_of_link, 1)
            joined.append(passed)
        if self.halves:
            joined.append(max_pool2d(maps, 3, 2))
        elif self.highest:
            joined.append(self.branch_pool(max_pool2d(maps, 3, 1, 1)))
        else:
            joined.append(self.branch_pool(avg_pool2d(maps, 3, 1, 1, count_include_pad=False)))
        return torch.cat(joined, 1)


def _chain(name: str, *layers: tuple[int, int, int]) -> Chain:
    """(channels, kernel height, kernel width) of each layer in a row, named as the weights are: name_1, name_2, ..."""
    return [[(f"{name}_{i}", channels, (high, wide))] for i, (channels, high, wide) in enumerate(layers, 1)]


def _direct(channels: int) -> Chain:
    return [[("branch1x1", channels, (1, 1))]]


def _at_35(fan_in: int, pooled: int) -> Block:
    fives = _chain("branch5x5", (48, 1, 1), (64, 5, 5))
    threes = _chain("branch3x3dbl", (64, 1, 1), (96, 3, 3), (96, 3, 3))
    return Block(fan_in, [_direct(64), fives, threes], pooled)


def _from_35_to_17(fan_in: int) -> Block:
    threes = _chain("branch3x3dbl", (64, 1, 1), (96, 3, 3), (96, 3, 3))
    return Block(fan_in, [[[("branch3x3", 384, (3, 3))]], threes], 0)


def _at_17(fan_in: int, width: int) -> Block:
    sevens = _chain("branch7x7", (width, 1, 1), (width, 1, 7), (192, 7, 1))
    doubled = _chain("branch7x7dbl", (width, 1, 1), (width, 7, 1), (width, 1, 7), (width, 7, 1), (192, 1, 7))
    return Block(fan_in, [_direct(192), sevens, doubled], 192)


def _from_17_to_8(fan_in: int) -> Block:
    threes = _chain("branch3x3", (192, 1, 1), (320, 3, 3))
    sevens = _chain("branch7x7x3", (192, 1, 1), (192, 1, 7), (192, 7, 1), (192, 3, 3))
    return Block(fan_in, [threes, sevens], 0)


def _at_8(fan_in: int, highest: bool) -> Block:
    def forked(name: str, number: int) -> list[Layer]:
        return [(f"{name}_{number}a", 384, (1, 3)), (f"{name}_{number}b", 384, (3, 1))]

    threes = [*_chain("branch3x3", (384, 1, 1)), forked("branch3x3", 2)]
    doubled = [*_chain("branch3x3dbl", (448, 1, 1), (384, 3, 3)), forked("branch3x3dbl", 3)]
    return Block(fan_in, [_direct(320), threes, doubled], 192, highest)


class Inception(nn.Module):
    """Pictures (b, 3, 299, 299), RGB in -1..1 -> scores (b, 1008); `features` gives the (b, 2048) before them."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = Convolution(3, 32, (3, 3), 2, padded=False)
        self.Conv2d_2a_3x3 = Convolution(32, 32, (3, 3), padded=False)
        self.Conv2d_2b_3x3 = Convolution(32, 64, (3, 3))
        self.Conv2d_3b_1x1 = Convolution(64, 80, (1, 1))
        self.Conv2d_4a_3x3 = Convolution(80, 192, (3, 3), padded=False)
        self.Mixed_5b, self.Mixed_5c, self.Mixed_5d = _at_35(192, 32), _at_35(256, 64), _at_35(288, 64)
        self.Mixed_6a = _from_35_to_17(288)
        self.Mixed_6b, self.Mixed_6c, self.Mixed_6d = _at_17(768, 128), _at_17(768, 160), _at_17(768, 160)
        self.Mixed_6e = _at_17(768, 192)
        self.Mixed_7a = _from_17_to_8(768)
        self.Mixed_7b, self.Mixed_7c = _at_8(1280, highest=False), _at_8(2048, highest=True)
        self.fc = nn.Linear(WIDTH, CLASSES)

    def features(self, pictures: Tensor) -> Tensor:
        """Pictures (b, 3, 299, 299) in -1..1 -> the means of the last maps (b, 2048), at least 0."""
        maps = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(pictures)))
        maps = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(max_pool2d(maps, 3, 2)))
        maps = max_pool2d(maps, 3, 2)
        for name, block in self.named_children():
            if name.startswith("Mixed"):
                maps = block(maps)
        return adaptive_avg_pool2d(maps, 1).flatten(1)

    def forward(self, pictures: Tensor) -> Tensor:
        scores: Tensor = self.fc(self.features(pictures))
        return scores


def resized(pictures: Tensor, side: int = SIDE) -> Tensor:
    """Pictures (b, c, h, w) -> (b, c, side, side), bilinear as TensorFlow 1 does it and the network was used with.

    Row i is taken at i·h/side from the first row's centre, not from the picture's edge, and nothing is smoothed
    first, so large pictures lose detail to moiré. Only this resizing gives published values.
    """
    for dim in (3, 2):
        length = pictures.shape[dim]
        at = torch.arange(side, device=pictures.device) * (length / side)
        low = at.long()
        share = (at - low).view((-1, 1) if dim == 2 else (-1,)).to(pictures.dtype)
        first, second = (pictures.index_select(dim, index) for index in (low, (low + 1).clamp(max=length - 1)))
        pictures = first + (second - first) * share
    return pictures
