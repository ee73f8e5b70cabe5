"""The Inception of FID from a file. Its published weights are not here: random ones stand in for them."""

from __future__ import annotations

import hashlib
import warnings
from pathlib import Path

import pytest
import torch
from torch import nn

from sparring.errors import SparringError
from sparring.metrics import inception as module
from sparring.metrics.features import Features
from sparring.metrics.inception import Inception, inception
from sparring.networks.inception import Inception as Network
from sparring.networks.inception import resized


def shown(channels: int = 3, count: int = 2) -> torch.Tensor:
    return torch.rand(count, channels, 24, 20, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.fixture(scope="module")
def network() -> Network:
    torch.manual_seed(0)
    network = Network().eval()
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight)
        elif isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.3)
            layer.running_var.uniform_(0.5, 2)
    return network


@pytest.fixture
def states(network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Random weights that are taken for the published ones; they lack the counts of batches, as older files do."""
    path = tmp_path / "states.pth"
    kept = {name: weight for name, weight in network.state_dict().items() if "num_batches" not in name}
    torch.save(kept, path)
    monkeypatch.setattr(module, "STATES", hashlib.sha256(path.read_bytes()).hexdigest())
    return path


def test_features_and_probabilities_are_the_networks_on_rounded_pictures(network: Network, states: Path) -> None:
    judge: Features = inception(str(states))
    rounded = ((shown() + 1) * 127.5).round()
    with torch.no_grad():
        features = network.features((resized(rounded) - 128) / 128)
        scores = features @ network.fc.weight.T  # without the bias
    assert judge(shown()).shape == (2, 2048)
    assert torch.allclose(judge(shown()), features, rtol=1e-4, atol=1e-5)
    assert torch.allclose(judge.probabilities(judge(shown())), scores.softmax(1), rtol=1e-4)
    assert judge.classes is not None
    assert len(judge.classes) == judge.probabilities(features).shape[1] == 1008
    assert judge.name == "inception-2015"
    assert judge.fingerprint == module.STATES


def test_other_weights_of_the_right_hash_are_refused(tmp_path: Path) -> None:
    """Nobody can make such a file; but a network that was changed by mistake must not pass."""
    torch.save({"fc.bias": torch.zeros(1008), "more": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(SparringError, match=r"do not fit its network: .*Conv2d_1a_3x3\.conv\.weight.*, more"):
        module.from_states((tmp_path / "other.pth").read_bytes(), "")


class Program(nn.Module):
    """What the TorchScript program offers, in small."""

    def __init__(self) -> None:
        super().__init__()
        self.output = nn.Linear(2048, 1008)

    def forward(self, img: torch.Tensor, return_features: bool = False, no_output_bias: bool = False) -> torch.Tensor:
        features = img.mean((1, 2, 3)).reshape(-1, 1).expand(-1, 2048) / 100
        if return_features:
            return features
        scores = features @ self.output.weight.T if no_output_bias else self.output(features)
        return scores.softmax(1)


def test_the_program_is_given_whole_numbers_and_leaves_out_the_bias(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "program.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        program = torch.jit.script(Program())
        torch.jit.save(program, str(path))
    monkeypatch.setattr(module, "SCRIPT", hashlib.sha256(path.read_bytes()).hexdigest())
    judge: Inception = inception(str(path))
    rounded = ((shown() + 1) * 127.5).round()
    with torch.no_grad():
        assert torch.allclose(judge(shown()), program(rounded, return_features=True))
        assert torch.allclose(judge.probabilities(judge(shown())), program(rounded, no_output_bias=True))
    assert judge(shown(1)).shape == (2, 2048)


def test_another_file_is_refused_before_anything_is_read_of_it(tmp_path: Path) -> None:
    (tmp_path / "weights.pth").write_bytes(b"certainly not a network")
    with pytest.raises(SparringError, match=r"is not the Inception .* weights-inception-2015-12-05-6726825d\.pth"):
        inception(str(tmp_path / "weights.pth"))
    with pytest.raises(SparringError, match=r"cannot read Inception's weights from .*absent\.pth: No such file"):
        inception(str(tmp_path / "absent.pth"))
    with pytest.raises(SparringError, match="cannot read Inception's weights"):
        inception(str(tmp_path))
