"""Does a classifier of real rows gain by more rows of the rare classes, and by a GAN's more than by simpler ways?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sparring.data.tables import balance, cells
from sparring.data.tables.field import Field
from sparring.draws import mix
from sparring.metrics.tables import utility
from sparring.metrics.tables.columns import code, judged, names
from sparring.metrics.tables.paired import Areas, Difference, ahead, areas, redrawn, together

if TYPE_CHECKING:
    import pandas as pd

NOTHING, GAN = "nothing", "CTGAN"
SIMPLER = ("class weights", "duplicates", "SMOTE-NC", "columns apart")
ARMS = (NOTHING, *SIMPLER, GAN)
AREAS = ("AUROC", "average precision")
CLASSIFIERS = ("logistic", "boosting")
Make = Callable[["pd.DataFrame", np.ndarray, int], "pd.DataFrame"]


class Rows(NamedTuple):
    """What a classifier knows (n, c), which class it is (n,), and how much each row counts (n,)."""

    x: np.ndarray
    y: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True)
class Trial:
    """What was found.

    Attributes:
        classifier: the one that learnt: "logistic" or "boosting".
        found: of each of ARMS its two AREAS, each the mean over the classes that get rows, against all others.
    """

    classifier: str
    found: dict[str, dict[str, Areas]]

    def over(self, arm: str, other: str = NOTHING, area: str = "AUROC") -> Difference:
        """How far an arm is ahead of another."""
        return ahead(self.found[arm][area], self.found[other][area])

    @property
    def advice(self) -> str:
        """The arm to use; see `recommend`."""
        return recommend(self)[0]


class Bench:
    """A table cut in several ways into rows to learn from and rows that judge, in the same shares of each class.

    Args:
        fields: the table's cards.
        frame: rows of which the class is known.
        target: the column to predict, with two classes or more, each of `splits` rows or more.
        splits: how many; each row judges once.
        n: rows to add to the whole table; None for as many of each class as of the most frequent.
        seed: of the cuts, and of all that is drawn.
    """

    def __init__(
        self, fields: Sequence[Field], frame: pd.DataFrame, target: Field, splits: int, n: int | None, seed: int
    ) -> None:
        from sklearn.model_selection import StratifiedKFold

        self.fields, self.frame, self.target, self.n, self.seed = fields, frame, target, n, seed
        self.at = names(fields).index(target.name)
        self.categories = utility.categories(fields, self.at)
        self.heavy = [at for at, field in enumerate(judged(fields)[0]) if field.scale == "log"]
        self.classes = cells.find(frame[target.name], target.values)
        cuts = StratifiedKFold(splits, shuffle=True, random_state=mix("cuts", seed) % 2**32)
        self.cuts = list(cuts.split(self.classes, self.classes))

    def more(self, rows: np.ndarray) -> np.ndarray:
        """How many rows each class gets beside some of the rows."""
        counts = np.bincount(self.classes[rows], minlength=len(self.target.values))
        share = len(rows) / len(self.classes)
        more: np.ndarray = balance.lacking(counts, None if self.n is None else round(self.n * share))
        return more

    def play(self, make: Make, classifier: str = "auto") -> Iterator[str | Trial]:
        """Learn with nothing added and in every other way. -> after each split a sentence, and last the trial

        Args:
            make: from training rows, how many are lacking of each class and a seed, the rows of a GAN, without the
                rows that it learnt from.
            classifier: "logistic", "boosting", or "auto" for the one that is better with nothing added, so that no
                weak one is helped up to where another is without help.
        """
        parts = [(self._rows(self.frame.iloc[train]), self._rows(self.frame.iloc[test])) for train, test in self.cuts]
        if classifier == "auto":
            alone = {
                one: np.mean([self._areas(one, at, *part)["AUROC"][0] for at, part in enumerate(parts)])
                for one in CLASSIFIERS
            }
            classifier = max(alone, key=lambda one: alone[one])
            yield f"{classifier} is the classifier: " + ", ".join(
                f"{one} alone has an AUROC of {area:.3f}" for one, area in alone.items()
            )
        found: dict[str, list[dict[str, np.ndarray]]] = {arm: [] for arm in ARMS}
        for at, ((train, _), (known, held_out)) in enumerate(zip(self.cuts, parts, strict=True)):
            more, seed = self.more(train), mix("split", self.seed, at)
            made = self._rows(make(self.frame.iloc[train].reset_index(drop=True), more, seed))
            for arm in ARMS:
                found[arm].append(self._areas(classifier, at, self._with(arm, known, more, made, seed), held_out))
            told = ", ".join(f"{arm} {found[arm][-1]['AUROC'][0]:.3f}" for arm in ARMS)
            yield f"split {at + 1} of {len(parts)}: AUROC {told}"
        yield Trial(
            classifier,
            {arm: {area: together([one[area] for one in every]) for area in AREAS} for arm, every in found.items()},
        )

    def _rows(self, frame: pd.DataFrame) -> Rows:
        x, y = utility.parted(self.fields, code(self.fields, frame), self.at)
        return Rows(x, y.astype(np.int64), np.ones(len(y)))

    def _with(self, arm: str, known: Rows, more: np.ndarray, made: Rows, seed: int) -> Rows:
        """The rows that a classifier learns from in one way."""
        x, y = known.x, known.y
        if arm == "class weights":
            return Rows(x, y, ((np.bincount(y, minlength=len(more)) + more) / np.bincount(y, minlength=len(more)))[y])
        if arm == "duplicates":
            x, y = balance.duplicates(x, y, more, seed)
        elif arm == "SMOTE-NC":
            x, y = balance.smote(x, y, more, seed, self.categories)
        elif arm == "columns apart":
            x, y = balance.apart(x, y, more, seed)
        elif arm == GAN:
            x, y = np.concatenate([x, made.x]), np.append(y, made.y)
        return Rows(x, y, np.ones(len(y)))

    def _areas(self, classifier: str, at: int, rows: Rows, held_out: Rows) -> dict[str, np.ndarray]:
        """Each of AREAS (1 + DRAWN,) on a split's held-out rows, which are drawn anew in the same way for every arm."""
        model = self._boosting() if classifier == "boosting" else self._logistic()
        model.fit(rows.x, rows.y, **{_weighed(model): rows.weights})
        chances, counts = model.predict_proba(held_out.x), redrawn(held_out.y, mix("redrawn", self.seed, at))
        rare = np.flatnonzero(self.more(np.arange(len(self.classes))))
        of_class = [
            areas(held_out.y == one, chances[:, int(np.searchsorted(model.classes_, one))], counts) for one in rare
        ]
        return dict(zip(AREAS, np.mean(of_class, 0), strict=True))

    def _boosting(self) -> Any:
        from sklearn.ensemble import HistGradientBoostingClassifier

        return HistGradientBoostingClassifier(categorical_features=self.categories, early_stopping=False)

    def _logistic(self) -> Any:
        """Numbers to the same spread, heavy tails by their logarithm; missing ones are the median and said to be so."""
        from sklearn.compose import make_column_transformer
        from sklearn.impute import SimpleImputer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

        numbers = np.flatnonzero(~self.categories)
        heavy = [at for at in self.heavy if at in numbers]
        plain = [at for at in numbers if at not in heavy]
        filled = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
        spread = make_column_transformer(
            (make_pipeline(filled, StandardScaler()), plain),
            (make_pipeline(FunctionTransformer(_logarithm), filled, StandardScaler()), heavy),
            (OneHotEncoder(handle_unknown="ignore"), np.flatnonzero(self.categories)),
        )
        return make_pipeline(spread, LogisticRegression(max_iter=2000))


