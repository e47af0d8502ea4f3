"""What is stored to tell photographs of unknown items: thresholds, bytes that come back, and damaged ones."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from office31_cli.workflow.unknown_detector import Heads, UnknownDetector, fit_target_detector

SCORES = np.random.default_rng(0).gamma(2.0, size=3000)


@given(rate=st.floats(0.01, 0.5), count=st.integers(200, 3000))
def test_a_threshold_loses_the_share_that_it_may(rate: float, count: int) -> None:
    scores = SCORES[:count]
    detector = UnknownDetector.fit(scores, fitted_on="amazon, held out")
    lost = float((scores > detector.threshold_at(rate)).mean())
    assert rate - 0.01 <= lost + 1 / count
    assert lost <= rate + 0.001


def test_the_usual_threshold_is_that_of_one_in_twenty() -> None:
    detector = UnknownDetector.fit(SCORES[:500], fitted_on="amazon, held out")
    assert detector.threshold == detector.threshold_at(0.05)


def test_entropy_tells_uncertain_predictions() -> None:
    detector = UnknownDetector.fit(np.array([0.1, 0.2]), fitted_on="x")
    scores = detector.scores(np.array([[1.0, 0.0], [0.5, 0.5]]), np.empty((2, 0)))
    assert scores == pytest.approx([0.0, np.log(2)])


def test_a_head_of_the_predicted_items_own_says_whether_it_is_shown() -> None:
    generator = np.random.default_rng(1)
    heads = Heads(weight=generator.normal(size=(3, 4)).astype("f4").astype(float), bias=np.array([0.5, -1.0, 2.0]))
    detector = UnknownDetector.fit(np.array([-1.0, 1.0]), score="known", fitted_on="x", heads=heads)
    probabilities, features = generator.dirichlet(np.ones(3), 5), generator.normal(size=(5, 4))
    rows = probabilities.argmax(1)
    own = [-(heads.weight[row] @ each + heads.bias[row]) for row, each in zip(rows, features, strict=True)]
    assert detector.scores(probabilities, features) == pytest.approx(own)
    again = UnknownDetector.decode(detector.encode())
    assert again.scores(probabilities, features) == pytest.approx(own, rel=1e-6)
    assert (again.known, again.threshold, again.fitted_on) == (detector.known, detector.threshold, "x")


@pytest.mark.parametrize(
    "change",
    [
        {"known": []},
        {"known": [2.0, 1.0]},
        {"known": ["1"]},
        {"threshold": None},
        {"threshold": True},
        {"score": "known"},
        {"heads": {"shape": [2, 2], "float32": "AAAA"}},
        {"heads": {"shape": [1], "float32": ""}},
    ],
)
def test_damaged_bytes_are_no_detector(change: dict[str, object]) -> None:
    stored = json.loads(UnknownDetector.fit(SCORES[:9], fitted_on="x").encode())
    with pytest.raises((KeyError, TypeError, ValueError)):
        UnknownDetector.decode(json.dumps(stored | change).encode())


def test_a_targets_detector_counts_photographs_as_far_as_they_are_known() -> None:
    draws = np.random.default_rng(0)
    unknown = np.arange(600) % 2 == 0
    logits = draws.normal(size=(600, 4))
    logits[:, 0] += np.where(unknown, 0.0, 8.0)
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    known = np.where(unknown, 0.02, 0.98)
    detector = fit_target_detector(p, np.zeros((600, 2)), known, None, "phone, without labels")
    scores = detector.scores(p, np.zeros((600, 2)))
    assert ((scores > detector.threshold) == unknown).mean() > 0.9
    for rate in (0.05, 0.2):
        assert (scores > detector.threshold_at(rate))[~unknown].mean() == pytest.approx(rate, abs=0.025)
    alone = fit_target_detector(p[~unknown], np.zeros((300, 2)), None, None, "phone, without labels")
    assert (scores[~unknown] > alone.threshold).mean() == pytest.approx(0.05, abs=0.01)
