"""Adam, by torch's own fused kernel, without the 74 MB and the second that its class takes to import torch.compile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim.adam import adam


class Adam:
    """What `torch.optim.Adam(..., fused=True)` is, to the bit, and its states go into either (Kingma & Ba 2015).

    Attributes:
        param_groups: one dict, with `lr`, `betas` and `eps` to change at any time.
        state: of each parameter that has had a gradient: `step`, `exp_avg` and `exp_avg_sq`.
        found_inf: a float tensor, 1 where the next step must leave everything as it is; None for never.

    Args:
        parameters: floating-point, all on one device.
        lr: learning rate.
        betas: decay of the running mean of the gradient, and of its square.
        eps: added to the root of the mean square.
    """

    def __init__(
        self, parameters: Sequence[Tensor], lr: float, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8
    ) -> None:
        self.param_groups: list[dict[str, Any]] = [{"params": list(parameters), "lr": lr, "betas": betas, "eps": eps}]
        self.state: dict[Tensor, dict[str, Tensor]] = {}
        self.found_inf: Tensor | None = None

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for p in self.param_groups[0]["params"]:
            p.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Move every parameter that has a gradient."""
        (group,) = self.param_groups
        moved: list[Tensor] = [p for p in group["params"] if p.grad is not None]
        for p in moved:
            if p not in self.state:
                average = torch.zeros_like(p)
                step = torch.zeros((), dtype=torch.float32, device=p.device)
                self.state[p] = {"step": step, "exp_avg": average, "exp_avg_sq": average.clone()}
        states = [self.state[p] for p in moved]
        adam(
            moved,
            [p.grad for p in moved if p.grad is not None],
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [],
            [state["step"] for state in states],
            fused=True,
            found_inf=self.found_inf,
            amsgrad=False,
            beta1=group["betas"][0],
            beta2=group["betas"][1],
            lr=group["lr"],
            weight_decay=0.0,
            eps=group["eps"],
            maximize=False,
        )

    def state_dict(self) -> dict[str, Any]:
        """In the form of torch's own: parameters by their places."""
        (group,) = self.param_groups
        places = range(len(group["params"]))
        state = {i: self.state[p] for i, p in zip(places, group["params"], strict=True) if p in self.state}
        return {"state": state, "param_groups": [{**group, "params": list(places)}]}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """The inverse, of this one or of torch's own; tensors are copied.

        Raises:
            ValueError: where it is of another number of parameters.
        """
        (group,), (theirs,) = self.param_groups, saved["param_groups"]
        if len(group["params"]) != len(theirs["params"]):
            raise ValueError(f"a state of {len(theirs['params'])} parameters for {len(group['params'])}")
        group.update({name: theirs[name] for name in ("lr", "betas", "eps")})
        self.state = {}
        for place, p in enumerate(group["params"]):
            if found := saved["state"].get(place):
                kinds = {"step": torch.float32, "exp_avg": p.dtype, "exp_avg_sq": p.dtype}
                self.state[p] = {name: found[name].to(p.device, kind, copy=True) for name, kind in kinds.items()}
