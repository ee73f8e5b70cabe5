"""The judge: does it tell good generators from collapsed, copying, blurred and noisy ones, and say by what right?"""

from __future__ import annotations

import functools
import json
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch
from test_bank import Look
from torch import Tensor
from torch.nn.functional import avg_pool2d

from sparring.data.dataset import Dataset, decode
from sparring.data.source import open_data
from sparring.data.split import part
from sparring.metrics import bank, judge, trained
from sparring.metrics.features import Features, extractor
from sparring.metrics.judge import Evaluation, Judge, Score

COUNT = 300  # fakes


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty cache for each test."""
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path / "cache"))


class Given:
    """In place of a trained GAN: its samples are given, in their order; other seeds begin elsewhere."""

    conditional = translates = False

    def __init__(self, dataset: Dataset, samples: Tensor) -> None:
        self.spec, self.samples = dataset.spec, samples

    def latents(self, n: int, seed: int) -> Tensor:
        return (torch.arange(n) + 10 * seed) % len(self.samples)

    def sample(self, noise: Tensor, given: Tensor) -> Tensor:
        return self.samples[noise]


@functools.cache
def digits() -> tuple[Dataset, Dataset, Tensor]:
    """-> 800 to train on; 400 held out; 300 new ones, as an ideal generator would make."""
    whole = open_data("digits")
    order = np.random.default_rng(0).permutation(len(whole))
    train, held, new = (part(whole, np.sort(rows)) for rows in (order[:800], order[800:1200], order[1200:1500]))
    return train, held, pictures(new)


@functools.cache
def network() -> Features:
    with mock.patch.object(trained, "STEPS", 60):
        return extractor("trained", digits()[0])


def pictures(dataset: Dataset) -> Tensor:
    return decode(torch.from_numpy(dataset.take(np.arange(len(dataset)))))


def judged(samples: Tensor, **changes: Any) -> Evaluation:
    """The verdict on samples that pose as a generator of digits."""
    train, held, _ = digits()
    return Judge(train, held, network(), **changes).evaluate(Given(train, samples), len(samples))  # type: ignore[arg-type]


def values(evaluation: Evaluation) -> dict[str, float]:
    return {name.partition("[")[0]: score.value for name, score in evaluation.metrics.items()}


# ---------------------------------------------------------------- what generators deserve


def test_the_held_out_samples_themselves_are_at_no_distance() -> None:
    found = judged(pictures(digits()[1]))
    distance = found.metrics["KD[trained-digits]"]
    assert distance.error is not None
    assert abs(distance.value) < 3 * distance.error
    seen = values(found)
    assert seen["FD"] < 1e-3
    assert (seen["precision"], seen["recall"], seen["density"], seen["coverage"]) == (1, 1, 1, 1)


def test_an_honest_generator_scores_as_real_samples_do() -> None:
    found = judged(digits()[2])
    for name in ("precision", "recall", "density", "coverage", "diversity", "IS[trained-digits]", "memorising"):
        score = found.metrics[name]
        assert score.floor is not None
        assert score.value == pytest.approx(score.floor, rel=0.2), name
    assert found.metrics["precision"].value > 0.85
    assert found.metrics["FD[trained-digits]"].value < 0.2 * found.metrics["FD[trained-digits]"].mean_picture  # type: ignore[operator]


def test_a_collapsed_generator_has_precision_but_neither_recall_nor_coverage() -> None:
    one = digits()[2][4:5]
    stray = torch.randn(COUNT, *one.shape[1:], generator=torch.Generator().manual_seed(0))
    seen = values(judged((one + 0.02 * stray).clamp(-1, 1)))
    assert seen["precision"] > 0.9
    assert seen["recall"] < 0.02
    assert seen["coverage"] < 0.1
    assert seen["diversity"] < 0.1 * values(judged(digits()[2]))["diversity"]
    assert seen["IS"] < 1.5


def test_a_generator_that_returns_training_samples_is_caught_and_its_copies_are_named() -> None:
    train, held, _ = digits()
    rows = np.random.default_rng(1).permutation(len(train))[:COUNT]
    found = judged(decode(torch.from_numpy(train.take(rows))))
    assert values(found)["memorising"] < 0.05
    assert values(found)["precision"] > 0.8, "which all else overlooks"
    assert len(found.pairs) == judge.PAIRS
    between = torch.cdist(network()(pictures(train)), network()(pictures(held)))
    for fake, known, new in found.pairs:
        assert known == rows[fake]
        assert new == int(between[known].argmin())


def test_a_few_copies_among_honest_samples_are_named_first() -> None:
    train, _, new = digits()
    copies = {5: 700, 40: 3, 77: 799, 201: 0, 299: 455}
    samples = new.clone()
    for fake, row in copies.items():
        samples[fake] = pictures(part(train, np.array([row])))[0]
    found = judged(samples)
    assert {fake: row for fake, row, _ in found.pairs[: len(copies)]} == copies
    assert values(found)["memorising"] > 0.8, "they hardly move the median"


def test_pairs_name_rows_of_the_data_where_only_some_of_them_were_looked_at() -> None:
    train, held, _ = digits()
    looked, known = bank.chosen(train, 200), bank.chosen(held, 100)
    found = judged(pictures(part(train, looked)), most=100, most_training=200)
    assert found.protocol["training"] == 200
    assert all(row == looked[fake] and new in known for fake, row, new in found.pairs)
    assert any("among 200 of 800 training samples" in note for note in found.notes)
    assert not any("Copies" in note for note in judged(digits()[2]).notes)


def test_blurred_is_worse_than_sharp_and_noise_is_worse_than_blurred() -> None:
    sharp = digits()[2]
    blurred = avg_pool2d(sharp, 5, 1, 2, count_include_pad=False)
    noise = torch.rand(sharp.shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
    good, worse, worst = (judged(samples) for samples in (sharp, blurred, noise))
    for metric in ("KD[trained-digits]", "FD[trained-digits]"):
        one, two, three = (found.metrics[metric] for found in (good, worse, worst))
        assert two.value - one.value > 3 * ((one.error or 0) + (two.error or 0)), metric
        assert three.value - two.value > 3 * ((two.error or 0) + (three.error or 0)), metric
    assert values(good)["precision"] > 0.9
    assert values(worst)["precision"] < 0.1


def test_the_laziest_generators_score_stands_beside_every_other() -> None:
    """A generator that only knows the mean of the training data is judged as the column says that it would be."""
    train, _, new = digits()
    mean = pictures(train).add(1).mul(127.5).double().mean(0).round().div(127.5).sub(1).float()
    lazy, column = values(judged(mean.repeat(COUNT, 1, 1, 1))), judged(new).metrics
    for name, score in column.items():
        if name != "memorising":
            assert score.mean_picture == pytest.approx(lazy[name.partition("[")[0]], rel=0.02, abs=1e-3), name


# ---------------------------------------------------------------- what may make no difference


def test_how_many_are_made_and_looked_at_together_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = judged(digits()[2])
    monkeypatch.setattr(judge, "PASS", 7)
    monkeypatch.setattr(bank, "BATCH", 11)
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path / "another"))
    parts = judged(digits()[2])
    assert parts.pairs == whole.pairs
    for name, score in whole.metrics.items():
        one, other = ([value or 0.0 for value in astuple(found)] for found in (parts.metrics[name], score))
        assert one == pytest.approx(other, rel=1e-3, abs=1e-4), name


def test_pictures_are_judged_as_their_files_would_be() -> None:
    exact = digits()[2]
    assert judged((exact + 0.3 / 127.5).clamp(-1, 1)) == judged(exact)


def test_the_order_of_the_training_data_decides_nothing() -> None:
    """A folder's samples come class by class: the first of them would be a poor stand-in for all."""
    train, held, new = digits()
    assert train.labels is not None
    by_class = np.argsort(train.labels, kind="stable")
    ordered = Dataset(replace(train.spec, hash="by class"), train.take(by_class), train.labels[by_class])
    found = Judge(ordered, held, network(), most=100).evaluate(Given(train, new), COUNT)  # type: ignore[arg-type]
    shuffled = judged(new, most=100)
    for name in ("precision", "recall", "coverage", "diversity"):
        assert found.metrics[name].floor == pytest.approx(shuffled.metrics[name].floor, abs=0.15), name


