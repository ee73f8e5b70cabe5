"""Every feature network: which name stands for which, and that what it says of damaged pictures has a meaning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from made_up import pictures, points, table
from sparring.data.dataset import Dataset, decode
from sparring.data.spec import Spec
from sparring.errors import SparringError
from sparring.metrics import trained as trained_module
from sparring.metrics.distances import kernel_distance
from sparring.metrics.features import NAMES, Features, coloured, contents, extractor, resized

COUNT, FEW = 300, 64  # pictures in a set, and where a network takes seconds for a hundred of them


def shapes(count: int, side: int = 32) -> Dataset:
    """Striped discs, squares and bars with sharp edges, of any colours, place and size, on grounds of any colour."""
    chance = np.random.default_rng(0)
    y, x = np.mgrid[:side, :side] / side
    labels = chance.integers(3, size=count)
    rows = np.empty((count, 3, side, side), np.uint8)
    for row, kind in zip(rows, labels, strict=True):
        down, right = chance.uniform(0.3, 0.7, 2)
        size = chance.uniform(0.12, 0.3)
        dy, dx = np.abs(y - down), np.abs(x - right)
        inside = (np.hypot(dy, dx) < size, np.maximum(dy, dx) < size, (dy < size / 2) & (dx < 2 * size))[kind]
        ground, *colours = chance.integers(0, 256, (3, 3, 1, 1))
        row[:] = np.where(inside, np.where((x + y) * side % 4 < 2, *colours), ground)
    spec = Spec("pictures", "shapes", (3, side, side), (-1.0, 1.0), count, ("disc", "square", "bar"), "made-up")
    return Dataset(spec, rows, labels)


def on_labels(data: Dataset, folder: Path) -> Features:
    return extractor("trained", data)


def on_identity(data: Dataset, folder: Path) -> Features:
    return extractor("trained", replace(data, labels=None))


def on_imagenet(data: Dataset, folder: Path) -> Features:
    return extractor("efficientnet-lite0", data)


def from_onnx(data: Dataset, folder: Path) -> Features:
    pytest.importorskip("onnx", reason="pip install onnx")
    pytest.importorskip("onnxruntime", reason="pip install onnxruntime")
    from made_up_onnx import write_network

    return extractor(f"onnx:{write_network(folder / 'net.onnx')}", data)


@pytest.fixture(scope="module", params=[on_labels, on_identity, on_imagenet, from_onnx])
def judge(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Features:
    make: Callable[[Dataset, Path], Features] = request.param
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    made = make(shapes(COUNT), tmp_path_factory.mktemp("network"))
    torch.set_num_threads(threads)
    return made


def test_noise_is_worse_than_blurred_and_blurred_worse_than_sharp(judge: Features) -> None:
    count = FEW if judge.name == "efficientnet-lite0" else COUNT
    real, sharp = decode(torch.from_numpy(shapes(COUNT + 2 * count).rows))[COUNT:].chunk(2)
    blurred = avg_pool2d(sharp, 5, 1, 2, count_include_pad=False)
    noise = torch.rand(sharp.shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
    known = judge(real)
    distances = [kernel_distance(known, judge(fake)) for fake in (sharp, blurred, noise)]
    for better, worse in pairwise(distances):
        assert worse.value - better.value > 2 * np.hypot(better.standard_error, worse.standard_error), distances
    assert distances[0].value < distances[1].value / 3


def test_a_picture_has_the_same_features_in_any_company(judge: Features) -> None:
    shown = decode(torch.from_numpy(shapes(40).rows))
    together, alone = judge(shown), judge(shown[33:34])
    assert together.dtype == torch.float32
    assert (together[33:34] - alone).norm() < 1e-5 * alone.norm()
    assert (together[33] - together[32]).norm() > 1e-2 * alone.norm()


def test_the_card_tells_networks_apart(judge: Features) -> None:
    assert judge.name
    assert judge.preprocessing
    assert len(bytes.fromhex(judge.fingerprint)) == 32
    shown = decode(torch.from_numpy(shapes(5).rows))
    if judge.classes is None:
        with pytest.raises(SparringError, match="no classes"):
            judge.probabilities(judge(shown))
    else:
        assert torch.allclose(judge.probabilities(judge(shown)).sum(1), torch.ones(5))
        with pytest.raises(SparringError, match=r"numbers in a feature, and these are of shape \(5, 3, 32, 32\)"):
            judge.probabilities(shown)


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (points(), "points"),
        (pictures(1, 16, 16), "trained-identity-squares"),
        (pictures(1, 64, 40), "trained-identity-squares"),
        (pictures(1, 65, 40), "efficientnet-lite0"),
        (pictures(3, 16, 16), "efficientnet-lite0"),
        (pictures(4, 16, 16), "efficientnet-lite0"),
    ],
    ids=str,
)
def test_auto_is_what_suits_the_data(data: Dataset, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trained_module, "STEPS", 1)
    assert extractor("auto", data).name == name


def test_points_are_their_own_features_and_are_compared_by_them() -> None:
    data = points()
    shown = torch.from_numpy(data.rows)
    judge = extractor("points", data)
    assert torch.equal(judge(shown.double()), shown)
    assert judge.classes is None
    near = kernel_distance(judge(shown[::2]), judge(shown[1::2]))
    far = kernel_distance(judge(shown[::2]), judge(torch.zeros(256, 2) + 0.1 * shown[1::2]))
    assert far.value - near.value > 2 * np.hypot(near.standard_error, far.standard_error)
    with pytest.raises(SparringError, match=r"of shape \(2,\), and these are \(3,\)"):
        judge(torch.zeros(5, 3))


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("efficientnet", pictures(3, 8, 8), "`efficientnet`; perhaps you meant efficientnet-lite0"),
        ("clip", pictures(3, 8, 8), "no feature network `clip`; there are " + ", ".join(NAMES)),
        ("inception", pictures(3, 8, 8), "needs a file: write it as inception:FILE"),
        ("onnx:", pictures(3, 8, 8), "needs a file: write it as onnx:FILE"),
        ("auto:net.onnx", pictures(3, 8, 8), "`auto` takes no file"),
        ("inception:absent.pth", pictures(3, 8, 8), r"cannot read Inception's weights from absent\.pth"),
        ("points", pictures(3, 8, 8), "judges points and sequences only, and squares holds pictures"),
        ("trained", points(), "judges pictures only, and circle holds points"),
    ],
)
def test_what_cannot_be_had_is_said_in_one_sentence(name: str, data: Dataset, said: str) -> None:
    with pytest.raises(SparringError, match=said):
        extractor(name, data)


# ---------------------------------------------------------------- what the networks share


def test_transparent_colours_are_seen_on_white_and_grey_is_repeated_or_taken_by_luma() -> None:
    black: Tensor = torch.full((1, 4, 2, 2), -1.0)
    black[0, 3, 0, 0], black[0, 3, 0, 1], black[0, 3, 1, 0] = 1, 0, -1  # opaque, half, clear
    seen = coloured(black)[0]
    assert seen[:, 0, 0].tolist() == [-1, -1, -1]
    assert seen[:, 0, 1].tolist() == [0, 0, 0]
    assert seen[:, 1, 0].tolist() == [1, 1, 1]
    assert coloured(torch.zeros(2, 1, 4, 4)).shape == (2, 3, 4, 4)
    green = torch.tensor([-1.0, 1, -1]).view(1, 3, 1, 1)
    assert coloured(green, 1).item() == pytest.approx(2 * 0.587 - 1)
    with pytest.raises(SparringError, match="1, 3 or 4 channels; these have 2"):
        coloured(torch.zeros(1, 2, 4, 4))


def test_resizing_smooths_what_shrinks_and_stays_in_range() -> None:
    fine = (torch.arange(64) % 4 == 0).float().expand(1, 1, 64, 64) * 2 - 1  # one column in four is white
    assert (resized(fine, (16, 16)) + 0.5).abs().max() < 0.2
    edge = torch.cat([torch.full((1, 1, 8, 4), -1.0), torch.ones(1, 1, 8, 4)], 3)
    assert resized(edge, (40, 40)).abs().max() == 1


def test_contents_come_with_their_hash(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    read, digest = contents(tmp_path / "file", "a test")
    assert read == b"abc"
    assert digest == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_rows_of_a_table_are_judged_by_their_places_and_codes_and_only_they() -> None:
    data = table()
    judge = extractor("auto", data)
    assert (judge.name, judge.classes) == ("columns", None)
    rows = torch.from_numpy(data.rows)
    features = judge(rows)
    assert features.shape == (400, 13)
    assert (features[:, 2:].sum(1) == 4).all(), "a one for each of four codes"
    changed = replace(data.spec.fields[1], values=("Rome", "Oslo", "Paris"))
    other = replace(data, spec=replace(data.spec, fields=(data.spec.fields[0], changed, *data.spec.fields[2:])))
    assert extractor("columns", other).fingerprint != judge.fingerprint
    with pytest.raises(SparringError, match=r"judges rows of a table only, and circle holds points"):
        extractor("columns", points())
    with pytest.raises(SparringError, match=r"judges points and sequences only, and people holds rows of a table"):
        extractor("points", data)
    with pytest.raises(SparringError, match="columns knows no classes"):
        judge.probabilities(features)
