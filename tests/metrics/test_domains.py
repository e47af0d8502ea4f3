import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics.pairwise import rbf_kernel

from office31_cli.metrics.domains import proxy_a_distance, squared_mmd

SEEDS = st.integers(0, 2**32)


def clouds(seed: int, apart: float, sizes: tuple[int, int] = (60, 40), width: int = 5) -> tuple[np.ndarray, np.ndarray]:
    draws = np.random.default_rng(seed)
    return draws.normal(size=(sizes[0], width)), apart + draws.normal(size=(sizes[1], width))


def numbered(count: int) -> np.ndarray:
    return np.arange(count) % 5


def test_clouds_that_overlap_are_near_and_others_far() -> None:
    for apart, low, high in ((0.0, -0.6, 0.6), (20.0, 2.0, 2.0)):
        first, second = clouds(1, apart, (300, 200))
        assert low <= proxy_a_distance(first, second, numbered(300), numbered(200)) <= high


@given(SEEDS, st.floats(0, 2))
def test_the_distance_counts_the_errors_of_fishers_discriminant(seed: int, apart: float) -> None:
    first, second = clouds(seed, apart)
    wrong = [0, 0]
    for fold in range(5):
        kept = [numbered(len(rows)) != fold for rows in (first, second)]
        rows = np.concatenate([first[kept[0]], second[kept[1]]])
        labels = np.repeat([0, 1], [kept[0].sum(), kept[1].sum()])
        oracle = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1, priors=[0.5, 0.5]).fit(rows, labels)
        wrong[0] += (oracle.predict(first[~kept[0]]) != 0).sum()
        wrong[1] += (oracle.predict(second[~kept[1]]) != 1).sum()
    err = (wrong[0] / len(first) + wrong[1] / len(second)) / 2
    found = proxy_a_distance(first, second, numbered(len(first)), numbered(len(second)))
    assert found == pytest.approx(2 * (1 - 2 * err), abs=1e-9)


@given(SEEDS, st.floats(0, 3))
def test_the_discrepancy_is_the_u_statistic(seed: int, apart: float) -> None:
    first, second = clouds(seed, apart, (9, 7))
    both = np.concatenate([first, second])
    pairs = [float(np.linalg.norm(both[i] - both[j])) for i in range(16) for j in range(i)]
    gamma = 1 / (2 * np.median(np.square(pairs)))
    expected = 0.0
    for rows in (first, second):
        kernel = rbf_kernel(rows, rows, gamma)
        expected += (kernel.sum() - np.trace(kernel)) / (len(rows) * (len(rows) - 1))
    expected -= 2 * rbf_kernel(first, second, gamma).mean()
    assert squared_mmd(first, second) == pytest.approx(expected, abs=1e-9)


def test_samples_of_one_distribution_have_none_on_average() -> None:
    found = [squared_mmd(*clouds(seed, 0.0, (30, 30))) for seed in range(60)]
    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(60)
    assert min(found) < 0  # unbiased: below 0 by chance


@pytest.mark.parametrize(("first", "second"), [(1, 5), (5, 1), (0, 5)])
def test_too_few_rows_are_an_error(first: int, second: int) -> None:
    with pytest.raises(ValueError, match="two rows"):
        squared_mmd(np.zeros((first, 2)), np.zeros((second, 2)))
    with pytest.raises(ValueError, match="in and out of every fold"):
        proxy_a_distance(np.zeros((first, 2)), np.zeros((second, 2)), numbered(first), numbered(second))
