"""A made-up table like a census, with missing values, a date and relations between its columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd


def people(count: int, seed: int = 0) -> Any:
    """Who studied longer earns more, has another job, and is wanted for the target `rich`; some cells are missing."""
    chance = np.random.default_rng(seed)
    years = chance.integers(4, 17, count).astype(float)
    age = np.clip(chance.normal(40, 12, count), 17, 90).round()
    pay = years * 3000 + age * 200 + chance.normal(0, 4000, count)
    pay[chance.random(count) < 0.05] = np.nan
    job = np.where(years > 12, "office", np.where(chance.random(count) < 0.3, "farm", "shop")).astype(object)
    job[chance.random(count) < 0.08] = None
    rich = np.nan_to_num(pay, nan=30_000) + chance.normal(0, 4000, count) > 45_000
    began = pd.Timestamp("2000-01-01") + pd.to_timedelta(((90 - age) * 100).astype(int), unit="D")
    place = chance.choice(["Rome", "Oslo", "Bern"], count, p=[0.6, 0.3, 0.1])
    return pd.DataFrame(
        {"age": age.astype(int), "years": years, "pay": pay, "job": job, "place": place, "began": began, "rich": rich}
    )
