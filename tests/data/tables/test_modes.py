"""The mixture finds the modes that there are, as well as scikit-learn's does, and the same ones each time."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from sparring.data.tables import modes


def likelihood(values: np.ndarray, found: modes.Modes) -> float:
    """Mean log-likelihood of a row, in nats."""
    apart = (values[:, None] - found.means) / found.deviations
    densities = found.weights * np.exp(-0.5 * apart**2) / found.deviations / np.sqrt(2 * np.pi)
    return float(np.log(densities.sum(1)).mean())


def by_scikit_learn(values: np.ndarray) -> modes.Modes:
    from sklearn.mixture import BayesianGaussianMixture

    mixture = BayesianGaussianMixture(n_components=10, weight_concentration_prior=1e-3, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it does not converge within its 100 turns
        mixture.fit(values[:, None])
    kept = mixture.weights_ > modes.LEAST_WEIGHT
    weights = mixture.weights_[kept]
    return modes.Modes(
        mixture.means_[kept, 0], np.sqrt(mixture.covariances_[kept, 0, 0]), np.array(weights / weights.sum())
    )


def shapes() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    three = [random.normal(-5, 0.3, 1000), random.normal(0, 1, 2000), random.normal(9, 0.1, 1000)]
    rare = [np.zeros(3600), random.choice([7688, 15024, 3103, 99999], 400)]  # as Adult's capital-gain
    return {
        "normal": random.normal(3e6, 2e5, 4000),
        "three": np.concatenate(three),
        "uniform": random.random(4000),
        "exponential": random.exponential(1, 4000),
        "whole": random.poisson(200, 4000).astype(float),
        "rare": np.concatenate(rare) + random.normal(0, 50, 4000),
    }


@pytest.mark.parametrize("shape", shapes())
def test_it_fits_as_well_as_scikit_learns_mixture(shape: str) -> None:
    values = shapes()[shape]
    ours, theirs = modes.fit(*modes.count(values)), by_scikit_learn(values)
    assert likelihood(values, ours) > likelihood(values, theirs) - 0.03
    assert abs(len(ours.means) - len(theirs.means)) <= 2


def test_rare_values_far_out_get_modes_of_their_own() -> None:
    found = modes.fit(*modes.count(shapes()["rare"]))
    for value in (0, 7688, 15024, 3103, 99999):
        assert (np.abs(found.means - value) < 2 * found.deviations).any()


def test_a_mode_is_no_wider_or_heavier_than_it_is() -> None:
    found = modes.fit(*modes.count(shapes()["three"]))
    last = found.means > 8
    assert found.weights[last].sum() == pytest.approx(0.25, abs=0.01)
    assert found.means[last] == pytest.approx(9, abs=0.1)
    assert (np.diff(found.means) > 0).all()
    assert found.weights.sum() == pytest.approx(1)


def test_the_scale_changes_nothing() -> None:
    values = shapes()["three"]
    small, large = (modes.fit(*modes.count(values * factor)) for factor in (1e-9, 1e9))
    np.testing.assert_allclose(small.means * 1e9, large.means / 1e9, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(small.deviations * 1e9, large.deviations / 1e9, rtol=1e-3)


@pytest.mark.parametrize(
    "values",
    [
        [5.0],
        [0.0, 0.0],
        [1.0, 2.0],
        [1e15, 1e15 + 1],
        [-3.0] * 50 + [8.0],
        [0, 19, -2e-16, -4e-31],
        [1e300, -1e300],
        [1e-320, 0],
    ],
)
def test_hardly_any_values_have_modes_too(values: list[float]) -> None:
    found = modes.fit(*modes.count(np.array(values)))
    assert len(found.means) >= 1
    assert (found.deviations > 0).all()
    assert np.isfinite(np.concatenate(found)).all()


def test_order_and_repetition_change_nothing() -> None:
    values = shapes()["exponential"]
    shuffled = np.random.default_rng(1).permutation(values)
    for one, other in zip(modes.fit(*modes.count(values)), modes.fit(*modes.count(shuffled)), strict=True):
        np.testing.assert_array_equal(one, other)


def test_many_values_are_counted_in_bins_that_keep_the_sum_and_the_ends() -> None:
    values = np.random.default_rng(0).standard_t(2, 50_000)
    unique, counts = modes.count(values)
    assert len(unique) <= modes.BINS
    assert counts.sum() == 50_000
    assert (unique * counts).sum() == pytest.approx(values.sum())
    assert unique[-1] == values.max()


def test_few_values_are_counted_as_they_are() -> None:
    unique, counts = modes.count(np.array([3.0, 1, 3, 2, 3]))
    assert unique.tolist() == [1, 2, 3]
    assert counts.tolist() == [1, 1, 3]
