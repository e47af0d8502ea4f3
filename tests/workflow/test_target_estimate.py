"""What is estimated of a target that was made: blobs of items, some of which the source or the target lacks."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from office31_cli.engine.batches import SourceTargetData
from office31_cli.engine.inputs import Examples, FrozenInputs
from office31_cli.models.network import Head
from office31_cli.workflow.adapt_training import no_examples
from office31_cli.workflow.target_estimate import TargetEstimate, estimate_target
from tests.helpers.tiny_training import CPU, cache_array

ITEMS, EACH, WIDTH = 12, 14, 24
TARGETS = {"closed": range(8), "partial": range(3), "open": range(12), "universal": (0, 1, 2, 8, 9, 10, 11)}
SOURCE = range(8)


def draw(items: NDArray[np.int64], seed: int) -> NDArray[np.float32]:
    """Features (n, 24), all of one sign as a backbone's are: each item has a direction of its own."""
    noise = np.random.default_rng(seed).normal(size=(len(items), WIDTH))
    rows: NDArray[np.float32] = (2 + 3 * np.eye(ITEMS, WIDTH)[items] + 0.45 * noise).astype(np.float32)
    return rows


def estimate(shown: str, setting: str = "auto") -> tuple[TargetEstimate, NDArray[np.int64]]:
    """The estimate of a target that shows the items of a setting, and its items."""
    source, target = (np.repeat(list(items), EACH) for items in (SOURCE, TARGETS[shown]))
    inputs = FrozenInputs([[cache_array(draw(source, 0)), cache_array(draw(target, 1))]], CPU)
    pair = SourceTargetData(
        Examples(0 * source, np.arange(len(source)), source[:, None].astype(float)),
        Examples(0 * target + 1, np.arange(len(target)), np.empty((len(target), 0))),
        no_examples(),
        0,
    )
    digests = [f"{place:064x}" for place in range(len(source))]
    return estimate_target(inputs, pair, digests, Head(WIDTH, 16, len(SOURCE)), CPU, setting), target


@pytest.mark.parametrize("shown", TARGETS)
def test_the_setting_is_decided_without_labels(shown: str) -> None:
    found, target = estimate(shown)
    assert found.evidence is not None
    assert found.setting == shown
    assert found.evidence.photographs == len(target)
    assert found.to_json()["evidence"]["unknown_probability"] == found.evidence.unknown_probability


@pytest.mark.parametrize("shown", ["partial", "universal"])
def test_the_prior_is_of_the_items_that_are_there(shown: str) -> None:
    found, target = estimate(shown)
    assert found.prior is not None
    assert found.prior.sum() == pytest.approx(1)
    assert set(np.flatnonzero(found.prior)) == set(target.tolist()) & set(SOURCE)


@pytest.mark.parametrize("shown", ["open", "universal"])
def test_photographs_of_other_items_are_likely_unknown(shown: str) -> None:
    found, target = estimate(shown)
    assert found.known is not None
    assert ((found.known > 0.5) == np.isin(target, SOURCE)).mean() > 0.95
    even = found.even_out_unknown(torch.eye(8)[torch.zeros(len(target), dtype=torch.long)])
    torch.testing.assert_close(even.sum(1), torch.ones(len(target)))
    assert float(even[found.known < 0.1].max()) < 0.3


def test_where_items_are_missing_the_pseudo_labels_are_of_those_that_are_there() -> None:
    found, target = estimate("partial")
    assert found.pseudo_labels is not None
    assert (found.pseudo_labels.argmax(1) == target).mean() > 0.95
    assert found.pseudo_labels.sum(1) == pytest.approx(1)


def test_a_setting_that_is_named_is_taken() -> None:
    found, _ = estimate("closed", "universal")
    assert (found.setting, found.prior is None, found.known is None) == ("universal", False, False)
    closed, _ = estimate("open", "closed")
    assert (closed.setting, closed.evidence, closed.known) == ("closed", None, None)


def test_the_estimate_is_the_same_each_time() -> None:
    first, again = (estimate("universal")[0] for _ in range(2))
    assert first.evidence == again.evidence
    assert first.known is not None
    assert again.known is not None
    np.testing.assert_array_equal(first.known, again.known)
