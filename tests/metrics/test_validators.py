import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from office31_cli.metrics.validators import (
    VALIDATORS,
    batch_nuclear_norm,
    information_maximisation,
    mean_entropy,
    soft_neighbourhood_density,
)

SEEDS, ROWS, ITEMS = st.integers(0, 2**32), st.integers(2, 12), st.integers(2, 6)


def entropy(row: list[float]) -> float:
    return -sum(p * math.log(p) for p in row if p > 0)


def neighbourhood(rows: list[list[float]], temperature: float) -> float:
    """Saito and others 2021, one photograph after another."""
    entropies = []
    for i, a in enumerate(rows):
        similarities = [
            sum(x * y for x, y in zip(a, b, strict=True)) / math.hypot(*a) / math.hypot(*b)
            for j, b in enumerate(rows)
            if j != i
        ]
        shares = [math.exp(each / temperature) for each in similarities]
        entropies.append(entropy([share / sum(shares) for share in shares]))
    return sum(entropies) / len(entropies)


def drawn(seed: int, rows: int, items: int) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.full(items, 0.5), size=rows)


@given(SEEDS, ROWS, ITEMS)
def test_they_agree_with_their_definitions(seed: int, rows: int, items: int) -> None:
    p = drawn(seed, rows, items)
    each = [entropy(row) for row in p.tolist()]
    mean = [sum(column) / rows for column in zip(*p.tolist(), strict=True)]
    assert mean_entropy(p) == pytest.approx(-sum(each) / rows, abs=1e-12)
    assert information_maximisation(p) == pytest.approx(entropy(mean) - sum(each) / rows, abs=1e-12)
    squares = np.linalg.eigvalsh(p @ p.T).clip(0)  # those of the singular values
    assert batch_nuclear_norm(p) == pytest.approx(np.sqrt(squares).sum() / min(rows, items), abs=1e-6)
    for temperature in (0.05, 0.5):
        expected = neighbourhood(p.tolist(), temperature)
        assert soft_neighbourhood_density(p, temperature) == pytest.approx(expected, abs=1e-9)


@given(SEEDS, ROWS, ITEMS)
def test_they_keep_to_their_bounds_and_do_not_mind_the_order(seed: int, rows: int, items: int) -> None:
    p = drawn(seed, rows, items)
    shuffled = np.random.default_rng(seed).permutation(np.random.default_rng(seed).permutation(p), axis=1)
    bounds = {
        "entropy": (-math.log(items), 0),
        "im": (0, math.log(items)),
        "snd": (0, math.log(rows - 1)),
        "bnm": (0, math.sqrt(rows / min(rows, items))),
    }
    assert set(bounds) == set(VALIDATORS)
    for name, (low, high) in bounds.items():
        score = VALIDATORS[name](p)
        assert low - 1e-12 <= score <= high + 1e-12
        assert VALIDATORS[name](shuffled) == pytest.approx(score, abs=1e-9)


CERTAIN_AND_VARIED = np.eye(3).repeat(4, axis=0)
CERTAIN_AND_ALIKE = np.eye(3)[np.zeros(12, dtype=int)]
UNDECIDED = np.full((12, 3), 1 / 3)


def test_certain_and_varied_predictions_reach_the_bounds() -> None:
    assert mean_entropy(CERTAIN_AND_VARIED) == 0
    assert information_maximisation(CERTAIN_AND_VARIED) == pytest.approx(math.log(3))
    assert batch_nuclear_norm(CERTAIN_AND_VARIED) == pytest.approx(math.sqrt(12 / 3))
    assert mean_entropy(UNDECIDED) == pytest.approx(-math.log(3))
    assert information_maximisation(UNDECIDED) == pytest.approx(0, abs=1e-12)


def test_taking_all_for_one_item_deceives_the_entropy_but_neither_im_nor_bnm() -> None:
    assert mean_entropy(CERTAIN_AND_ALIKE) == mean_entropy(CERTAIN_AND_VARIED)
    for score in (information_maximisation, batch_nuclear_norm):
        assert score(CERTAIN_AND_ALIKE) < score(CERTAIN_AND_VARIED)


def test_density_is_the_logarithm_of_how_many_neighbours_are_alike() -> None:
    # Each of 4 has 3 like it; the 8 others are exp(-20) as near.
    assert soft_neighbourhood_density(CERTAIN_AND_VARIED) == pytest.approx(math.log(3), abs=1e-6)
    assert soft_neighbourhood_density(CERTAIN_AND_ALIKE) == pytest.approx(math.log(11))


def test_of_many_predictions_a_sample_stands_for_the_density() -> None:
    """With as many neighbours as there are times fewer, which the mean entropy tells by the logarithm of that."""
    p = drawn(5, 12_000, 4)
    unit = p / np.linalg.norm(p, axis=1, keepdims=True)
    looked_at = np.arange(0, 12_000, 20)
    similarities = unit[looked_at] @ unit.T / 0.05
    similarities[np.arange(len(looked_at)), looked_at] = -np.inf
    shares = np.exp(similarities)
    shares /= shares.sum(axis=1, keepdims=True)
    whole = -(shares * np.log(shares, out=np.zeros_like(shares), where=shares > 0)).sum(axis=1).mean()
    assert soft_neighbourhood_density(p) == pytest.approx(whole - math.log(12_000 / 8192), abs=0.05)


def test_a_low_temperature_leaves_the_nearest_neighbour_alone() -> None:
    assert soft_neighbourhood_density(drawn(2, 9, 4), 1e-6) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("name", VALIDATORS)
def test_float32_is_scored_in_float64(name: str) -> None:
    p = drawn(1, 9, 4).astype(np.float32)
    assert VALIDATORS[name](p) == VALIDATORS[name](p.astype(np.float64))


@pytest.mark.parametrize("name", VALIDATORS)
@pytest.mark.parametrize("shape", [(0, 3), (3,), (2, 3, 1)])
def test_what_is_not_rows_of_probabilities_is_an_error(name: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected probabilities"):
        VALIDATORS[name](np.zeros(shape))


def test_one_photograph_has_no_neighbours() -> None:
    with pytest.raises(ValueError, match="no neighbours"):
        soft_neighbourhood_density(np.array([[0.5, 0.5]]))
