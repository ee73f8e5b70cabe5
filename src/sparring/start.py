"""From a recipe's name and a folder of data to a session of training: settles what was left open, checks, begins."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from sparring import checkpoint, transfer, writers
from sparring.choice import augmentation, default_steps
from sparring.cluster import Cluster
from sparring.config import FREE_ON_RESUME, Config, difference, to_dict
from sparring.console import holds
from sparring.data.dataset import Dataset
from sparring.data.source import open_data, order
from sparring.data.spec import SIDES, WORDS
from sparring.data.split import split
from sparring.data.survey import parse_size
from sparring.draws import mix
from sparring.errors import SparringError
from sparring.folders import free_folder
from sparring.gan import GAN
from sparring.metrics.features import refuse_unknown
from sparring.plan import estimate, faster_memory_format, faster_precision, multiplies_bfloat16
from sparring.recipes import Recipe
from sparring.run import Run
from sparring.safety import writing
from sparring.session import Session
from sparring.trainer import Trainer

if TYPE_CHECKING:
    import pandas as pd

NAMED = 5  # classes that a sentence lists
FRAME = "a data frame"  # what config.yaml says of data that is in no file


def parts(data: str | pd.DataFrame, config: Config, gan: type[GAN] | None = None) -> tuple[Dataset, Dataset | None]:
    """Open data as a run sees it, for a recipe if there is one. -> (what it learns from, what it never sees or None)"""
    if gan and gan.native:
        whole = _tiles(data, config)
    elif gan and set(gan.kinds) & set(SIDES):
        whole = _sides(data, config, gan.kinds)
    else:
        whole = _whole(data, config)
    return split(whole, config.held_out)


def _tiles(data: str | pd.DataFrame, config: Any) -> Dataset:
    """Pictures at their own size, or pairs of small and large ones, for a recipe that enlarges."""
    from sparring.data import tiles

    _refuse(config, ("label_maps", "direction"))
    crop, tile = parse_size(config.crop), config.size and parse_size(config.size)
    settled = {"scale": config.scale, "crop": crop, "tile": tile, "channels": config.channels}
    if config.a is None:
        return tiles.open_tiles(data, **settled)
    return tiles.open_tile_pairs(config.a, config.b, **settled)


def _sides(data: str | pd.DataFrame, config: Config, kinds: Sequence[str]) -> Dataset:
    """Two sides of pictures, for a recipe that translates one into the other."""
    from sparring.data.sides.read import open_sides

    return open_sides(
        config.a,
        config.b,
        source=str(data) if config.a is None else None,
        paired=kinds[0] == "pairs",
        size=config.size,
        channels=config.channels,
        crop=config.crop,
        label_maps=config.label_maps,
        direction=config.direction,
    )


def _whole(data: str | pd.DataFrame, config: Config) -> Dataset:
    _refuse(config, ("a", "crop", "label_maps", "direction", "flip"))
    return open_data(
        data,
        size=config.size,
        channels=config.channels,
        kinds=config.kinds,
        constraints=config.constraints,
        order=order(config.entity, config.time, config.window),
    )


def _refuse(config: Config, names: Sequence[str]) -> None:
    """Refuse what would do nothing."""
    usual = Config()
    for name in names:
        if getattr(config, name) != getattr(usual, name):
            raise SparringError(
                f"`{name}` is for recipes that learn from two sides of pictures, such as pix2pix: leave it out"
            )


def build(recipe: Recipe, dataset: Dataset, config: Config, cluster: Cluster) -> Trainer:
    """A trainer at round 0, with weights that follow from the seed."""
    if dataset.spec.kind not in recipe.gan.kinds:
        raise SparringError(
            f"the recipe {recipe.name} learns {' or '.join(WORDS[kind] for kind in recipe.gan.kinds)}, and "
            f"{dataset.spec.name} holds {WORDS[dataset.spec.kind]}"
        )
    torch.manual_seed(mix("weights", config.seed))
    gan = recipe.gan(dataset.spec, config)
    transfer.freeze(gan, config.freeze_critic)
    return Trainer(gan, dataset, config, cluster)


def settle(recipe: Recipe, dataset: Dataset, config: Config, cluster: Cluster) -> Config:
    """Replace every None and "auto" that training needs by a value, the same in every process."""
    changes: dict[str, Any] = {"processes": cluster.size}
    if config.from_run:
        changes["from_run"] = str(Path(config.from_run).resolve())
    if config.steps is None and config.minutes is None:
        changes["steps"] = default_steps(dataset.spec, config.batch, recipe.gan.translates)
    if config.augment == "auto":
        changes["augment"] = "none" if recipe.gan.translates else augmentation(dataset.spec)
    if config.precision == "auto":
        bf16 = cluster.device.type == "cuda" and torch.cuda.is_bf16_supported()
        changes["precision"] = "bf16" if bf16 else "fp32"
    for side in ("a", "b"):
        if path := getattr(config, side):
            changes[side] = str(Path(path).resolve())
    if dataset.spec.has_pictures:
        height, width = dataset.rows.shape[2:]
        changes |= {"size": f"{height}x{width}", "channels": dataset.spec.shape[0]}
    unsettled = config.precision == "auto" and cluster.device.type == "cpu" and not recipe.gan.translates
    config = dataclasses.replace(config, **changes)

    def built(c: Config) -> Trainer:
        return build(recipe, dataset, c, cluster)

    if config.memory_format == "auto":
        config = dataclasses.replace(config, memory_format="contiguous")
        config = dataclasses.replace(config, memory_format=cluster.tell(faster_memory_format(built, config)))
    if unsettled and cluster.tell(multiplies_bfloat16()):
        config = dataclasses.replace(config, precision=cluster.tell(faster_precision(built, config)))
    return config


def begin(recipe: Recipe, data: str | pd.DataFrame, config: Config, cluster: Cluster, quiet: bool = False) -> Run:
    """Train a new run to its end. -> the run"""
    writers.check(config.writers)
    if config.features != "none":
        refuse_unknown(config.features)
    origin = transfer.open_source(recipe, config)  # before the data, which may take long to prepare
    dataset, held_out = parts(data, config, recipe.gan)
    config = settle(recipe, dataset, config, cluster)
    dataset = dataclasses.replace(dataset, notes=(*dataset.notes, *_lonely(recipe, dataset)))
    trainer = build(recipe, dataset, config, cluster)
    told = transfer.take_over(origin, trainer) if origin else []
    folder = Path(config.out) if config.out else free_folder(recipe.name, dataset.spec.name, Path("runs"))
    folder = Path(cluster.tell(str(folder)))
    config = dataclasses.replace(config, out=str(folder))
    if cluster.is_chief:
        with writing(folder):
            run = Run.create(folder, recipe.reference, _called(data, config), config)
    cluster.tell(None)  # wait for the folder
    run = run if cluster.is_chief else Run(folder)
    run.frame = None if isinstance(data, str) else data
    session = Session(run, trainer, dataset, held_out, config, quiet)
    if origin and cluster.is_chief:
        transfer.announce(told, origin, run, session.console)
    session.play()
    return session.run


def _lonely(recipe: Recipe, dataset: Dataset) -> list[str]:
    """What to say of classes of a single picture to a recipe that makes what is asked for."""
    if not recipe.gan.conditional or dataset.labels is None or dataset.spec.kind != "pictures":
        return []
    counts = np.bincount(dataset.labels, minlength=len(dataset.spec.classes))
    few = [name for name, count in zip(dataset.spec.classes, counts, strict=True) if count == 1]
    if not few:
        return []
    named = ", ".join(few[:NAMED]) + (f" and {len(few) - NAMED:,} more" if len(few) > NAMED else "")
    return [f"One picture alone is learnt of the class {named}, so it can only be copied: add more, or leave it out."]


def _called(data: str | pd.DataFrame, config: Config) -> str:
    """What config.yaml says of the data."""
    if config.a is not None:
        return f"{config.a} and {config.b}"
    if not isinstance(data, str):
        return FRAME
    return str(Path(data).resolve()) if Path(data).exists() else data


def resume(run: Run, config: Config, cluster: Cluster, quiet: bool = False) -> Run:
    """Go on with a run, to the bit, under `config`: the run's own, but for the fields that are free on resume."""
    writers.check(config.writers)
    transfer.refuse_on_resume(run, config)
    state, complaints = checkpoint.newest(run.checkpoints)
    dataset, held_out = parts(source_of(run), config, run.recipe.gan)
    config = dataclasses.replace(config, processes=cluster.size)
    kept = {key: value for key, value in to_dict(config).items() if key not in FREE_ON_RESUME}
    default = to_dict(run.recipe.config())  # of fields that are younger than the checkpoint
    changed = difference({key: state["config"].get(key, default[key]) for key in kept}, kept)
    if changed:
        raise SparringError(
            f"the checkpoint in {run.folder} was trained under another config, and cannot go on under this one "
            f"({'; '.join(changed)}); undo the change, or train a new run"
        )
    of_note = ("name", "kind", "shape", "count", "classes", "hash")
    before, now = ({key: spec[key] for key in of_note} for spec in (state["spec"], dataset.spec.to_dict()))
    if before != now:
        hashes = {"hash": ""}  # which tell that values differ, and nothing that a person could read
        changed = difference({**before, **hashes}, {**now, **hashes}) or ["the same amount, other values"]
        raise SparringError(
            f"{run.data} has changed since the run began ({'; '.join(changed)}); restore it, or train a new run"
        )
    trainer = build(run.recipe, dataset, config, cluster)
    trainer.load_state(state)
    session = Session(run, trainer, dataset, held_out, config, quiet)
    session.supervisor.load_state_dict(state["supervisor"])
    session.seconds = state["seconds"]
    if cluster.is_chief:
        run.save_config(config)
        for complaint in complaints:
            session.console.say(f"{complaint}; going on from round {state['count']} instead")
        if state["threads"] != (threads := torch.get_num_threads()):
            session.console.say(
                f"{state['threads']} threads before, {threads} now: sums are rounded in another order, so this goes on "
                f"exactly but for rounding (OMP_NUM_THREADS={state['threads']} makes it exact)"
            )
    session.play()
    return run


