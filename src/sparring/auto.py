"""`sparring train auto DATA`: opens the data, plays a few rounds against the clock, and says what was chosen and why.

What is chosen is up to `choice.py`. A run holds the recipe really chosen, fully resolved, so nothing after the start
knows of "auto".
"""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sparring import recipes
from sparring.config import Config, from_dict, parse_known, to_dict
from sparring.recipes import Recipe

if TYPE_CHECKING:  # these import torch, which mistakes in flags and files are told without
    from sparring.cluster import Cluster
    from sparring.data.dataset import Dataset

NAME = "auto"
SUMMARY = "picks one of these, and its settings, by the data and by the speed of this machine"
HELP = (
    "auto looks at the data (kind, count, size, classes, columns), takes the recipe that suits it, plays some rounds "
    "to see how fast this machine is, settles batch, penalty, augmentation, width and rounds, and says why. A run "
    "takes ten minutes at most for pictures of up to 32 pixels, half an hour up to 64, an hour beyond. What flags and "
    "files say is kept."
)


class Auto:
    """What `auto` makes of some data: first which recipe, which then says what flags there are; then their values.

    Args:
        data: as in training.
        early: those of the user's settings that every recipe has; size, channels and held_out decide what is seen.

    Raises:
        SparringError: for data that is not there or cannot be read, and where no recipe is for its kind.
    """

    def __init__(self, data: str, early: Config) -> None:
        from sparring.choice import pick
        from sparring.start import parts

        self.dataset: Dataset = parts(data, early)[0]
        name, self.why = pick(self.dataset.spec)
        self.recipe: Recipe = recipes.find(name)

    @property
    def help(self) -> str:
        """What to say above the flags of the recipe."""
        return f"{HELP} For {self.dataset.spec.name} it takes {self.recipe.name}, because {self.why}."

    def settle(self, config: Config, asked: Sequence[str], quiet: bool = False) -> Config:
        """Fill in what the user has not asked for, and say why; the same in every process.

        Args:
            config: of the recipe, with the user's settings in it.
            asked: the names of the fields that the user has set, for those may be what they would be anyhow.
            quiet: print nothing.
        """
        from sparring.choice import choose
        from sparring.cluster import Cluster

        cluster = Cluster(config.device)
        values, usual = to_dict(config), to_dict(self.recipe.config())
        choice = choose(
            self.dataset.spec,
            {key: value for key, value in values.items() if key in asked or value != usual[key]},
            lambda settings: self._seconds(dataclasses.replace(config, **settings), cluster),
        )
        if cluster.is_chief and not quiet:
            print("\n".join(choice.reasons))
        return dataclasses.replace(config, **choice.settings)

    def _seconds(self, config: Config, cluster: Cluster) -> float:
        """Of a round on this machine, as the chief measures it."""
        from sparring.plan import seconds_per_round
        from sparring.start import build, settle

        plain: dict[str, Any] = {"memory_format": "contiguous", "precision": "fp32"}  # nothing is probed yet
        said = {name: value for name in plain if (value := getattr(config, name)) != "auto"}
        config = dataclasses.replace(config, steps=1, **plain | said)
        config = settle(self.recipe, self.dataset, config, cluster)
        seconds: float = cluster.tell(seconds_per_round(build(self.recipe, self.dataset, config, cluster)))
        return seconds


def early(trees: dict[str, dict[str, Any]], words: Sequence[str] = (), prog: str = "sparring") -> Config:
    """What of the user's settings every recipe has, before the recipe is known; the rest is passed over.

    Args:
        trees: settings, by the file or call that they come from; later ones win.
        words: the command line's flags.
        prog: what to call the command in complaints.

    Raises:
        SparringError: for a value that cannot be.
    """
    known = {field.name for field in dataclasses.fields(Config)}
    both: dict[str, Any] = {}
    for where, tree in trees.items():
        both |= {key: value for key, value in tree.items() if key in known}
        from_dict(Config, both, where)
    words = [word for word in words if word not in ("-h", "--help")]
    return parse_known(Config, both, words, prog)


def named(words: Sequence[str]) -> list[str]:
    """The fields that flags set: ["--critic.lr=1e-4", "--batch", "8"] -> ["critic", "batch"]."""
    found = (re.match(r"--([\w-]+)", word) for word in words)
    return [match[1].replace("-", "_") for match in found if match]


def from_settings(data: str, settings: dict[str, Any], quiet: bool = False) -> tuple[Recipe, Config]:
    """`sparring.train("auto", data, **settings)`: -> (the recipe, its Config without what was left open)"""
    where = f"sparring.train({NAME!r})"
    found = Auto(data, early({where: settings}))
    config = from_dict(found.recipe.config, settings, where)
    return found.recipe, found.settle(config, list(settings), quiet or bool(os.environ.get("SPARRING_QUIET")))
