"""--compile: the same game, the same state, resumed to the bit; and a sentence where there is no compiler."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import torch
from torch import nn

from made_up import pictures
from sparring import config, penalties
from sparring.cluster import Cluster
from sparring.data.batches import Batch
from sparring.data.spec import Spec
from sparring.errors import SparringError
from sparring.gan import GAN, Turn
from sparring.trainer import Trainer


@dataclass(frozen=True, kw_only=True)
class Config(config.Config):
    latent: int = 4
    generator: config.Adam = config.Adam()
    critic: config.Adam = config.Adam()


class Tiny(GAN):
    """Small enough that its machine code is made in seconds."""

    config: Config

    def __init__(self, spec: Spec, config: Config) -> None:
        super().__init__(spec, config)
        self.generator = nn.Sequential(
            nn.Linear(4, 64, bias=False), nn.BatchNorm1d(64), nn.LeakyReLU(0.2), nn.Unflatten(1, (1, 8, 8))
        )
        self.critic = nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.LeakyReLU(0.2, inplace=True), nn.Flatten(), nn.Linear(144, 1)
        )

    def players(self) -> dict[str, list[nn.Module]]:
        return {"generator": [self.generator], "critic": [self.critic]}

    def step(self, batches: Iterator[Batch]) -> Iterator[Turn]:
        x = next(batches).x
        fake = self.generator(self.noise(x))
        score = self.critic(x).mean() - self.critic(fake.detach()).mean()
        yield "critic", {"score": score, "r1": penalties.r1(self.critic, x)}
        yield "generator", {"score": self.critic(fake).mean()}

    def sample(self, noise: torch.Tensor, given: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.generator(noise)
        return made


def fighter(compiled: bool) -> Trainer:
    data = pictures(1, 8, 8)
    settled = Config(
        steps=9, batch=8, precision="fp32", memory_format="contiguous", augment="none", compile=compiled, device="cpu"
    )
    torch.manual_seed(0)
    return Trainer(Tiny(data.spec, settled), data, settled, Cluster("cpu"))


def play(trainer: Trainer, rounds: int) -> Trainer:
    for _ in range(rounds):
        trainer.round()
    return trainer


def test_without_a_compiler_it_says_so_before_training_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)  # not CXX, which torch reads once for the whole process
    with pytest.raises(SparringError, match=r"needs a C\+\+ compiler.*install"):
        fighter(compiled=True)
    fighter(compiled=False)


@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("ignore")  # torch's compiler warns of its own doings
@pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler: apt-get install g++")
def test_the_game_is_the_same_and_resumes_to_the_bit() -> None:
    from torch._dynamo.utils import counters

    counters.clear()
    plain, whole = play(fighter(False), 4), play(fighter(True), 4)
    made = counters["stats"]["unique_graphs"]
    assert made >= 2, "both networks run as machine code"
    assert not counters["graph_break"]

    names, state = plain.gan.state_dict(), whole.gan.state_dict()
    assert list(state) == list(names), "checkpoints fit with and without --compile"
    for name, tensor in state.items():
        torch.testing.assert_close(tensor, names[name], rtol=1e-3, atol=1e-5)

    half = play(fighter(True), 2)
    saved = torch.utils._pytree.tree_map(lambda v: v.clone() if isinstance(v, torch.Tensor) else v, half.state())
    rest = fighter(True)
    rest.load_state(saved)
    play(rest, 2)
    for name, tensor in rest.gan.state_dict().items():
        assert torch.equal(tensor, state[name]), f"{name} differs after resuming"

    made = counters["stats"]["unique_graphs"]
    with torch.no_grad():  # what checkups and evaluations do
        whole.gan.critic(torch.zeros(3, 1, 8, 8))  # type: ignore[operator]
        whole.ema.gan.sample(torch.zeros(5, 4), torch.zeros(5, 0))
    assert counters["stats"]["unique_graphs"] == made, "other shapes, outside a round, are not compiled"
