"""The estimator: scikit-learn's own checks, and that a data frame comes back as a data frame that is like it."""

from __future__ import annotations

import copy
import pickle
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

import sparring
from sparring.errors import MISTAKE, SparringError
from sparring.estimator import CTGAN
from sparring.run import Run

SMALL = {"settings": {"width": 4, "latent": 2}, "pac": 1}


# All checks of an estimator apply but those that skip themselves: of transformers, predictors and sparse input, and of
# text and missing values as mistakes, for both are learnt (the input tags say so).
@parametrize_with_checks([CTGAN(steps=1, batch=2, **SMALL)])
def test_scikit_learn_checks(estimator: CTGAN, check: Callable[[CTGAN], None]) -> None:
    check(estimator)


def frame() -> pd.DataFrame:
    chance = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "age": chance.integers(18, 90, 200),
            "most": chance.integers(91, 120, 200),
            "sex": chance.choice(["Female", "Male"], 200),
            "zip": chance.choice([10115, 20095, 80331], 200),
        },
        index=np.arange(200) * 3,
    )


@pytest.fixture(scope="module")
def fitted() -> CTGAN:
    asked = {"kinds": ["zip=categorical"], "constraints": ["age <= most"]}
    return sparring.CTGAN(steps=2, batch=20, **asked, **SMALL).fit(frame())


def test_samples_are_like_the_data(fitted: CTGAN) -> None:
    rows = fitted.sample(300, where={"sex": "Female", "zip": 80331})
    assert rows.dtypes.to_dict() == frame().dtypes.to_dict()
    assert set(rows.sex) == {"Female"}
    assert set(rows.zip) == {80331}
    assert (rows.age <= rows.most).all()
    assert fitted.feature_names_in_.tolist() == list(frame())
    pd.testing.assert_frame_equal(fitted.sample(9, seed=4), fitted.sample(30, seed=4).head(9))


def test_it_is_copied_without_loss_and_sampling_changes_nothing(fitted: CTGAN) -> None:
    before = pickle.dumps(fitted)
    rows = fitted.sample(20)
    assert pickle.dumps(fitted) == before
    pd.testing.assert_frame_equal(pickle.loads(before).sample(20), rows)
    pd.testing.assert_frame_equal(copy.deepcopy(fitted).sample(20), rows)
    fresh = clone(fitted)
    assert fresh.get_params() == fitted.get_params()
    assert not hasattr(fresh, "run_")


def test_a_refit_forgets_the_first_table(fitted: CTGAN) -> None:
    again = copy.deepcopy(fitted).set_params(kinds=(), constraints=())
    again.sample(2)
    assert list(again.fit(frame()[["age", "sex"]]).sample(2)) == ["age", "sex"]


def test_the_run_is_kept_where_a_folder_is_named(tmp_path: Path) -> None:
    model = CTGAN(steps=1, batch=20, out=str(tmp_path / "run"), **SMALL).fit(frame())
    pd.testing.assert_frame_equal(Run(tmp_path / "run").rows(5), model.sample(5))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that learnt from a data frame."""
    out = tmp_path_factory.mktemp("kept") / "run"
    settings = {"steps": 2, "batch": 20, "held_out": 0.2, "out": str(out), "width": 4, "latent": 2, "device": "cpu"}
    run = sparring.train("ctgan", frame().astype({"age": "Int64", "sex": object}), quiet=True, **settings)
    assert run.data == "a data frame"
    assert run.rows(5).dtypes.astype(str).tolist() == ["Int64", "int64", "object", "int64"]
    assert run.parts()[0].spec.hash == run.spec.hash, "the frame is still at hand"
    return out


def command(monkeypatch: pytest.MonkeyPatch, *words: str) -> object:
    """The command line in this process. -> its exit status"""
    from sparring import cli

    monkeypatch.setattr(sys, "argv", ["sparring", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code


@pytest.mark.parametrize("words", [["train", "--steps", "3", "--resume"], ["evaluate"]])
def test_a_run_on_a_data_frame_says_how_to_give_it_again(
    kept: Path, words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command(monkeypatch, *words, str(kept)) == MISTAKE
    told = capsys.readouterr().err
    assert "learnt from a data frame, which no file keeps" in told
    assert f'sparring.resume("{kept}", data=frame)' in told
    assert len(told.splitlines()) == 1


def test_what_needs_no_data_works_of_a_run_on_a_data_frame(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyarrow", reason="pip install 'sparring[tables]'")
    assert command(monkeypatch, "sample", str(kept), "-n", "7", "--out", str(tmp_path / "rows.parquet")) == 0
    assert pd.read_parquet(tmp_path / "rows.parquet").dtypes.astype(str).age == "Int64"
    assert (kept / "report.html").is_file()


def test_a_run_on_a_data_frame_goes_on_and_is_judged_with_it(kept: Path, tmp_path: Path) -> None:
    from sparring.evaluate import evaluate

    folder = Path(shutil.copytree(kept, tmp_path / "run"))
    with pytest.raises(SparringError, match="a data frame has changed since the run began"):
        sparring.resume(folder, data=frame().head(150), quiet=True, steps=3)
    run = sparring.resume(folder, data=frame(), quiet=True, steps=3)
    assert run.gan.count == 3
    evaluation = evaluate(sparring.load(folder, data=frame()), fake=100)
    assert evaluation.protocol["training"] == len(run.parts()[0])
    with pytest.raises(SparringError, match="a data frame stays in one process"):
        sparring.resume(folder, data=frame(), quiet=True, steps=4, processes=2)
    with pytest.raises(SparringError, match="a data frame stays in one process"):
        sparring.train("ctgan", frame(), quiet=True, processes=2)


def test_a_data_frame_is_of_no_use_to_a_run_on_a_file(tmp_path: Path) -> None:
    frame().to_csv(tmp_path / "people.csv", index=False)
    out = str(tmp_path / "run")
    sparring.train("ctgan", tmp_path / "people.csv", quiet=True, steps=1, batch=20, out=out, width=4, latent=2)
    with pytest.raises(SparringError, match=r"people\.csv, which is looked up there: leave out `data`"):
        sparring.resume(out, data=frame(), quiet=True, steps=2)


def test_mistakes_are_sentences_and_value_errors(fitted: CTGAN) -> None:
    for mistake in (SparringError, ValueError):
        with pytest.raises(mistake, match="there is no column `sx`; perhaps you meant sex"):
            fitted.sample(3, where="sx=Male")
        with pytest.raises(mistake, match=r"sparring\.CTGAN: there is no `widht`; perhaps you meant width"):
            CTGAN(steps=1, settings={"widht": 4}).fit(frame())
        with pytest.raises(mistake, match="rows break `most < age`"):
            CTGAN(steps=1, constraints=["most < age"]).fit(frame())
