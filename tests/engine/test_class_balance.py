"""Items with unequal numbers of photographs: their weights in the loss, and draws in which each comes equally often."""

from collections import Counter, defaultdict
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from office31_cli.engine.batches import BatchShard, LabelledBatches
from office31_cli.engine.class_balance import balanced_places, balanced_weights
from office31_cli.engine.inputs import Examples, Inputs
from office31_cli.engine.mixed_batches import MixedBatches
from tests.helpers.shared_balance import UNEVEN, train_unevenly
from tests.helpers.tiny_process_groups import ProcessGroupPool, processes
from tests.helpers.tiny_training import CPU, cached_inputs, examples

labels = st.lists(st.integers(0, 5), min_size=1, max_size=60).map(np.array)
"""Items of examples; some of six may be missing."""

# ---- weights


@given(labels, st.integers(1, 80))
def test_a_weight_is_n_over_k_n_k(items: np.ndarray, batch_size: int) -> None:
    weights = balanced_weights([items], 6, batch_size=batch_size)
    counts = Counter(items.tolist())
    expected = [len(items) / (len(counts) * counts[item]) if item in counts else 0 for item in range(6)]
    np.testing.assert_allclose(weights, expected, rtol=1e-12)
    assert weights[items].mean() == pytest.approx(1)


@given(labels, labels, st.integers(1, 80))
def test_of_parts_that_are_drawn_side_by_side_every_item_has_the_same_share_of_a_step(
    one: np.ndarray, other: np.ndarray, batch_size: int
) -> None:
    weights = balanced_weights([one, np.empty(0, np.int64), other], 6, batch_size=batch_size)
    shares = defaultdict[int, float](float)
    for part in (one, other):
        for item in part.tolist():
            shares[item] += min(batch_size, len(part)) / len(part) * weights[item]
    rows = min(batch_size, len(one)) + min(batch_size, len(other))
    assert list(shares.values()) == pytest.approx([rows / len(shares)] * len(shares))


# ---- draws


@given(labels, st.integers(0, 200), st.integers(1, 100), st.integers(0, 5))
def test_items_come_equally_often_and_of_each_item_its_photographs(
    items: np.ndarray, start: int, size: int, seed: int
) -> None:
    drawn = balanced_places("test", seed, items, start, size)
    assert drawn.shape == (size,)
    counts = Counter(items[drawn].tolist())
    every = [counts[item] for item in np.unique(items).tolist()]
    assert max(every) - min(every) <= (1 if start == 0 else 2)  # a round begun and one broken off
    for item in np.unique(items).tolist():
        shown = Counter(drawn[items[drawn] == item].tolist())
        own = [shown[place] for place in np.flatnonzero(items == item).tolist()]
        assert max(own) - min(own) <= 2


