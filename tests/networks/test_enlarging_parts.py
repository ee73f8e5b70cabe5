"""Networks that enlarge pictures: every scale and size, how far they see, even edges, and where they begin."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from sparring.errors import SparringError
from sparring.networks.enlarging import FAINT, bicubic, soften, stages, widths
from sparring.networks.rrdb import RRDBNet
from sparring.networks.srresnet import SRResNet

Enlarger = SRResNet | RRDBNet
KINDS = ["srresnet", "rrdb"]
SCALES = [2, 3, 4, 8]


def network(kind: str, scale: int, channels: int = 3, width: int = 8, blocks: int = 1) -> Enlarger:
    torch.manual_seed(0)
    if kind == "rrdb":
        return RRDBNet(channels, width, 4, blocks, scale)
    return SRResNet(channels, width, blocks, scale)


def randomise(net: Enlarger, spread: float = 0.3) -> None:
    """Weights and biases that are nowhere small."""
    for weights in net.parameters():
        nn.init.normal_(weights, 0, spread)


def farthest(net: Enlarger, side: int) -> int:
    """Pixels of the small picture between a large pixel's place and the farthest that changes it, by gradients."""
    x = torch.randn(1, 3, 5, side, dtype=torch.float64, requires_grad=True)
    out, far, middle = net.double()(x), 0, side // 2
    for phase in range(net.scale):
        (gradient,) = torch.autograd.grad(
            out[0, :, 2 * net.scale, net.scale * middle + phase].sum(), x, retain_graph=True
        )
        seen = gradient.abs().sum((0, 1, 2)).nonzero().flatten()
        far = max(far, middle - int(seen.min()), int(seen.max()) - middle)
    return far


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("kind", KINDS)
def test_pictures_of_any_size_come_out_so_many_times_larger(kind: str, scale: int) -> None:
    for channels, (height, width) in ((3, (1, 1)), (1, (3, 5)), (4, (6, 2))):
        net = network(kind, scale, channels)
        assert (net.multiple, net.scale) == (1, scale)
        x = torch.randn(2, channels, height, width)
        made = net(x)
        assert made.shape == (2, channels, height * scale, width * scale)
        torch.testing.assert_close(net(x[1:]), made[1:])
        made.square().sum().backward()
        assert all(p.grad is not None and bool(p.grad.any()) for p in net.parameters() if p.dim() > 1)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(("kind", "blocks"), [("srresnet", 0), ("srresnet", 3), ("rrdb", 0), ("rrdb", 1)])
def test_reach_is_how_far_a_large_pixel_sees(kind: str, blocks: int, scale: int) -> None:
    net = network(kind, scale, width=6, blocks=blocks)
    randomise(net)
    assert farthest(net, 2 * net.reach + 7) == net.reach


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("kind", KINDS)
def test_an_untrained_network_nearly_gives_the_bicubic_picture(kind: str, scale: int) -> None:
    """He's weights keep the mean square, and double it where no ReLU follows: at the first layer and at the last."""
    net = network(kind, scale, width=32, blocks=4)
    true = smooth(24 * scale, scale)
    small = F.interpolate(true, scale_factor=1 / scale, mode="bicubic", antialias=True, align_corners=False)
    with torch.no_grad():
        made, plain = net(small), bicubic(small, scale)
    expected = FAINT * 2 * float(small.square().mean().sqrt())
    assert expected / 10 < float((made - plain).square().mean().sqrt()) < 2 * expected
    assert 20 < psnr(plain, true) < 45
    assert psnr(made, true) == pytest.approx(psnr(plain, true), abs=0.2)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("kind", KINDS)
def test_an_even_picture_stays_even_up_to_its_edges(kind: str, scale: int) -> None:
    """Also with a change that is not small; zeros beyond the edge would leave a frame."""
    net = network(kind, scale)
    soften(net.last[-1], 1 / FAINT)
    even = torch.full((1, 3, 7, 9), 0.8)
    with torch.no_grad():
        made = net(even)
        assert float((made - even.mean()).abs().max()) > 0.1, "the network changes something"
        for module in net.modules():
            if isinstance(module, nn.Conv2d):
                module.padding_mode = "zeros"
        darkened = net(even) if kind == "srresnet" else None
    across = made.amax((2, 3)) - made.amin((2, 3))
    assert float(across.max()) < 1e-5
    if darkened is not None:
        assert float((darkened.amax((2, 3)) - darkened.amin((2, 3))).max()) > 0.1


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_learnt_is_added_to_the_bicubic_picture(kind: str) -> None:
    true = smooth(16, 2, noise=0.2)
    small = F.interpolate(true, scale_factor=0.5, mode="bicubic", antialias=True, align_corners=False)
    net = network(kind, 2, width=16)
    optimiser = torch.optim.Adam(net.parameters(), 3e-3)
    for _ in range(60):
        optimiser.zero_grad()
        F.l1_loss(net(small), true).backward()
        optimiser.step()
    with torch.no_grad():
        assert psnr(net(small), true) > psnr(bicubic(small, 2), true) + 0.5


@pytest.mark.parametrize("kind", KINDS)
def test_in_half_precision_the_base_stays_exact(kind: str) -> None:
    net, x = network(kind, 4), torch.rand(1, 3, 8, 8) * 2 - 1
    with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
        made = net(x)
    assert made.dtype == torch.float32
    with torch.no_grad():
        torch.testing.assert_close(made, net(x), atol=FAINT / 10, rtol=0)


def test_stages_double_or_triple_and_other_scales_are_refused() -> None:
    assert [math.prod(stages(scale)) for scale in SCALES] == SCALES
    assert [len(stages(scale)) for scale in SCALES] == [1, 1, 2, 3]
    assert widths(64, 8) == [32, 16, 16]
    assert widths(4, 4) == [4, 4]
    for kind in KINDS:
        with pytest.raises(SparringError, match=r"2, 3, 4, 8 times; the scale is 5"):
            network(kind, 5)


def smooth(side: int, scale: int, noise: float = 0.02) -> torch.Tensor:
    """A picture (1, 3, side, side) in about -0.6..0.6 of waves that are a few small pixels long, and some noise."""
    draws = torch.Generator().manual_seed(1)
    at = torch.arange(side) / scale
    rows, columns = torch.meshgrid(at, at, indexing="ij")
    waves = [torch.sin(rows * a + columns * b + c) for a, b, c in ((0.9, 0.4, 0.0), (0.2, 1.1, 1.0), (0.7, 0.7, 2.0))]
    return 0.6 * torch.stack(waves)[None] + noise * torch.randn(1, 3, side, side, generator=draws)


def psnr(made: torch.Tensor, true: torch.Tensor) -> float:
    return float(10 * torch.log10(4 / (made - true).square().mean()))
