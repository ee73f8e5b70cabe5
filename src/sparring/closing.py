"""What a sitting of training leaves behind in the run folder: figures, pictures and the report."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sparring.environment import peak_memory
from sparring.metrics.pairs import save
from sparring.report import write_report
from sparring.run import Run, write_atomically

if TYPE_CHECKING:
    from sparring.session import Session


def close(session: Session) -> dict[str, Any]:
    """Write metrics.json, neighbours.png, stages.png and report.html. -> the figures"""
    trainer, supervisor, folder = session.trainer, session.supervisor, session.run.folder
    figures: dict[str, Any] = {
        "steps": trainer.gan.count,
        "images": trainer.shown,
        "seconds": round(session.seconds, 1),
        "images_per_second": round(trainer.shown / max(session.seconds, 1e-9), 1),
        "skipped": trainer.guard.skipped(),
        "restores": trainer.restores,
        "peak_memory_mb": peak_memory(trainer.device),
    }
    session.log({"event": "interrupted" if session.interrupted else "end", "step": trainer.gan.count, **figures})
    if supervisor.last.get("metrics"):  # none where too few samples were asked for
        figures |= {"evaluation": supervisor.last, "best": supervisor.best}
        save(supervisor.picture, folder / "neighbours.png")
    if trainer.gan.scale > 1:
        save(session.showcase.stages(_stages(session)), folder / "stages.png")
    write_atomically(folder / "metrics.json", json.dumps(figures, indent=2) + "\n")
    write_report(folder)
    return figures


def _stages(session: Session) -> dict[str, Any]:
    """The averaged GAN at the end of each stage that is over, and as it is now, by what to call them."""
    name, _ = session.trainer.gan.stage(min(session.trainer.progress, 1.0))
    folder = session.run.folder
    ended = {record["stage"]: None for record in session.run.records() if record.get("event") == "stage"}
    there = [stage for stage in ended if stage != name and (session.run.checkpoints / f"{stage}.pt").is_file()]
    gans = {f"{stage} stage": Run(folder, stage).gan for stage in there}
    return {**gans, f"{name} stage" if name else "output": session.trainer.ema.gan}
