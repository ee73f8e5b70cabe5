"""One process alone, and the choice of device; what two processes do together is in test_recipes and test_launch."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import nn

from sparring.cluster import Cluster, choose_device
from sparring.errors import SparringError


def test_alone_everything_is_its_own(alone: Cluster) -> None:
    tensors = [torch.ones(2), torch.full((3,), 2.0)]
    alone.average(tensors)
    alone.share(tensors)
    assert torch.equal(tensors[0], torch.ones(2))
    assert alone.is_chief
    assert alone.tell("x") == "x"
    assert alone.any(True)
    assert not alone.any(False)
    alone.assert_same("critic", "must not complain")


def test_alone_batch_norm_stays_what_it_is(alone: Cluster) -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    alone.synchronise_batch_norm(net)
    assert type(net[1]) is nn.BatchNorm1d


@pytest.mark.parametrize(("kind", "off"), [(torch.bfloat16, 2**-7), (torch.float32, 1e-5)])
def test_batch_norm_of_a_cluster_is_torchs_in_every_precision(
    kind: torch.dtype, off: float, alone: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = torch.randn(4, 3, 32, 32) + 8  # bfloat16 alone would sum these 4,096 numbers to three digits
    ours, torchs = nn.Sequential(nn.BatchNorm2d(3)), nn.BatchNorm2d(3)
    monkeypatch.setattr(alone, "size", 2)
    alone.synchronise_batch_norm(ours)
    assert type(ours[0]) is not nn.BatchNorm2d
    dist.init_process_group("gloo", f"file://{tmp_path / 'store'}", world_size=1, rank=0)
    try:
        out = ours(x.to(kind))
    finally:
        dist.destroy_process_group()
    assert out.dtype == kind
    expected = torchs(x.to(kind).float())
    torch.testing.assert_close(out.float(), expected, rtol=off, atol=off)
    torch.testing.assert_close(ours[0].running_mean, torchs.running_mean)
    torch.testing.assert_close(ours[0].running_var, torchs.running_var)


@pytest.mark.parametrize("kind", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_a_sentence(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(SparringError, match=f"finds no {kind} device.*--device cpu"):
        choose_device(kind)
    assert choose_device("auto") == torch.device("cpu")


def test_processes_take_one_cuda_device_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert [choose_device("auto", rank).index for rank in range(4)] == [0, 1, 0, 1]
