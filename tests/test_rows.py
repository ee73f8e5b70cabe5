"""Rows of a table: what is asked for holds in all of them, and they depend on the seed and nothing else."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import numpy as np
import pandas as pd
import pytest
import torch

from sparring import recipes, rows
from sparring.data.tables import nearby, wishes
from sparring.data.tables.check import check
from sparring.data.tables.dataset import table
from sparring.errors import SparringError
from sparring.gan import GAN
from sparring.rows import Rows, together

RULES = ("start <= end", "town+country fixed")


def frame() -> pd.DataFrame:
    chance = np.random.default_rng(0)
    n = 1500
    town = chance.choice(["Rome", "Oslo", "Bern"], n, p=[0.6, 0.37, 0.03])
    return check(
        pd.DataFrame(
            {
                "id": np.arange(n) + 7,
                "age": chance.integers(18, 90, n),
                "pay": np.where(chance.random(n) < 0.2, np.nan, chance.normal(50, 9, n).round(2)),
                "town": town,
                "country": pd.Series(town).map({"Rome": "IT", "Oslo": "NO", "Bern": "CH"}),
                "street": [f"{number:03d} Road" for number in chance.integers(0, 700, n)],
                "start": chance.integers(0, 60, n),
                "end": chance.integers(60, 99, n),
                "planet": "Earth",
            }
        ),
        "it",
    )


def gan_of(rules: tuple[str, ...] = ()) -> GAN:
    """A generator that has learnt nothing, so that whatever holds is the sampler's work."""
    torch.manual_seed(0)
    recipe = recipes.find("ctgan")
    gan = recipe.gan(table("it", frame(), ["street=categorical"], rules).spec, recipe.config(width=8, latent=4))
    return gan.eval()


@pytest.fixture(scope="module")
def gan() -> GAN:
    return gan_of()


def test_rows_are_like_the_data_and_the_first_do_not_depend_on_how_many(gan: GAN) -> None:
    before = _digest(gan)
    few, many = together(Rows(gan), 10), together(Rows(gan), 9000)
    pd.testing.assert_frame_equal(few, many.head(10))
    assert few.dtypes.to_dict() == frame().dtypes.to_dict()
    assert not few.equals(together(Rows(gan, seed=1), 10))
    assert many["id"].tolist() == list(range(1507, 1507 + 9000))
    assert _digest(gan) == before


def threads_of_a_new_one() -> int:
    """How many threads torch would use in a thread that begins now."""
    with ThreadPoolExecutor(1) as later:
        return later.submit(torch.get_num_threads).result()


