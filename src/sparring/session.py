"""One sitting of training: plays the rounds, reports, draws, saves, heals, and stops when asked."""

from __future__ import annotations

import time
from typing import Any

import torch

from sparring import checkpoint
from sparring.closing import close
from sparring.config import Config, to_dict
from sparring.console import Console, unused
from sparring.data.dataset import Dataset
from sparring.environment import environment
from sparring.run import Run
from sparring.safety import catching_interrupts, writing
from sparring.showcase import Showcase
from sparring.supervisor import CHECKUPS, Supervisor
from sparring.tally import by_kind
from sparring.trainer import MAX_RESTORES, Remedy, Trainer
from sparring.writers import writers

GRIDS = 20  # sample grids over a run
SAVE_SECONDS = 300.0
HEALTHY = "healthy"  # the name of the checkpoint that healing goes back to
LOOK_EVERY = 16  # rounds between looks at the guard where looking means waiting for the device


class Session:
    """One sitting of training: plays rounds until the plan is fulfilled or somebody interrupts."""

    def __init__(
        self, run: Run, trainer: Trainer, dataset: Dataset, held_out: Dataset | None, config: Config, quiet: bool
    ) -> None:
        self.run, self.trainer, self.dataset, self.config = run, trainer, dataset, config
        self.cluster = cluster = trainer.cluster
        self.supervisor = Supervisor(trainer, dataset, held_out)
        self.console = Console(quiet or not cluster.is_chief)
        self.writers = writers(
            config.writers if cluster.is_chief else (), run.folder, to_dict(config), self.console.say
        )
        self.showcase = Showcase(trainer.gan, dataset, held_out, config.seed)
        self.seconds = 0.0  # of training, over all sittings
        self.asked_to_stop = False  # by a signal, in this process
        self.interrupted = False  # agreed between the processes
        self.stopped = False  # early, agreed too
        self._saved = time.monotonic()
        self._report_at = trainer.gan.count + 1
        self._reported = (trainer.gan.count, time.monotonic())

    @property
    def finished(self) -> bool:
        """Whether the plan (steps, or minutes) is fulfilled, or nothing gets better any more."""
        if self.stopped:
            return True
        if self.config.minutes is not None:
            return self.trainer.progress >= 1.0
        return bool(self.trainer.gan.count >= (self.config.steps or 0))

    def play(self) -> None:
        """Train to the end of the plan, whatever happens keeping the last good checkpoint."""
        with writing(self.run.folder), catching_interrupts(self._ask_to_stop, self.cluster.size == 1), self.console:
            self._open()
            while not self.finished and not self.interrupted:
                self._play_round()
            if self.trainer.gan.count > self._reported[0]:  # stopped early, or interrupted
                self._report()
            self._save()
            if self.cluster.is_chief:
                self._close()
            self.cluster.tell(None)  # wait for the chief: a process that leaves early breaks the others' connections
        if self.interrupted:
            raise KeyboardInterrupt

    def _play_round(self) -> None:
        trainer = self.trainer
        self._follow_steps()
        before = trainer.progress
        trainer.round()
        if trainer.device.type == "cpu" or trainer.gan.count % LOOK_EVERY == 0:
            self._heal()
        if trainer.gan.count >= self._report_at or self.finished:
            self._report()
        self._follow_steps()
        self._milestones(before)
        if self.config.checkpoint_every and trainer.gan.count % self.config.checkpoint_every == 0:
            self._save()
        self.console.advance(trainer.gan.count, self._progress_now())
        if self.cluster.size == 1:
            self.interrupted = self.asked_to_stop

    def _follow_steps(self) -> None:
        if self.config.minutes is None and self.config.steps:
            self.trainer.progress = self.trainer.gan.count / self.config.steps

    def _milestones(self, before: float) -> None:
        """What comes so many times over a run: grids, evaluations, checkups; the progress was `before`."""
        progress = self.trainer.progress
        (ended, _), (now, _) = (self.trainer.gan.stage(min(at, 1.0)) for at in (before, progress))
        if ended != now or (ended and self.finished):
            self._end_stage(ended)
        if int(progress * GRIDS) > int(before * GRIDS):
            self._draw()
        if self.supervisor.due(before):
            self._evaluate()
        if int(progress * CHECKUPS) > int(before * CHECKUPS):
            self._checkup()

    def _end_stage(self, name: str) -> None:
        """Keep what a stage came to: its checkpoint is not overwritten by the next."""
        self._save(name)
        self.log({"event": "stage", "stage": name, **self._place()})
        self.console.say(f"The {name} stage is over: checkpoints/{name}.pt")

    def _checkup(self) -> None:
        """Let the watchdog look; log and say its alarms, and with `heal` act on the first."""
        seen, new = self.supervisor.checkup()
        self.log({"event": "checkup", **self._place(), **seen})
        for alarm in new:
            words = {"alarm": alarm.name, "seen": alarm.seen, "try": alarm.attempt}
            self.log({"event": "alarm", **self._place(), **words})
            self.console.alarm(alarm.name, alarm.seen, alarm.attempt)
        if not self.config.heal:
            return
        curable = next(((alarm.name, alarm.remedy) for alarm in new if alarm.remedy), None)
        if curable := self.cluster.tell(curable):
            self._cure(*curable)
        elif not self.supervisor.raised:
            self._save(HEALTHY)

    def _cure(self, alarm: str, remedy: Remedy) -> None:
        """Go back to the last healthy state and apply the remedy, at most three times."""
        if self.trainer.restores >= MAX_RESTORES:
            self.console.say(f"{MAX_RESTORES} remedies did not help; training goes on, and the alarm stands")
            return
        sick = self.trainer.gan.count
        self._go_back(HEALTHY, remedy)
        changed = self.trainer.describe(remedy)
        self.log({"event": "heal", "from_step": sick, "alarm": alarm, "remedy": changed, **self._place()})
        self.console.say(f"Healing: back to round {self.trainer.gan.count:,}, with {changed}")

    def _evaluate(self) -> None:
        """Judge the averaged generator; keep the best; stop when nothing gets better."""
        self.trainer.gather()
        if self.cluster.is_chief and (record := self.supervisor.evaluate(self.seconds)):
            self.log({"event": "evaluation", **self._place(), **record})
            self.console.evaluation(record["metrics"])
            if record["best"]:
                checkpoint.save(self.run.checkpoints, self._state(), "best")
        reason = self.cluster.tell(self.supervisor.exhausted)
        if reason:
            self.log({"event": "stop", **self._place(), "reason": reason})
            self.console.say(f"Stopping early: {reason}")
            self.stopped = True

    def _place(self) -> dict[str, Any]:
        seconds = self.seconds + time.monotonic() - self._reported[1]
        return {"step": self.trainer.gan.count, "images": self.trainer.shown, "seconds": round(seconds, 3)}

    def _ask_to_stop(self) -> None:
        self.asked_to_stop = True

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
        failed_at = self.trainer.gan.count
        self._go_back(None, "learning rate")
        event = {"event": "restore", "from_step": failed_at, "step": self.trainer.gan.count}
        self.log({**event, "lr_scale": self.trainer.lr_scale, "skipped": self.trainer.guard.skipped()})
        self.console.say(
            f"Three rounds in a row were not finite: back to round {self.trainer.gan.count}, "
            f"with {self.trainer.lr_scale:g} times the learning rates"
        )

    def _go_back(self, name: str | None, remedy: Remedy) -> None:
        """Load a checkpoint, of that name or else the newest, and change what the remedy says."""
        path = self.run.checkpoints / f"{name}.pt"
        state = None
        if self.cluster.is_chief:
            state = checkpoint.load(path) if path.is_file() else checkpoint.newest(self.run.checkpoints)[0]
        state = self.cluster.tell(state)
        skipped = self.trainer.guard.skipped()
        self.trainer.restore(state, remedy)
        self.trainer.guard.reset(skipped)
        self.supervisor.go_back(state["supervisor"])
        self._report_at = self.trainer.gan.count + 1

    def _report(self) -> None:
        """Log the means since the last report, and agree between processes on what comes next."""
        now, count = time.monotonic(), self.trainer.gan.count
        rounds, elapsed = count - self._reported[0], now - self._reported[1]
        self._reported = (count, now)
        self.seconds += elapsed
        means = by_kind(self.trainer.tally.read())
        speed = rounds * self.config.batch / max(elapsed, 1e-9)
        place = {"step": count, "images": self.trainer.shown, "seconds": round(self.seconds, 3)}
        skipped = self.trainer.guard.skipped()
        self.log({**place, "images_per_second": round(speed, 1), **means, "skipped": skipped})
        self.console.report(means["terms"], speed)
        self._agree(max(rounds, 1) / max(elapsed, 1e-9))

    def _agree(self, rounds_per_second: float) -> None:
        """When to report next, whether to save now and how far the plan is: the chief's clock decides for all."""
        pause = min(max(2.0, self.seconds / 200), 15.0)
        save_due = self.config.checkpoint_every is None and time.monotonic() - self._saved > SAVE_SECONDS
        minutes = self.config.minutes
        if minutes is not None:
            pause = min(pause, max(minutes * 60 - self.seconds, 0.0))
        ours = (max(1, int(pause * rounds_per_second)), save_due, self.seconds / 60 / minutes if minutes else 0.0)
        wait, save_due, progress = self.cluster.tell(ours)
        self._report_at = self.trainer.gan.count + wait
        if minutes is not None:
            self.trainer.progress = progress
        self.interrupted = self.cluster.any(self.asked_to_stop)
        if save_due:
            self._save()

    def _save(self, name: str | None = None) -> None:
        """Write a checkpoint, unless the state is poisoned: then go back to the last good one."""
        self.trainer.gather()
        if self.trainer.gan.count and not self.trainer.is_finite():
            self._restore()
        elif self.cluster.is_chief:
            checkpoint.save(self.run.checkpoints, self._state(), name)
        if not name:
            self._saved = time.monotonic()

    def _state(self) -> dict[str, Any]:
        """The trainer's state and what else a later sitting must know."""
        card = {"spec": self.dataset.spec.to_dict(), "config": to_dict(self.config), "seconds": self.seconds}
        kept = {"threads": torch.get_num_threads(), "supervisor": self.supervisor.state_dict()}
        return {**self.trainer.state(), **card, **kept}

    def _draw(self) -> None:
        """The showcase, as the averaged generator fills it now."""
        if self.cluster.is_chief:
            path = self.run.folder / "samples" / f"{self.trainer.gan.count:06d}.png"
            self.showcase.picture(self.trainer.ema.gan).save(path)
            self.writers.grid(self.trainer.gan.count, path)

    def log(self, record: dict[str, Any]) -> None:
        if self.cluster.is_chief:
            self.run.log(record)
            self.writers.record(record)

    def _open(self) -> None:
        trainer = self.trainer
        parameters = trainer.sizes
        event = "resume" if trainer.gan.count else "start"
        self.log(
            {
                "event": event,
                "step": trainer.gan.count,
                "data": {**self.dataset.spec.to_dict(), "notes": list(self.dataset.notes)},
                "parameters": parameters,
                "environment": environment(self.cluster),
            }
        )
        self.console.open(self.run, self.dataset, self.config, parameters, trainer.gan.count, unused(trainer.gan))
        if trainer.gan.count == 0:
            self._save()
            self._draw()
            if self.config.heal:
                self._save(HEALTHY)
        complaint = self.supervisor.prepare() if self.cluster.is_chief else None
        if complaint:
            self.log({"event": "unjudged", "step": trainer.gan.count, "reason": complaint})
            self.console.say(complaint)
        self._reported = (trainer.gan.count, time.monotonic())  # so that making the judge is no training

    def _close(self) -> None:
        """metrics.json and report.html, and what to type next."""
        self._draw()
        figures = close(self)
        self.writers.close()
        self.console.close(self.run, figures, self.interrupted)
