"""Convolutions and activations that are cheap to differentiate twice, for gradient penalties.

Two things make torch's own second derivatives dear, and neither changes what comes out but for rounding:

- the second derivative of a convolution in its weight is made of a convolution whose kernel is as large as the map, and
  of one for each group; here it is the ordinary gradient of a weight, as in StyleGAN's `conv2d_gradfix`;
- the second derivative of a (leaky) ReLU in its input is 0, yet torch propagates a tensor of zeros from it back through
  the whole critic; here nothing is propagated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

Pair = tuple[int, int]
How = tuple[Pair, Pair, Pair, int]  # stride, padding, dilation, groups


class Twice(TorchFunctionMode):
    """Within it, conv2d, relu and leaky_relu are those of this file.

    For gradients that are taken in a function's input alone: with `create_graph` a convolution here gives none in its
    weight. Afterwards both the value and that gradient can be differentiated in the weights, once.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        mine = MINE.get(func)
        return (mine or func)(*args, **(kwargs or {}))


def conv2d(
    x: Tensor,
    w: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """As torch's: (b, in, h, w), (out, in / groups, kh, kw), (out,) -> (b, out, h', w')."""
    if isinstance(padding, str):
        return F.conv2d(x, w, bias, stride, padding, dilation, groups)
    out: Tensor = _Conv.apply(x, w, bias, (_pair(stride), _pair(padding), _pair(dilation), groups))  # type: ignore[no-untyped-call]
    return out


def leaky_relu(x: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """As torch's."""
    if negative_slope < 0:
        return F.leaky_relu(x, negative_slope, inplace)
    out: Tensor = _Rectify.apply(x, negative_slope, inplace)  # type: ignore[no-untyped-call]
    return out


def relu(x: Tensor, inplace: bool = False) -> Tensor:
    """As torch's."""
    return leaky_relu(x, 0.0, inplace)


MINE: dict[Any, Callable[..., Tensor]] = {
    torch.conv2d: conv2d,
    F.leaky_relu: leaky_relu,
    F.relu: relu,
    torch.relu: relu,
}


def _pair(sides: int | tuple[int, ...] | list[int]) -> Pair:
    if isinstance(sides, int):
        return sides, sides
    return sides[0], sides[-1]


def _gradients(g: Tensor, x: Tensor, w: Tensor, how: How, wanted: tuple[bool, bool, bool]) -> Any:
    """Of a convolution's output's gradient g: those in its input, its weight and its bias, None where not wanted."""
    stride, padding, dilation, groups = how
    return torch.ops.aten.convolution_backward(
        g, x, w, [w.shape[0]], stride, padding, dilation, False, (0, 0), groups, wanted
    )


class _Conv(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, w: Tensor, bias: Tensor | None, how: How) -> Tensor:
        ctx.save_for_backward(x, w)
        ctx.how = how
        return F.conv2d(x, w, bias, *how)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        x, w = ctx.saved_tensors
        if torch.is_grad_enabled():  # create_graph: see Twice
            return _InInput.apply(g, w, x.detach(), ctx.how), None, None, None  # type: ignore[no-untyped-call]
        return *_gradients(g, x, w, ctx.how, ctx.needs_input_grad[:3]), None


class _InInput(torch.autograd.Function):
    """A convolution's gradient in its input, which is linear both in the output's gradient g and in the weight."""

    @staticmethod
    def forward(ctx: Any, g: Tensor, w: Tensor, x: Tensor, how: How) -> Tensor:
        ctx.save_for_backward(g, w)
        ctx.how = how
        gradient: Tensor = _gradients(g, x, w, how, (True, False, False))[0]
        return gradient

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gg: Tensor) -> Any:
        g, w = ctx.saved_tensors
        in_g = F.conv2d(gg, w, None, *ctx.how) if ctx.needs_input_grad[0] else None
        in_w = _gradients(g, gg, w, ctx.how, (False, True, False))[1] if ctx.needs_input_grad[1] else None
        return in_g, in_w, None, None


class _Rectify(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, slope: float, inplace: bool) -> Tensor:
        if inplace:
            ctx.mark_dirty(x)
        out = F.leaky_relu(x, slope, inplace)
        ctx.save_for_backward(out)  # whose sign is the input's
        ctx.slope = slope
        return out

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        (out,) = ctx.saved_tensors
        return torch.ops.aten.leaky_relu_backward(g, out.detach(), ctx.slope, True), None, None
