"""What a run will cost on this machine, measured by playing a few of its rounds; and which settings make it faster."""

from __future__ import annotations

import copy
import dataclasses
import time
from collections.abc import Callable
from typing import Any

import torch

from sparring.config import Config
from sparring.environment import peak_memory
from sparring.trainer import Trainer

WARM_UP, TIMED, PAIRS = 2, 5, 7  # rounds
WORTH = 0.97  # channels_last is taken below this share of the contiguous format's time: a tie keeps the plain one
WORTH_ROUNDING = 0.9  # the same for bf16, which rounds to three digits


def seconds_per_round(trainer: Trainer, rounds: int = TIMED, warm_up: int = WARM_UP) -> float:
    """The median seconds of a round, after warming up. The trainer's state moves on: give a throw-away one."""
    times = []
    for i in range(warm_up + rounds):
        start = time.perf_counter()
        trainer.round()
        wait_for(trainer.device)
        if i >= warm_up:
            times.append(time.perf_counter() - start)
    return sorted(times)[len(times) // 2]


def wait_for(device: torch.device) -> None:
    """Let the device finish what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def faster_memory_format(build: Callable[[Config], Trainer], config: Config) -> str:
    """ "contiguous" or "channels_last", whichever plays rounds faster here; plain networks are not probed."""
    plain = build(config)
    if not _convolves(plain):
        return "contiguous"
    other = build(dataclasses.replace(config, memory_format="channels_last"))
    return "channels_last" if _share(other, plain) < WORTH else "contiguous"


def faster_precision(build: Callable[[Config], Trainer], config: Config) -> str:
    """ "fp32", or "bf16" where that plays rounds much faster; plain networks are probed for tables alone.

    For processors that multiply bfloat16. All processes of a cluster must call it, for they play the rounds together.
    """
    plain = build(config)
    if not _convolves(plain) and plain.gan.spec.kind != "table":  # whose perceptrons are wide
        return "fp32"
    other = copy.copy(plain)  # the same networks in turns, which take the memory of one trainer
    other.config = dataclasses.replace(config, precision="bf16")
    return "bf16" if _share(other, plain) < WORTH_ROUNDING else "fp32"


def _convolves(trainer: Trainer) -> bool:
    return any(p.dim() == 4 for player in trainer.players.values() for p in player.parameters)


def _share(other: Trainer, plain: Trainer) -> float:
    """The time of one's rounds over that of the other's.

    The two take turns, and pairs of neighbouring rounds are compared: a busy machine slows both of a pair.
    """
    for trainer in (plain, other):
        seconds_per_round(trainer)
    ratios = [seconds_per_round(other, 1, 0) / seconds_per_round(plain, 1, 0) for _ in range(PAIRS)]
    return sorted(ratios)[PAIRS // 2]


def multiplies_bfloat16() -> bool:
    """Whether this processor has instructions for it: without them bf16 can be forty times as slow as fp32."""

    def seconds(kind: torch.dtype) -> float:
        numbers, times = torch.ones(256, 256, dtype=kind), []
        for _ in range(PAIRS):
            start = time.perf_counter()
            torch.mm(numbers, numbers)
            times.append(time.perf_counter() - start)
        return min(times)

    return seconds(torch.bfloat16) < seconds(torch.float32)


def _over_stages(trainer: Trainer) -> float:
    """Mean seconds of a round over the stages of a run, each by its share."""
    names = [trainer.gan.stage(i / 100)[0] for i in range(100)]
    total = 0.0
    for name in dict.fromkeys(names):
        trainer.progress = names.index(name) / 100
        total += seconds_per_round(trainer) * names.count(name) / len(names)
    return total


def estimate(trainer: Trainer, config: Config) -> dict[str, Any]:
    """Parameters a player, seconds a round, memory, and the planned run's rounds and hours."""
    seconds = _over_stages(trainer)
    rounds = config.steps if config.minutes is None else round(config.minutes * 60 / seconds)
    return {
        "parameters": trainer.sizes,
        "precision": config.precision,
        "memory_format": config.memory_format,
        "seconds_per_round": seconds,
        "images_per_second": config.batch / seconds,
        "peak_memory_mb": peak_memory(trainer.device),
        "rounds": rounds,
        "seconds": seconds * (rounds or 0),
    }
