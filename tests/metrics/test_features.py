"""The judge that is trained on the user's labels: it ranks damage rightly, and is the same on every call."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from made_up import pictures, points
from sparring.data.dataset import Dataset, decode
from sparring.data.source import open_data
from sparring.errors import SparringError
from sparring.metrics import features
from sparring.metrics.features import Features, Trained, trained
from sparring.metrics.statistics import frechet, inception_score, kernel_distance


def labelled(height: int = 12, width: int = 10) -> Dataset:
    """Squares named after whether they are bright."""
    data = pictures(3, height, width, 40)
    labels = (data.rows.reshape(40, -1).max(1) > 190).astype(np.int64)
    spec = replace(data.spec, classes=("dim", "bright"))
    return Dataset(spec, data.rows, labels)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> tuple[Trained, Tensor, np.ndarray]:
    """The judge taught by two thirds of the digits, and the pictures and labels of the rest."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARRING_CACHE", str(tmp_path_factory.mktemp("cache")))
        data = open_data("digits")
    assert data.labels is not None
    order = np.random.default_rng(0).permutation(len(data))  # they come sorted by who wrote them
    rows, labels = data.rows[order], data.labels[order]
    known = replace(data, spec=replace(data.spec, count=1200), rows=rows[:1200], labels=labels[:1200])
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    judge = trained(known, seed=0)
    torch.set_num_threads(threads)
    return judge, decode(torch.from_numpy(rows[1200:])), labels[1200:]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A judge that has hardly learned, where only its form matters."""
    monkeypatch.setattr(features, "STEPS", 2)


def test_noise_is_worse_than_blurred_and_blurred_worse_than_sharp(
    digits: tuple[Trained, Tensor, np.ndarray],
) -> None:
    judge, shown, _ = digits
    real, sharp = shown.chunk(2)
    blurred = avg_pool2d(sharp, 3, 1, 1, count_include_pad=False)
    noise = torch.rand(sharp.shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
    distances = [kernel_distance(judge(real), judge(fake)) for fake in (sharp, blurred, noise)]
    for better, worse in pairwise(distances):
        assert worse.value - better.value > 2 * np.hypot(better.standard_error, worse.standard_error), distances
    values = [frechet(judge(real), judge(fake)) for fake in (sharp, blurred, noise)]
    assert values == sorted(values)


def test_it_reads_digits_that_it_never_saw(digits: tuple[Trained, Tensor, np.ndarray]) -> None:
    judge, shown, labels = digits
    probabilities = judge.probabilities(shown)
    assert probabilities.shape == (597, 10)
    assert (probabilities.argmax(1).numpy() == labels).mean() > 0.9
    assert 7 < inception_score(probabilities).value <= 10


@pytest.mark.usefixtures("quick")
def test_features_are_128_numbers_and_a_picture_has_the_same_ones_in_any_company() -> None:
    data = labelled()
    judge: Features = trained(data)
    shown = decode(torch.from_numpy(data.rows))
    assert judge(shown).shape == (40, 128)
    assert judge.name == "trained-squares"
    assert judge.classes == ("dim", "bright")
    assert judge(shown).square().mean().item() == pytest.approx(1, rel=1e-4)
    assert torch.allclose(judge(shown)[4:5], judge(shown[4:5]), atol=1e-5)


@pytest.mark.usefixtures("quick")
def test_a_seed_decides_the_network_and_the_global_state_is_left_alone() -> None:
    torch.manual_seed(3)
    first, again, other = (trained(labelled(), seed) for seed in (0, 0, 1))
    after = torch.rand(1)
    assert first.fingerprint == again.fingerprint != other.fingerprint
    assert len(first.fingerprint) == 64
    torch.manual_seed(3)
    assert after == torch.rand(1)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(("height", "width"), [(4, 4), (12, 10), (48, 90)])
def test_pictures_of_any_size_are_judged_and_large_ones_at_32_pixels(height: int, width: int) -> None:
    data = labelled(height, width)
    shown = decode(torch.from_numpy(data.rows))
    assert trained(data)(shown).shape == (40, 128)
    assert max(features.reduced(shown).shape[2:]) <= 32


@pytest.mark.usefixtures("quick")
def test_what_cannot_be_judged_is_said_in_one_sentence() -> None:
    with pytest.raises(SparringError, match="labels of two classes or more, and squares has none"):
        trained(pictures(3, 8, 8))
    with pytest.raises(SparringError, match="pictures only, and circle holds points"):
        trained(points())
    with pytest.raises(SparringError, match=r"of shape \(3, 12, 10\), and these are \(1, 12, 10\)"):
        trained(labelled())(torch.zeros(2, 1, 12, 10))
