"""Can a classifier that learns from made rows judge real ones? Train on synthetic, test on real."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sparring.data.tables.conditions import hint
from sparring.data.tables.field import Field
from sparring.errors import SparringError
from sparring.metrics.tables.columns import MISSING, Coded, judged, names

SAID = ("target", "label", "class", "outcome", "income", "churn", "default", "y", "survived", "diagnosis", "result")
MOST_CLASSES = 50  # a tree for each is grown
MOST_ROWS = 50_000  # learnt from
MOST_CODES = 250  # of a category beside the target


def target(fields: Sequence[Field], asked: str | None = None) -> Field:
    """What is to be predicted: the column that was asked for, else one whose name says so, else the last category.

    Without categories it is the last number.

    Raises:
        SparringError: for a column that is not there or cannot be predicted.
    """
    fit = [field for field in fields if field.is_number or (field.is_discrete and len(field.values) <= MOST_CLASSES)]
    if asked is None:
        named = [field for field in fit if field.name.lower() in SAID]
        discrete = [field for field in fit if field.is_discrete and field.codes > 1]
        if not fit or len(fit) < 2:
            raise SparringError("no column can be predicted from another")
        return (named or discrete or fit)[-1]
    found = next((field for field in fields if field.name == asked), None)
    if found is None:
        raise SparringError(f"there is no column `{asked}` to predict{hint(asked, [field.name for field in fields])}")
    if found not in fit:
        why = f"has {len(found.values):,} categories" if found.is_discrete else f"is {found.kind}, which is not learnt"
        raise SparringError(f"`{asked}` {why}: choose a number or a category of at most {MOST_CLASSES} values")
    return found


def utility(fields: Sequence[Field], field: Field, train: Coded, test: Coded, seed: int = 0) -> dict[str, float]:
    """Gradient boosting learns `field` from all other columns of some rows, and is tested on others.

    Args:
        fields, field: the table's cards, and the one to predict.
        train: made rows, or whatever else to learn from; rows without a target are left out.
        test: real rows that neither the generator nor the classifier has seen.
        seed: of the classifier.

    Returns:
        Of a number {"R2"}: 1 is perfect, 0 is the mean. Of a category {"AUROC", "F1"}, each the mean over the classes
        that the test rows have: 0.5 and less is guessing for AUROC.
    """
    at = names(fields).index(field.name)
    (x, y), (other_x, other_y) = (parted(fields, rows, at) for rows in (train.some(MOST_ROWS), test))
    if field.is_number:
        return {"R2": _regress(fields, at, x, y, other_x, other_y, seed)}
    return _classify(fields, at, x, y, other_x, other_y, seed)


def parted(fields: Sequence[Field], rows: Coded, at: int) -> tuple[np.ndarray, np.ndarray]:
    """What is known (n, c - 1) and what is asked (n,), of the rows that have it."""
    discrete = judged(fields)[1]
    codes = rows.codes.astype(np.float64)
    for place, field in enumerate(discrete):
        if field.groups:
            codes[:, place] = np.array([*field.groups, np.nan, np.nan])[rows.codes[:, place]]  # unknown, missing
        codes[(rows.codes[:, place] == MISSING) | (rows.codes[:, place] >= len(field.values)), place] = np.nan
    whole = np.concatenate([rows.numbers, codes], 1)
    whole = whole[~np.isnan(whole[:, at])]
    return np.delete(whole, at, 1), whole[:, at]


def categories(fields: Sequence[Field], at: int) -> np.ndarray:
    numbers, discrete = judged(fields)
    return np.delete(np.arange(len(numbers) + len(discrete)) >= len(numbers), at)


def _regress(
    fields: Sequence[Field], at: int, x: np.ndarray, y: np.ndarray, test_x: np.ndarray, test_y: np.ndarray, seed: int
) -> float:
    from sklearn.ensemble import HistGradientBoostingRegressor

    if len(y) < 2 or len(test_y) < 2 or test_y.std() == 0:
        return float("nan")
    model = HistGradientBoostingRegressor(categorical_features=categories(fields, at), random_state=seed).fit(x, y)
    left = float(((test_y - model.predict(test_x)) ** 2).sum())
    return 1 - left / float(((test_y - test_y.mean()) ** 2).sum())


def _classify(
    fields: Sequence[Field], at: int, x: np.ndarray, y: np.ndarray, test_x: np.ndarray, test_y: np.ndarray, seed: int
) -> dict[str, float]:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import f1_score, roc_auc_score

    classes = np.unique(test_y)
    if len(classes) < 2 or not len(y):
        return {"AUROC": float("nan"), "F1": float("nan")}
    found, counts = np.unique(y, return_counts=True)
    chances = np.zeros((len(test_y), len(classes)))
    if len(found) > 1:
        stops = "auto" if counts.min() > 1 else False  # it holds out rows of each class
        model = HistGradientBoostingClassifier(
            categorical_features=categories(fields, at), random_state=seed, early_stopping=stops
        ).fit(x, y)
        every = model.predict_proba(test_x)
        for place, one in enumerate(classes):
            if one in model.classes_:
                chances[:, place] = every[:, np.flatnonzero(model.classes_ == one)[0]]
        guessed = model.predict(test_x)
    else:
        guessed = np.full(len(test_y), found[0])
    areas = [roc_auc_score(test_y == one, chances[:, place]) for place, one in enumerate(classes)]
    f1 = f1_score(test_y, guessed, labels=classes, average="macro", zero_division=0)
    return {"AUROC": float(np.mean(areas)), "F1": float(f1)}
