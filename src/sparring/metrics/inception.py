"""The Inception network of 2015 that FID is defined with, from a file of its published weights."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable

import torch
from torch import Tensor, nn

from sparring.errors import SparringError
from sparring.metrics.features import coloured, contents, fuse, in_parts, softmax
from sparring.networks.inception import CLASSES, WIDTH, Convolution, resized
from sparring.networks.inception import Inception as Network

STATES = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
"""sha256 of torch-fidelity's weights-inception-2015-12-05-6726825d.pth; pytorch-fid's file is the same."""
SCRIPT = "f58cb9b6ec323ed63459aa4fb441fe750cfe39fafad6da5cb504a16f19e958f4"
"""sha256 of inception-2015-12-05.pt, the TorchScript program that StyleGAN's authors and clean-fid use."""


class Inception:
    """Features (b, 2048) and probabilities (b, 1008) of RGB pictures in whole numbers 0..255; `inception` makes one.

    A Fréchet distance of these features is the FID of the papers, and the inception score of these probabilities is
    theirs: it leaves out the biases before the softmax, as the original code did.

    Args:
        fingerprint: sha256 of the file.
        look: pictures (b, 3, h, w), float holding whole numbers in 0..255 -> features (b, 2048).
        weight: of the last layer, (1008, 2048).
        device: where `look` runs.
    """

    name = "inception-2015"
    preprocessing = "uint8, bilinear as in TensorFlow 1 to 299"
    classes: tuple[str, ...] | None = tuple(map(str, range(CLASSES)))

    def __init__(
        self, fingerprint: str, look: Callable[[Tensor], Tensor], weight: Tensor, device: torch.device | str = "cpu"
    ) -> None:
        self.fingerprint, self.device = fingerprint, device
        self._look, self._weight = look, weight.detach().float().cpu()

    def __call__(self, pictures: Tensor) -> Tensor:
        """Pictures (b, 1, 3 or 4, h, w), float in -1..1 -> features (b, 2048), float32 on the CPU, at least 0.

        They are rounded to 8 bits, as stored pictures are; transparent ones are seen on white.
        """
        return in_parts(lambda part: self._look(_whole(part)), pictures, self.device)

    def probabilities(self, features: Tensor) -> Tensor:
        """Features (b, 2048) -> probabilities (b, 1008), float32 on the CPU."""
        return softmax(self.name, features, lambda rows: rows @ self._weight.T, WIDTH)


def inception(file: str, device: torch.device | str = "cpu") -> Inception:
    """The network from its published weights in either form; other files are refused before anything is read of them.

    Args:
        file: torch-fidelity's weights-inception-2015-12-05-6726825d.pth (from its release v0.2.0; pytorch-fid's
            pt_inception-2015-12-05-6726825d.pth is the same file), or the program inception-2015-12-05.pt of
            StyleGAN2-ADA and clean-fid.
        device: where it runs.

    Raises:
        SparringError: where there is no such file, or it is not one of these two to the last bit.
    """
    read, found = contents(file, "Inception's weights")
    if found not in {STATES, SCRIPT}:
        raise SparringError(
            f"{file} is not the Inception that FID is defined with (its sha256 begins with {found[:8]}); what works "
            "is torch-fidelity's weights-inception-2015-12-05-6726825d.pth, or inception-2015-12-05.pt as clean-fid "
            "and StyleGAN2-ADA keep it"
        )
    return from_states(read, found, device) if found == STATES else from_script(read, found, device)


def from_states(read: bytes, fingerprint: str, device: torch.device | str = "cpu") -> Inception:
    """From a state dict's bytes, run by our own network."""
    with torch.random.fork_rng(devices=[]):  # its first weights are drawn, and then replaced
        network = Network()
    missing, unknown = network.load_state_dict(torch.load(io.BytesIO(read), "cpu", weights_only=True), strict=False)
    if unknown or not all(name.endswith("num_batches_tracked") for name in missing):  # older files lack that count
        raise SparringError(f"Inception's weights do not fit its network: {', '.join([*missing, *unknown])}")
    network.eval().requires_grad_(False)
    for module in network.modules():
        if isinstance(module, Convolution):
            fuse(module, "conv", "bn")
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def look(pictures: Tensor) -> Tensor:
        seen = (resized(pictures) - 128) / 128
        return network.features(seen.contiguous(memory_format=torch.channels_last))

    return Inception(fingerprint, look, network.fc.weight, device)


def from_script(read: bytes, fingerprint: str, device: torch.device | str = "cpu") -> Inception:
    """From a TorchScript program's bytes, which resizes and scales for itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # there is no other way to read this format
        program: nn.Module = torch.jit.load(io.BytesIO(read), device)  # type: ignore[no-untyped-call]
    program.eval()
    (weight,) = (one for one in program.state_dict().values() if tuple(one.shape) == (CLASSES, WIDTH))
    return Inception(fingerprint, lambda pictures: program(pictures, return_features=True).flatten(1), weight, device)


def _whole(pictures: Tensor) -> Tensor:
    """Pictures in -1..1 -> RGB rounded to whole numbers in 0..255."""
    return coloured(pictures).add(1).mul(127.5).round().clamp(0, 255)
