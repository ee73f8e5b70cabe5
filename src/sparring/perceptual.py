"""Perceptual losses: how far two pictures are apart to a network that has seen many (Johnson et al. 2016).

The network is a ruler, not a player: it is frozen, it is no part of the GAN that holds it, and no checkpoint keeps it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sparring.config import nearest
from sparring.errors import SparringError
from sparring.metrics.efficientnet import NAME as EFFICIENTNET
from sparring.metrics.efficientnet import depths, efficientnet
from sparring.metrics.features import coloured
from sparring.networks.unet import EDGE

NAMES = (EFFICIENTNET, "vgg:FILE")
LEAST = 16  # pixels: both networks halve a side four times

SMALLEST = 1e-8

VGG = (2, 2, 4, 4, 4)  # convolutions between VGG19's pools
VGG_WIDE = (64, 128, 256, 512, 512)
VGG_SHARES = (0.1, 0.1, 1.0, 1.0, 1.0)  # of the last one before each pool: conv1_2, 2_2, 3_4, 4_4 and 5_4
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, of colours in 0..1

Look = Callable[[Any, Tensor], list[Tensor]]  # the network, pictures (b, 3, h, w) in -1..1 -> maps
Measure = Callable[[list[Tensor], list[Tensor]], Tensor]  # both pictures' maps, float32 -> scalar


class Perceptual:
    """The distance of pictures to a feature network; `perceptual` makes one.

    It is not an nn.Module: as an attribute of a GAN it adds nothing to the GAN's parameters, players or checkpoints.
    So `.to` does not reach it either, and it moves to where the pictures are.

    Args:
        name: for tables and the log.
        network: without dropout or norms that learn; it is frozen here, and laid out as CPUs like it.
        look, measure: see their types.
    """

    def __init__(self, name: str, network: nn.Module, look: Look, measure: Measure) -> None:
        self.name = name
        self._network = network.eval().requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._look, self._measure = look, measure

    def __call__(self, made: Tensor, true: Tensor) -> Tensor:
        """Pictures, both (b, 1, 3 or 4, h, w) in -1..1 at their own size -> scalar, 0 for equal ones.

        The gradient flows to `made` alone. What is transparent is seen on white. Sides under 16 pixels are lengthened
        by repeating the edge.

        Raises:
            SparringError: for pictures of different shapes, or of other channels.
        """
        if made.shape != true.shape:
            raise SparringError(
                f"a perceptual loss compares pictures of one shape; these are {tuple(made.shape)} and "
                f"{tuple(true.shape)}"
            )
        self._network.to(made.device)
        with torch.no_grad():
            goal = self._maps(true)
        found = self._maps(made)
        return self._measure([m.float() for m in found], [m.float() for m in goal])

    def _maps(self, pictures: Tensor) -> list[Tensor]:
        seen = coloured(pictures)
        below, right = (max(LEAST - side, 0) for side in seen.shape[2:])
        if below or right:
            seen = F.pad(seen, (0, right, 0, below), EDGE)
        return self._look(self._network, seen.contiguous(memory_format=torch.channels_last))


def perceptual(name: str) -> Perceptual:
    """The perceptual loss of a name; nothing is downloaded.

    Args:
        name: `efficientnet-lite0`, from installed packages, or `vgg:FILE`, the weights of VGG19 as torchvision keeps
            them (vgg19-dcbb9e9d.pth, or only its convolutions; as .pth, or as .safetensors).

    Raises:
        SparringError: for an unknown name, a missing package, and a file that is missing or holds something else.
    """
    kind, _, file = name.partition(":")
    if name == EFFICIENTNET:
        return _efficientnet()
    if kind == "vgg" and file:
        return Perceptual(name, _vgg(file), _look_vgg, _apart)
    if kind == "vgg":
        raise SparringError("the perceptual network `vgg` needs a file of VGG19's weights: write it as vgg:FILE")
    if kind == EFFICIENTNET:
        raise SparringError(f"the perceptual network `{kind}` takes no file: write {kind} alone")
    raise SparringError(f"there is no perceptual network `{name}`{nearest(kind, NAMES)}")


# ---------------------------------------------------------------- EfficientNet-Lite0


def _efficientnet() -> Perceptual:
    return Perceptual(EFFICIENTNET, efficientnet().network, depths, _relative)


def _relative(found: list[Tensor], goal: list[Tensor]) -> Tensor:
    """The mean over depths and pictures of |found - goal| as a share of |goal|, each a mean over a picture's map.

    By each true picture's own size of map, not a batch's, so that processes and micro-batches see what one would; and
    not place by place as LPIPS has it, which makes as much of a plain sky's noise as of an edge.
    """
    shares = []
    for made, true in zip(found, goal, strict=True):
        size = true.abs().mean((1, 2, 3)).clamp_min(SMALLEST)
        shares.append(((made - true).abs().mean((1, 2, 3)) / size).mean())
    return torch.stack(shares).mean()


# ---------------------------------------------------------------- VGG19 (Simonyan & Zisserman 2015)


def vgg_shapes() -> dict[str, tuple[int, ...]]:
    """torchvision's name of every weight and bias of VGG19's convolutions -> its shape."""
    shapes: dict[str, tuple[int, ...]] = {}
    place, before = 0, 3
    for count, wide in zip(VGG, VGG_WIDE, strict=True):
        for _ in range(count):
            shapes[f"features.{place}.weight"], shapes[f"features.{place}.bias"] = (wide, before, 3, 3), (wide,)
            place, before = place + 2, wide  # a convolution and its ReLU
        place += 1  # the pool
    return shapes


def _vgg(file: str) -> nn.ModuleList:
    """Its convolutions in their order, with the weights of a file."""
    held = _tensors(Path(file).expanduser())
    for name, shape in vgg_shapes().items():
        found = held.get(name) if isinstance(held, dict) else None
        if not isinstance(found, Tensor) or tuple(found.shape) != shape:
            has = f"of shape {tuple(found.shape)}" if isinstance(found, Tensor) else "missing"
            raise SparringError(
                f"{file} does not hold VGG19's weights: `{name}`, which should be of shape {shape}, is {has}; what "
                "works is torchvision's vgg19-dcbb9e9d.pth"
            )
    network = nn.ModuleList()
    for name, shape in vgg_shapes().items():
        if name.endswith("weight"):
            layer = nn.Conv2d(shape[1], shape[0], 3, padding=1, device="meta")  # draws no random numbers
            weights = {part: held[name.replace("weight", part)].float() for part in ("weight", "bias")}
            layer.load_state_dict(weights, assign=True)
            network.append(layer)
    return network


def _tensors(path: Path) -> Any:
    """What a file of weights holds, without unpickling anything but tensors."""
    if not path.is_file():
        raise SparringError(f"there is no file {path}: give the weights of VGG19 as vgg:FILE")
    try:
        if path.suffix == ".safetensors":
            return importlib.import_module("safetensors.torch").load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except ImportError as error:
        raise SparringError(f"reading {path} needs a package; install it with: pip install safetensors") from error
    except Exception as error:  # both readers raise whatever comes
        raise SparringError(f"{path} cannot be read as weights; what works is vgg19-dcbb9e9d.pth") from error


def _look_vgg(network: Any, pictures: Tensor) -> list[Tensor]:
    """The maps before the ReLU of the last convolution before each pool (Wang et al. 2018, section 3.2)."""
    mean, deviation = (pictures.new_tensor(three).view(1, 3, 1, 1) for three in (MEAN, DEVIATION))
    x = ((pictures + 1) / 2 - mean) / deviation
    maps, layers = [], iter(network)
    for i, count in enumerate(VGG):
        for _ in range(count - 1):
            x = F.relu(next(layers)(x), inplace=True)
        maps.append(next(layers)(x))
        if i < len(VGG) - 1:
            x = F.max_pool2d(F.relu(maps[-1]), 2)
    return maps


def _apart(found: list[Tensor], goal: list[Tensor]) -> Tensor:
    """The mean distances of all depths by Real-ESRGAN's weights."""
    terms = [share * (made - true).abs().mean() for share, made, true in zip(VGG_SHARES, found, goal, strict=True)]
    return torch.stack(terms).sum()
