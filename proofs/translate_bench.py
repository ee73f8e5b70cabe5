"""What judges the outputs of one task of proofs/translate.py: the figures of its table, and the networks that look."""

from __future__ import annotations

import statistics
from functools import cached_property

import numpy as np
import torch
from pictures_judge import reader, train_reader
from torch import Tensor, nn
from translate_baselines import Pictures
from translate_data import water

from sparring.data.dataset import decode, encode
from sparring.data.source import open_data
from sparring.metrics import translation
from sparring.metrics.distances import kernel_distance
from sparring.metrics.features import extractor

FEATURES = "efficientnet-lite0"
DRAWS = 10  # of the subsets of a kernel distance, for of some hundred pictures one draw says little
EPOCHS = 15  # of the judge of makers
A_PASS = 64
KD, PALE = "KD × 1000", "off the true"

MAPS = ("PSNR", "PSNR on land", "L1", "SSIM", "land IoU", "water IoU", KD)
COLOURS = ("ab error", "colourfulness", PALE, "PSNR", KD)
EMOJI = ("taken for Twitter's", "R@1", "PSNR", KD)
SKETCHES = ("L1", "PSNR", "SSIM", KD)
WORSE = ("L1", "ab error", PALE, KD)  # the figures that are to be low


class Bench:
    """Measures pictures that were made of a task's held-out ones.

    Args:
        pictures: the task's.
        columns: the figures that its table has.
    """

    def __init__(self, pictures: Pictures, columns: tuple[str, ...]) -> None:
        self.pictures, self.columns = pictures, columns

    def measure(self, made: Tensor, looks: bool = True) -> dict[str, float]:
        """The figures of pictures (n, 3, h, w) in -1..1 beside the true ones, as files would hold them: of 8 bits.

        Args:
            made: one for each held-out picture.
            looks: also whether they look real, which takes a while.
        """
        made, true = decode(torch.from_numpy(encode(made))), self.pictures.true
        found = {name: figure.value for name, figure in translation.compare(made, true).items()}
        if "land IoU" in self.columns:
            found |= lands(made, true)
        if "R@1" in self.columns:
            found |= {"R@1": translation.retrieval(made.flatten(1), true.flatten(1))}
        found |= self.looks(made) if looks else {}
        return {name: found[name] for name in self.columns if name in found}

    def looks(self, made: Tensor) -> dict[str, float]:
        """The figures that ask whether pictures look real, and not whether they are the true ones."""
        found = {"colourfulness": translation.colourfulness(made)}
        found[PALE] = abs(found["colourfulness"] / translation.colourfulness(self.pictures.true) - 1)
        features = self.features(made)
        draws = [kernel_distance(self.real, features, seed=seed).value for seed in range(DRAWS)]
        found[KD] = 1000 * statistics.mean(draws)
        if "taken for Twitter's" in self.columns:
            found["taken for Twitter's"] = share(self.judge, made)
        return found

    def ceiling(self) -> dict[str, float]:
        """The same of real pictures: the kernel distance of training ones, all else of the true ones."""
        true, known = self.pictures.true, self.pictures.known[1]
        chosen = torch.randperm(len(known), generator=torch.Generator().manual_seed(0))[: len(true)]
        found = {**self.looks(true), KD: self.looks(known[chosen])[KD]}
        return {name: found[name] for name in self.columns if name in found}

    @cached_property
    def features(self) -> nn.Module:
        data = open_data(str(self.pictures.folder / "test" / "b"), size=size(self.pictures.true), channels=3)
        return extractor(FEATURES, data)  # type: ignore[return-value]

    @cached_property
    def real(self) -> Tensor:
        return self.features(self.pictures.true)

    @cached_property
    def judge(self) -> nn.Module:
        """Tells the makers of emoji; it learnt from real ones of both, none of them held out, and is kept in a file."""
        data = open_data(str(self.pictures.folder / "judge"), size=size(self.pictures.true), channels=3)
        path = self.pictures.folder / "judge.pt"
        if not path.exists():
            torch.save(train_reader(data, EPOCHS).state_dict(), path)
        judge = reader(data.spec.shape, len(data.spec.classes))
        judge.load_state_dict(torch.load(path, weights_only=True))
        return judge.eval()

    def notes(self) -> list[str]:
        """How far what judges can be trusted, on real pictures."""
        n = len(self.pictures.true)
        lines = [f"{n} held-out pictures. KD: features of {FEATURES}, mean of {DRAWS} draws of subsets."]
        if "taken for Twitter's" in self.columns:
            ours, theirs = share(self.judge, self.pictures.true), share(self.judge, self.pictures.given)
            lines.append(
                f"The judge takes {ours:.1%} of Twitter's held-out emoji for Twitter's, {theirs:.1%} of Google's."
            )
        return lines


def size(pictures: Tensor) -> str:
    return "x".join(map(str, pictures.shape[2:]))


@torch.no_grad()
def share(judge: nn.Module, pictures: Tensor) -> float:
    """For how many pictures the judge says the second of its two classes."""
    return float(torch.cat([judge(part).argmax(1) for part in pictures.split(A_PASS)]).float().mean())


def lands(made: Tensor, true: Tensor) -> dict[str, float]:
    """Where maps show land and water, and how near they are on what truly is land."""
    seas = [torch.from_numpy(water(np.moveaxis(encode(maps), 1, -1))) for maps in (made, true)]
    land = (~seas[1])[:, None].expand_as(true)
    error = (made - true)[land].square().mean()
    return {
        "PSNR on land": float(10 * (4 / error).log10()),
        "land IoU": translation.overlap(~seas[0], ~seas[1]),
        "water IoU": translation.overlap(*seas),
    }
