"""Feature networks, which turn pictures into what statistics compare: their contract and the door to all of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from sparring.config import nearest
from sparring.data.dataset import Dataset
from sparring.data.spec import PICTURES, SIDES, WORDS, Spec
from sparring.data.tables.field import Layout
from sparring.errors import SparringError
from sparring.networks.table import expand

NAMES = ("auto", "points", "columns", "trained", "efficientnet-lite0", "inception:FILE", "onnx:FILE")
OWN = {"points": "points", "table": "columns", "sequences": "points"}  # what judges data that is not pictures
SMALL = 64  # grey pictures up to this side are judged by a network of their own; ImageNet knows nothing like them
TOGETHER = 32  # pictures that a network takes at once: more are no faster, and need memory


class Features(Protocol):
    """What every feature network offers. A value is only comparable with others of the same fingerprint.

    Attributes:
        name: printed beside every value, as in `FD[trained-digits]`.
        fingerprint: sha256 in hexadecimal; equal networks have equal ones.
        preprocessing: what is done to the pictures first, such as "bicubic antialias 224".
        classes: what `probabilities` speaks of, where the network is a classifier; else None.
    """

    @property
    def name(self) -> str: ...

    @property
    def fingerprint(self) -> str: ...

    @property
    def preprocessing(self) -> str: ...

    @property
    def classes(self) -> tuple[str, ...] | None: ...

    def __call__(self, pictures: Tensor) -> Tensor:
        """Pictures (b, c, h, w), float in -1..1 on any device -> features (b, d), float32 on the CPU."""
        ...

    def probabilities(self, features: Tensor) -> Tensor:
        """Features (b, d) as a call gives them -> each class's probability (b, classes), float32 on the CPU.

        From features, not pictures: a large network then looks once, and what was kept of the data serves too.

        Raises:
            SparringError: where `classes` is None, and for features of another d.
        """
        ...


class Points:
    """The samples themselves as their features; no network, so nothing but the data decides a value."""

    classes: tuple[str, ...] | None = None

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.name, self.preprocessing = "points", "none"
        self.shape = shape
        self.fingerprint = hashlib.sha256(f"points {shape}".encode()).hexdigest()

    def __call__(self, pictures: Tensor) -> Tensor:
        """Samples (b, *shape) -> (b, d) float32 on the CPU; SparringError for samples of another shape."""
        check_shape(self.name, pictures, self.shape)
        return pictures.detach().float().cpu().flatten(1)

    def probabilities(self, features: Tensor) -> Tensor:
        """Raises SparringError: points have no classes."""
        raise classless(self.name)


class Columns:
    """Rows of a table as networks see them: a place within its mode for each number, and a 1 for each code."""

    classes: tuple[str, ...] | None = None

    def __init__(self, spec: Spec) -> None:
        self.name, self.preprocessing = "columns", "places and codes"
        self.shape, self.layout = spec.shape, Layout(spec.fields)
        self.fingerprint = hashlib.sha256(f"columns {spec.to_dict()['fields']}".encode()).hexdigest()

    def __call__(self, pictures: Tensor) -> Tensor:
        """Stored rows (b, *shape) -> (b, d) float32 on the CPU; SparringError for rows of another width."""
        check_shape(self.name, pictures, self.shape)
        return expand(self.layout, pictures.detach().float().cpu())

    def probabilities(self, features: Tensor) -> Tensor:
        """Raises SparringError: rows have no classes."""
        raise classless(self.name)


def extractor(name: str, dataset: Dataset, seed: int = 0, device: torch.device | str = "cpu") -> Features:
    """The feature network of a name, ready for the samples of a data set.

    Args:
        name: one of
            `auto`: what suits the data: `points` for points and sequences, `columns` for tables, for
                pictures `efficientnet-lite0`, but `trained` for grey pictures of at most 64×64;
            `points`: the samples themselves, points or sequences;
            `columns`: rows with a 1 for each code;
            `trained`: a small network that learns from the data's own labels, or without two of them, to tell one
                picture from another;
            `efficientnet-lite0`: ImageNet's classes, from installed packages;
            `inception:FILE`: the Inception that FID is defined with, from its published weights;
            `onnx:FILE`: any network in an ONNX file.
        dataset: what the network will judge; `trained` learns from it, so give the training part only.
        seed: of what `trained` draws.
        device: where the large networks run; `trained` and ONNX files stay on the CPU.

    Raises:
        SparringError: for an unknown name, a missing file or package, and data that the network cannot judge.
    """
    kind, _, file = name.partition(":")
    refuse_unknown(name)
    kind = _suited(dataset) if name == "auto" else kind
    _check(kind, dataset)
    return _network(kind, file, dataset, seed, device)


def _network(kind: str, file: str, dataset: Dataset, seed: int, device: torch.device | str) -> Features:
    """Each is imported where it is asked for: some need packages that not everybody has."""
    if kind == "points":
        return Points(dataset.spec.shape)
    if kind == "columns":
        return Columns(dataset.spec)
    if kind == "trained":
        from sparring.metrics.trained import trained

        return trained(dataset, seed)
    if kind == "efficientnet-lite0":
        from sparring.metrics.efficientnet import efficientnet

        return efficientnet(device)
    if kind == "inception":
        from sparring.metrics.inception import inception

        return inception(file, device)
    from sparring.metrics.onnx_file import onnx_file

    return onnx_file(file)


def _suited(dataset: Dataset) -> str:
    """What `auto` stands for."""
    spec = dataset.spec
    if spec.kind in OWN:
        return OWN[spec.kind]
    grey = len(spec.shape) == 3 and spec.shape[0] == 1
    return "trained" if grey and max(spec.shape[1:]) <= SMALL else "efficientnet-lite0"


def refuse_unknown(name: str) -> None:
    """Raise SparringError for what no feature network is called."""
    kind, _, file = name.partition(":")
    with_file = f"{kind}:FILE" in NAMES
    if kind not in NAMES and not with_file:
        raise SparringError(f"there is no feature network `{name}`{nearest(kind, NAMES)}")
    if with_file and not file:
        raise SparringError(f"the feature network `{kind}` needs a file: write it as {kind}:FILE")
    if ":" in name and not with_file:
        raise SparringError(f"the feature network `{kind}` takes no file: write {kind} alone")


def _check(kind: str, dataset: Dataset) -> None:
    """Refuse a network that cannot judge the data."""
    judged = [data for data, own in OWN.items() if own == kind] or [*PICTURES]
    if dataset.spec.kind not in judged:
        spec, of = dataset.spec, " and ".join(WORDS[data] for data in judged if data not in SIDES)
        raise SparringError(f"the feature network `{kind}` judges {of} only, and {spec.name} holds {WORDS[spec.kind]}")


# ---------------------------------------------------------------- what the networks share


def check_shape(name: str, samples: Tensor, shape: tuple[int, ...]) -> None:
    """Raise SparringError where samples (b, ...) are not of the shape that a feature network is for."""
    if tuple(samples.shape[1:]) != shape:
        raise SparringError(f"{name} judges samples of shape {shape}, and these are {tuple(samples.shape[1:])}")


def classless(name: str) -> SparringError:
    """What `probabilities` raises where there are no classes."""
    return SparringError(f"{name} knows no classes, so it gives no probabilities and no inception score")


def softmax(name: str, features: Tensor, head: Callable[[Tensor], Tensor], width: int) -> Tensor:
    """Probabilities (b, classes), float32 on the CPU, from features (b, width) and what makes scores of them."""
    if features.dim() != 2 or features.shape[1] != width:
        raise SparringError(f"{name} has {width} numbers in a feature, and these are of shape {tuple(features.shape)}")
    with torch.no_grad():
        return head(features.detach().float().cpu()).softmax(1)


def coloured(pictures: Tensor, colours: int = 3) -> Tensor:
    """Pictures (b, 1, 3 or 4, h, w) in -1..1 -> (b, colours, h, w), colours 1 or 3, what is transparent shown on white.

    Grey is repeated; colours become grey by their luma (ITU-R BT.601: 0.299, 0.587, 0.114).

    Raises:
        SparringError: for another number of channels.
    """
    channels = pictures.shape[1]
    if channels not in {1, 3, 4}:
        raise SparringError(f"a feature network sees pictures of 1, 3 or 4 channels; these have {channels}")
    if channels == 4:
        opacity = (pictures[:, 3:] + 1) / 2
        pictures = pictures[:, :3] * opacity + (1 - opacity)
    if colours == 1 and pictures.shape[1] == 3:
        luma = pictures.new_tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
        return (pictures * luma).sum(1, keepdim=True)
    return pictures.expand(-1, colours, -1, -1)


def resized(pictures: Tensor, size: tuple[int, int]) -> Tensor:
    """Pictures in -1..1 stretched to (height, width), bicubic, smoothed where that is smaller, and clamped to -1..1."""
    if tuple(pictures.shape[2:]) == size:
        return pictures
    return interpolate(pictures, size, mode="bicubic", antialias=True, align_corners=False).clamp(-1, 1)


def in_parts(network: Callable[[Tensor], Tensor], pictures: Tensor, device: torch.device | str = "cpu") -> Tensor:
    """Run a network on some pictures at a time, without gradients, on a device -> all rows, float32 on the CPU."""
    with torch.no_grad():
        parts = pictures.detach().split(TOGETHER)  # type: ignore[no-untyped-call]
        return torch.cat([network(part.to(device, torch.float32)).float().cpu() for part in parts])


def fuse(parent: nn.Module, convolution: str, norm: str) -> None:
    """Fold a BatchNorm in evaluation mode into the convolution before it: the same numbers, in less time.

    Args:
        parent: holds both.
        convolution, norm: their names in it.
    """
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    before: Any = parent
    setattr(parent, convolution, fuse_conv_bn_eval(getattr(before, convolution), getattr(before, norm)))
    setattr(parent, norm, nn.Identity())


def fingerprint(network: nn.Module) -> str:
    """sha256, in hexadecimal, of every weight's and buffer's name, kind, shape and bytes."""
    digest = hashlib.sha256()
    for name, weight in network.state_dict().items():
        digest.update(f"{name} {weight.dtype} {tuple(weight.shape)}\n".encode())
        digest.update(weight.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def contents(file: str | Path, what: str) -> tuple[bytes, str]:
    """All bytes of a file and their sha256 in hexadecimal: hashed and used from one reading.

    Args:
        file: its path; `~` is the home folder.
        what: what it should hold, for the sentence that says it cannot be read.
    """
    try:
        read = Path(file).expanduser().read_bytes()
    except OSError as error:
        raise SparringError(f"cannot read {what} from {file}: {error.strerror or error}") from None
    return read, hashlib.sha256(read).hexdigest()
