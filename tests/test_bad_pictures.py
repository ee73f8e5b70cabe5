"""Bad input of the picture recipes: each is answered with what would work, or simply trained."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import sparring
from fighting import UNPROBED, play, small
from made_up import labelled, pictures
from sparring import cli, recipes
from sparring.cluster import Cluster
from sparring.config import Config
from sparring.data.dataset import Dataset
from sparring.data.source import open_data
from sparring.errors import SparringError
from sparring.start import build

NAMES = [name for name in recipes.names() if "pictures" in recipes.find(name).gan.kinds]
CONDITIONAL = [name for name in NAMES if recipes.find(name).gan.conditional]
KEPT_SMALL = {"width": 8, "batch": 4}


def with_labels(labels: np.ndarray) -> Dataset:
    """Pictures of these classes, numbered from 0."""
    dataset, classes = pictures(1, 8, 8, len(labels)), tuple(map(str, range(labels.max() + 1)))
    shares = tuple(np.bincount(labels) / len(labels))
    return dataclasses.replace(
        dataset, spec=dataclasses.replace(dataset.spec, classes=classes, shares=shares), labels=labels
    )


@pytest.mark.parametrize("size", ["4", "7", "8x4", "0", "-8", "2000", "32x", "wide"])
def test_a_resolution_that_no_recipe_builds_is_told_with_those_that_each_does(size: str) -> None:
    with pytest.raises(SparringError, match=r"such as 32, or height x width such as 48x64, each from 8 to 1024"):
        open_data(np.zeros((3, 16, 16), np.uint8), size=size)


def coloured(name: str, shape: tuple[int, int, int]) -> tuple[int, int, int]:
    """The same with three channels where a recipe learns from colours, and even sides where it makes them twice."""
    if recipes.find(name).gan.native:
        return (3, shape[1] // 2 * 2, shape[2] // 2 * 2)
    return (3, *shape[1:]) if recipes.find(name).gan.translates else shape


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(1, 8, 40), (3, 50, 9)])
def test_every_recipe_builds_long_pictures(name: str, shape: tuple[int, ...]) -> None:
    recipe = recipes.find(name)
    learner = build(recipe, labelled(pictures(*coloured(name, shape))), small(recipe, **KEPT_SMALL), Cluster("cpu"))
    assert play(learner, 1).is_finite()


@pytest.mark.parametrize(("name", "more"), [*((name, {}) for name in CONDITIONAL), ("sngan", {"networks": "resnet"})])
@pytest.mark.parametrize("labels", [[0] * 11 + [1], [0] * 12, list(range(12))])
def test_classes_of_one_picture_and_a_single_class_train(name: str, more: dict[str, str], labels: list[int]) -> None:
    recipe = recipes.find(name)
    learner = build(recipe, with_labels(np.array(labels)), small(recipe, **KEPT_SMALL, **more), Cluster("cpu"))
    assert play(learner, 4).is_finite()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("batch", "count"), [(64, 3), (1, 12)])
def test_a_batch_larger_than_the_data_and_one_of_one_picture_train(name: str, batch: int, count: int) -> None:
    recipe = recipes.find(name)
    config = small(recipe, width=8, batch=batch)
    learner = build(recipe, labelled(pictures(*coloured(name, (1, 8, 8)), count)), config, Cluster("cpu"))
    assert play(learner, 1).is_finite()


@pytest.mark.parametrize("first", [-3, 10**9])
def test_labels_are_names_so_that_none_is_out_of_range(first: int, tmp_path: Path) -> None:
    images, labels = pictures(1, 8, 8, 12).rows, first + np.arange(12) % 3
    np.savez(tmp_path / "some.npz", images=images, labels=labels)
    dataset = open_data(str(tmp_path / "some.npz"))
    assert sorted(dataset.spec.classes) == sorted(str(first + i) for i in range(3))
    assert dataset.labels is not None
    assert dataset.labels.min() == 0
    assert dataset.labels.max() == 2


@pytest.mark.parametrize(
    "labels", [np.arange(5), np.zeros((12, 2), int), np.eye(12), np.full(12, np.nan), np.zeros(12, bool)]
)
def test_labels_that_do_not_number_the_pictures_are_told(labels: np.ndarray, tmp_path: Path) -> None:
    np.savez(tmp_path / "some.npz", images=pictures(1, 8, 8, 12).rows, labels=labels)
    with pytest.raises(SparringError, match=r"they must be whole numbers or strings of shape \(12,\), one a sample"):
        open_data(str(tmp_path / "some.npz"))


@pytest.mark.parametrize("beside", [b"", b"junk", b"\0\0\x08\x01\0\0\0\x0c\1\2", b"\0\0\x08\x01\0\0\0\x02\1\2"])
def test_damaged_labels_of_an_idx_file_are_told(beside: bytes, tmp_path: Path) -> None:
    path = tmp_path / "my-images-idx3-ubyte"
    path.write_bytes(b"\0\0\x08\x03" + b"\0\0\0\x0c\0\0\0\x08\0\0\0\x08" + bytes(12 * 64))
    (tmp_path / "my-labels-idx1-ubyte").write_bytes(beside)
    with pytest.raises(SparringError, match=r"my-labels-idx1-ubyte cannot be read|whole numbers or strings of shape"):
        open_data(str(path))


@pytest.mark.parametrize(
    ("settings", "fitting"),
    [
        ({"batch": 1, "processes": 2}, 2),
        ({"batch": 2, "processes": 2, "accumulate": 2}, 4),
        ({"batch": 7, "accumulate": 3}, 3),
    ],
)
def test_a_batch_that_cannot_be_shared_is_told_with_one_that_can(settings: dict[str, int], fitting: int) -> None:
    with pytest.raises(SparringError, match=rf"cannot be shared equally by .*; choose a multiple of {fitting}$"):
        sparring.train("dcgan", "digits", quiet=True, **settings)


@pytest.mark.parametrize("name", NAMES)
def test_sizes_and_intervals_of_none_are_told(name: str) -> None:
    """Of whatever whole numbers a recipe has: none of them ends in a division by zero."""
    kind = recipes.find(name).config
    own = [f for f in dataclasses.fields(kind) if type(f.default) is int and f.name not in Config.__dataclass_fields__]
    assert own
    for field in own:
        for value in (0, -1):
            with pytest.raises(SparringError, match=f"`{field.name}` must be 1 or more; it is {value}"):
                kind(**{field.name: value})


def test_what_an_unconditional_run_is_asked_for_is_told(tmp_path: Path) -> None:
    dataset, out = pictures(1, 8, 8), tmp_path / "run"
    np.savez(tmp_path / "some.npz", images=dataset.rows, labels=np.arange(24) % 3)
    settings = {"width": 8, "batch": 4, "steps": 1, "features": "none", **UNPROBED}
    run = sparring.train("dcgan", tmp_path / "some.npz", quiet=True, out=str(out), **settings)
    with pytest.raises(SparringError, match="dcgan is not conditional, so it cannot be asked for `1`"):
        run.sample(2, given="1")
    with pytest.raises(SparringError, match="dcgan is not conditional, so it cannot be asked for `1`"):
        cli.sample([str(out), "--given", "1"])
    with pytest.raises(SparringError, match="not conditional, so it has no classes to sweep"):
        run.sweep()


@pytest.mark.parametrize("name", ["cgan", "acgan"])
def test_a_recipe_that_needs_labels_says_so(name: str) -> None:
    recipe = recipes.find(name)
    with pytest.raises(SparringError, match="neither classes nor columns to learn by; use the recipe dcgan"):
        build(recipe, pictures(1, 8, 8), small(recipe), Cluster("cpu"))
