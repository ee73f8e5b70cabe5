"""One sitting of training: plays the rounds, reports, draws, saves, heals, and stops when asked."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import torch

from sparring import checkpoint
from sparring.cluster import Cluster
from sparring.config import Config, to_dict
from sparring.console import Console
from sparring.data import draw
from sparring.data.dataset import Dataset
from sparring.environment import environment, peak_memory
from sparring.errors import SparringError
from sparring.report import write_report
from sparring.run import Run, write_atomically
from sparring.trainer import Trainer

GRIDS = 20  # sample grids over a run
GRID_SAMPLES = 64
SAVE_SECONDS = 300.0
LOOK_EVERY = 16  # rounds between looks at the guard where looking means waiting for the device


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """A full disk or an unwritable folder in one sentence."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error).split("\n")[0]
        remedy = "give a folder that can be written as --out"
        if checkpoint.files(folder / "checkpoints"):
            remedy = f"the checkpoints there are intact, so make room and type `sparring train --resume {folder}`"
        raise SparringError(f"cannot write to {error.filename or folder}: {reason}; {remedy}") from None


class Session:
    """One sitting of training: plays rounds until the plan is fulfilled or somebody interrupts."""

    def __init__(
        self, run: Run, trainer: Trainer, dataset: Dataset, config: Config, cluster: Cluster, quiet: bool
    ) -> None:
        self.run, self.trainer, self.dataset, self.config, self.cluster = (
            run,
            trainer,
            dataset,
            config,
            cluster,
        )
        self.console = Console(quiet or not cluster.is_chief)
        self.latents = trainer.gan.latents(GRID_SAMPLES, config.seed)
        self.seconds = 0.0  # of training, over all sittings
        self.asked_to_stop = False  # by a signal, in this process
        self.interrupted = False  # agreed between the processes
        self._saved = time.monotonic()
        self._report_at = trainer.gan.count + 1
        self._reported = (trainer.gan.count, time.monotonic())

    @property
    def finished(self) -> bool:
        """Whether the plan (steps, or minutes) is fulfilled."""
        if self.config.minutes is not None:
            return self.trainer.progress >= 1.0
        return bool(self.trainer.gan.count >= (self.config.steps or 0))

    def play(self) -> None:
        """Train to the end of the plan, whatever happens keeping the last good checkpoint."""
        with writing(self.run.folder), _catching_interrupts(self), self.console:
            self._open()
            while not self.finished and not self.interrupted:
                self._play_round()
            self._save()
            if self.cluster.is_chief:
                self._close()
            self.cluster.tell(None)  # wait for the chief: a process that leaves early breaks the others' connections
        if self.interrupted:
            raise KeyboardInterrupt

    def _play_round(self) -> None:
        trainer = self.trainer
        if self.config.minutes is None and self.config.steps:
            trainer.progress = trainer.gan.count / self.config.steps
        milestone = int(trainer.progress * GRIDS)
        trainer.round()
        count = trainer.gan.count
        if self.trainer.device.type == "cpu" or count % LOOK_EVERY == 0:
            self._heal()
        if trainer.gan.count >= self._report_at or self.finished:
            self._report()
        if self.config.minutes is None and self.config.steps:
            trainer.progress = trainer.gan.count / self.config.steps
        if int(trainer.progress * GRIDS) > milestone:
            self._draw()
        if self.config.checkpoint_every and trainer.gan.count % self.config.checkpoint_every == 0:
            self._save()
        self.console.advance(trainer.gan.count, self._progress_now())
        if self.cluster.size == 1:
            self.interrupted = self.asked_to_stop

    def _progress_now(self) -> float:
        """How far the plan is, for the eye: between reports the trainer's own progress stands still."""
        if self.config.minutes is None:
            return self.trainer.progress
        return min((self.seconds + time.monotonic() - self._reported[1]) / 60 / self.config.minutes, 1.0)

    def _heal(self) -> None:
        """After three rounds in a row that were not finite, go back to the last good state."""
        _, worst = self.trainer.guard.look()
        if worst >= 3:
            self._restore()

    def _restore(self) -> None:
        state = checkpoint.newest(self.run.checkpoints)[0] if self.cluster.is_chief else None
        skipped, failed_at = self.trainer.guard.skipped(), self.trainer.gan.count
        self.trainer.restore(self.cluster.tell(state))
        self.trainer.guard.reset(skipped)
        self._report_at = self.trainer.gan.count + 1
        event = {"event": "restore", "from_step": failed_at, "step": self.trainer.gan.count}
        self._log({**event, "lr_scale": self.trainer.lr_scale, "skipped": skipped})
        self.console.say(
            f"Three rounds in a row were not finite: back to round {self.trainer.gan.count}, "
            f"with {self.trainer.lr_scale:g} times the learning rates"
        )

    def _report(self) -> None:
        """Log the means since the last report, and agree between processes on what comes next."""
        now, count = time.monotonic(), self.trainer.gan.count
        rounds, elapsed = count - self._reported[0], now - self._reported[1]
        self._reported = (count, now)
        self.seconds += elapsed
        means = self.trainer.tally.read()
        skipped = self.trainer.guard.skipped()
        speed = rounds * self.config.batch / max(elapsed, 1e-9)
        norms = {key[5:]: value for key, value in means.items() if key.startswith("norm/")}
        terms = {key: value for key, value in means.items() if not key.startswith("norm/")}
        place = {"step": count, "images": self.trainer.shown, "seconds": round(self.seconds, 3)}
        figures = {"images_per_second": round(speed, 1), "terms": terms, "norms": norms, "skipped": skipped}
        self._log({**place, **figures})
        self.console.report(terms, speed)
        self._agree(max(rounds, 1) / max(elapsed, 1e-9))

    def _agree(self, rounds_per_second: float) -> None:
        """When to report next, whether to save now and how far the plan is: the chief's clock decides for all."""
        pause = min(max(2.0, self.seconds / 200), 15.0)
        save_due = self.config.checkpoint_every is None and time.monotonic() - self._saved > SAVE_SECONDS
        minutes = self.config.minutes
        if minutes is not None:
            pause = min(pause, max(minutes * 60 - self.seconds, 0.0))
        ours = (
            max(1, int(pause * rounds_per_second)),
            save_due,
            self.seconds / 60 / minutes if minutes else 0.0,
        )
        wait, save_due, progress = self.cluster.tell(ours)
        self._report_at = self.trainer.gan.count + wait
        if minutes is not None:
            self.trainer.progress = progress
        self.interrupted = self.cluster.any(self.asked_to_stop)
        if save_due:
            self._save()

    def _save(self) -> None:
        """Write a checkpoint, unless the state is poisoned: then go back to the last good one."""
        self._saved = time.monotonic()
        if self.trainer.gan.count and not self.trainer.is_finite():
            self._restore()
            return
        if self.cluster.is_chief:
            card = {
                "spec": self.dataset.spec.to_dict(),
                "config": to_dict(self.config),
                "seconds": self.seconds,
            }
            card["threads"] = torch.get_num_threads()
            checkpoint.save(self.run.checkpoints, {**self.trainer.state(), **card})

    @torch.no_grad()
    def _draw(self) -> None:
        """The grid of the fixed latents, as the averaged generator sees them now."""
        if self.cluster.is_chief:
            samples = self.trainer.ema.gan.sample(self.latents.to(self.trainer.device))
            path = self.run.folder / "samples" / f"{self.trainer.gan.count:06d}.png"
            draw.grid(self.dataset.spec, samples).save(path)

    def _log(self, record: dict[str, Any]) -> None:
        if self.cluster.is_chief:
            self.run.log(record)

    def _open(self) -> None:
        trainer = self.trainer
        parameters = {who: sum(p.numel() for p in player.parameters) for who, player in trainer.players.items()}
        event = "resume" if trainer.gan.count else "start"
        self._log(
            {
                "event": event,
                "step": trainer.gan.count,
                "data": {**self.dataset.spec.to_dict(), "notes": list(self.dataset.notes)},
                "parameters": parameters,
                "environment": environment(self.cluster),
            }
        )
        self.console.open(self.run, self.dataset, self.config, parameters, trainer.gan.count)
        if trainer.gan.count == 0:
            self._save()
            self._draw()

    def _close(self) -> None:
        """metrics.json and report.html, and what to type next."""
        self._draw()
        count = self.trainer.gan.count
        speed = count * self.config.batch / self.seconds if self.seconds else 0.0
        figures = {
            "steps": count,
            "images": self.trainer.shown,
            "seconds": round(self.seconds, 1),
            "images_per_second": round(speed, 1),
            "skipped": self.trainer.guard.skipped(),
            "restores": self.trainer.restores,
            "peak_memory_mb": peak_memory(self.trainer.device),
        }
        self._log({"event": "interrupted" if self.interrupted else "end", "step": count, **figures})
        write_atomically(self.run.folder / "metrics.json", json.dumps(figures, indent=2) + "\n")
        write_report(self.run.folder)
        self.console.close(self.run, figures, self.interrupted)


@contextmanager
def _catching_interrupts(session: Session) -> Iterator[None]:
    """The first Ctrl-C asks the session to save and stop; a second one stops at once.

    Among several processes there is no second one: their launcher passes on the Ctrl-C that the terminal sent too.
    """

    def ask(number: int, frame: FrameType | None) -> None:
        session.asked_to_stop = True
        if session.cluster.size == 1:
            signal.signal(signal.SIGINT, before)

    try:
        before = signal.signal(signal.SIGINT, ask)
    except ValueError:  # not in the main thread, as in some notebooks and servers
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
