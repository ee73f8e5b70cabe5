"""The runs of `proofs/pictures.py`: which there are, what `auto` picks among them, training and judging one."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from equal_time import seconds_of_a_round
from pictures_judge import SEED, Bench, few_of, kept_reader, own_test
from stacked import rounds_in

import sparring
from sparring import recipes
from sparring.cluster import Cluster
from sparring.data.dataset import Dataset, encode
from sparring.environment import environment
from sparring.errors import SparringError
from sparring.metrics.features import extractor
from sparring.start import parts

FEW = 200  # training pictures
AUGMENTATIONS = ("none", "adaptive", "full")
SHOWN = 16  # samples of each run that --pictures shows


class Source(NamedTuple):
    """A data set of the contest."""

    name: str  # in the table
    data: str
    size: str | None = None

    @property
    def key(self) -> str:
        """How proofs/equal_time.py names it."""
        return f"{self.data}@{self.size}" if self.size else self.data

    @property
    def settings(self) -> dict[str, Any]:
        """What a run on it is told besides."""
        return {"size": self.size} if self.size else {}


class Job(NamedTuple):
    """One run: a row of a table, with a seed."""

    group: str  # the table: a source's name, or "few"
    entry: str
    recipe: str
    settings: dict[str, Any]
    rounds: int
    seed: int

    @property
    def key(self) -> str:
        """Its name in the state file."""
        return f"{self.group}: {self.entry}, seed {self.seed}"


@cache
def opened(source: Source) -> tuple[Dataset, Dataset]:
    """-> (what runs learn from, real pictures that nothing has seen)"""
    train, held_out = parts(source.data, recipes.find("dcgan").config(**source.settings))
    test = own_test(train) or held_out
    if test is None:
        raise SparringError(f"{source.data} has too few pictures to hold any out for judging; give ten or more")
    return train, test


def refusal(recipe: str, source: Source) -> str | None:
    """Why a recipe cannot learn a data set; None where it can."""
    found = recipes.find(recipe)
    try:
        found.gan(opened(source)[0].spec, found.config(**source.settings))
    except SparringError as error:
        return str(error)
    return None


# ---------------------------------------------------------------- what `auto` picks


def measure_auto(source: Source, seconds: float, file: Path) -> dict[str, Any]:
    """Let `auto` choose for a run of so many seconds; what no file knows is timed. -> recipe, settings, seconds"""
    from sparring.choice import choose, pick

    train, _ = opened(source)
    name, _ = pick(train.spec)
    default = recipes.find(name).config()
    rounds_in(seconds, file, source.key, [name])  # says what to do where this recipe was not timed
    usual = json.loads(file.read_text())["seconds"][source.key][name]["seconds"]

    def timed(changes: dict[str, Any]) -> float:
        changed = {key: value for key, value in changes.items() if value != getattr(default, key)}
        return seconds_of_a_round(name, source.data, **source.settings, **changed) if changed else float(usual)

    choice = choose(train.spec, {"minutes": seconds / 60}, timed)
    # Augmentation that the recipe's own default leaves to the data is the same whether `auto` or a person names it.
    own = {key: value for key, value in choice.settings.items() if value != getattr(default, key)}
    if default.augment == "auto":
        own.pop("augment", None)
    return {"recipe": choice.recipe, "settings": own, "seconds": timed(own), "reasons": list(choice.reasons)}


def picks(sources: list[Source], file: Path) -> dict[str, dict[str, Any]]:
    """What `auto` picks for each source, by the equal-time file; nothing for those that it was not asked about."""
    known = json.loads(file.read_text()).get("auto", {})
    return {source.name: known[source.key] for source in sources if source.key in known}


def few_recipes(few: Dataset) -> list[str]:
    """The recipes of the contest with few pictures: what `auto` picks for it, and dcgan."""
    try:
        from sparring.choice import pick
    except ImportError:
        return ["fastgan", "dcgan"]
    return list(dict.fromkeys([pick(few.spec)[0], "dcgan"]))


# ---------------------------------------------------------------- the runs


class Proof:
    """The jobs, and what is known of them.

    Args:
        asked: the command line.
        sources: the data sets.
    """

    def __init__(self, asked: argparse.Namespace, sources: list[Source]) -> None:
        self.asked, self.sources = asked, sources
        self.picked = picks(sources, asked.equal_time)
        self.few_source = next((source for source in sources if source.name == asked.few), None)
        self.refused: dict[str, dict[str, str]] = {source.name: {} for source in sources}
        self.folder: Path = asked.state.parent
        self.folder.mkdir(parents=True, exist_ok=True)
        self._benches: dict[str, Bench] = {}

    def jobs(self) -> Iterator[Job]:
        """All runs, the seeds outermost; whoever stops early then has a whole table of fewer seeds."""
        rows = [*self._contest(), *self._few()]
        for seed in range(self.asked.seeds):
            for row in rows:
                yield row._replace(seed=seed)

    def _contest(self) -> Iterator[Job]:
        for source in self.sources:
            refused = self.refused[source.name]
            refused |= {name: why for name in self.asked.recipes if (why := refusal(name, source))}
            able = [name for name in self.asked.recipes if name not in refused]
            for name, rounds in rounds_in(self.asked.seconds, self.asked.equal_time, source.key, able).items():
                yield Job(source.name, name, name, source.settings, rounds, 0)
            choice = self.picked.get(source.name)
            if choice and choice["settings"]:
                rounds = max(1, round(self.asked.seconds / choice["seconds"]))
                settings = {**source.settings, **choice["settings"]}
                yield Job(source.name, "auto", choice["recipe"], settings, rounds, 0)

    def _few(self) -> Iterator[Job]:
        if not (source := self.few_source):
            return
        names = few_recipes(few_of(opened(source)[0], FEW))
        for name, rounds in rounds_in(self.asked.seconds, self.asked.equal_time, source.key, names).items():
            for augment in AUGMENTATIONS:
                settings = {**source.settings, "augment": augment, "held_out": 0.0}
                yield Job("few", f"{name}, {augment}", name, settings, rounds, 0)

    def source(self, group: str) -> Source:
        """The data set of a table."""
        found = self.few_source if group == "few" else next(s for s in self.sources if s.name == group)
        assert found is not None
        return found

    def bench(self, group: str) -> Bench:
        """The judge of a table, made when first needed. With few pictures it is the network that knows them all."""
        if group not in self._benches:
            train, test = opened(self.source(group))
            if group == "few":
                features = self.bench(self.source(group).name).judge.features
                self._benches[group] = Bench(few_of(train, FEW), test, features, self.asked.fakes)
            else:
                labelled = train.labels is not None and test.labels is not None
                reader = kept_reader(train, self.folder) if labelled else None
                self._benches[group] = Bench(train, test, extractor("auto", train), self.asked.fakes, reader)
        return self._benches[group]

    def data(self, group: str) -> str:
        """What a run of a table is given: for few pictures a file that holds them."""
        source = self.source(group)
        if group != "few":
            return source.data
        path = self.folder / f"few-{FEW}-{source.name}.npz"
        if not path.exists():
            few = few_of(opened(source)[0], FEW)
            rows = few.take(np.arange(FEW)).transpose(0, 2, 3, 1)
            labels = {} if few.labels is None else {"labels": few.labels}
            draft = path.with_name(f"draft-{self.asked.share.replace('/', '-')}.npz")
            np.savez(draft, images=rows[..., 0] if rows.shape[-1] == 1 else rows, **labels)
            draft.replace(path)
        return str(path)

    def play(self, job: Job) -> dict[str, Any]:
        """Train and judge. -> what the state file keeps"""
        with tempfile.TemporaryDirectory(dir=self.folder) as scratch:
            settings = {**job.settings, "steps": job.rounds, "seed": job.seed, "features": "none"}
            out = str(Path(scratch) / "run")
            run = sparring.train(job.recipe, self.data(job.group), quiet=True, out=out, **settings)
            figures = self.bench(job.group).measure(run.gan)
            if job.seed == 0:
                samples = self.folder / "samples"
                samples.mkdir(exist_ok=True)
                np.save(samples / f"{job.group}, {job.entry}.npy", encode(run.sample(SHOWN, seed=SEED)))
            end = next(record for record in reversed(list(run.records())) if record.get("event") == "end")
        place = environment(Cluster("cpu"))
        about = {"seconds": end["seconds"], "commit": place["commit"], "threads": place["threads"]}
        return {**job._asdict(), **about, **figures}