@pytest.mark.parametrize("threads", [1, 3])
def test_each_block_is_one_threads_whoever_asks_and_other_threads_are_left_alone(
    gan: GAN, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks: list[tuple[int, int]] = []
    make, before = Rows._make, torch.get_num_threads()

    def made(self: Rows, number: int) -> np.ndarray:
        blocks.append((number, torch.get_num_threads()))
        return make(self, number)

    monkeypatch.setattr(Rows, "_make", made)
    alone = together(Rows(gan, "town=Bern", seed=2), 2 * rows.MOST)
    torch.set_num_threads(threads)
    try:
        blocks.clear()
        many = Rows(gan, "town=Bern", seed=2)
        pd.testing.assert_frame_equal(together(many, 2 * rows.MOST), alone)
        assert sorted(blocks) == [(number, 1) for number in range(many.drawn // many.block)], "each is used, and once"
        first, second = (Rows(gan).take(10 * rows.MOST) for _ in range(2))
        next(first), next(second)
        assert threads_of_a_new_one() == threads, "though rows are still being made"
        blocks.clear()
        first.close(), second.close()
        assert len(blocks) < 6, "and then no more are"
        assert threads_of_a_new_one() == torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)


def _digest(gan: GAN) -> str:
    return hashlib.sha256(b"".join(t.numpy().tobytes() for t in gan.state_dict().values())).hexdigest()


def test_all_rows_have_what_is_asked_and_new_identifiers(gan: GAN) -> None:
    maker = Rows(gan, ["town=Bern", "country!=IT", "age>=30", "age<60", "pay!=", "planet=Earth"])
    made = together(maker, 300)
    assert len(made) == 300
    assert maker.kept < maker.drawn
    assert (made.town == "Bern").all()
    assert (made.country != "IT").all()
    assert made.age.between(30, 59).all()
    assert made.pay.notna().all()
    assert made.id.is_unique
    assert made.id.min() == 1507
    assert together(Rows(gan, {"pay": None}), 20).pay.isna().all()


def test_the_generator_is_given_the_rarest_of_what_is_asked(gan: GAN, monkeypatch: pytest.MonkeyPatch) -> None:
    given = []
    sample = gan.sample
    monkeypatch.setattr(gan, "sample", lambda noise, wish: given.append(wish) or sample(noise, wish))
    next(Rows(gan, ["country!=CH", "town=Bern"]).take(1))
    towns = sorted({"Rome", "Oslo", "Bern"})
    assert set(given[0].argmax(1).tolist()) == {towns.index("Bern")}  # of the first part of a block
    given.clear()
    next(Rows(gan, ["country!=CH"]).take(1))
    asked = given[0].argmax(1).numpy() - 3  # among CH, IT, NO, as frequent as in the data
    assert np.bincount(asked, minlength=3)[1:] / len(asked) == pytest.approx([0.6 / 0.97, 0.37 / 0.97], abs=0.04)
    assert 0 not in asked


def test_a_value_of_a_wide_column_is_had_though_it_shares_its_code(gan: GAN) -> None:
    street = next(field for field in gan.spec.fields if field.name == "street")
    assert len(street.values) > street.codes
    maker = Rows(gan, {"street": street.values[5]})
    assert set(together(maker, 40).street) == {street.values[5]}
    others = together(Rows(gan, [f"street!={street.values[5]}"]), 4000).street
    assert street.values[5] not in set(others)
    assert others.nunique() > 400


def test_every_row_keeps_the_constraints() -> None:
    made = together(Rows(gan_of(RULES), ["age>40"]), 500)
    assert (made.start <= made.end).all()
    assert (made.age > 40).all()
    assert set(zip(made.town, made.country, strict=True)) <= {("Rome", "IT"), ("Oslo", "NO"), ("Bern", "CH")}


def test_what_is_hardly_met_ends_in_a_sentence(gan: GAN, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "PATIENCE", 16_384)
    data = frame()
    asked = Rows(
        gan, ["age=89", "pay>70", "start=7"], beside=lambda holds: f", as have {holds(data).sum()} of the data"
    )
    there = int(((data.age == 89) & (data.pay > 70) & (data.start == 7)).sum())
    with pytest.raises(
        SparringError, match=rf"of 16,384 rows drawn have age=89 and pay>70 and start=7, as have {there} of the"
    ):
        list(islice(asked.take(1000), 10))


def test_mistakes_are_sentences(gan: GAN) -> None:
    with pytest.raises(SparringError, match="no row of the data has town=Rome and town=Oslo"):
        Rows(gan, ["town=Rome", "town=Oslo"])
    with pytest.raises(SparringError, match="one row or more; 0 were asked for"):
        list(Rows(gan).take(0))
    with pytest.raises(SparringError, match="a seed is 0 or more"):
        Rows(gan, seed=-1)


def test_a_number_that_hardly_any_row_has_is_given_to_the_nearest(gan: GAN, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "SOON", 8192)
    usual = together(Rows(gan), 8192)["pay"]
    asked = next(asked for asked in np.arange(4000, 6000) / 100 if not (usual == asked).any())
    where = {"pay": asked, "town": "Oslo"}
    maker = Rows(gan, where)
    with pytest.warns(UserWarning, match=rf"had pay={asked} that in (89|90) rows pay was set"):
        many = together(maker, 90)
    assert (many["pay"] == asked).all()
    assert (many["town"] == "Oslo").all()
    with pytest.warns(UserWarning, match="rows pay was set"):
        pd.testing.assert_frame_equal(together(Rows(gan, where), 20), many.head(20))
    assert 0 < maker.kept <= maker.drawn / rows.NEAREST


def test_the_nearest_rows_are_those_that_had_a_close_number() -> None:
    fields = {field.name: field for field in gan_of().spec.fields}
    of = nearby.bounds(fields["pay"], wishes.read(list(fields.values()), ["pay>=70", "pay<70.5"]))
    column = pd.Series([70.2, 69.9, 30.0, np.nan, 71.0])
    far = nearby.apart(of, column)
    assert far.argsort().tolist() == [0, 1, 4, 2, 3]
    moved = nearby.moved(of, column, np.arange(5, dtype=np.uint64))
    assert moved[0] == 70.2, "what holds already stays"
    assert moved[1:].between(70, 70.5).all()
    assert moved[1:].nunique() == 4, "spread as the column is, and not put on the bound"


@pytest.mark.parametrize(
    "where",
    [["age>=50", "age<=40"], ["age>50", "age<51"], ["age=30", "age!=30"], ["pay=", "pay>3"], ["pay<5", "pay>=5"]],
)
def test_wishes_that_contradict_each_other_are_told_before_a_row_is_drawn(gan: GAN, where: list[str]) -> None:
    with pytest.raises(SparringError, match=f"no row can have {where[0]} and {where[1]}|no row can have {where[0]}"):
        Rows(gan, where)
