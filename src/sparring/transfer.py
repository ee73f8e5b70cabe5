"""Starting from another run's networks, and keeping the critic's first layers as they came.

Mo, Cho & Shin 2020, "Freeze the Discriminator: a Simple Baseline for Fine-Tuning GANs": on few pictures, a critic whose
first layers keep what they learnt on many overfits later.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn
from torch.nn.utils import parametrize

from sparring import checkpoint
from sparring.config import FREE_ON_RESUME, Adam, Config, difference, flags, to_dict
from sparring.data.spec import Spec
from sparring.errors import SparringError
from sparring.gan import GAN
from sparring.recipes import Recipe
from sparring.run import Run

if TYPE_CHECKING:
    from sparring.console import Console
    from sparring.trainer import Trainer

Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Source:
    """A run to start from: where it lies, as the user wrote it, and its newest checkpoint that can be read."""

    folder: str
    run: Run
    state: dict[str, Any]
    complaints: list[str]


def open_source(recipe: Recipe, config: Config) -> Source | None:
    """The run that `config.from_run` names, or None. SparringError where it is none, or another recipe's."""
    if config.from_run is None:
        return None
    run = Run(config.from_run)
    theirs = Path(run.recipe_reference).stem
    if theirs != recipe.name:
        raise SparringError(
            f"{config.from_run} was trained with {theirs}, and {recipe.name} can take over networks of its own kind "
            f"only: train {run.recipe_reference}, or leave out --from"
        )
    state, complaints = checkpoint.newest(run.checkpoints)
    return Source(config.from_run, run, state, complaints)


def refuse_on_resume(run: Run, config: Config) -> None:
    """A run that goes on has networks of its own."""
    if config.from_run != run.settings.get("from_run"):
        raise SparringError(
            f"{run.folder} goes on with its own networks, so leave out --from; or leave out --resume, to train a new "
            f"run that starts from {config.from_run}"
        )


def take_over(source: Source, trainer: Trainer) -> list[str]:
    """Give a trainer at round 0 the networks of another run. -> what was done, in sentences

    Each of the two generators gets its own kind of weights. The one that learns gets those that learnt: they and the
    critic's were at play with each other, and the average's were never seen by it. The average goes on from the
    average, so that round 0 shows what the other run's samples were; the trainer gives it no ramp, which would forget
    that within a round. Optimisers, learning rates and the count begin anew.

    Layers whose shape follows from what is given beside noise (embeddings of classes, say) start anew where that is
    of another size. Whatever else does not fit is refused.

    Raises:
        SparringError: says which part differs, and what would make it fit.
    """
    gan, theirs = trainer.gan, source.state["gan"]
    if not (gan.native and source.state["spec"]["shape"][0] == gan.spec.shape[0]):  # crops may be of any size
        _refuse_other_data(source, gan.spec)
    own_state = _networks(gan.state_dict(), gan)
    anew = _misfits(_shapes(theirs), _shapes(own_state))
    if anew:
        _refuse_other_networks(source, gan)
    for name, _ in layers(gan)[: trainer.config.freeze_critic]:
        if name in anew:
            raise SparringError(
                f"the critic's layer {name} starts anew, as the classes and columns are others than in "
                f"{source.folder}, so it cannot stay as it came: leave out --freeze-critic"
            )
    kept = [name for name in own_state if _layer(name) not in anew]
    gan.load_state_dict({name: theirs[name] for name in kept}, strict=False)
    averages = {name: source.state["ema"].get(name, own) for name, own in trainer.ema.state_dict().items()}
    own = {name: value for name, value in trainer.ema.state_dict().items() if _layer(name) in anew}
    trainer.ema.load_state_dict({**averages, **own}, 0)
    trainer.guard.reset(0)
    return _told(source, trainer, sorted(anew))


def announce(told: list[str], source: Source, run: Run, console: Console) -> None:
    """Into the log and onto the console."""
    run.log({"event": "transfer", "step": 0, "from": source.folder, "from_step": source.state["count"], "notes": told})
    for sentence in told:
        console.say(sentence)


def layers(gan: GAN) -> list[tuple[str, list[nn.Parameter]]]:
    """The critic's layers in the order in which it holds them: their names, and their weights.

    A layer is a module with a weight of two dimensions or more, so a convolution or a linear layer; the smaller
    weights of modules behind it, such as a norm's, belong to it too.
    """
    names = {id(module): name for name, module in gan.named_modules()}
    found: list[tuple[str, list[nn.Parameter]]] = []
    before: list[nn.Parameter] = []  # small weights ahead of the first layer
    seen: set[int] = set()
    for net in gan.players().get("critic", []):
        for module in net.modules():
            own = [p for p in _own(module) if id(p) not in seen]
            seen |= {id(p) for p in own}
            if any(p.dim() > 1 for p in own):
                found.append((names[id(module)], [*before, *own]))
                before = []
            else:
                (found[-1][1] if found else before).extend(own)
    return found


def freeze(gan: GAN, count: int) -> None:
    """Let the critic's first `count` layers learn no more. SparringError where there are not so many and one more."""
    if not count:
        return
    found = layers(gan)
    if not found:
        raise SparringError(
            f"{type(gan).__name__} has no player `critic` to freeze layers of: leave out --freeze-critic"
        )
    if count >= len(found):
        raise SparringError(
            f"the critic has {len(found)} layers, and with {count} of them frozen nothing would learn: "
            f"give --freeze-critic {len(found) - 1} or less"
        )
    for _, weights in found[:count]:
        for weight in weights:
            weight.requires_grad_(False)


