"""Means of the loss terms and gradient norms since the last report, kept on the device."""

from __future__ import annotations

from typing import Any

import torch


class Tally:
    """Sums what is added under each name; reading gives the means and starts again.

    A value that is not finite is left out of the mean and remembered by name: one bad round must not blank a report.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._sums: dict[tuple[str, ...], torch.Tensor] = {}
        self._added: dict[tuple[str, ...], int] = {}
        self.not_finite: str | None = None

    @torch.no_grad()
    def add(self, names: list[str], values: torch.Tensor) -> None:
        """Add (k,) values under their k names."""
        key = tuple(names)
        if key not in self._sums:
            self._sums[key] = torch.zeros(2, len(names), device=self._device)
            self._added[key] = 0
        self._sums[key] += torch.stack([values.nan_to_num(0.0, 0.0, 0.0), torch.isfinite(values).float()])
        self._added[key] += 1

    def read(self) -> dict[str, float]:
        """-> name: mean since the last reading, for the names that were finite at least once. Waits for the device."""
        totals: dict[str, list[float]] = {}  # name: [sum, finite values, values]
        for names, sums in self._sums.items():
            for name, total, count in zip(names, *sums.tolist(), strict=True):
                entry = totals.setdefault(name, [0.0, 0.0, 0.0])
                for i, part in enumerate((total, count, self._added[names])):
                    entry[i] += part
        self.not_finite = next((name for name, (_, finite, added) in totals.items() if finite < added), None)
        self._sums.clear()
        self._added.clear()
        return {name: total / finite for name, (total, finite, _) in totals.items() if finite}

    def state_dict(self) -> dict[str, Any]:
        """What was added since the last reading, as a checkpoint holds it."""
        return {"names": [list(key) for key in self._sums], "sums": list(self._sums.values()), "added": self._counts()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The inverse of `state_dict`."""
        keys = [tuple(names) for names in state["names"]]
        self._sums = {key: sums.to(self._device) for key, sums in zip(keys, state["sums"], strict=True)}
        self._added = dict(zip(keys, state["added"], strict=True))

    def _counts(self) -> list[int]:
        return [self._added[key] for key in self._sums]


def by_kind(means: dict[str, float]) -> dict[str, dict[str, float]]:
    """What `read` gives, as a log's line holds it: the loss terms, and the gradient norms by their player."""
    terms = {name: value for name, value in means.items() if not name.startswith("norm/")}
    return {"terms": terms, "norms": {name[5:]: value for name, value in means.items() if name not in terms}}
