"""The one loop: it plays a recipe's rounds, turn by turn, and no recipe calls backward or an optimiser itself."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import torch

from sparring import adam
from sparring.augment import Adaptive
from sparring.checkpoint import fill
from sparring.cluster import Cluster
from sparring.compiling import Compiled
from sparring.config import Adam, Config
from sparring.data.dataset import Dataset
from sparring.data.streams import reader
from sparring.draws import Draws, seed_everything
from sparring.ema import Ema
from sparring.errors import SparringError
from sparring.gan import GAN, Turn
from sparring.guard import Guard
from sparring.tally import Tally

CHECK_TURNS_EVERY = 100  # rounds between comparisons of the processes' turns, which cost a message each
MAX_RESTORES = 3
SHRINK = 0.5  # what the remedy "learning rate" does to every learning rate
STRICTER = 4.0  # what the remedy "penalty" does to the gradient penalty
AUGMENTING = 0.25  # share of the run in which adaptive augmentation could rise from none to all

Remedy = Literal["learning rate", "penalty", "augmentation"]


@dataclass
class Player:
    """Networks that learn together, and how."""

    parameters: list[torch.nn.Parameter]
    optimiser: adam.Adam
    plan: Adam


class Trainer:
    """Plays rounds of a GAN's game and holds all that a checkpoint must hold.

    Args:
        gan: the recipe, on the CPU, with the weights to start from.
        dataset: what to learn.
        config: resolved: `steps` or `minutes` set, and `precision` and `memory_format` no longer "auto".
        cluster: the processes that train together, and this one's device.
    """

    def __init__(self, gan: GAN, dataset: Dataset, config: Config, cluster: Cluster) -> None:
        self.config, self.cluster, self.device = config, cluster, cluster.device
        cluster.synchronise_batch_norm(gan)
        self.gan = gan.to(self.device)
        gan.lay_out()
        cluster.share([*gan.parameters(), *gan.buffers()])
        self.compiled = Compiled(gan) if config.compile else None
        self.players = {who: self._player(who, nets) for who, nets in gan.players().items()}
        self.ema = Ema(gan, config.ema, 0.0 if config.from_run else config.ema_ramp)  # transfer.take_over says why
        self.guard = Guard(gan, self.device)
        self.tally = Tally(self.device)  # since the last report, which comes by the clock
        self.window = Tally(self.device)  # since the last checkup, which comes by the rounds
        self.adaptive = self._augmenting() if config.augment == "adaptive" else None
        self.gan.augmentation = self._strength()
        shares = cluster.size * config.accumulate
        mine = [cluster.rank * config.accumulate + i for i in range(config.accumulate)]
        self.draws = [Draws(config.seed, share, shares, self.device) for share in mine]
        read = reader(dataset, gan.conditional, config.flip)
        self.batches = [read(dataset, config.batch, config.seed, self.device, share, shares) for share in mine]
        self.progress = 0.0
        self.lr_scale = 1.0
        self.restores = 0

    @property
    def sizes(self) -> dict[str, int]:
        """How many parameters each player trains. What two share counts for the last; who has no others is left out."""
        counted: set[int] = set()
        sizes: dict[str, int] = {}
        for who, player in reversed(self.players.items()):
            own = {id(p): p.numel() for p in player.parameters if id(p) not in counted}
            if own or not player.parameters:
                sizes[who] = sum(own.values())
            counted |= own.keys()
        return dict(reversed(sizes.items()))

    def _player(self, who: str, nets: list[torch.nn.Module]) -> Player:
        plan = getattr(self.config, who, None)
        if not isinstance(plan, Adam):
            name = type(self.gan).__name__
            raise SparringError(f"{name} has a player `{who}` but its Config has no optimiser field `{who}: Adam`")
        parameters = [p for net in nets for p in net.parameters() if p.requires_grad]  # transfer.freeze
        return Player(parameters, adam.Adam(parameters, plan.lr, plan.betas), plan)

    @property
    def shown(self) -> int:
        """Samples' worth of rounds played so far, over all processes."""
        return int(self.gan.count * self.config.batch)

    def round(self) -> None:
        """Play one round: every turn in the recipe's order, the micro-batches of each turn in lockstep."""
        seed_everything(self.config.seed, self.gan.count, self.cluster.rank, self.device)
        for draws in self.draws:
            draws.at(self.gan.count)
        self.gan.progress = self.progress
        self._schedule()
        runs = [self.gan.step(batches) for batches in self.batches]
        with self.compiled.running() if self.compiled else contextlib.nullcontext():
            while self._turn(runs):
                pass
        self.guard.end_round()
        self.gan.count += 1
        self.ema.update(self.config.batch, self.shown)

    def _turn(self, runs: list[Iterator[Turn]]) -> bool:
        """Play one player's turn. -> whether there was one."""
        player: Player | None = None
        names: list[str] = []
        total: torch.Tensor | float = 0.0
        for i, run in enumerate(runs):
            self.gan.draws = self.draws[i]
            with self._autocast():
                turn = next(run, None)
            if i == 0:
                first = turn
                self._check_turn(turn)
            if (turn and turn[0]) != (first and first[0]):
                raise SparringError(f"{type(self.gan).__name__}.step gives micro-batches different turns")
            if turn is None:
                continue
            who, losses = turn
            player, names = self.players[who], [f"{who}/{term}" for term in losses]
            if i == 0:
                player.optimiser.zero_grad()
            terms = torch.stack([term.float() for term in losses.values()]) / len(runs)
            terms.sum().backward(inputs=player.parameters)  # type: ignore[no-untyped-call]
            total = total + terms.detach()
        if player is None:
            return False
        assert isinstance(total, torch.Tensor)
        self._update(player, names, total)
        return True

    def _check_turn(self, turn: Turn | None) -> None:
        """A recipe must branch on count and config, never on data: compare the processes once in a while."""
        who = turn[0] if turn else "nobody"
        if turn and who not in self.players:
            raise SparringError(
                f"{type(self.gan).__name__}.step yields `{who}`, who is none of its players {list(self.players)}"
            )
        if self.gan.count % CHECK_TURNS_EVERY == 0:
            name = type(self.gan).__name__
            self.cluster.assert_same(who, f"{name}.step gives processes different turns in round {self.gan.count}")

    def _update(self, player: Player, names: list[str], terms: torch.Tensor) -> None:
        """Average over processes, guard, clip, and take the optimiser's step."""
        for p in player.parameters:
            if p.grad is None:  # an idle part counts as zero, in every process alike
                p.grad = torch.zeros_like(p)
        gradients = [p.grad for p in player.parameters if p.grad is not None]
        self.cluster.average([*gradients, terms])
        norm = torch.nn.utils.get_total_norm(gradients)
        player.optimiser.found_inf = self.guard.turn(terms, norm)
        if self.config.clip is not None:
            torch.nn.utils.clip_grads_with_norm_(player.parameters, self.config.clip, norm)
        player.optimiser.step()
        seen, values = [*names, f"norm/{names[0].split('/')[0]}"], torch.cat([terms, norm[None]])
        self.tally.add(seen, values)
        self.window.add(seen, values)

    def _schedule(self) -> None:
        """Set each learning rate for the stage's progress: half a cosine from `lr` to `final` times `lr`."""
        _, over = self.gan.stage(min(self.progress, 1.0))
        for player in self.players.values():
            falling = 0.5 * (1 + math.cos(math.pi * over))
            share = player.plan.final + (1 - player.plan.final) * falling
            for group in player.optimiser.param_groups:
                group["lr"] = player.plan.lr * self.lr_scale * share

    def _autocast(self) -> contextlib.AbstractContextManager[Any]:
        if self.config.precision == "bf16":
            return torch.autocast(self.device.type, torch.bfloat16)
        return contextlib.nullcontext()

    def gather(self) -> None:
        """Bring together what each process remembers of its share of a batch; every process calls it before `state`."""
        for module in self.gan.modules():
            self.cluster.join([getattr(module, name) for name in getattr(module, "slots", ())])

    def state(self) -> dict[str, Any]:
        """All that a later process needs to go on to the bit. Random numbers follow from the seed and the count."""
        return {
            "count": self.gan.count,
            "position": self.batches[0].position,
            "progress": self.progress,
            "lr_scale": self.lr_scale,
            "restores": self.restores,
            "penalty": self.gan.penalty,
            "adaptive": self.adaptive and self.adaptive.state_dict(),
            "skipped": self.guard.skipped(),
            "window": self.window.state_dict(),
            "gan": self.gan.state_dict(),
            "ema": self.ema.state_dict(),
            "optimisers": {who: player.optimiser.state_dict() for who, player in self.players.items()},
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """The inverse of `state`."""
        fill(self.gan, state["gan"], [name for name, _ in self.gan.named_children()])
        self.gan.count = state["count"]
        self.ema.load_state_dict(state["ema"], state["count"])
        for who, player in self.players.items():
            player.optimiser.load_state_dict(state["optimisers"][who])
        for batches in self.batches:
            batches.position = state["position"]
        self.progress, self.lr_scale = state["progress"], state["lr_scale"]
        self.restores, self.gan.penalty = state["restores"], state["penalty"]
        self.adaptive = None
        if state["adaptive"]:
            self.adaptive = self._augmenting()
            self.adaptive.load_state_dict(state["adaptive"])
        self.gan.augmentation = self._strength()
        self.guard.reset(state["skipped"])
        self.window.load_state_dict(state["window"])

    def is_finite(self) -> bool:
        """Whether every weight, average and optimiser's state is finite. Waits for the device."""
        optimisers = [s for player in self.players.values() for s in player.optimiser.state.values()]
        tensors = [
            *self.gan.state_dict().values(),
            *self.ema.state_dict().values(),
            *(t for s in optimisers for t in s.values() if isinstance(t, torch.Tensor)),
        ]
        sums = [t.sum() for t in tensors if t.is_floating_point() and t.numel()]
        return bool(torch.isfinite(torch.stack([s.to(self.device) for s in sums])).all())

    def restore(self, state: dict[str, Any], remedy: Remedy = "learning rate") -> None:
        """Go back to a good state and change one thing. SparringError after MAX_RESTORES of them."""
        restores, lr_scale, penalty, adaptive = self.restores + 1, self.lr_scale, self.gan.penalty, self.adaptive
        if restores > MAX_RESTORES:
            raise SparringError(
                f"the losses became infinite or not a number again after {MAX_RESTORES} restores, each with a remedy, "
                f"at round {self.gan.count}. {self._blame()} The last checkpoint is finite and intact."
            )
        self.load_state(state)
        self.restores, self.adaptive = restores, adaptive
        self.lr_scale = lr_scale * SHRINK if remedy == "learning rate" else lr_scale
        self.gan.penalty = penalty * STRICTER if remedy == "penalty" else penalty
        if remedy == "augmentation" and self.config.augment != "full":  # which there is no more of
            self.adaptive = self.adaptive or self._augmenting()

    def describe(self, remedy: Remedy) -> str:
        """What the remedy has made of the setting that it turns, as the end of a sentence."""
        return {
            "learning rate": f"{self.lr_scale:g} times the learning rates",
            "penalty": f"{self.gan.penalty:g} times the gradient penalty",
            "augmentation": "adaptive augmentation",
        }[remedy]

    def adapt(self, sign: float, images: int, target: float | None = None) -> None:
        """Let adaptive augmentation, where it is on, follow the critic's overfitting: see `augment.Adaptive.update`."""
        if self.adaptive:
            self.adaptive.update(sign, images, target)
            self.gan.augmentation = self.adaptive.strength

    def _strength(self) -> float:
        """Of augmentation: what its controller has come to, or else all or none."""
        return self.adaptive.strength if self.adaptive else float(self.config.augment == "full")

    def _augmenting(self) -> Adaptive:
        planned = (self.config.steps or 0) * self.config.batch
        return Adaptive(span=max(1, round(AUGMENTING * planned))) if planned else Adaptive()

    def _blame(self) -> str:
        """What most likely drives a run to infinity, from what was last seen of it."""
        rates = ", ".join(f"--{who}.lr {player.plan.lr / 10:g}" for who, player in self.players.items())
        self.tally.read()
        worst = self.tally.not_finite
        seen = f"The first term to go was {worst}. " if worst else ""
        return f"{seen}Try a tenth of the learning rates ({rates}), or --clip 1."
