"""What a conditional GAN is given: as frequent as in the data, the same for every n, and what the words asked for."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from sparring.data.columns import MOST, describe
from sparring.data.given import draw, encode, parse, sweep
from sparring.data.spec import Spec
from sparring.errors import SparringError

RANDOM = np.random.default_rng(0)
AGES = RANDOM.gamma(4, 10, 5000).astype(np.float32)
STARS = RANDOM.choice([1, 2, 5], 5000, p=[0.25, 0.65, 0.1]).astype(np.float32)
SMILES = (RANDOM.random(5000) < 0.3).astype(np.float32)
PLAIN = Spec("points", "plain", (2,), (-1.0, 1.0), 5000)
CLASSES = replace(PLAIN, name="pets", classes=("cat", "dog", "fish", "emu"), shares=(0.5, 0.3, 0.2, 0.0))
COLUMNS = tuple(describe(n, v) for n, v in (("age", AGES), ("stars", STARS), ("smiling", SMILES)))
FACES = replace(PLAIN, name="faces", columns=COLUMNS)
BOTH = replace(CLASSES, columns=COLUMNS)


def raw(rows: torch.Tensor, spec: Spec, at: int) -> np.ndarray:
    """The values of a column as they would be in a file."""
    column = spec.columns[at]
    values = rows[:, len(spec.classes) + at].double().numpy()
    return values * column.deviation + (0 if column.kind == "flag" else column.mean)


def classes(rows: torch.Tensor, spec: Spec) -> list[str]:
    """The class of each row, which has one and no more."""
    hot = rows[:, : len(spec.classes)]
    assert set(hot.unique().tolist()) <= {0.0, 1.0}
    assert (hot.sum(1) == 1).all()
    return [spec.classes[number] for number in hot.argmax(1)]


def test_cards_tell_flags_from_numbers() -> None:
    kinds = {name: column.kind for name, column in zip(("age", "stars", "smiling"), COLUMNS, strict=True)}
    assert kinds == {"age": "number", "stars": "number", "smiling": "flag"}
    age, _, smiling = COLUMNS
    assert (age.mean, age.deviation) == pytest.approx((AGES.mean(), AGES.std()), rel=1e-5)
    assert (age.quantiles[0], age.quantiles[-1]) == (AGES.min(), AGES.max())
    assert np.allclose(age.quantiles[50], np.median(AGES), rtol=1e-3)
    assert (smiling.mean, smiling.deviation) == pytest.approx((SMILES.mean(), 1))
    assert describe("constant", np.full(7, 0.1, np.float32)).deviation == 0


def test_quantiles_are_values_of_the_data() -> None:
    for values in ([1, 2, 5], [0, 0, 0, 9], range(40)):
        quantiles = describe("few", np.array(values, np.float32)).quantiles
        assert set(quantiles) == {float(value) for value in values}
        assert sorted(quantiles) == list(quantiles)


def test_a_card_does_not_depend_on_the_order_of_the_values() -> None:
    assert describe("age", AGES[::-1]) == COLUMNS[0], "sums must not be rounded by the way in which they are added up"


def test_rows_are_a_class_and_then_the_columns_about_their_means() -> None:
    age = COLUMNS[0]
    columns = np.array([[age.mean, 5, 1], [age.mean + 2 * age.deviation, 1, 0]], np.float32)
    rows = encode(BOTH, np.array([2, 0]), columns)
    assert rows.dtype == torch.float32
    assert rows[:, :4].tolist() == [[0, 0, 1, 0], [1, 0, 0, 0]]
    assert rows[:, 4].tolist() == pytest.approx([0, 2], abs=1e-5)
    assert rows[:, 6].tolist() == [1, 0]
    assert torch.equal(encode(CLASSES, np.array([2, 0]), None), rows[:, :4])
    assert torch.equal(encode(FACES, None, columns), rows[:, 4:])


def test_the_data_itself_has_the_mean_0_and_the_deviation_1() -> None:
    rows = encode(FACES, None, np.stack([AGES, STARS, SMILES], axis=1))
    assert rows[:, :2].mean(0).tolist() == pytest.approx([0, 0], abs=1e-3)
    assert rows[:, :2].std(0).tolist() == pytest.approx([1, 1], abs=1e-3)


def test_a_column_of_one_value_is_0_and_nothing_explodes() -> None:
    spec = replace(PLAIN, columns=(describe("weight", np.full(9, 70.3, np.float32)),))
    assert encode(spec, None, np.full((9, 1), 70.3, np.float32)).tolist() == [[0.0]] * 9
    assert draw(spec, 4, 0).tolist() == [[0.0]] * 4
    assert parse(spec, "weight=71", 2).flatten().tolist() == pytest.approx([0.7, 0.7], abs=1e-4)


def test_large_numbers_keep_what_float32_holds_of_them() -> None:
    seconds = np.float32(1.7e9) + 128 * np.arange(100, dtype=np.float32)
    spec = replace(PLAIN, columns=(describe("time", seconds),))
    rows = encode(spec, None, seconds[:, None])
    assert np.diff(rows[:, 0].numpy()) == pytest.approx(128 / seconds.astype(float).std(), rel=1e-3)


def test_rows_of_memory_that_may_not_be_written_or_runs_backwards_are_read() -> None:
    labels, columns = np.array([0, 1, 2]), np.array([[20, 1, 0], [30, 2, 1], [40, 5, 0]], np.float32)
    forwards = encode(BOTH, labels, columns)
    labels.flags.writeable = columns.flags.writeable = False
    assert torch.equal(encode(BOTH, labels[::-1], columns[::-1]), forwards.flip(0))


def test_classes_are_drawn_as_frequent_as_they_are() -> None:
    amounts = Counter(classes(draw(BOTH, 20_000, 0), BOTH))
    assert amounts["emu"] == 0
    for name, share in zip(CLASSES.classes, CLASSES.shares, strict=True):
        assert amounts[name] / 20_000 == pytest.approx(share, abs=0.015)
    unknown = Counter(classes(draw(replace(CLASSES, shares=()), 20_000, 0), CLASSES))
    assert all(amount == pytest.approx(5000, rel=0.1) for amount in unknown.values()), "an old card has no shares"


def test_columns_are_drawn_as_they_are_distributed() -> None:
    rows = draw(FACES, 20_000, 1)
    ages = raw(rows, FACES, 0)
    ranks = np.linspace(0.02, 0.98, 49)
    assert np.quantile(ages, ranks) == pytest.approx(np.quantile(AGES, ranks), rel=0.04)
    assert AGES.min() * 0.999 <= ages.min() < ages.max() <= AGES.max() * 1.001
    assert len(np.unique(ages)) > 15_000, "between the quantiles of a continuous column too"
    assert raw(rows, FACES, 2).mean() == pytest.approx(SMILES.mean(), abs=0.015)


def test_of_few_values_none_in_between_is_drawn() -> None:
    """Else a critic would tell fakes by their conditions alone."""
    stars = raw(draw(FACES, 20_000, 2), FACES, 1)
    values, amounts = np.unique(stars.round(3), return_counts=True)
    assert values.tolist() == [1, 2, 5]
    assert (amounts / 20_000).tolist() == pytest.approx([0.25, 0.65, 0.1], abs=0.02)


def test_columns_and_classes_are_drawn_apart() -> None:
    rows = draw(BOTH, 20_000, 3)
    together = np.corrcoef(rows[:, [0, 1, 4, 5, 6]].numpy().T)
    assert np.abs(together[np.ix_([0, 1], [2, 3, 4])]).max() < 0.03
    assert abs(together[2, 3]) < 0.03


@pytest.mark.parametrize("spec", [CLASSES, FACES, BOTH])
def test_the_first_rows_do_not_depend_on_how_many_are_drawn(spec: Spec) -> None:
    many = draw(spec, 100, 7)
    assert many.shape == (100, spec.given)
    assert torch.equal(draw(spec, 9, 7), many[:9])
    assert not torch.equal(draw(spec, 100, 8), many)


@pytest.mark.parametrize(("n", "amounts"), [(8, (2, 2, 2, 2)), (64, (16,) * 4), (4, (1,) * 4), (2, (1, 1, 0, 0))])
def test_a_sweep_shows_every_class_equally_and_in_order(n: int, amounts: tuple[int, ...]) -> None:
    shown = [CLASSES.classes.index(name) for name in classes(sweep(BOTH, n), BOTH)]
    assert shown == sorted(shown)
    assert tuple(shown.count(number) for number in range(4)) == amounts
    assert torch.equal(sweep(BOTH, n, 3)[:, 4:], draw(BOTH, n, 3)[:, 4:])


def test_a_sweep_that_does_not_come_out_even_is_as_even_as_may_be() -> None:
    amounts = Counter(classes(sweep(CLASSES, 11), CLASSES))
    assert sorted(amounts.values()) == [2, 3, 3, 3]


def test_without_classes_a_sweep_is_drawn() -> None:
    assert torch.equal(sweep(FACES, 5, 2), draw(FACES, 5, 2))


@pytest.mark.parametrize("n", [0, 3])
def test_data_without_conditions_gives_rows_of_nothing(n: int) -> None:
    assert PLAIN.given == 0
    assert draw(PLAIN, n, 0).shape == sweep(PLAIN, n).shape == (n, 0)
    assert draw(BOTH, n, 0).shape == sweep(BOTH, n).shape == (n, 7)


@pytest.mark.parametrize(
    "text", ["dog", "class=dog", " class = dog ", "dog,age=30,smiling=1", "age = 30, smiling, dog"]
)
def test_words_and_values_come_to_the_same_row(text: str) -> None:
    rows, others = parse(BOTH, text, 6, seed=5), draw(BOTH, 6, 5)
    wanted = encode(BOTH, np.full(6, 1), np.tile(np.float32([30, 2, 1]), (6, 1)))
    assert torch.equal(rows[:, :4], wanted[:, :4])
    asked = [4, 6] if "age" in text else []
    assert torch.equal(rows[:, asked], wanted[:, asked])
    left = [place for place in (4, 5, 6) if place not in asked]
    assert torch.equal(rows[:, left], others[:, left]), "what is not named is drawn"


def test_a_class_may_be_left_to_chance() -> None:
    rows = parse(BOTH, "smiling=0", 50)
    assert torch.equal(rows[:, :4], draw(BOTH, 50, 0)[:, :4])
    assert rows[:, 6].sum() == 0


def test_names_that_look_like_words_of_their_own_are_understood() -> None:
    odd = replace(BOTH, classes=("shirts, grey", "a=b", "smiling", "7"), columns=(*COLUMNS, describe("class", AGES)))
    for text, name in (("shirts, grey", "shirts, grey"), ("a=b", "a=b"), ("smiling", "smiling"), ("7", "7")):
        assert set(classes(parse(odd, text, 3), odd)) == {name}
    assert parse(odd, "smiling=1", 3)[:, 6].tolist() == [1, 1, 1]
    assert raw(parse(odd, "class=30", 3), odd, 3) == pytest.approx([30] * 3, rel=1e-5)


@pytest.mark.parametrize(
    ("spec", "text", "message"),
    [
        (CLASSES, "dgo", "pets has no class `dgo`; perhaps you meant dog"),
        (CLASSES, "class=9", "pets has no class `9`; there are cat, dog, fish, emu"),
        (CLASSES, "age=30", "pets has no column `age`; it has no columns"),
        (CLASSES, "", "pets has no class ``; there are cat, dog, fish, emu"),
        (FACES, "class=7", "faces has no class `7`; it has no classes"),
        (FACES, "smilng", "faces has no class or column `smilng`; perhaps you meant smiling"),
        (BOTH, "horse", "pets has no class or column `horse`; there are cat, dog, fish, emu, age, stars, smiling"),
        (BOTH, "cat,aeg=30", "pets has no column `aeg`; perhaps you meant age"),
        (BOTH, "age=old", "`age` must be a number, such as 40.42; it is `old`"),
        (BOTH, "age=nan", "it is `nan`"),
        (BOTH, "age=-inf", "it is `-inf`"),
        (BOTH, "age=1e300", "it is `1e300`"),
        (BOTH, "age=", "such as 40.42; none is given"),
        (BOTH, "age", "`age` must be a number, such as 40.42; none is given"),
        (BOTH, "smiling=0.5", "`smiling` must be 0 or 1; it is `0.5`"),
        (BOTH, "smiling=yes", "`smiling` must be 0 or 1; it is `yes`"),
        (BOTH, "cat,class=dog", "`cat,class=dog` asks for two things at once"),
        (BOTH, "age=3,age=4", "asks for two things at once"),
        (PLAIN, "cat", "plain has no class `cat`; it has no classes"),
        (PLAIN, "age=3", "plain has no column `age`; it has no columns"),
    ],
)
def test_what_the_data_does_not_have_is_told_in_a_sentence(spec: Spec, text: str, message: str) -> None:
    with pytest.raises(SparringError, match=message):
        parse(spec, text, 2)


def test_a_thousand_names_make_a_short_sentence() -> None:
    many = replace(CLASSES, classes=tuple(f"{number:03d}" for number in range(1000)), shares=())
    with pytest.raises(SparringError, match=r"no class `cat`; there are 000, 001, .*, 011 and 988 more$"):
        parse(many, "cat", 2)


def test_the_most_tags_there_may_be_are_encoded_as_they_are() -> None:
    flags = (RANDOM.random((50, MOST)) < 0.02).astype(np.float32)
    spec = replace(PLAIN, columns=tuple(describe(f"tag {at}", flags[:, at]) for at in range(MOST)))
    assert np.array_equal(encode(spec, None, flags).numpy(), flags)
    drawn = draw(spec, 2000, 0).mean(0).numpy()
    assert np.abs(drawn - flags.mean(0)).max() < 0.03
