"""What CUT compares patches of pictures by: places in a network's features, and heads that turn them into directions.

Park et al. 2020, "Contrastive Learning for Unpaired Image-to-Image Translation", section 3.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from sparring.draws import Draws

Places = list[Tensor | None]


def places(maps: Sequence[Tensor], most: int, draws: Draws) -> Places:
    """Which places of each layer's map to compare, drawn for each picture by itself and without repeats.

    Args:
        maps: features (b, c, h, w), a layer each; of a batch's share, whose numbers `draws` gives.
        most: places to take of a map.

    Returns:
        (b, most) for each layer, whole numbers in 0..h*w-1; None where there are no more than that: all are taken.
    """
    chosen: Places = []
    for of_layer in maps:
        count = of_layer.shape[2] * of_layer.shape[3]
        chosen.append(draws.uniform(len(of_layer), count).topk(most).indices if count > most else None)
    return chosen


def mirrored(maps: Sequence[Tensor], which: Tensor) -> list[Tensor]:
    """Features (b, c, h, w), those of the pictures that `which` (b,) says mirrored from left to right."""
    return [of_layer.where(~which[:, None, None, None], of_layer.flip(3)) for of_layer in maps]


class Heads(nn.Module):
    """Features at some places, a layer each, (b, c, h, w) -> directions (b, places, width), of length 1.

    A small network for each layer, of two linear layers, as in the paper's appendix.

    Args:
        channels: of each layer's features.
        width: numbers in a direction. The paper's: 256.
    """

    def __init__(self, channels: Sequence[int], width: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Linear(before, width), nn.ReLU(), nn.Linear(width, width)) for before in channels
        )
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, 0.0, 0.02)
                nn.init.zeros_(layer.bias)

    def forward(self, maps: Sequence[Tensor], places: Places) -> list[Tensor]:
        found = []
        for head, of_layer, chosen in zip(self.layers, maps, places, strict=True):
            values = of_layer.flatten(2).transpose(1, 2)
            if chosen is not None:
                values = values.gather(1, chosen[..., None].expand(-1, -1, values.shape[2]))
            found.append(F.normalize(head(values), dim=2, eps=1e-7))
        return found
