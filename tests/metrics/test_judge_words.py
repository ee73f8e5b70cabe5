"""What the judge says of its numbers: by which network, against what, what leads, and what could not be measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from test_bank import Look
from test_judge import Given

from made_up import table
from sparring.data.dataset import Dataset
from sparring.data.spec import Spec
from sparring.metrics.features import Columns, Features, Points
from sparring.metrics.judge import Evaluation, Judge

CITY = 4  # the place of its code in made_up's rows


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty cache for each test."""
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path / "cache"))


def cloud(count: int, seed: int = 0) -> Dataset:
    """A Gaussian of four numbers."""
    rows = np.random.default_rng(seed).normal(size=(count, 4)).astype(np.float32)
    return Dataset(Spec("points", "cloud", (4,), (-4.0, 4.0), count, (), f"made-up {count} {seed}"), rows)


def judged_cloud(held: Dataset | None, fake: int, features: Features | None = None, train: int = 3000) -> Evaluation:
    data = cloud(train)
    gan: Any = Given(data, torch.from_numpy(cloud(fake, seed=9).rows))
    return Judge(data, held, features or Points((4,))).evaluate(gan, fake, seed=0)


@pytest.mark.parametrize(("name", "expected"), [("inception-2015", {"FID", "KID"}), ("fid", {"FD[fid]", "KD[fid]"})])
def test_the_bare_names_are_for_the_original_network_alone(name: str, expected: set[str]) -> None:
    found = judged_cloud(cloud(100, 1), 100, Look(name))
    assert {metric for metric in found.metrics if metric[0] in "FK"} == expected


@pytest.mark.parametrize(
    ("real", "fake", "leads"), [(300, 2500, "KD"), (2500, 300, "KD"), (1999, 2000, "KD"), (2000, 2000, "FD")]
)
def test_the_frechet_distance_leads_only_where_its_bias_is_small(real: int, fake: int, leads: str) -> None:
    found = judged_cloud(cloud(real, 1), fake)
    assert next(iter(found.metrics)) == f"{leads}[points]"
    assert any("the kernel distance leads" in note for note in found.notes) == (leads == "KD")


@pytest.mark.parametrize("held", [None, 49])
def test_without_enough_held_out_data_fakes_are_compared_with_the_training_data_and_a_note_says_so(
    held: int | None,
) -> None:
    found = judged_cloud(held and cloud(held, 1), 100, train=200)  # type: ignore[arg-type]
    assert found.protocol["split"] == "training"
    assert found.protocol["real"] == 200
    assert f"for {held or 0} samples are held out and 50 are needed" in found.notes[0]
    assert "memorising" not in found.metrics
    assert not found.pairs
    assert {score.floor for score in found.metrics.values()} == {None}, "it would be the training data against itself"
    assert judged_cloud(cloud(50, 1), 100).protocol["split"] == "held-out"


def test_without_classes_there_is_no_inception_score_and_a_note_says_why() -> None:
    found = judged_cloud(cloud(100, 1), 100)
    assert not any(name.startswith("IS") for name in found.metrics)
    (note,) = (note for note in found.notes if "Inception score" in note)
    assert "labels" not in note, "which would not help points"
    features = Look("trained-identity-made-up")
    assert any("labels in the data" in note for note in judged_cloud(cloud(100, 1), 100, features).notes)
    features.classes = tuple("abcd")
    found = judged_cloud(cloud(100, 1), 100, features)
    assert 1 < found.metrics["IS[trained-identity-made-up]"].value < 4
    assert not any("Inception score" in note for note in found.notes)


def test_duplicates_are_a_note_instead_of_a_number() -> None:
    held = cloud(100, 1)
    twins = Dataset(replace(held.spec, hash="twins"), np.repeat(held.rows[:50], 2, axis=0))
    found = judged_cloud(twins, 100)
    assert "memorising" not in found.metrics
    assert any("Memorising could not be measured" in note and "remove duplicates" in note for note in found.notes)


def test_what_needs_more_samples_is_a_note_each_and_never_an_error() -> None:
    found = judged_cloud(None, 1)
    assert not found.metrics
    assert sum("could not be measured: this needs at least" in note for note in found.notes) == 4


def test_the_mean_row_of_a_table_does_not_depend_on_how_its_categories_are_numbered() -> None:
    """Codes are names: their mean would be whichever of them has the middle number."""
    columns = []
    for order in ([0, 1, 2], [2, 0, 1]):
        whole = table()
        age, city, *others = whole.spec.fields
        city = replace(city, shares=tuple(city.shares[order.index(code)] for code in range(3)))
        whole.rows[:, CITY] = np.array(order)[whole.rows[:, CITY].astype(int)]
        train, held = (
            Dataset(replace(whole.spec, count=len(rows), hash=f"{order} {part}", fields=(age, city, *others)), rows)
            for part, rows in enumerate(np.split(whole.rows, [300]))
        )
        gan: Any = Given(train, torch.from_numpy(train.take(np.arange(100))))
        found = Judge(train, held, Columns(train.spec)).evaluate(gan, 100)
        columns.append({name: score.mean_picture for name, score in found.metrics.items()})
    for name in ("FD[columns]", "KD[columns]"):
        assert columns[0][name] == pytest.approx(columns[1][name], rel=1e-3), name


def test_a_judge_waits_for_no_other_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several processes that train together one judges, while the others wait for it: torchmetrics would gather."""
    features = Look()
    features.classes = tuple("abcd")
    alone = judged_cloud(cloud(100, 1), 100, features)
    monkeypatch.setattr("torchmetrics.metric.jit_distributed_available", lambda: True)
    assert judged_cloud(cloud(100, 1), 100, features) == alone
    assert {"FD[look]", "IS[look]"} <= set(alone.metrics)