def _own(module: nn.Module) -> Iterable[nn.Parameter]:
    """A module's weights without those of its parts; what a parametrisation holds for it (spectral.py) is its own."""
    yield from module.parameters(recurse=False)
    if parametrize.is_parametrized(module):
        assert isinstance(module.parametrizations, nn.ModuleDict)
        yield from module.parametrizations.parameters()


def _layer(name: str) -> str:
    """The module that a tensor of a state belongs to; what a parametrisation holds belongs with the weight."""
    return name.split(".parametrizations.")[0] if ".parametrizations." in name else name.rpartition(".")[0]


def _networks(state: dict[str, Any], gan: GAN) -> dict[str, Any]:
    """A state without what a history of fakes remembers (networks/pool.py): those of another run are no business."""
    histories = {name for name, module in gan.named_modules() if hasattr(module, "slots")}
    return {name: tensor for name, tensor in state.items() if _layer(name) not in histories}


def _shapes(state: dict[str, Any]) -> Shapes:
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


def _misfits(theirs: Shapes, ours: Shapes) -> set[str]:
    """The modules of ours of which any tensor is not there in theirs, or of another shape."""
    return {_layer(name) for name, shape in ours.items() if theirs.get(name) != shape}


def _refuse_other_data(source: Source, spec: Spec) -> None:
    """Networks are made for one kind and shape of sample."""
    theirs = Spec.from_dict(source.state["spec"])
    if (theirs.kind, theirs.shape, theirs.source) == (spec.kind, spec.shape, spec.source):
        return
    shapes = ["×".join(map(str, each.shape)) for each in (theirs, spec)]
    said = (
        f"{source.folder} was trained on {theirs.kind} of {shapes[0]}, and {spec.name} holds {spec.kind} of {shapes[1]}"
    )
    if theirs.kind != "pictures" or spec.kind != "pictures":
        raise SparringError(f"{said}: its networks fit no such data, so leave out --from")
    height, width = theirs.shape[1:]
    wanted = [f"--size {height}" if height == width else f"--size {height}x{width}"] * (
        theirs.shape[1:] != spec.shape[1:]
    )
    wanted += [f"--channels {theirs.shape[0]}"] * (theirs.shape[0] != spec.shape[0])
    raise SparringError(f"{said}: give {' '.join(wanted)}")


def _refuse_other_networks(source: Source, gan: GAN) -> None:
    """Raise unless the networks that this config makes for the other run's data are those of the other run."""
    spec, config = Spec.from_dict(source.state["spec"]), gan.config
    there, now = _shapes(_networks(source.state["gan"], gan)), _made(gan, spec, config)
    if there == now:
        return
    theirs = source.run.config
    fields = [f.name for f in dataclasses.fields(config) if f.name not in FREE_ON_RESUME]
    other = [name for name in fields if getattr(theirs, name) != getattr(config, name)]
    other = [name for name in other if not isinstance(getattr(config, name), Adam)]
    telling = [n for n in other if _made(gan, spec, dataclasses.replace(config, **{n: getattr(theirs, n)})) != now]
    if telling:
        words = [" and ".join(f"{name} {getattr(each, name)}" for name in telling) for each in (theirs, config)]
        give = " ".join(flags({name: to_dict(theirs)[name] for name in telling}))
        raise SparringError(f"the networks in {source.folder} have {words[0]}, and this run's {words[1]}: give {give}")
    name = min(name for name in there.keys() | now.keys() if there.get(name) != now.get(name))
    raise SparringError(
        f"the networks in {source.folder} are not those that the recipe makes now: {name} has the shape "
        f"{there.get(name)} there and {now.get(name)} here; use the recipe as it was, or leave out --from"
    )


def _made(gan: GAN, spec: Spec, config: Config) -> Shapes:
    """The shapes that a recipe's tensors have for some data and settings."""
    made = type(gan)(spec, config)
    return _shapes(_networks(made.state_dict(), made))


def _told(source: Source, trainer: Trainer, anew: list[str]) -> list[str]:
    """What was taken over, what was not, and what is done otherwise than there."""
    gan, config = trainer.gan, trainer.config
    spec, theirs = gan.spec, Spec.from_dict(source.state["spec"])
    told = [*source.complaints, f"Starting from the networks of {source.folder}, round {source.state['count']:,}."]
    if anew:
        told.append(f"As other classes and columns are given, these layers start anew: {', '.join(anew)}.")
    elif gan.conditional and (spec.classes, _names(spec)) != (theirs.classes, _names(theirs)):
        places = [f"{new} for {old}" for old, new in zip(_given(theirs), _given(spec), strict=True)]
        more = " and so on" * (len(places) > 3)
        told.append(
            f"What is given takes the places of what was given there, in its order: {', '.join(places[:3])}{more}."
        )
    if config.freeze_critic:
        kept = ", ".join(name for name, _ in layers(gan)[: config.freeze_critic])
        told.append(f"These of the critic's {len(layers(gan))} layers stay as they came: {kept}.")
    own = [f.name for f in dataclasses.fields(config) if f.name not in Config.__dataclass_fields__]
    before, now = ({name: each[name] for name in own} for each in (to_dict(source.run.config), to_dict(config)))
    if changed := difference(before, now):
        told.append(f"Settings that differ from those there: {'; '.join(changed)}.")
    return told


def _names(spec: Spec) -> tuple[str, ...]:
    return tuple(column.name for column in spec.columns)


def _given(spec: Spec) -> tuple[str, ...]:
    """The names of all that is given beside noise, in the order of its row."""
    return (*spec.classes, *_names(spec))
