"""The default install stays small: no torchvision, and no CUDA packages beside the CPU build of torch."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, requires, version

import pytest
import torch
from packaging.requirements import Requirement


def closure(name: str) -> set[str]:
    """A distribution and all that it needs here without extras, by normalised names; absent ones are left out."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        current = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if current in found:
            continue
        try:
            needs = [Requirement(text) for text in requires(current) or []]
        except PackageNotFoundError:
            continue
        found.add(current)
        waiting += [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]
    return found


def test_the_default_install_has_no_torchvision_and_no_cuda_on_a_cpu_machine() -> None:
    default = closure("sparring")
    assert {"torch", "numpy", "pillow", "tyro", "rich"} <= default, "the walk must have reached what is needed"
    assert "torchvision" not in default
    if torch.version.cuda is None:
        cuda = sorted(name for name in default if name.startswith(("nvidia", "cuda", "triton")))
        assert not cuda, f"CUDA packages beside the CPU build of torch: {cuda}"


def test_the_bound_on_torch_stays() -> None:
    """Without the upper bound pip takes a build with gigabytes of CUDA packages where a CPU build is at hand."""
    (torch_needed,) = [Requirement(text) for text in requires("sparring") or [] if Requirement(text).name == "torch"]
    assert "2.14" not in torch_needed.specifier
    assert "2.6" in torch_needed.specifier
    assert version("torch").split("+")[0] in torch_needed.specifier


@pytest.mark.parametrize("module", ["torchvision", "torchaudio"])
def test_nothing_of_ours_imports_it(module: str) -> None:
    from pathlib import Path

    import sparring

    folder = Path(sparring.__file__).parent
    guilty = [str(p) for p in folder.rglob("*.py") if re.search(rf"^\s*(import|from) {module}", p.read_text(), re.M)]
    assert not guilty
