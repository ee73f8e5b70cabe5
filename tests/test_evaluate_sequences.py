"""`sparring evaluate` of sequences: what is good, what is unlike and what is copied get different words."""

from __future__ import annotations

import json

import pytest
import torch

from sparring.errors import MISTAKE
from sparring.evaluate_sequences import Row, SequenceEvaluation, judge, verdict
from sparring.run import Run
from test_cli import run as command
from test_sampling_sequences import stations

ROUNDS = 40


def waves(count: int, seed: int) -> torch.Tensor:
    """(count, 2, 12): a wave of any phase and height, and where it was a step before."""
    chance = torch.Generator().manual_seed(seed)
    phase, height = (torch.rand(count, 1, generator=chance) for _ in range(2))
    wave = (phase * 6.3 + torch.arange(13) / 2).sin() * (0.4 + 0.5 * height)
    return torch.stack([wave[:, 1:], wave[:, :-1]], 1)


def judged(made: torch.Tensor) -> SequenceEvaluation:
    return judge(waves(200, 0), waves(60, 1), made, rounds=ROUNDS)


def test_a_copy_is_caught_beside_the_scores_that_it_wins(capsys: pytest.CaptureFixture[str]) -> None:
    found = judged(waves(200, 0))
    assert found.metrics["memorising"].value == 0
    assert found.verdict[0].startswith("It copies training sequences")
    assert "judging 1 of 5: the run" in capsys.readouterr().err
    assert found.metrics["discriminative"].value == pytest.approx(found.metrics["discriminative"].copy, abs=0.15)


def test_shifted_waves_are_told_apart_and_new_ones_are_not() -> None:
    shifted, new = judged(waves(200, 2) * 0.3 + 0.6), judged(waves(200, 2))
    assert new.metrics["discriminative"].value < 0.25 < shifted.metrics["discriminative"].value  # type: ignore[operator]
    assert new.metrics["predictive"].value < shifted.metrics["predictive"].value  # type: ignore[operator]
    assert new.metrics["memorising"].value > 0.7  # type: ignore[operator]
    assert None not in vars(new.metrics["discriminative"]).values(), "each baseline stands beside it"
    assert any("Train longer" in said for said in shifted.verdict)


@pytest.mark.parametrize(
    ("value", "var", "n", "said"),
    [
        (0.1, 0.4, 1000, "harder to tell from real ones than a linear model's, and they are no copies"),
        (0.4, 0.1, 1000, "easier to tell"),
        (0.2, 0.25, 50, "no difference that can be seen in 50 sequences"),
    ],
)
def test_the_verdict_holds_it_against_a_linear_model(value: float, var: float, n: int, said: str) -> None:
    metrics = {"discriminative": Row(value, 0.0, var, 0.5, 0.0), "memorising": Row(1.0)}
    assert said in " ".join(verdict(metrics, n))


def test_one_channel_without_held_out_sequences_is_judged_as_far_as_can_be() -> None:
    found = judge(waves(40, 0)[:, :1], None, waves(40, 1)[:, :1], rounds=10)
    assert list(found.metrics) == ["discriminative"]
    assert len(found.notes) == 3
    assert "40 sequences each discriminative score is uncertain by 0.25" in found.notes[1]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return stations(tmp_path_factory.mktemp("judged"), noise=1.0)


def test_a_run_is_judged_from_its_folder(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sparring.evaluate_sequences.LEAST_ROUNDS", 10)
    assert command(monkeypatch, "evaluate", str(run.folder), "-n", "20") == 0
    shown = capsys.readouterr().out
    for word in ("20 sequences made", "VAR(1)", "shuffled channels", "copy", "discriminative: how much", "memorising"):
        assert word in shown
    assert "KD" not in shown
    kept = json.loads((run.folder / "metrics.json").read_text())["evaluation"]
    assert kept["metrics"]["memorising"]["copy"] == 0
    page = (run.folder / "report.html").read_text()
    assert "Shuffled channels" in page
    assert kept["verdict"][0].split(":")[0] in page
    assert "discriminative" in run._repr_html_()


@pytest.mark.parametrize(
    ("typed", "said"), [(("--features", "points"), "leave out features"), (("-n", "5"), "takes 10 or more")]
)
def test_mistakes_are_sentences(
    run: Run,
    typed: tuple[str, str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert command(monkeypatch, "evaluate", str(run.folder), *typed) == MISTAKE
    assert said in capsys.readouterr().err
