"""PatchGAN: the sides of its patches, the sizes that it bears, and its features."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from sparring.networks.patchgan import PatchGAN, bearable
from sparring.networks.spectral import tighten


@pytest.mark.parametrize(("layers", "side"), [(0, 1), (1, 16), (2, 34), (3, 70), (4, 142)])
def test_a_score_sees_a_patch_of_the_side_that_it_says(layers: int, side: int) -> None:
    critic = PatchGAN(2, 3, layers, "none").double()
    x = torch.randn(1, 2, 2 * side + 32, 2 * side + 32, dtype=torch.float64, requires_grad=True)
    scores = critic(x)
    scores[0, 0, scores.shape[2] // 2, scores.shape[3] // 2].backward()
    assert x.grad is not None
    assert int((x.grad.abs().sum((0, 1, 2)) > 0).sum()) == critic.reach == side


@pytest.mark.parametrize("size", [(1, 9), (2, 2), (3, 5), (5, 6), (11, 12), (12, 30), (25, 24), (64, 64)])
def test_a_picture_bears_as_many_layers_as_leave_a_score_and_no_more(size: tuple[int, int]) -> None:
    layers = bearable(3, *size)
    assert PatchGAN(1, 4, layers)(torch.randn(2, 1, *size)).numel() >= 2
    if layers < 3:
        with pytest.raises((RuntimeError, ValueError)):
            PatchGAN(1, 4, layers + 1)(torch.randn(2, 1, *size))


@pytest.mark.parametrize("norm", ["instance", "none"])
def test_a_pictures_scores_do_not_depend_on_its_company(norm: str) -> None:
    critic, x = PatchGAN(3, 4, 2, norm), torch.randn(4, 3, 32, 24)  # type: ignore[arg-type]
    torch.testing.assert_close(critic(x[1:2]), critic(x)[1:2])
    assert torch.equal(critic.per_picture(x), critic(x).mean((1, 2, 3)))


def test_features_are_the_maps_behind_all_convolutions_but_the_last() -> None:
    critic, x = PatchGAN(3, 4, 3), torch.randn(2, 3, 64, 64)
    maps = critic.features(x)
    assert [m.shape[1:] for m in maps] == [(4, 32, 32), (8, 16, 16), (16, 8, 8), (32, 7, 7)]
    torch.testing.assert_close(critic.head(maps[-1]), critic(x))
    assert PatchGAN(3, 1, 6).features(torch.randn(1, 3, 256, 256))[-1].shape[1] == 8, "at most eight times as many"


def test_norms_are_where_they_are_asked_for() -> None:
    def norms(critic: nn.Module) -> int:
        return sum(isinstance(module, nn.InstanceNorm2d) for module in critic.modules())

    assert norms(PatchGAN(3, 4, 2)) == 2, "behind all but the first and the last"
    assert norms(PatchGAN(3, 4, 2, "none")) == 0


def test_spectra_are_one_where_that_is_asked_for() -> None:
    def greatest(critic: nn.Module) -> list[float]:
        weights = [module.weight.detach() for module in critic.modules() if isinstance(module, nn.Conv2d)]
        return [float(torch.linalg.matrix_norm(weight.flatten(1), 2)) for weight in weights]

    assert max(greatest(PatchGAN(3, 4, 2, "none"))) < 0.5, "as they start, they lie far below"
    critic = PatchGAN(3, 4, 2, "none", spectral=True)
    assert greatest(critic) == pytest.approx([1] * 4, abs=0.25), "at the start an estimate"
    for _ in range(50):
        tighten(critic)
    assert greatest(critic) == pytest.approx([1] * 4, abs=0.05)
