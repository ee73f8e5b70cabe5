"""What the sample grids of a run show: fixed latents or, of a translator, fixed pictures with what becomes of them."""

from __future__ import annotations

import colorsys

import torch
from PIL import Image
from torch import Tensor

from sparring.asking import Questions
from sparring.data import draw
from sparring.data.batches import some
from sparring.data.dataset import Dataset
from sparring.data.given import sweep
from sparring.data.spec import Spec
from sparring.gan import GAN

EXAMPLES = 8  # pictures of which a translator's grid shows what becomes of them
GOLDEN = 0.618  # of the circle of hues between two labels' colours, so that neighbours differ


class Showcase:
    """The same questions to a generator, again and again as it learns.

    Args:
        gan: whose samples will be shown.
        train: what it learns from.
        held_out: what it never sees, which translators are shown with; None takes `train`.
        seed: of the latents or the choice of pictures.
    """

    def __init__(self, gan: GAN, train: Dataset, held_out: Dataset | None, seed: int) -> None:
        self.spec, self.dataset = gan.spec, held_out or train
        if gan.translates:
            self.questions = Questions(gan, self.dataset, EXAMPLES, seed)
        else:
            shown = draw.enough(gan.spec)
            self.latents, self.given = gan.latents(shown, seed), sweep(gan.spec, shown)

    @torch.no_grad()
    def picture(self, gan: GAN) -> Image.Image:
        """A grid of samples; of a translator the input, what it makes of it and, where that is known, the truth."""
        device = next(gan.parameters()).device
        if not gan.translates:
            return draw.grid(self.spec, gan.sample(self.latents.to(device), self.given.to(device)))
        noise, given = self.questions.take(slice(None))
        # one at a time, as `sparring apply` does it: in a batch sums are rounded in another order
        made = [
            gan.sample(z[None].to(device), a[None].to(device)).float().cpu() for z, a in zip(noise, given, strict=True)
        ]
        columns = {"input": shown(self.spec, given), "output": torch.cat(made)}
        if self.spec.kind != "sides":
            columns["truth"] = some(self.dataset, self.questions.rows).x
        return draw.columns(columns)


def shown(spec: Spec, given: Tensor) -> Tensor:
    """Pictures to translate (n, *spec.source) as they can be looked at: maps of labels get a colour for each label."""
    if not spec.labels:
        return given
    hues = [colorsys.hsv_to_rgb(place * GOLDEN % 1, 0.6, 0.9) for place in range(len(spec.labels))]
    return torch.einsum("nkhw,kc->nchw", given, torch.tensor(hues) * 2 - 1)
