"""The history of fakes: what comes back, how often, and that a batch shared out comes to the same."""

from __future__ import annotations

import pytest
import torch

from sparring.draws import Draws
from sparring.networks.pool import Pool


def numbered(start: int, count: int, shape: tuple[int, ...] = (1, 2, 2)) -> torch.Tensor:
    """Fakes that are known again: all values of a fake are its number."""
    return torch.arange(start, start + count, dtype=torch.float32).view(-1, 1, 1, 1).expand(count, *shape)


def history(pool: Pool, rounds: int, batch: int) -> torch.Tensor:
    """The numbers that come back in each round, (rounds, batch)."""
    draws, seen = Draws(0, 0, 1), []
    for i in range(rounds):
        draws.at(i)
        seen.append(pool(numbered(i * batch, batch), draws)[:, 0, 0, 0])
    return torch.stack(seen)


def test_new_ones_come_back_until_the_history_is_full_and_then_half_of_them() -> None:
    batch, rounds = 4, 2000
    seen = history(Pool(20, batch, (1, 2, 2)), rounds, batch)
    new = numbered(0, rounds * batch)[:, 0, 0, 0].view(rounds, batch)
    assert torch.equal(seen[:5], new[:5]), "five a place"
    assert (seen == new)[5:].float().mean().item() == pytest.approx(0.5, abs=0.02)
    assert torch.equal(seen % batch, new % batch), "a place gives back its own alone"
    assert all(len(column.unique()) == rounds - 5 for column in (seen[5:].T)), "what was traded away comes back once"
    age = ((new - seen) / batch)[5:]
    assert age.min() == 0, "nothing comes back before it came"
    assert age[age > 0].mean().item() == pytest.approx(10, rel=0.1), "one of five, traded every other round"


def test_fakes_are_kept_whole_and_detached() -> None:
    pool, draws = Pool(1, 2, (3, 4, 5)), Draws(0, 0, 1)
    first, second = torch.randn(2, 3, 4, 5, requires_grad=True), torch.randn(2, 3, 4, 5)
    assert not pool(first, draws).requires_grad
    for step in range(20):
        draws.at(step)
        for place, fake in enumerate(pool(second, draws)):
            assert torch.equal(fake, second[place]) or torch.equal(fake, first[place])
    assert torch.equal(pool.kept.view(2, 3, 4, 5), second)


def test_shares_of_a_batch_come_to_what_the_whole_does() -> None:
    whole, shared = Pool(8, 4, (1, 2, 2)), Pool(8, 4, (1, 2, 2))
    for step in range(12):
        fakes = numbered(4 * step, 4)
        draws = [Draws(3, 0, 1), Draws(3, 0, 2), Draws(3, 1, 2)]
        for each in draws:
            each.at(step)
        together = whole(fakes, draws[0])
        assert torch.equal(together, torch.cat([shared(fakes[:2], draws[1]), shared(fakes[2:], draws[2])]))
    for name in Pool.slots:
        assert torch.equal(getattr(whole, name), getattr(shared, name))
        assert len(getattr(whole, name)) == 4, "its first side is the batch's places"


def test_a_history_survives_in_the_state_and_may_be_empty() -> None:
    first, second = Pool(8, 4, (1, 2, 2)), Pool(8, 4, (1, 2, 2))
    history(first, 9, 4)
    second.load_state_dict(first.state_dict())
    assert torch.equal(history(first, 3, 4), history(second, 3, 4))
    assert torch.equal(history(Pool(0, 4, (1, 2, 2)), 6, 4).flatten(), torch.arange(24.0))
    Pool(8, 4, (3, 8, 8)).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