def source_of(run: Run) -> str | pd.DataFrame:
    """What a run learnt from, as `parts` takes it.

    Raises:
        SparringError: where it was a data frame and is not given again, where it was none and one is given, and where
            it was a file or a folder that is gone.
    """
    if run.data != FRAME:
        if run.frame is not None:
            raise SparringError(f"{run.folder} learnt from {run.data}, which is looked up there: leave out `data`")
        if run.config.a is None and Path(run.data).is_absolute() and not Path(run.data).exists():
            raise SparringError(f"{run.folder} learnt from {run.data}, which is gone: put it back, or train a new run")
        return run.data
    if run.frame is None:
        raise SparringError(
            f"{run.folder} learnt from {FRAME}, which no file keeps: give it again in Python, to go on as "
            f'`sparring.resume("{run.folder}", data=frame)`, and to judge it as '
            f'`evaluate(sparring.load("{run.folder}", data=frame))` with `from sparring.evaluate import evaluate`'
        )
    return run.frame


def plan_run(recipe: Recipe, data: str, config: Config) -> list[str]:
    """What a run would cost on this machine, measured by playing a few of its rounds. -> lines to print"""
    cluster = Cluster(config.device)
    dataset, _ = parts(data, config, recipe.gan)
    config = settle(recipe, dataset, config, cluster)
    costs = estimate(build(recipe, dataset, config, cluster), config)
    hours, seconds = divmod(round(costs["seconds"]), 3600)
    sizes = ", ".join(f"{who} {count:,}" for who, count in costs["parameters"].items())
    return [
        f"{recipe.name} on {dataset.spec.name}: {holds(dataset.spec, recipe.gan)}",
        *(f"  {note}" for note in dataset.notes),
        f"  parameters   {sizes}",
        f"  speed        {costs['seconds_per_round'] * 1000:.1f} ms a round, {costs['images_per_second']:,.0f} "
        f"samples/s on {cluster.device} ({costs['precision']}, {costs['memory_format']})",
        f"  memory       {costs['peak_memory_mb']:,.0f} MB at the peak",
        f"  planned run  {costs['rounds']:,} rounds of {config.batch}: {hours} h {seconds // 60} min {seconds % 60} s",
    ]
