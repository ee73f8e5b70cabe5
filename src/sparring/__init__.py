"""Sparring trains, judges and ships generative adversarial networks on your own data.

    run = sparring.train("dcgan", data="photos/", steps=20_000)
    run.grid(64, seed=7).save("grid.png")

Importing this package imports no torch: that waits until it is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sparring import recipes

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from sparring.estimator import CTGAN as CTGAN
    from sparring.run import Run

__version__ = "0.1.0"
__all__ = ["CTGAN", "load", "recipes", "resume", "train"]


def train(
    recipe: str = "dcgan",
    data: str | Path | pd.DataFrame = "digits",
    *,
    quiet: bool = False,
    **settings: Any,
) -> Run:
    """Train a recipe on data and return the run, finished.

    Args:
        recipe: a name that `sparring recipes` lists, the path of a Python file with a recipe of your own, or "auto" to
            have recipe and settings chosen by the data and this machine's speed.
        data: a folder, archive, array or CSV file, a name such as "digits", or a data frame.
        quiet: print nothing.
        **settings: the fields of the recipe's Config, as on the command line: steps=20_000, critic={"lr": 1e-4}.

    Raises:
        sparring.errors.SparringError: a sentence on what is wrong and what would work.
    """
    from sparring import auto, config, launch

    source: Any = data if hasattr(data, "iloc") else str(data)
    if recipe == auto.NAME:
        found, chosen = auto.from_settings(source, settings, quiet)
    else:
        found = recipes.find(recipe)
        chosen = config.from_dict(found.config, settings, f"sparring.train({recipe!r})")
    return launch.train(found, source, chosen, quiet)


def resume(run: str | Path, *, data: pd.DataFrame | None = None, quiet: bool = False, **settings: Any) -> Run:
    """Go on with a run from its last checkpoint, to the bit; `settings` may change steps, minutes and the like.

    A run that learnt from a data frame needs it again, as `data`.
    """
    from sparring import launch

    return launch.resume(str(run), settings, quiet, data)


def load(folder: str | Path, *, checkpoint: str = "last", data: pd.DataFrame | None = None) -> Run:
    """Open a run folder, to sample from it, judge it or read its log.

    The checkpoint is the "last", the "best" that was judged, or that at the end of a stage, such as "pixel". To judge a
    run that learnt from a data frame, give that as `data`.
    """
    from sparring.run import Run

    return Run(folder, checkpoint, data)


def __getattr__(name: str) -> Any:
    """`sparring.CTGAN`, the estimator, is imported when it is asked for: scikit-learn takes a second."""
    if name == "CTGAN":
        from sparring.estimator import CTGAN

        return CTGAN
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
