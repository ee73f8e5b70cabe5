"""A round of Sparring beside a round of other libraries: the same layers, batch, data and threads, in one run.

    pip install --no-deps --target PEERS torch-mimicry torchgan
    python benchmarks/peers.py --peers PEERS

The peers' own training steps are run (torch-mimicry's `train_step`, torchgan's `train_ops`), on the layers that
Sparring trains, with torch's Adam. What they import beside torch and a step does not use (torchvision, tensorboard,
matplotlib ...) is stood in for by empty modules where it is missing. Their data loaders are not run: they get their
batches as the bare loop of train_speed.py does. torch-mimicry's SNGAN has its own spectrally normalised layers. vegans
has no step that can be called: its loop is not run.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import torch
from torch import nn
from train_speed import Step, batches, noise_pictures, seconds

from sparring import recipes
from sparring.cluster import Cluster
from sparring.data.dataset import Dataset
from sparring.networks import dcgan
from sparring.start import build, settle

GOAL = 1.5
LATENT = 100
SETTINGS: dict[str, dict[str, Any]] = {
    "dcgan": {"latent": LATENT, "r1": 0.0},
    "sngan": {"latent": LATENT, "conditional": "no"},
    "wgan_gp": {"latent": LATENT, "drift": 0.0},
}
UNUSED = ("torchvision", "tensorboard", "matplotlib", "requests", "scipy", "skimage", "sklearn", "tensorflow", "visdom")


class _Missing(MagicMock):
    __path__: list[str] = []  # noqa: RUF012 - a package's


class _StandIn:
    """Finds an empty module for whatever lies below one that is missing."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> Any:
        if name.split(".")[0] not in MISSING and name not in GONE:
            return None
        return importlib.util.spec_from_loader(name, self)  # type: ignore[arg-type]

    def create_module(self, spec: Any) -> Any:
        return _Missing(name=spec.name)

    def exec_module(self, module: object) -> None:
        pass


MISSING: set[str] = set()
GONE = ("torch.utils.tensorboard", "torch._six")  # of what a peer imports, what torch lacks or cannot import here


def find_peers(folder: Path) -> None:
    """Make what is installed in a folder importable. SystemExit says what to install."""
    if not (folder / "torch_mimicry").is_dir() or not (folder / "torchgan").is_dir():
        raise SystemExit(f"first: pip install --no-deps --target {folder} torch-mimicry torchgan")
    MISSING.update(name for name in UNUSED if importlib.util.find_spec(name) is None)
    sys.meta_path.insert(0, _StandIn())  # type: ignore[arg-type]
    sys.path.append(str(folder))


def layers(name: str, config: Any, data: Dataset) -> tuple[nn.Module, nn.Module]:
    """The generator and the critic that Sparring's recipe has, without spectral normalisation."""
    torch.manual_seed(0)
    norm: dcgan.Norm = "batch" if name == "dcgan" else "none"
    generator = dcgan.Generator(LATENT, data.spec.shape, config.width, "relu", "batch")
    return generator, dcgan.Critic(data.spec.shape, config.width, "leaky_relu", norm)


def adam(net: nn.Module) -> torch.optim.Adam:
    return torch.optim.Adam(net.parameters(), 2e-4, (0.0, 0.9))


def with_spectral(critic: nn.Module) -> nn.Module:
    """The same layers in torch-mimicry's spectrally normalised kind."""
    from torch_mimicry.modules.spectral_norm import SNConv2d, SNLinear

    def kin(layer: nn.Module) -> nn.Module:
        if isinstance(layer, nn.Conv2d):
            return SNConv2d(layer.in_channels, layer.out_channels, 4, 2, 1)  # type: ignore[no-any-return]
        return SNLinear(layer.in_features, 1) if isinstance(layer, nn.Linear) else layer  # type: ignore[no-any-return]

    return nn.Sequential(*(kin(layer) for layer in critic.body), kin(critic.head), nn.Flatten(0))  # type: ignore[union-attr, arg-type]


def mimicry_step(name: str, config: Any, data: Dataset) -> Step:
    """torch-mimicry's `Trainer.train`, one step of it: netD.train_step n_dis times, then netG.train_step."""
    from torch_mimicry.nets.dcgan import dcgan_base
    from torch_mimicry.nets.sngan import sngan_base
    from torch_mimicry.nets.wgan_gp import wgan_gp_base
    from torch_mimicry.training.metric_log import MetricLog

    g, d = layers(name, config, data)
    d = with_spectral(d) if name == "sngan" else d
    module, prefix = {
        "dcgan": (dcgan_base, "DCGAN"), "sngan": (sngan_base, "SNGAN"), "wgan_gp": (wgan_gp_base, "WGANGP")
    }[name]  # fmt: skip

    def forward(self: Any, x: torch.Tensor) -> Any:
        out = self.inner(x)
        return out[:, None] if out.dim() == 1 else out

    generator = type("G", (getattr(module, f"{prefix}BaseGenerator"),), {"forward": forward})(LATENT, 0, 4)
    critic = type("D", (getattr(module, f"{prefix}BaseDiscriminator"),), {"forward": forward})(0)
    generator.inner, critic.inner = g, d
    g_adam, d_adam, draw = adam(generator), adam(critic), batches(config, data)
    turns = getattr(config, "critic_turns", 1)

    def step() -> None:
        log = MetricLog()
        for _ in range(turns):
            real = draw(), None
            critic.train_step(real, generator, d_adam, log, device=torch.device("cpu"))
        generator.train_step(real, critic, g_adam, log, device=torch.device("cpu"))

    return step


