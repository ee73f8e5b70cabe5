"""What a run will cost on this machine, measured by playing a few of its rounds; and the probe of memory formats."""

from __future__ import annotations

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
    """ "contiguous" or "channels_last", whichever plays rounds faster here; plain networks are not probed.

    The two take turns, and pairs of neighbouring rounds are compared: a busy machine slows both of a pair.
    """
    plain = build(config)
    if not any(p.dim() == 4 for player in plain.players.values() for p in player.parameters):
        return "contiguous"
    other = build(dataclasses.replace(config, memory_format="channels_last"))
    for trainer in (plain, other):
        seconds_per_round(trainer)
    ratios = [seconds_per_round(other, 1, 0) / seconds_per_round(plain, 1, 0) for _ in range(PAIRS)]
    return "channels_last" if sorted(ratios)[PAIRS // 2] < WORTH else "contiguous"


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
        "parameters": {who: sum(p.numel() for p in player.parameters) for who, player in trainer.players.items()},
        "memory_format": config.memory_format,
        "seconds_per_round": seconds,
        "images_per_second": config.batch / seconds,
        "peak_memory_mb": peak_memory(trainer.device),
        "rounds": rounds,
        "seconds": seconds * (rounds or 0),
    }