@given(labels, st.integers(0, 100), st.integers(0, 60), st.integers(0, 60), st.integers(0, 5))
def test_a_draw_depends_on_its_position_alone(items: np.ndarray, start: int, one: int, other: int, seed: int) -> None:
    whole = balanced_places("test", seed, items, start, one + other)
    parts = [balanced_places("test", seed, items, start, one), balanced_places("test", seed, items, start + one, other)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def numbered_inputs(count: int) -> Inputs:
    """Of every photograph its number."""
    return cached_inputs(np.arange(count, dtype=np.float32)[:, None])


def batches(shard: BatchShard = BatchShard(), seed: int = 1, *, balanced: bool = True) -> LabelledBatches:  # noqa: B008
    balanced_by = np.array(UNEVEN) if balanced else None
    return LabelledBatches(
        numbered_inputs(len(UNEVEN)),
        examples(UNEVEN),
        batch_size=8,
        seed=seed,
        device=CPU,
        shard=shard,
        balanced_by=balanced_by,
    )


def test_an_epoch_keeps_its_steps_and_its_photographs_and_draws_every_item_alike() -> None:
    drawn, plain = batches(), batches(balanced=False)
    assert (drawn.steps, drawn.photographs) == (plain.steps, plain.photographs)
    seen = Counter[int]()
    for step in range(drawn.steps):
        inputs, targets = drawn.batch(0, step).tensors
        assert targets[:, 0].long().tolist() == [UNEVEN[number] for number in inputs[:, 0].int().tolist()]
        assert len(targets) == len(plain.batch(0, step).tensors[1])
        seen.update(targets[:, 0].int().tolist())
    assert max(seen.values()) - min(seen.values()) <= 1
    assert Counter(UNEVEN)[0] > 5 * Counter(UNEVEN)[2]


def test_a_balanced_step_depends_on_the_seed_and_its_position_alone() -> None:
    drawn = batches()
    forwards = [drawn.batch(epoch, step).tensors[0] for epoch in range(3) for step in range(drawn.steps)]
    for epoch, step in [(2, 1), (0, 0), (1, 2)]:
        again = batches().batch(epoch, step).tensors[0]
        assert torch.equal(again, forwards[epoch * drawn.steps + step])
    assert not torch.equal(batches(seed=2).batch(0, 0).tensors[0], forwards[0])


def test_processes_have_the_shards_of_one_draw() -> None:
    whole = batches()
    for step in range(whole.steps):
        shards = [batches(BatchShard(number, 3)).batch(1, step).tensors[0] for number in range(3)]
        assert torch.equal(torch.cat(shards), whole.batch(1, step).tensors[0])


def test_beside_other_domains_each_domain_draws_its_items_alike() -> None:
    """With unlabelled photographs, which are drawn as ever."""
    one, other = np.array(UNEVEN), np.array([2] * 9 + [1, 1])
    count = len(one) + len(other)
    parts = [examples(one), Examples(np.zeros(11, np.int64), np.arange(len(one), count), other[:, None].astype(float))]
    rest = Examples(np.zeros(7, np.int64), np.arange(7), np.empty((7, 0)))

    def mixed(items: list[np.ndarray] | None) -> MixedBatches:
        fed = {"batch_size": 6, "seed": 1, "device": CPU}
        return MixedBatches(numbered_inputs(count), parts, rest, **fed, balanced_by=items)

    drawn, plain = mixed([one, other]), mixed(None)
    assert (drawn.steps, drawn.photographs) == (plain.steps, plain.photographs)
    seen = [Counter[int](), Counter[int]()]
    for step in range(drawn.steps):
        _, targets, unlabelled = drawn.batch(0, step).tensors
        for place in range(2):
            seen[place].update(targets[6 * place : 6 * place + 6, 0].int().tolist())
        assert torch.equal(unlabelled, plain.batch(0, step).tensors[2])
    assert set(seen[0]) == {0, 1, 2}
    assert set(seen[1]) == {1, 2}
    assert all(max(each.values()) - min(each.values()) <= 1 for each in seen)


# ---- several processes


@pytest.fixture(scope="module")
def ranks() -> Iterator[ProcessGroupPool]:
    with processes(2) as started:
        yield started


@pytest.mark.parametrize(("balance", "smoothing"), [("balanced", 0.0), ("balanced", 0.2), ("sampler", 0.0)])
def test_two_processes_train_what_one_does(
    ranks: ProcessGroupPool, balance: str, smoothing: float, single_precision: None
) -> None:
    """Their shards hold labels of unequal weights: the mean of their weighted means would be another."""
    history, weights = train_unevenly(balance, smoothing)
    plain, _ = train_unevenly("none", smoothing)
    assert abs(history[0]["item"] - plain[0]["item"]) > 0.01
    for curve, learnt in ranks(2, train_unevenly, balance, smoothing):
        assert [epoch["item"] for epoch in curve] == pytest.approx([epoch["item"] for epoch in history], abs=1e-5)
        for name, expected in weights.items():
            np.testing.assert_allclose(learnt[name], expected, atol=1e-4)