def torchgan_step(name: str, config: Any, data: Dataset) -> Step:
    """torchgan's `Trainer.train_iter`, one iteration: each loss takes a step of its own."""
    from torchgan import losses

    g, d = layers(name, config, data)
    g.encoding_dims, g.label_type, d.label_type = LATENT, "none", "none"  # type: ignore[assignment]
    g_adam, d_adam, draw, device = adam(g), adam(d), batches(config, data), torch.device("cpu")
    if name == "dcgan":
        fools, tells = losses.MinimaxGeneratorLoss(), [losses.MinimaxDiscriminatorLoss()]
    else:
        fools = losses.WassersteinGeneratorLoss()
        tells = [losses.WassersteinDiscriminatorLoss(), losses.WassersteinGradientPenalty()]
    turns = getattr(config, "critic_turns", 1)

    def step() -> None:
        for _ in range(turns):
            x = draw()
            for loss in tells:
                loss.train_ops(g, d, d_adam, x, device)
        fools.train_ops(g, d, g_adam, device, len(x))

    return step


CONTESTS: list[tuple[str, str, Callable[[str, Any, Dataset], Step]]] = [
    ("dcgan", "torch-mimicry", mimicry_step),
    ("dcgan", "torchgan", torchgan_step),
    ("sngan", "torch-mimicry", mimicry_step),
    ("wgan_gp", "torch-mimicry", mimicry_step),
    ("wgan_gp", "torchgan", torchgan_step),
]


def contest(name: str, make: Callable[[str, Any, Dataset], Step], batch: int, repeats: int) -> dict[str, list[float]]:
    """Seconds a round of the peer and of ours, as its probes set it and in float32, taking turns."""
    data, recipe, alone = noise_pictures(32), recipes.find(name), Cluster("cpu")
    settings = {"steps": 10**6, "batch": batch, "device": "cpu", "augment": "none", **SETTINGS[name]}
    config = settle(recipe, data, recipe.config(**settings), alone)
    exact = dataclasses.replace(config, precision="fp32")
    steps = {c.precision: build(recipe, data, c, alone).round for c in (config, exact)}
    steps["peer"] = make(name, exact, data)
    for step in steps.values():
        seconds(step, 2)
    figures: dict[str, list[float]] = {contestant: [] for contestant in steps}
    for _ in range(repeats):
        for contestant, step in steps.items():
            figures[contestant].append(seconds(step, 1))
    return figures


def row(name: str, library: str, figures: dict[str, list[float]]) -> str:
    """A line of the table; ours is the first of the figures."""

    def faster(ours: str) -> float:
        return statistics.median(b / a for a, b in zip(figures[ours], figures["peer"], strict=True))

    ours = next(iter(figures))
    verdict = "reached" if faster(ours) >= GOAL else "MISSED"
    milliseconds = {contestant: statistics.median(times) * 1000 for contestant, times in figures.items()}
    return (
        f"| {name} | {library} | {milliseconds['peer']:.0f} | {milliseconds[ours]:.0f}, {ours} "
        f"| {faster(ours):.2f}x | {verdict} | {faster('fp32'):.2f}x |"
    )


def section(peers: Path, batch: int, repeats: int) -> list[str]:
    """The table, as lines of Markdown."""
    find_peers(peers)
    lines = [
        "## Beside other libraries", "",
        f"Their own training steps on the same layers (DCGAN's, 32 channels), 32x32, batch {batch}, "
        f"{torch.get_num_threads()} threads; medians of {repeats} repeats of alternating rounds. Sparring is as its "
        "probes set it on this processor; it also averages the generator, guards against NaN and logs; the peers' data "
        "loaders are left out.", "",
        "| game | library | its ms a round | Sparring's | Sparring is faster by | goal 1.5x | in float32 |",
        "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for name, library, make in CONTESTS:
        lines.append(row(name, library, contest(name, make, batch, repeats)))
        print(lines[-1], flush=True)
    return lines


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=Path, required=True)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=15)
    asked = parser.parse_args()
    print("\n".join(section(asked.peers, asked.batch, asked.repeats)))
