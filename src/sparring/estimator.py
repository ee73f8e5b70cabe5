"""CTGAN as an estimator after scikit-learn's conventions: fit a data frame, sample one like it."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from sparring.errors import SparringError

if TYPE_CHECKING:
    import pandas as pd

    from sparring.data.tables.wishes import Where
    from sparring.gan import GAN


class UnfitError(SparringError, ValueError):
    """A mistake in what an estimator is given, as scikit-learn's callers expect one."""


class CTGAN(BaseEstimator):  # type: ignore[misc]
    """Learns a table, and makes rows like its own: `CTGAN(steps=2000).fit(df).sample(1000, where={"sex": "Female"})`.

    Args:
        steps: rounds of the game; None for as many as `sparring train ctgan` would play.
        minutes: train for this long instead.
        batch: rows in a batch, a multiple of `pac`.
        pac: rows that the critic sees at once; 1 shows it each by itself.
        kinds: of columns, such as ["zip=categorical"]; those left out are chosen by the data.
        constraints: that all rows keep, such as ["start <= end", "city+country fixed"].
        held_out: the share of rows that is not learnt from, so that the run can be judged by it; it is with `out`.
        seed: of weights, noise and the order of the rows: the same gives the same model.
        device: "cpu", "cuda", "mps" or "auto".
        out: the folder to keep the run in, for its report and `sparring sample`; to judge it or go on, give the data
            frame again: `sparring.load(out, data=df)`. None keeps none.
        quiet: print nothing.
        settings: any other fields of the recipe's Config: {"width": 512, "critic": {"lr": 1e-4}}.

    Attributes:
        run_: what was learnt: the settings, the data's card and the averaged weights, on the CPU.
        n_features_in_: columns of the data.
        feature_names_in_: their names, where the data was a data frame.
    """

    def __init__(
        self,
        steps: int | None = None,
        minutes: float | None = None,
        batch: int = 500,
        pac: int = 1,
        kinds: Sequence[str] = (),
        constraints: Sequence[str] = (),
        held_out: float = 0.0,
        seed: int = 0,
        device: str = "auto",
        out: str | None = None,
        quiet: bool = True,
        settings: dict[str, Any] | None = None,
    ) -> None:
        self.steps, self.minutes, self.batch, self.pac = steps, minutes, batch, pac
        self.kinds, self.constraints, self.held_out = kinds, constraints, held_out
        self.seed, self.device, self.out, self.quiet, self.settings = seed, device, out, quiet, settings

    def fit(self, X: pd.DataFrame | np.ndarray, y: object = None) -> CTGAN:
        """Learn a table anew.

        Args:
            X: a data frame, of any types that a file could hold; or an array (n, columns), whose columns are then
                called x0, x1, ...
            y: passed over; a column to predict belongs into the table.

        Raises:
            SparringError: which is a ValueError too, for data that cannot be learnt and settings that do not fit.
        """
        frame = self._frame(X)
        try:
            self.run_ = self._train(frame)
        except SparringError as error:
            _raise(error)
        self.__dict__.pop("_gan", None)
        return self

    def sample(self, n: int = 1000, where: Where = (), seed: int = 0) -> pd.DataFrame:
        """n rows like the data's, as a data frame with its columns and types; the model stays as it is.

        Args:
            n: how many; the first k do not depend on it.
            where: what all rows are to have: {"sex": "Female"}, "age>=30", or several such texts.
            seed: the same gives the same rows.

        Raises:
            SparringError: which is a ValueError too, for a condition that cannot be met.
        """
        check_is_fitted(self)
        from sparring.rows import Rows, together

        try:
            return together(Rows(self._made(), where, seed), n)
        except SparringError as error:
            _raise(error)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = True
        return tags

    def _frame(self, X: pd.DataFrame | np.ndarray) -> pd.DataFrame:
        """The data as a data frame, and what scikit-learn notes of it."""
        import pandas as pd

        if isinstance(X, pd.DataFrame):
            self.n_features_in_ = X.shape[1]
            self.__dict__.pop("feature_names_in_", None)
            if all(isinstance(name, str) for name in X.columns):
                self.feature_names_in_ = np.array(X.columns, dtype=object)
            return X
        array = validate_data(self, X, dtype=None, ensure_all_finite="allow-nan", ensure_min_samples=2)
        frame = pd.DataFrame(array, columns=[f"x{at}" for at in range(array.shape[1])])
        return frame.infer_objects()

    def _train(self, frame: pd.DataFrame) -> dict[str, Any]:
        """Train a run, in a folder that is kept only when one is named. -> what sampling needs of it"""
        from sparring import recipes
        from sparring.cluster import Cluster
        from sparring.config import from_dict, to_dict
        from sparring.start import begin

        recipe = recipes.find("ctgan")
        given = {name: value for name, value in self.get_params().items() if name not in ("quiet", "settings", "out")}
        unjudged = {} if self.out or self.held_out else {"features": "none"}
        tree = {
            **unjudged,
            **{name: value for name, value in given.items() if value is not None},
            **(self.settings or {}),
        }
        with tempfile.TemporaryDirectory() as folder:
            tree["out"] = self.out or str(Path(folder) / "run")
            config = from_dict(recipe.config, tree, "sparring.CTGAN")
            cluster = Cluster(config.device)
            try:
                run = begin(recipe, frame, config, cluster, self.quiet)
            finally:
                cluster.leave()
            shipped = {name: net.state_dict() for name, net in run.gan.shipped().items()}
            return {"config": to_dict(run.config), "spec": run.spec.to_dict(), "weights": shipped}

    def _made(self) -> GAN:
        """The trained GAN, made once from what was learnt."""
        if "_gan" not in self.__dict__:
            from sparring import recipes
            from sparring.config import from_dict
            from sparring.data.spec import Spec

            recipe = recipes.find("ctgan")
            config = from_dict(recipe.config, self.run_["config"], "sparring.CTGAN")
            gan = recipe.gan(Spec.from_dict(self.run_["spec"]), config)
            for name, net in gan.shipped().items():
                net.load_state_dict(self.run_["weights"][name])
                net.requires_grad_(False).eval()
            self._gan = gan
        return self._gan

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())
        state.pop("_gan", None)  # it is made again from `run_`
        return state


def _raise(error: SparringError) -> NoReturn:
    raise UnfitError(str(error)) from None
