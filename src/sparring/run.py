"""The run folder: config.yaml, log.jsonl, samples/, checkpoints/, metrics.json, report.html. Each command takes it."""

from __future__ import annotations

import difflib
import json
import os
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from sparring import recipes
from sparring.config import Config, from_dict, read_yaml, to_dict
from sparring.errors import SparringError

if TYPE_CHECKING:
    import torch
    from PIL import Image

    from sparring.data.spec import Spec
    from sparring.gan import GAN

SAMPLES_A_PASS = 256  # so that any number of samples needs flat memory


class Run:
    """A run on disk, finished or not.

    Args:
        folder: the run's folder; SparringError when there is no run in it.
        best: sample from the checkpoint that was judged best, and not from the last.
    """

    def __init__(self, folder: str | Path, best: bool = False) -> None:
        self.folder, self.best = Path(folder), best
        if not (self.folder / "config.yaml").is_file():
            raise SparringError(
                f"there is no run in {folder}: a run folder holds a config.yaml{_runs_near(self.folder)}"
            )
        tree = read_yaml(self.folder / "config.yaml")
        self.recipe_reference = str(tree.pop("recipe", ""))
        self.data = str(tree.pop("data", ""))
        self.settings: dict[str, Any] = tree

    @classmethod
    def create(cls, folder: Path, recipe: str, data: str, config: Config) -> Run:
        """Make the folder and write its config. SparringError when a run is there already."""
        if folder.exists() and any(folder.iterdir()):
            raise SparringError(
                f"{folder} is not empty; give another --out, or go on with `sparring train --resume {folder}`"
            )
        for part in ("samples", "checkpoints"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        run = cls.__new__(cls)
        run.folder, run.best = folder, False
        run.recipe_reference, run.data, run.settings = recipe, data, to_dict(config)
        run.save_config(config)
        return run

    def save_config(self, config: Config) -> None:
        """Write config.yaml, fully resolved."""
        tree = {"recipe": self.recipe_reference, "data": self.data, **to_dict(config)}
        write_atomically(self.folder / "config.yaml", yaml.safe_dump(tree, sort_keys=False, allow_unicode=True))

    @cached_property
    def recipe(self) -> recipes.Recipe:
        """The method that was trained."""
        return recipes.find(self.recipe_reference)

    @cached_property
    def config(self) -> Config:
        """The run's settings, fully resolved."""
        return from_dict(self.recipe.config, self.settings, str(self.folder / "config.yaml"))

    @property
    def checkpoints(self) -> Path:
        """The folder of checkpoints."""
        return self.folder / "checkpoints"

    @cached_property
    def gan(self) -> GAN:
        """The trained GAN with its averaged weights, in evaluation mode, on the CPU."""
        from sparring import checkpoint
        from sparring.data.spec import Spec
        from sparring.ema import Ema

        if self.best and not (self.checkpoints / "best.pt").is_file():
            raise SparringError(f"no evaluation of {self.folder} was kept as the best; leave out --best")
        state = checkpoint.load(self.checkpoints / "best.pt") if self.best else checkpoint.newest(self.checkpoints)[0]
        ema = Ema(self.recipe.gan(Spec.from_dict(state["spec"]), self.config), 0, 0)
        ema.load_state_dict(state["ema"], state["count"])
        return ema.gan

    @property
    def spec(self) -> Spec:
        """The card of the data that the run learnt."""
        return self.gan.spec

    def sample(self, n: int = 64, seed: int = 0, given: str | None = None) -> torch.Tensor:
        """n samples, (n, *spec.shape) float32 in spec.range; the first k do not depend on n.

        Args:
            n: how many.
            seed: the same seed gives the same samples.
            given: for a conditional recipe what they should show: a class, as "7", or columns, as "age=30,smiling=1";
                None draws classes and columns as frequent as in the data.
        """
        import torch

        if n < 1:
            raise SparringError(f"ask for one sample or more; {n} were asked for")
        if seed < 0:
            raise SparringError(f"a seed is 0 or more; it is {seed}")
        with torch.no_grad():
            noise, wishes = self.gan.latents(n, seed), self._wishes(n, seed, given)
            passes = zip(noise.split(SAMPLES_A_PASS), wishes.split(SAMPLES_A_PASS), strict=True)  # type: ignore[no-untyped-call]
            return torch.cat([self.gan.sample(*one) for one in passes])

    def _wishes(self, n: int, seed: int, given: str | None) -> torch.Tensor:
        from sparring.data.given import draw, parse

        if given is not None and not self.gan.conditional:
            raise SparringError(f"{self.recipe.name} is not conditional, so it cannot be asked for `{given}`")
        return draw(self.spec, n, seed) if given is None else parse(self.spec, given, n, seed)

    def grid(self, n: int = 64, seed: int = 0, given: str | None = None) -> Image.Image:
        """n samples in one picture."""
        from sparring.data import draw

        return draw.grid(self.spec, self.sample(n, seed, given))

    def log(self, record: dict[str, Any]) -> None:
        """Append a line to log.jsonl; flushed, so that a watcher sees it whole."""
        with open(self.folder / "log.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")

    def records(self) -> Iterator[dict[str, Any]]:
        """The lines of log.jsonl; a damaged line (a crash while writing) is passed over."""
        path = self.folder / "log.jsonl"
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
        for line in lines:
            try:
                record = json.loads(line)
            except (ValueError, RecursionError):  # also a number of thousands of digits, and deep nesting
                continue
            if isinstance(record, dict):
                yield record

    def _repr_html_(self) -> str:
        """What a notebook shows: the newest grid, and the last evaluation's table."""
        from sparring.notebook import html

        return html(self)

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r}: {self.recipe_reference} on {self.data})"


def write_atomically(path: Path, text: str) -> None:
    """Write a whole text file or leave the old one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def free_folder(recipe: str, data: str, parent: Path) -> Path:
    """The first of <recipe>-<data>-1, -2, ... that does not exist in `parent`."""
    stem = re.sub(r"[^\w.-]+", "-", f"{recipe}-{data}").strip("-")
    number = 1
    while (parent / f"{stem}-{number}").exists():
        number += 1
    return parent / f"{stem}-{number}"


def _runs_near(folder: Path) -> str:
    """The runs in and beside a folder that holds none, likeliest first, as the end of a sentence."""
    places = {*folder.glob("*/config.yaml"), *folder.parent.glob("*/config.yaml"), *Path("runs").glob("*/config.yaml")}
    found = sorted((str(place.parent) for place in places), key=lambda name: _unlike(name, str(folder)))
    return f"; there are runs in {', '.join(found[:5])}" if found else ""


def _unlike(a: str, b: str) -> float:
    return 1 - difflib.SequenceMatcher(None, a, b).ratio()
