import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from office31_cli.metrics.label_shift import target_prior, total_variation


def seen(shares: np.ndarray, count: int, seed: int) -> np.ndarray:
    """The posteriors that Bayes's rule gives with equal priors, of points on a line around 0, 2, 4, ..."""
    draws = np.random.default_rng(seed)
    points = 2.0 * draws.choice(len(shares), size=count, p=shares) + draws.normal(size=count)
    likelihoods = np.exp(-((points[:, None] - 2.0 * np.arange(len(shares))) ** 2) / 2)
    posteriors: np.ndarray = likelihoods / likelihoods.sum(1, keepdims=True)
    return posteriors


@pytest.mark.parametrize("shares", [[0.8, 0.15, 0.05], [1 / 3, 1 / 3, 1 / 3], [0.05, 0.05, 0.9]])
def test_the_shares_are_found_where_a_picture_of_an_item_looks_alike(shares: list[float]) -> None:
    prior = np.full(3, 1 / 3)
    probabilities = seen(np.array(shares), 4000, 0)
    found = target_prior(probabilities, prior)
    assert found == pytest.approx(shares, abs=0.04)
    if max(shares) > 0.5:  # the mean prediction, which knows nothing of other shares, is further off
        assert total_variation(found, np.array(shares)) < total_variation(probabilities.mean(0), np.array(shares))


@given(st.integers(0, 2**32), st.integers(2, 6))
def test_they_are_shares_and_no_less_likely_than_the_prior(seed: int, items: int) -> None:
    draws = np.random.default_rng(seed)
    prior, probabilities = draws.dirichlet(np.full(items, 5.0)), draws.dirichlet(np.ones(items), size=30)
    found = target_prior(probabilities, prior)
    assert found.min() >= 0
    assert found.sum() == pytest.approx(1)

    def likelihood(shares: np.ndarray) -> float:
        return float(np.log((probabilities / prior) @ shares).sum())

    assert likelihood(found) >= likelihood(prior) - 1e-9
    for other in draws.dirichlet(np.ones(items), size=20):
        assert likelihood(found) >= likelihood(other) - 0.05


def test_total_variation_is_the_part_that_would_have_to_change() -> None:
    assert total_variation(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == 1
    assert total_variation(np.array([0.5, 0.3, 0.2]), np.array([0.3, 0.3, 0.4])) == pytest.approx(0.2)


@pytest.mark.parametrize("shape", [(0, 3), (3,), (4, 2)])
def test_other_shapes_are_errors(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected probabilities"):
        target_prior(np.ones(shape), np.full(3, 1 / 3))
