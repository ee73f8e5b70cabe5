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
from sparring.data.degrade import enlarge, shrink
from sparring.data.given import sweep
from sparring.data.spec import Spec
from sparring.gan import GAN

EXAMPLES = 8  # pictures of which a translator's grid shows what becomes of them
AMONG = 64  # of which those that enlarge show the ones of most detail: a plain sky says nothing
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
            self.questions = Questions(gan, self.dataset, AMONG if gan.scale > 1 else EXAMPLES, seed)
            if gan.scale > 1:
                pictures = some(self.dataset, self.questions.rows).x
                detail = (pictures - enlarge(shrink(pictures, gan.scale), gan.scale)).square().mean((1, 2, 3))
                self.questions.keep(detail.argsort(descending=True)[:EXAMPLES].numpy())
        else:
            shown = draw.enough(gan.spec)
            self.latents, self.given = gan.latents(shown, seed), sweep(gan.spec, shown)

    @torch.no_grad()
    def picture(self, gan: GAN) -> Image.Image:
        """A grid of samples; of a translator the input, what it makes of it and, where that is known, the truth."""
        if not gan.translates:
            device = next(gan.parameters()).device
            return draw.grid(self.spec, gan.sample(self.latents.to(device), self.given.to(device)))
        _, given = self.questions.take(slice(None))
        columns = {"input": shown(self.spec, given)}
        if gan.scale > 1:
            columns["bicubic"] = enlarge(given, gan.scale)
        return draw.columns({**columns, "output": self._made(gan), **self._truth()})

    def stages(self, gans: dict[str, GAN]) -> Image.Image:
        """What a network that enlarges makes at the end of each stage, beside what can be had without one."""
        gan = next(iter(gans.values()))
        _, given = self.questions.take(slice(None))
        plain = {"nearest": given, "bicubic": enlarge(given, gan.scale)}
        return draw.columns({**plain, **{name: self._made(each) for name, each in gans.items()}, **self._truth()}, 2)

    @torch.no_grad()
    def _made(self, gan: GAN) -> Tensor:
        """One at a time, as `sparring apply` does it: in a batch sums are rounded in another order."""
        device = next(gan.parameters()).device
        noise, given = self.questions.take(slice(None))
        made = [
            gan.sample(z[None].to(device), a[None].to(device)).float().cpu() for z, a in zip(noise, given, strict=True)
        ]
        return torch.cat(made)

    def _truth(self) -> dict[str, Tensor]:
        return {} if self.spec.kind == "sides" else {"truth": some(self.dataset, self.questions.rows).x}


def shown(spec: Spec, given: Tensor) -> Tensor:
    """Pictures to translate (n, *spec.source) as they can be looked at: maps of labels get a colour for each label."""
    if not spec.labels:
        return given
    hues = [colorsys.hsv_to_rgb(place * GOLDEN % 1, 0.6, 0.9) for place in range(len(spec.labels))]
    return torch.einsum("nkhw,kc->nchw", given, torch.tensor(hues) * 2 - 1)
