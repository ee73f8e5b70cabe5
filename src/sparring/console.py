"""What a person at the terminal sees of a run."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Any

import rich.console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn

if TYPE_CHECKING:
    from sparring.config import Config
    from sparring.data.dataset import Dataset
    from sparring.data.spec import Spec
    from sparring.gan import GAN
    from sparring.run import Run


class Console:
    """A heading, a progress bar with both players' losses, and the closing lines. Silent when `quiet`."""

    def __init__(self, quiet: bool) -> None:
        self._out = rich.console.Console(quiet=quiet, highlight=False, soft_wrap=True)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f}%  {task.fields[left]} left  {task.fields[figures]}"),
            console=self._out,
            refresh_per_second=2,
            disable=quiet or not self._out.is_terminal,
        )
        self._task = self._bar.add_task("training", total=1.0, left="?", figures="")
        self._started = (0.0, time.monotonic())
        self._judged = ""
        self._taste = "sample {} -n 64 --seed 7 --grid grid.png"  # how to use what is trained

    def __enter__(self) -> Console:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bar.stop()

    def open(
        self,
        run: Run,
        dataset: Dataset,
        config: Config,
        parameters: dict[str, int],
        step: int,
        unused: str | None = None,
    ) -> None:
        """Say what is about to be trained on what, and what of the data goes `unused`."""
        spec = dataset.spec
        if spec.kind == "table":
            self._taste = "sample {} -n 1000 -o rows.csv"
        if spec.kind == "sequences":
            self._taste = "sample {} -o new.csv"
        if run.recipe.gan.translates:
            self._taste = "upscale {} picture.jpg" if run.recipe.gan.native else "apply {} pictures/ translated/"
        sizes = ", ".join(f"{who} {count:,}" for who, count in parameters.items())
        self._out.print(run.recipe_reference, style="bold", end="")
        self.say(f" on {spec.name}: {holds(spec, run.recipe.gan)}")
        for note in dataset.notes:
            self.say(f"  {note}")
        if unused:
            self.say(f"  {unused}")
        self.say(f"  parameters: {sizes}")
        plan = f"{config.minutes:g} minutes" if config.minutes else f"{config.steps:,} rounds"
        start = f", going on from round {step:,}" if step else ""
        self.say(f"  plan: {plan} of {config.batch} samples{start}, into {run.folder}")
        self._bar.start()

    def advance(self, step: int, progress: float) -> None:
        """Move the bar; cheap enough for every round."""
        if self._bar.disable:
            return
        if self._started[0] == 0.0:
            self._started = (max(progress, 1e-9), time.monotonic())
        done, seconds = progress - self._started[0], time.monotonic() - self._started[1]
        left = f"{_clock(seconds / done * (1 - progress))}" if done > 0 else "?"
        self._bar.update(self._task, completed=progress, description=f"round {step:,}", left=left)

    def report(self, terms: dict[str, float], images_per_second: float) -> None:
        """Show the latest losses, summed for each player."""
        totals: dict[str, float] = {}
        for name, value in terms.items():
            who = name.split("/")[0]
            totals[who] = totals.get(who, 0.0) + value
        losses = "  ".join(f"{who} {total:.3f}" for who, total in totals.items())
        self._bar.update(self._task, figures=f"{images_per_second:,.0f} samples/s  {losses}{self._judged}")

    def alarm(self, name: str, seen: str, attempt: str) -> None:
        """Say what goes wrong, and what to try."""
        self._out.print(f"alarm: {name}.", style="bold yellow", end=" ")
        self.say(f"{seen}\n  try {attempt}")

    def evaluation(self, metrics: dict[str, dict[str, float]]) -> None:
        """Show the leading metric beside the losses from now on."""
        name = next(iter(metrics), None)
        self._judged = escape(f"  {name} {metrics[name]['value']:.4g}") if name else ""

    def close(self, run: Run, figures: dict[str, Any], interrupted: bool) -> None:
        """Say where everything lies, and what to type next."""
        self._bar.stop()
        grids = sorted((run.folder / "samples").glob("*.png"))
        checkpoints = sorted(run.checkpoints.glob("step-*.pt"))
        verb = "stopped and saved at" if interrupted else "done:"
        self.say(
            f"{verb} {figures['steps']:,} rounds in {_clock(figures['seconds'])} "
            f"({figures['images_per_second']:,.0f} samples/s)"
        )
        if figures["skipped"]:
            self.say(f"  {figures['skipped']} rounds were skipped, {figures['restores']} times the run was set back")
        if judged := figures.get("evaluation"):
            name, score = next(iter(judged["metrics"].items()))
            floor = f", real against real {score['floor']:.4g}" if "floor" in score else ""
            self.say(f"  judged      {name} {score['value']:.4g}{floor}")
        self.say(f"  samples     {grids[-1] if grids else '-'}")
        self.say(f"  report      {run.folder / 'report.html'}")
        self.say(f"  checkpoint  {checkpoints[-1] if checkpoints else '-'}")
        if interrupted:
            self.say(f"go on with:   sparring train --resume {run.folder}")
        else:
            self.say(f"next:         sparring {self._taste.format(run.folder)}")
            self.say(f"              sparring evaluate {run.folder}")

    def say(self, sentence: str) -> None:
        """Print a line above the bar."""
        self._out.print(sentence, markup=False)


def holds(spec: Spec, recipe: type[GAN]) -> str:
    """How many samples of what, in words: recipes that learn from photographs at their own size get tiles of them."""
    return spec.holds.replace("pictures", "tiles") if recipe.native else spec.holds


def unused(gan: GAN) -> str | None:
    """The classes and columns that a recipe passes over, as a sentence; None where it takes them or there are none."""
    spec = gan.spec
    if gan.conditional or not spec.given or spec.kind == "table":  # whose columns are what is learnt
        return None
    there = [f"{len(spec.classes)} classes"] if spec.classes else []
    there += ["the columns " + ", ".join(column.name for column in spec.columns)] if spec.columns else []
    return f"The data's {' and '.join(there)} are not used: this recipe makes no difference between them."


def _clock(seconds: float) -> str:
    """3725 -> 1:02:05"""
    minutes, left = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{left:02d}" if hours else f"{minutes}:{left:02d}"