def helps(trial: Trial, arm: str) -> bool:
    """Whether an arm is shown to be ahead of nothing: in AUROC, while average precision is not shown to fall."""
    return trial.over(arm).low > 0 and trial.over(arm, area=AREAS[1]).high >= 0


def recommend(trial: Trial) -> tuple[str, list[str]]:
    """-> (the arm to use, why in plain sentences)

    The GAN's rows are worth their trouble only where they are shown to help, are ahead of every simpler way, and are
    shown to be ahead of each simpler way that is itself shown to help.
    """
    best = max(SIMPLER, key=lambda arm: trial.found[arm]["AUROC"].mean)
    useful = [arm for arm in SIMPLER if helps(trial, arm)]
    gains = {arm: trial.over(GAN, arm) for arm in SIMPLER}
    won = all(gain.mean > 0 and (arm not in useful or gain.low > 0) for arm, gain in gains.items())
    gained = f"AUROC {_told(trial.over(GAN))} against nothing added"
    beside = f"{_told(gains[best])} against {best}, the best of the simpler ways"
    if helps(trial, GAN) and won:
        return GAN, [f"CTGAN's rows help: {gained}, and {beside}.", "Use them."]
    if helps(trial, GAN):
        said = f"CTGAN's rows help ({gained}), but they are not shown to do more than simpler ways do: {beside}."
    elif trial.over(GAN).high < 0:
        said = f"CTGAN's rows hurt: {gained}."
    elif trial.over(GAN).low > 0:
        said = f"CTGAN's rows do not help: {gained}, but average precision {_told(trial.over(GAN, area=AREAS[1]))}."
    else:
        said = f"CTGAN's rows are not shown to help: {gained}."
    if useful:
        arm = max(useful, key=lambda arm: trial.found[arm]["AUROC"].mean)
        return arm, [said, f"Use {arm}: AUROC {_told(trial.over(arm))} against nothing added."]
    if helps(trial, GAN):
        return best, [said, f"Use {best}, which is simpler."]
    return NOTHING, [said, "Leave the table as it is: no other way is shown to help either."]


def lines(trial: Trial) -> list[str]:
    """A table of all arms."""
    width = max(map(len, ARMS)) + 2
    told = [f"{'':{width}}" + "".join(f"{area:19}{'over nothing':28}" for area in AREAS).rstrip()]
    for arm in ARMS:
        cells = [f"{trial.found[arm][area].mean:<19.3f}{_over(trial, arm, area):28}" for area in AREAS]
        told.append(f"{arm:{width}}{''.join(cells)}".rstrip())
    return told


def _over(trial: Trial, arm: str, area: str) -> str:
    return "" if arm == NOTHING else _told(trial.over(arm, area=area))


def _told(gap: Difference) -> str:
    return f"{gap.mean:+.3f} ({gap.low:+.3f} to {gap.high:+.3f})"


def _weighed(model: Any) -> str:
    """What a model calls the weights of rows."""
    return f"{model.steps[-1][0]}__sample_weight" if hasattr(model, "steps") else "sample_weight"


def _logarithm(x: np.ndarray) -> np.ndarray:
    logarithm: np.ndarray = np.sign(x) * np.log1p(np.abs(x))
    return logarithm
