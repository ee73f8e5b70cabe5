"""The picture that shows whether a generator copies: its samples beside the training pictures nearest to them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from sparring.asking import Questions
from sparring.data import draw
from sparring.data.dataset import Dataset, decode
from sparring.gan import GAN
from sparring.metrics.judge import Evaluation, shipped


def pairs(gan: GAN, evaluation: Evaluation, train: Dataset, held_out: Dataset | None) -> Image.Image | None:
    """The fakes most like copies, each beside the nearest training and the nearest held-out picture; None without any.

    Args:
        gan: what was evaluated, wherever its networks live.
        evaluation: names the pairs.
        train, held_out: what they are indices of.
    """
    if not evaluation.pairs or held_out is None or not gan.spec.has_pictures:
        return None
    mine, theirs, unseen = np.array(evaluation.pairs).T
    device = next(gan.parameters()).device
    questions = Questions(gan, held_out, evaluation.protocol["fake"], evaluation.protocol["seed"])
    noise, given = (part.to(device) for part in questions.take(mine))
    with torch.no_grad():
        fakes = shipped(gan, gan.sample(noise, given))
    known, new = (decode(torch.from_numpy(part.take(rows))) for part, rows in ((train, theirs), (held_out, unseen)))
    return draw.columns({"sample": fakes, "nearest in training": known, "nearest held out": new})


def save(picture: Image.Image | None, path: Path) -> None:
    """Write the picture whole or not at all; without one the old one goes too, for it belongs to another evaluation."""
    if picture is None:
        path.unlink(missing_ok=True)
        return
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    picture.save(draft, "PNG")
    os.replace(draft, path)
