"""The average of the weights: its half-life is in samples, and making it leaves the live networks as they were."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from sparring.data.spec import Spec
from sparring.ema import Ema
from sparring.errors import SparringError
from sparring.gan import GAN


class Toy(GAN):
    """A generator with running statistics, and a critic."""

    def __init__(self) -> None:
        super().__init__(Spec("points", "toy", (2,), (-1.0, 1.0), 8), SimpleNamespace(seed=0, latent=3))
        self.generator = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
        self.critic = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))

    def players(self) -> dict[str, list[nn.Module]]:
        return {"generator": [self.generator], "critic": [self.critic]}

    def sample(self, noise: torch.Tensor, given: torch.Tensor) -> torch.Tensor:
        points: torch.Tensor = self.generator(noise)
        return points


def fill(gan: GAN, value: float) -> None:
    """Set every float of the generator, statistics included."""
    with torch.no_grad():
        for tensor in gan.get_submodule("generator").state_dict().values():
            if tensor.is_floating_point():
                tensor.fill_(value)


def step_response(half_life: float, ramp: float, updates: list[tuple[int, int]]) -> float:
    """What an average of 1 becomes after (batch, shown) updates towards 0: the weight that the old one has left."""
    gan = Toy()
    fill(gan, 1.0)
    ema = Ema(gan, half_life, ramp)
    fill(gan, 0.0)
    for batch, shown in updates:
        ema.update(batch, shown)
    values = torch.cat([p.flatten() for p in ema.gan.get_submodule("generator").parameters()])
    assert torch.allclose(values, values[0].expand_as(values))
    return values[0].item()


@pytest.mark.parametrize("batch", [1, 8, 100, 200])
def test_after_its_half_life_the_old_weight_counts_half_whatever_the_batch(batch: int) -> None:
    updates = [(batch, 0)] * (200 // batch)
    assert step_response(200, 0, updates) == pytest.approx(0.5, rel=1e-4)
    assert step_response(200, 0, updates * 3) == pytest.approx(0.125, rel=1e-4)


def test_the_ramp_bounds_the_half_life_by_a_share_of_the_samples_shown() -> None:
    assert step_response(1000, 0.05, [(10, 200)]) == pytest.approx(0.5), "5% of 200 is 10 samples"
    assert step_response(1000, 0.05, [(10, 400)]) == pytest.approx(0.5**0.5)
    assert step_response(1000, 0.05, [(1000, 10**6)]) == pytest.approx(0.5), "the ramp is over"
    assert step_response(1000, 0, [(1000, 1)]) == pytest.approx(0.5), "0 means no ramp"


def test_a_half_life_of_0_follows_the_live_weights_at_once() -> None:
    assert step_response(0, 0, [(1, 1)]) == 0.0
    assert step_response(100, 0.05, [(1, 0)]) == 0.0


def test_running_statistics_are_averaged_and_whole_numbers_copied() -> None:
    gan = Toy()
    ema = Ema(gan, 10, 0)
    live, mean = gan.generator[1], ema.gan.get_submodule("generator.1")
    live.running_mean.fill_(4.0)
    live.num_batches_tracked.fill_(7)
    ema.update(10, 10)
    assert torch.allclose(mean.running_mean, torch.full((4,), 2.0))
    assert int(mean.num_batches_tracked) == 7


def test_other_networks_are_shared_and_the_shipped_one_is_a_copy() -> None:
    gan = Toy()
    ema = Ema(gan, 10, 0)
    assert ema.gan is not gan
    assert ema.gan.critic is gan.critic
    assert ema.gan.generator is not gan.generator
    own = {p.data_ptr() for p in gan.generator.parameters()}
    assert not own & {p.data_ptr() for p in ema.gan.get_submodule("generator").parameters()}


def test_the_live_networks_keep_their_mode_their_gradients_and_their_weights() -> None:
    gan = Toy()
    gan.generator[0].bias.requires_grad_(False)
    before = {key: value.clone() for key, value in gan.state_dict().items()}
    Ema(gan, 10, 0).update(5, 5)
    assert all(module.training for module in gan.modules())
    assert [key for key, p in gan.named_parameters() if not p.requires_grad] == ["generator.0.bias"]
    assert all(torch.equal(value, before[key]) for key, value in gan.state_dict().items())


def test_the_average_is_in_evaluation_mode_and_takes_no_gradient() -> None:
    ema = Ema(Toy(), 10, 0)
    generator = ema.gan.get_submodule("generator")
    assert not any(module.training for module in generator.modules())
    assert not any(p.requires_grad for p in generator.parameters())


def test_it_counts_its_rounds() -> None:
    ema = Ema(Toy(), 10, 0)
    for _ in range(3):
        ema.update(4, 4)
    assert ema.gan.count == 3


def test_its_state_holds_the_average_alone_and_comes_back_exactly() -> None:
    gan = Toy()
    ema = Ema(gan, 10, 0)
    fill(gan, 3.0)
    ema.update(4, 4)
    state = {key: value.clone() for key, value in ema.state_dict().items()}
    assert {key.split(".")[0] for key in state} == {"generator"}
    other = Ema(Toy(), 10, 0)
    critic = other.gan.critic[0].weight.clone()
    other.load_state_dict(state, 9)
    assert all(torch.equal(value, state[key]) for key, value in other.state_dict().items())
    assert other.gan.count == 9
    assert torch.equal(other.gan.critic[0].weight, critic)


def test_after_loading_it_still_follows_its_own_live_weights() -> None:
    gan = Toy()
    ema = Ema(gan, 10, 0)
    state = {key: torch.ones_like(value) for key, value in ema.state_dict().items()}
    ema.load_state_dict(state, 1)
    fill(gan, 0.0)
    ema.update(10, 10)
    assert torch.allclose(ema.gan.get_submodule("generator.0").weight, torch.full((4, 3), 0.5))


def test_a_state_that_lacks_a_tensor_or_has_one_too_many_is_refused() -> None:
    ema = Ema(Toy(), 10, 0)
    state = dict(ema.state_dict())
    with pytest.raises(SparringError, match=r"do not fit.*generator\.extra.*train anew"):
        ema.load_state_dict({**state, "generator.extra": torch.zeros(1)}, 0)
    with pytest.raises(SparringError, match=r"do not fit.*generator\.0\.weight.*train anew"):
        ema.load_state_dict({**state, "generator.0.weight": torch.zeros(1, 1)}, 0)
    state.pop("generator.0.bias")
    with pytest.raises(SparringError, match=r"do not fit.*generator\.0\.bias.*train anew"):
        ema.load_state_dict(state, 0)


def test_frozen_layers_of_shared_networks_stay_frozen() -> None:
    gan = Toy()
    gan.critic.requires_grad_(False)
    Ema(gan, 10, 0)
    assert not any(p.requires_grad for p in gan.critic.parameters())


def test_a_shipped_network_that_is_no_attribute_is_refused() -> None:
    gan = Toy()
    gan.players = lambda: {"generator": [torch.nn.Linear(1, 1)], "critic": [gan.critic]}  # type: ignore[method-assign]
    with pytest.raises(SparringError, match="must be an attribute of the GAN"):
        Ema(gan, 10, 0)