def test_the_baselines_are_of_as_many_samples_as_the_fakes() -> None:
    train, held, new = digits()
    gan: Any = Given(train, new)
    one = Judge(train, held, network())
    few, more = one.evaluate(gan, 100), one.evaluate(gan, COUNT)
    assert more == Judge(train, held, network()).evaluate(gan, COUNT)
    assert few.metrics["FD[trained-digits]"].floor != more.metrics["FD[trained-digits]"].floor
    assert one.evaluate(gan, 100) == few


def test_a_second_judge_looks_at_no_real_data_again() -> None:
    train, held, new = digits()
    features = Look()
    gan: Any = Given(train, new)
    Judge(train, held, features).evaluate(gan, 50)
    assert features.seen == 800 + 400 + 50 + 1, "all real samples, the fakes and the mean picture"
    again = Judge(train, held, features)
    again.evaluate(gan, 50)
    again.evaluate(gan, 50, seed=1)
    assert features.seen == 1251 + 50 + 1 + 50


# ---------------------------------------------------------------- what is said


def test_the_protocol_is_complete_and_names_carry_the_network() -> None:
    found = judged(digits()[2])
    assert found.protocol == {
        "features": "trained-digits",
        "fingerprint": network().fingerprint,
        "preprocessing": network().preprocessing,
        "real": 400,
        "fake": COUNT,
        "training": 800,
        "split": "held-out",
        "seed": 0,
    }
    assert set(found.metrics) == {
        *("KD[trained-digits]", "FD[trained-digits]", "IS[trained-digits]", "diversity", "memorising"),
        *("precision", "recall", "density", "coverage"),
    }
    assert found.metrics["KD[trained-digits]"].error is not None


def test_the_seed_decides_the_samples() -> None:
    train, held, new = digits()
    gan: Any = Given(train, new)
    one = Judge(train, held, network())
    first, other = one.evaluate(gan, 100, seed=0), one.evaluate(gan, 100, seed=3)
    assert first != other
    assert one.evaluate(gan, 100, seed=0) == first
    assert other.protocol["seed"] == 3


def test_json_holds_all_that_there_is_and_nothing_that_is_not() -> None:
    found = judged(digits()[2])
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert set(plain) == {"protocol", "metrics", "notes"}
    assert plain["notes"] == list(found.notes)
    assert {name: Score(**score) for name, score in plain["metrics"].items()} == found.metrics
    assert "error" not in plain["metrics"]["precision"]
