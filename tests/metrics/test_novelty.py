import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from office31_cli.metrics import novelty as module
from office31_cli.metrics.novelty import compare_closeness, novelty
from office31_cli.metrics.open_set import area_under_roc
from office31_cli.metrics.unknown import entropy


def directions(rows: np.ndarray) -> np.ndarray:
    """Row by row: of length 1, less the mean, of length 1 again."""
    unit = np.array([row / np.sqrt(row @ row) for row in rows])
    centred = unit - unit.mean(0)
    return np.array([row / np.sqrt(row @ row) for row in centred])


@given(st.integers(0, 2**32), st.integers(5, 12), st.integers(2, 9))
def test_closeness_is_its_definition(seed: int, count: int, sources: int) -> None:
    draws = np.random.default_rng(seed)
    target, source = draws.normal(size=(count, 4)), draws.normal(size=(sources, 4))
    closeness, neighbours = compare_closeness(target, source)
    ours, theirs = directions(target), directions(source)
    for place, row in enumerate(ours):
        others = sorted(((row @ other, n) for n, other in enumerate(ours) if n != place), reverse=True)[:3]
        assert closeness[place] == pytest.approx(np.mean([each for each, _ in others]) - max(row @ x for x in theirs))
        assert set(neighbours[place].tolist()) == {n for _, n in others}


def test_in_blocks_it_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    draws = np.random.default_rng(0)
    target, source = draws.normal(size=(20, 4)), draws.normal(size=(9, 4))
    whole = compare_closeness(target, source)
    monkeypatch.setattr(module, "_BLOCK", 7)
    for ours, theirs in zip(compare_closeness(target, source), whole, strict=True):
        np.testing.assert_allclose(ours, theirs)


def test_novelty_adds_entropy_and_closeness_and_averages_with_neighbours() -> None:
    draws = np.random.default_rng(1)
    p, closeness = draws.dirichlet(np.ones(3), 6), draws.normal(size=6)
    neighbours = np.array([[1, 2], [0, 2], [0, 1], [4, 5], [3, 5], [3, 4]])
    h = entropy(p)
    own = (h - h.mean()) / h.std() + (closeness - closeness.mean()) / closeness.std()
    expected = [(own[n] + own[pair].mean()) / 2 for n, pair in enumerate(neighbours)]
    assert novelty(p, closeness, neighbours) == pytest.approx(expected)


def test_photographs_of_an_item_that_the_source_lacks_score_highest() -> None:
    draws = np.random.default_rng(2)
    centres = 4 * np.eye(5)
    source = np.repeat(centres[:3], 10, 0) + 0.6 * draws.normal(size=(30, 5))
    target = np.repeat(centres[[0, 1, 4]], 10, 0) + 0.6 * draws.normal(size=(30, 5))
    logits = target @ centres[:3].T
    p = np.exp(logits - logits.max(1, keepdims=True))
    closeness, neighbours = compare_closeness(target, source)
    scores = novelty(p / p.sum(1, keepdims=True), closeness, neighbours)
    assert area_under_roc(scores, np.arange(30) >= 20) > 0.99


@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_photographs_have_few_neighbours(count: int) -> None:
    target = np.random.default_rng(0).normal(size=(count, 4))
    closeness, neighbours = compare_closeness(target, target)
    assert neighbours.shape == (count, count - 1)
    scores = novelty(np.full((count, 2), 0.5), closeness, neighbours)
    assert scores.shape == (count,)
    assert np.isfinite(scores).all()
