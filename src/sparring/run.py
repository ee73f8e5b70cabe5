"""The run folder: config.yaml, log.jsonl, samples/, checkpoints/, metrics.json, report.html. Each command takes it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from sparring import recipes
from sparring.config import Config, from_dict, read_yaml, to_dict
from sparring.errors import SparringError
from sparring.folders import runs_near

if TYPE_CHECKING:
    import pandas as pd
    import torch
    from PIL import Image

    from sparring.apply.command import Done
    from sparring.data.dataset import Dataset
    from sparring.data.spec import Spec
    from sparring.data.tables.wishes import Where
    from sparring.gan import GAN
    from sparring.latents import Inversion

SAMPLES_A_PASS = 256  # so that any number of samples needs flat memory


class Run:
    """A run on disk, finished or not.

    Args:
        folder: the run's folder; SparringError when there is no run in it.
        checkpoint: which to sample from: the "last", the "best" that was judged, or a stage's, such as "pixel".
        data: the data frame that it learnt from, where it was one: no file keeps it.
    """

    def __init__(self, folder: str | Path, checkpoint: str = "last", data: pd.DataFrame | None = None) -> None:
        self.folder, self.checkpoint, self.frame = Path(folder), checkpoint, data
        if not (self.folder / "config.yaml").is_file():
            raise SparringError(
                f"there is no run in {folder}: a run folder holds a config.yaml{runs_near(self.folder)}"
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
        run.folder, run.checkpoint, run.frame = folder, "last", None
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

        state = checkpoint.newest(self.checkpoints)[0] if self.checkpoint == "last" else checkpoint.load(self._named())
        ema = Ema(self.recipe.gan(Spec.from_dict(state["spec"]), self.config), 0, 0)
        ema.load_state_dict(state["ema"], state["count"])
        ema.gan.lay_out()
        ema.gan.progress = state["progress"]
        return ema.gan

    def _named(self) -> Path:
        """The file of the checkpoint that was asked for by a name."""
        path = self.checkpoints / f"{self.checkpoint}.pt"
        if path.is_file():
            return path
        if self.checkpoint == "best":
            raise SparringError(f"no evaluation of {self.folder} was kept as the best; leave out --best")
        others = {file.stem for file in self.checkpoints.glob("[!.]*.pt") if not file.stem.startswith("step-")}
        raise SparringError(
            f"{self.folder} has no checkpoint `{self.checkpoint}`: it has {', '.join(['last', *sorted(others)])}"
        )

    @property
    def spec(self) -> Spec:
        """The card of the data that the run learnt."""
        return self.gan.spec

    def parts(self) -> tuple[Dataset, Dataset | None]:
        """What the run learnt from and what it never saw. SparringError where the data is gone or has changed."""
        from sparring.start import parts, source_of

        train, held_out = parts(source_of(self), self.config, self.recipe.gan)
        if train.spec.hash != self.spec.hash:
            raise SparringError(
                f"{self.data} is no longer the data that {self.folder} learnt from; restore it, or train a new run"
            )
        return train, held_out

    def sample(self, n: int = 64, seed: int = 0, given: str | None = None, truncation: float = 1.0) -> torch.Tensor:
        """n samples, (n, *spec.shape) float32 in spec.range; the first k do not depend on n.

        Args:
            n: how many.
            seed: the same seed gives the same samples.
            given: for a conditional recipe what they should show: a class, as "7", or columns, as "age=30,smiling=1";
                None draws classes and columns as frequent as in the data.
            truncation: below 1 for less variation, and mostly fewer flaws; up to 1.5 for more.
        """
        return self._make(*self._begin(n, seed, given), truncation)

    def rows(self, n: int = 1000, where: Where = (), seed: int = 0) -> pd.DataFrame:
        """n rows of a table, as a data frame like the data; `rows.Rows` makes any number of them in flat memory.

        Args:
            where: what all are to have: "age>=30", several of such, or {"sex": "Female"}.
        """
        from sparring.rows import of_run, together

        return together(of_run(self, where, seed), n)

    def sweep(self, n: int = 8, seed: int = 0, truncation: float = 1.0) -> dict[str, torch.Tensor]:
        """Each class's name -> n samples of it, (n, *spec.shape); the i-th of every class has the same latent."""
        import torch

        classes = self.spec.classes
        if not self.gan.conditional:
            raise SparringError(f"{self.recipe.name} is not conditional, so it has no classes to sweep")
        if not classes:
            raise SparringError(f"{self.spec.name} has no classes to sweep")
        noise, wishes = self._begin(n, seed, None)
        wishes = wishes.repeat(len(classes), 1)
        wishes[:, : len(classes)] = torch.eye(len(classes)).repeat_interleave(n, 0)
        made = self._make(noise.repeat(len(classes), *[1] * (noise.dim() - 1)), wishes, truncation)
        return dict(zip(classes, made.split(n), strict=True))  # type: ignore[no-untyped-call]

    def interpolate(
        self, keys: int = 8, frames: int = 16, seed: int = 0, given: str | None = None, truncation: float = 1.0
    ) -> torch.Tensor:
        """Samples on the way through the latents of the first samples, (1 + (keys - 1) * frames, *spec.shape).

        Args:
            keys: through how many samples, 2 or more: those that `sample` gives with the same arguments.
            frames: steps from a key to the next, 1 or more; equal angles of the latent.
            seed, given, truncation: as in `sample`; where the keys differ in what they show, one fades into the next.
        """
        from sparring import latents

        if keys < 2:
            raise SparringError(f"interpolate between two samples or more; {keys} asked for")
        if frames < 1:
            raise SparringError(f"from a sample to the next there is one frame or more; {frames} asked for")
        noise, wishes = self._begin(keys, seed, given)
        return self._make(latents.path(noise, frames), latents.between(wishes, frames), truncation)

    def invert(self, picture: str | Path | Image.Image, seed: int = 0, given: str | None = None) -> Inversion:
        """Find the latent whose sample comes nearest to a picture of any size and mode; see `latents.invert`.

        Args:
            picture: a file or an image; scaled to cover the run's size, cropped at its centre, and given its channels.
            seed: of the search.
            given: as in `sample`; None also finds the class and columns that fit best.

        Raises:
            SparringError: for a run on points, and for a file that is no picture.
        """
        from sparring import latents

        if self.spec.kind != "pictures":
            raise SparringError(f"{self.folder} makes {self.spec.kind}, so no picture can be found among its samples")
        _, wishes = self._begin(1, seed, given)
        return latents.invert(self.gan, latents.seen(picture, self.spec), seed, None if given is None else wishes)

    def _begin(self, n: int, seed: int, given: str | None) -> tuple[torch.Tensor, torch.Tensor]:
        """Latents (n, *noise_shape), and what is to be shown (n, spec.given)."""
        from sparring.data.given import draw, parse

        if self.gan.translates:
            raise SparringError(
                f"{self.recipe.name} makes pictures of pictures, not of noise: `sparring apply {self.folder} IN OUT`"
            )
        if n < 1:
            raise SparringError(f"ask for one sample or more; {n} were asked for")
        if seed < 0:
            raise SparringError(f"a seed is 0 or more; it is {seed}")
        if given is not None and not self.gan.conditional:
            raise SparringError(f"{self.recipe.name} is not conditional, so it cannot be asked for `{given}`")
        wishes = draw(self.spec, n, seed) if given is None else parse(self.spec, given, n, seed)
        return self.gan.latents(n, seed), wishes

    def _make(self, noise: torch.Tensor, wishes: torch.Tensor, truncation: float) -> torch.Tensor:
        import torch

        from sparring import latents

        passes = zip(noise.split(SAMPLES_A_PASS), wishes.split(SAMPLES_A_PASS), strict=True)  # type: ignore[no-untyped-call]
        with torch.no_grad():
            return torch.cat([latents.sample(self.gan, *one, truncation) for one in passes])

    def apply(self, paths: str | Path | Sequence[str | Path], out: str | Path | None = None, **how: Any) -> Done:
        """Put files through a run that makes pictures from pictures, as `sparring apply` does.

        The arguments are those of `apply.command.apply_files`: run.apply("photos/", "out/"), run.apply("picture.jpg").
        """
        from sparring.apply.command import apply_files

        return apply_files(self, paths, out, **how)

    def upscale(self, paths: str | Path | Sequence[str | Path], out: str | Path | None = None, **how: Any) -> Done:
        """Enlarge files by a run of super-resolution, as `sparring upscale` does.

        The arguments are those of `apply.upscale.upscale_files`: run.upscale("picture.jpg", stage="pixel").
        """
        from sparring.apply.upscale import upscale_files

        return upscale_files(self, paths, out, **how)

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
