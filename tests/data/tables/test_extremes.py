"""Numbers of an enormous or a tiny size go all the way: kind, card, rows, picture, figures, and back."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from sparring import recipes
from sparring.data.tables import codec, plots
from sparring.data.tables.check import check
from sparring.data.tables.dataset import table
from sparring.data.tables.kinds import infer
from sparring.metrics.tables.judge import judge
from sparring.rows import Rows, together

N = 300
RANDOM = np.random.default_rng(0)
COLUMNS = {
    "huge": RANDOM.normal(7.5e299, 1e298, N),
    "both ends": RANDOM.normal(0, 5e307, N).clip(-1.7e308, 1.7e308),
    "all sizes": 10 ** RANDOM.uniform(-5, 300, N),
    "all sizes and signs": 10 ** RANDOM.uniform(-300, 300, N) * RANDOM.choice([-1, 1], N),
    "tiny": RANDOM.normal(3e-300, 1e-301, N),
    "denormal": RANDOM.integers(1, 4000, N) * 5e-324,
    "quarters and huge": np.where(RANDOM.random(N) < 0.5, RANDOM.integers(1, 999, N) / 4, 1e307 * RANDOM.random(N)),
    "uint64": RANDOM.integers(0, 2**64 - 1, N, dtype=np.uint64),
    "int64": RANDOM.integers(-(2**63), 2**63 - 1, N),
    "float32": RANDOM.normal(1e38, 3e37, N).astype("float32"),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_it_is_learnt_drawn_judged_and_made(name: str) -> None:
    frame = check(pd.DataFrame({"x": COLUMNS[name], "g": RANDOM.choice(["a", "b"], N)}), "it")
    decision = infer(frame)["x"]
    assert decision.kind == ("integer" if "int" in name else "continuous")
    assert len(decision.why) < 120, "no number is written with 300 digits"
    data = table("it", frame)
    plots.plots(data.spec, torch.from_numpy(data.rows))
    back = codec.decode(data.spec.fields, data.rows)
    assert back.dtypes.to_dict() == frame.dtypes.to_dict()
    was, now = (part["x"].to_numpy(dtype=np.float64) for part in (frame, back))
    size = np.abs(was).max() if name == "quarters and huge" else np.abs(was)
    assert np.median(np.abs(was / size - now / size)) < 1e-3
    found = judge(data.spec.fields, frame.iloc[:200], frame.iloc[200:], back)
    assert found.metrics["column shapes"].value > 0.8
    torch.manual_seed(0)
    recipe = recipes.find("ctgan")
    gan = recipe.gan(data.spec, recipe.config(width=8, latent=4)).eval()
    made = together(Rows(gan), 300)["x"]
    assert made.astype(float).between(was.min(), was.max()).all(), "whole numbers of 64 bits are learnt as floats"
    assert made.nunique() > 20
    some = np.sort(frame["x"])[100]
    assert (together(Rows(gan, f"x>={some!s}"), 20)["x"] >= some).all()
