"""The processes that train together: the only file that knows torch.distributed.

Networks stay bare modules and each turn's gradients are averaged by one all-reduce. Wrappers such as DDP break on
things that GANs do every day (two networks in one wrapper, heads that are idle in some steps, calls to parts of a
network, double backward under sharding); ARCHITECTURE.md has the list.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.nn import functional as F

from sparring.errors import SparringError

PATIENCE = timedelta(hours=3)  # for a message: the others wait while the chief judges; a dead process is told apart


class Cluster:
    """Rank and size of the group that torchrun, SLURM, Ray Train or `--processes` started; alone otherwise."""

    def __init__(self, device: str = "auto") -> None:
        slurm = {"RANK": "SLURM_PROCID", "WORLD_SIZE": "SLURM_NTASKS", "LOCAL_RANK": "SLURM_LOCALID"}
        if "RANK" not in os.environ and "MASTER_ADDR" in os.environ:
            os.environ.update({ours: os.environ[theirs] for ours, theirs in slurm.items() if theirs in os.environ})
        local = int(os.environ.get("LOCAL_RANK", "0"))
        self.device = choose_device(device, local)
        if self.device.type == "cuda":
            torch.cuda.set_device(self.device)
        if "RANK" in os.environ and not dist.is_initialized():
            backend = "nccl" if self.device.type == "cuda" else "gloo"
            dist.init_process_group(backend, timeout=PATIENCE)
        if self.device.type == "cpu" and (neighbours := int(os.environ.get("LOCAL_WORLD_SIZE", "1"))) > 1:
            torch.set_num_threads(max(1, (os.cpu_count() or 1) // neighbours))
        joined = dist.is_initialized()
        self.rank, self.size = (dist.get_rank(), dist.get_world_size()) if joined else (0, 1)

    @property
    def is_chief(self) -> bool:
        """Whether this process is the one that writes files and talks to the user."""
        return self.rank == 0

    def share(self, tensors: Sequence[torch.Tensor]) -> None:
        """Overwrite each tensor with the chief's."""
        if self.size > 1:
            for tensor in tensors:
                dist.broadcast(tensor.detach(), 0)

    def average(self, tensors: Sequence[torch.Tensor]) -> None:
        """Replace each tensor by its mean over the processes, all of them in one all-reduce."""
        if self.size == 1:
            return
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        dist.all_reduce(flat)
        flat /= self.size
        pieces = flat.split_with_sizes([tensor.numel() for tensor in tensors])
        for tensor, piece in zip(tensors, pieces, strict=True):
            tensor.copy_(piece.view_as(tensor))

    def join(self, tensors: Sequence[torch.Tensor]) -> None:
        """Of tensors whose first dimension is shared out like a batch, put every process's own slice into all."""
        if self.size == 1:
            return
        for tensor in tensors:
            mine = tensor.chunk(self.size)[self.rank].contiguous()
            slices = [torch.empty_like(mine) for _ in range(self.size)]
            dist.all_gather(slices, mine)
            tensor.copy_(torch.cat(slices))

    def tell(self, value: Any) -> Any:
        """The chief's value, in every process. Small plain values only."""
        if self.size == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, 0)
        return box[0]

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in any process."""
        if self.size == 1:
            return flag
        raised = torch.tensor([float(flag)], device=self.device)
        dist.all_reduce(raised)
        return bool(raised.item() > 0)

    def assert_same(self, value: str, complaint: str) -> None:
        """Raise SparringError unless every process brings the same value."""
        if self.size == 1:
            return
        values: list[str] = [""] * self.size
        dist.all_gather_object(values, value)
        if len(set(values)) > 1:
            raise SparringError(f"{complaint}: {', '.join(sorted(set(values)))}")

    def synchronise_batch_norm(self, module: nn.Module) -> None:
        """Make every BatchNorm take its statistics over the whole batch, as one process would."""
        if self.size > 1:
            for net in module.modules():
                for name, child in net.named_children():
                    if isinstance(child, nn.modules.batchnorm._BatchNorm):
                        setattr(net, name, _WholeBatchNorm.like(child))

    def leave(self) -> None:
        """End the group; without this, torch warns of leaked resources."""
        if dist.is_initialized():
            dist.destroy_process_group()


def choose_device(asked: str, local_rank: int = 0) -> torch.device:
    """auto, cpu, cuda or mps -> a device; several processes on one machine take one CUDA device each."""
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    kind = next(name for name in available if available[name]) if asked == "auto" else asked
    if not available[kind]:
        raise SparringError(f"torch finds no {kind} device on this machine; use --device auto or --device cpu")
    if kind == "cuda":
        return torch.device("cuda", local_rank % torch.cuda.device_count())
    return torch.device(kind)


class _SumOverProcesses(torch.autograd.Function):
    """A sum over processes that can be differentiated, twice too: its gradient is again such a sum."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        total = x.contiguous().clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        return _sum_over_processes(gradient)


class _WholeBatchNorm(nn.modules.batchnorm._BatchNorm):
    """BatchNorm over the batch of all processes (equal shares). torch's own SyncBatchNorm needs a GPU."""

    @classmethod
    def like(cls, norm: nn.modules.batchnorm._BatchNorm) -> _WholeBatchNorm:
        """The same parameters and buffers, so that optimisers and checkpoints do not notice."""
        new = cls(norm.num_features, norm.eps, norm.momentum, norm.affine, norm.track_running_stats)
        new._parameters, new._buffers, new.training = norm._parameters, norm._buffers, norm.training
        return new

    def _check_input_dim(self, input: torch.Tensor) -> None:
        if input.dim() < 2:
            raise ValueError(f"expected a batch of features, got {input.dim()} dimensions")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, False, 0.0, self.eps)
        others = [d for d in range(x.dim()) if d != 1]
        shape = [1, -1] + [1] * (x.dim() - 2)
        n = x.numel() // x.shape[1] * dist.get_world_size()
        full = x.to(torch.promote_types(x.dtype, torch.float32))  # sums of thousands of bfloat16 lose their last digits
        mean = _sum_over_processes(full.sum(others)) / n
        centred = full - mean.view(shape)
        variance = _sum_over_processes(centred.square().sum(others)) / n
        self._track(mean.detach(), variance.detach() * n / max(n - 1, 1))
        scale = torch.rsqrt(variance + self.eps)
        return (centred * (scale * self.weight).view(shape) + self.bias.view(shape)).to(x.dtype)

    @torch.no_grad()
    def _track(self, mean: torch.Tensor, variance: torch.Tensor) -> None:
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        momentum = 0.1 if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, momentum)
        self.running_var.lerp_(variance, momentum)


def _sum_over_processes(x: torch.Tensor) -> torch.Tensor:
    return _SumOverProcesses.apply(x)  # type: ignore[no-any-return, no-untyped-call]
