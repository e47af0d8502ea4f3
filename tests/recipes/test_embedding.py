import numpy as np
import pytest
from sklearn.decomposition import PCA

from office31_cli.errors import Failed, Misuse
from office31_cli.recipes.report import embedding
from office31_cli.recipes.report.embedding import FEWEST, KINDS, choose_kind, embed

RNG = np.random.default_rng(0)
GROUPS = np.repeat(np.eye(12)[:4] * 3, 20, axis=0) + RNG.normal(0, 0.3, (80, 12))
"""Four groups of 20 rows."""


def of_one_group(plane: np.ndarray) -> float:
    """The share of rows whose nearest other row is of the same group."""
    distances = np.linalg.norm(plane[:, None] - plane, axis=2) + np.diag(np.full(len(plane), np.inf))
    return float((distances.argmin(1) // 20 == np.arange(len(plane)) // 20).mean())


def test_principal_components_are_scikit_learns() -> None:
    unit = GROUPS / np.linalg.norm(GROUPS, axis=1, keepdims=True)
    expected = PCA(2).fit_transform(unit)
    (plane,) = embed("pca", [GROUPS])
    for axis in (0, 1):
        assert abs(np.corrcoef(plane[:, axis], expected[:, axis])[0, 1]) == pytest.approx(1)
    spread = expected.max(0) - expected.min(0)
    assert np.ptp(plane, axis=0) == pytest.approx(spread / spread.max())


@pytest.mark.parametrize("kind", KINDS)
def test_parts_lie_on_one_plane_within_the_unit_square(kind: str) -> None:
    first, second = embed(kind, [GROUPS[:30], GROUPS[30:]])
    (whole,) = embed(kind, [GROUPS])
    assert np.concatenate([first, second]) == pytest.approx(whole)
    assert first.shape == (30, 2)
    assert whole.min() >= 0
    assert whole.max() <= 1


def test_neighbours_stay_together_and_lengths_play_no_part() -> None:
    (plane,) = embed("tsne", [GROUPS])
    assert of_one_group(plane) == 1
    (longer,) = embed("pca", [GROUPS * RNG.uniform(0.5, 5, (80, 1))])
    assert longer == pytest.approx(embed("pca", [GROUPS])[0])


@pytest.mark.parametrize("kind", KINDS)
def test_rows_that_are_all_alike_or_zero_have_a_place_too(kind: str) -> None:
    for rows in (np.ones((FEWEST, 3)), np.zeros((FEWEST, 1))):
        (plane,) = embed(kind, [rows])
        assert np.isfinite(plane).all()


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="9 rows"):
        embed("pca", [np.ones((FEWEST - 1, 4))])


def test_without_scikit_learn_it_is_principal_components(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_kind(None) == "tsne"
    monkeypatch.setattr(embedding, "find_spec", lambda name: None)
    assert choose_kind(None) == "pca"
    with pytest.raises(Failed, match=r"pip install 'office31-cli\[plots\]'"):
        choose_kind("tsne")
    with pytest.raises(Misuse, match="did you mean tsne"):
        choose_kind("tsn")
