"""The judge that is trained on the data: by labels or without, it ranks damage rightly and is the same each time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.nn.functional import avg_pool2d

from made_up import pictures, points
from sparring.data.dataset import Dataset, decode
from sparring.data.source import open_data
from sparring.errors import SparringError
from sparring.metrics import trained as module
from sparring.metrics.distances import frechet, inception_score, kernel_distance
from sparring.metrics.features import Features
from sparring.metrics.trained import Trained, changed, reduced, trained


def labelled(height: int = 12, width: int = 10) -> Dataset:
    """Squares named after whether they are bright."""
    data = pictures(3, height, width, 40)
    labels = (data.rows.reshape(40, -1).max(1) > 190).astype(np.int64)
    spec = replace(data.spec, classes=("dim", "bright"))
    return Dataset(spec, data.rows, labels)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Shuffled, for they come sorted by who wrote them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARRING_CACHE", str(tmp_path_factory.mktemp("cache")))
        data = open_data("digits")
    assert data.labels is not None
    order = np.random.default_rng(0).permutation(len(data))
    return replace(data, rows=data.rows[order], labels=data.labels[order])


@pytest.fixture(scope="module", params=["labels", "identity"])
def judge(request: pytest.FixtureRequest, digits: Dataset) -> Iterator[Trained]:
    """Taught by two thirds of the digits."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    labels = digits.labels[:1200] if request.param == "labels" and digits.labels is not None else None
    yield trained(replace(digits, spec=replace(digits.spec, count=1200), rows=digits.rows[:1200], labels=labels))
    torch.set_num_threads(threads)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A judge that has hardly learned, where only its form matters."""
    monkeypatch.setattr(module, "STEPS", 2)


def test_noise_is_worse_than_blurred_and_blurred_worse_than_sharp(judge: Trained, digits: Dataset) -> None:
    real, sharp = decode(torch.from_numpy(digits.rows[1200:])).chunk(2)
    blurred = avg_pool2d(sharp, 3, 1, 1, count_include_pad=False)
    noise = torch.rand(sharp.shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
    distances = [kernel_distance(judge(real), judge(fake)) for fake in (sharp, blurred, noise)]
    for better, worse in pairwise(distances):
        assert worse.value - better.value > 2 * np.hypot(better.standard_error, worse.standard_error), distances
    values = [frechet(judge(real), judge(fake)) for fake in (sharp, blurred, noise)]
    assert values == sorted(values)


def test_missing_digits_and_mirrored_ones_are_noticed(judge: Trained, digits: Dataset) -> None:
    """Also by the judge that knows no labels, which must not have learnt to overlook what fakes get wrong."""
    shown = decode(torch.from_numpy(digits.rows[1200:]))
    assert digits.labels is not None
    few = shown[torch.from_numpy(digits.labels[1200:] < 5)]
    real, sharp = shown.chunk(2)
    good = frechet(judge(real), judge(sharp))
    assert frechet(judge(real), judge(few)) > 3 * good
    assert frechet(judge(real), judge(sharp.flip(3))) > 3 * good


def test_it_reads_digits_that_it_never_saw(judge: Trained, digits: Dataset) -> None:
    shown = decode(torch.from_numpy(digits.rows[1200:]))
    if judge.classes is None:
        with pytest.raises(SparringError, match="trained-identity-digits knows no classes"):
            judge.probabilities(judge(shown))
        return
    probabilities = judge.probabilities(judge(shown))
    assert probabilities.shape == (597, 10)
    assert digits.labels is not None
    assert (probabilities.argmax(1).numpy() == digits.labels[1200:]).mean() > 0.9
    assert 7 < inception_score(probabilities).value <= 10


def test_the_judge_without_labels_tells_new_digits_apart_in_changed_views(judge: Trained, digits: Dataset) -> None:
    """Of 100 pictures that it never saw, the nearest to a changed view of one is mostly that one."""
    if judge.classes is not None:
        pytest.skip("it was taught to tell classes apart, not pictures")
    shown = decode(torch.from_numpy(digits.rows[1200:1300]))
    views = changed(shown, torch.Generator().manual_seed(5))
    nearest = torch.cdist(judge(views), judge(shown)).argmin(1)
    assert (nearest == torch.arange(100)).float().mean() > 0.5


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
    assert max(reduced(shown).shape[2:]) <= 32


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize(("height", "width", "count"), [(8, 8, 2), (16, 24, 400), (256, 250, 5)])
def test_without_labels_it_learns_from_any_pictures(channels: int, height: int, width: int, count: int) -> None:
    data = pictures(channels, height, width, count)
    judge: Features = trained(data)
    assert judge.name == "trained-identity-squares"
    assert judge.classes is None
    found = judge(decode(torch.from_numpy(data.rows)))
    assert found.shape == (count, 128)
    assert found.isfinite().all()
    assert judge.fingerprint == trained(data).fingerprint != trained(data, 1).fingerprint


@pytest.mark.usefixtures("quick")
def test_labels_count_only_where_two_classes_have_two_samples() -> None:
    data = labelled()
    assert data.labels is not None
    lonely = np.zeros_like(data.labels)
    lonely[7] = 1
    assert trained(replace(data, labels=lonely)).classes is None
    lonely[9] = 1
    assert trained(replace(data, labels=lonely)).classes == ("dim", "bright")


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("by_labels", [True, False])
def test_a_part_of_the_data_is_all_that_is_learnt_from(by_labels: bool) -> None:
    """Held-out rows lie in the same array, and must not be read."""
    data = labelled()
    mine = np.arange(0, 40, 2)
    rows = data.rows.copy()
    rows[1::2] = 255 - rows[1::2]
    labels = np.arange(20) % 2 if by_labels else None
    spec = replace(data.spec, count=20)
    parts = [Dataset(spec, whole, labels, chosen=mine) for whole in (data.rows, rows)]
    first, second, alone = (trained(one) for one in (*parts, Dataset(spec, data.rows[mine], labels)))
    assert first.fingerprint == second.fingerprint == alone.fingerprint
    assert (first.classes is not None) == by_labels


def test_a_changed_view_is_a_moved_picture_and_leaves_transparency_as_bright_as_it_was() -> None:
    shown = decode(torch.from_numpy(pictures(4, 16, 16, 64).rows))
    shown[:, 3] = 0.5
    view = changed(shown, torch.Generator().manual_seed(0))
    assert view.shape == shown.shape
    assert view.abs().max() <= 1
    assert torch.allclose(view[:, 3], shown[:, 3], atol=1e-5)
    assert ((view - shown)[:, :3].abs().mean((1, 2, 3)) > 0.02).all()


@pytest.mark.usefixtures("quick")
def test_what_cannot_be_judged_is_said_in_one_sentence() -> None:
    with pytest.raises(SparringError, match="needs two pictures to learn from, and squares holds 1"):
        trained(pictures(3, 8, 8, 1))
    with pytest.raises(SparringError, match="pictures only, and circle holds points"):
        trained(points())
    with pytest.raises(SparringError, match=r"of shape \(3, 12, 10\), and these are \(1, 12, 10\)"):
        trained(labelled())(torch.zeros(2, 1, 12, 10))
