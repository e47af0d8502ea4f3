from collections import Counter

import numpy as np
import pytest
import torch
from torch import Tensor

from office31_cli import methods
from office31_cli.engine.batches import SourceTargetBatches, SourceTargetData
from office31_cli.engine.inputs import Examples, FrozenInputs
from tests.helpers.tiny_adaptation import COUNTS, ITEMS, NOTHING, build_pair, inputs, labelled, unlabelled
from tests.helpers.tiny_training import CPU, cache_array

METHODS = {name: methods.load(name)() for name in ("mcc", "erm", "shot", "fixmatch")}
RUNS = [build_pair(0, 1, 1), build_pair(0, 1, 2), build_pair(0, 2, 1), build_pair(2, 1, 7)]


def batches(
    *pairs: SourceTargetData, method: str = "mcc", size: int = 8, steps: int = 5, of: FrozenInputs | None = None
) -> SourceTargetBatches:
    return SourceTargetBatches(of or inputs(), pairs, METHODS[method], batch_size=size, steps=steps, device=CPU)


def numbered() -> FrozenInputs:
    """Features that say which photograph it is, and in which view."""
    arrays = [[np.arange(count, dtype=np.float32)[:, None] + 100 * view for count in COUNTS] for view in range(4)]
    return FrozenInputs([[cache_array(array) for array in view] for view in arrays], CPU)


@pytest.mark.parametrize("size", [2, 5, 8, 17])
@pytest.mark.parametrize("steps", [1, 3, 7])
def test_every_round_shows_each_photograph_once_across_steps_and_epochs(size: int, steps: int) -> None:
    fed = batches(build_pair(), size=size, steps=steps)
    shown: list[int] = []
    for epoch in range(60 // steps + 1):
        for step in range(steps):
            places = fed.batch(epoch, step).tensors[4]
            assert places.shape == (1, size)
            shown += places[0].tolist()
    rounds = [shown[start : start + COUNTS[1]] for start in range(0, len(shown) - COUNTS[1] + 1, COUNTS[1])]
    assert len(rounds) >= 3
    for each in rounds:
        assert sorted(each) == list(range(COUNTS[1]))
    assert len(set(map(tuple, rounds))) == len(rounds)  # each in another order


def test_the_sources_labels_are_those_of_its_photographs() -> None:
    fed, seen = batches(build_pair(), size=10, of=numbered()), Counter[int]()
    for step in range(5):
        source, labels, target, again, _ = fed.batch(0, step).tensors
        numbers = source[0, :, 0] % 100
        assert torch.equal(labels[0], numbers.long() % ITEMS)
        seen.update(numbers.int().tolist())
        assert (target.shape, again.shape) == ((1, 10, 1), (1, 0, 1))
    assert set(seen) == set(range(COUNTS[0]))
    assert max(seen.values()) - min(seen.values()) <= 1


def test_places_are_those_of_the_targets_photographs_and_every_view_is_shown() -> None:
    fed, views = batches(build_pair(), of=numbered()), Counter[int]()
    for step in range(5):
        _, _, target, _, places = fed.batch(0, step).tensors
        assert torch.equal(target[0, :, 0] % 100, places[0].float())
        views.update((target[0, :, 0] // 100).int().tolist())
    assert set(views) == {0, 1, 2, 3}


def test_where_views_are_compared_the_plain_one_comes_first_and_then_a_strong_one_of_the_same_photographs() -> None:
    fed, others = batches(build_pair(), method="fixmatch", of=numbered()), Counter[int]()
    for step in range(5):
        _, _, target, again, places = fed.batch(0, step).tensors
        assert torch.equal(target[0, :, 0], places[0].float())
        assert torch.equal(again % 100, target)
        others.update((again[0, :, 0] // 100).int().tolist())
    assert set(others) == {2, 3}  # neither the plain view nor its mirror image


def same(ours: tuple[Tensor, ...], theirs: tuple[Tensor, ...]) -> bool:
    return all(torch.equal(one, other) for one, other in zip(ours, theirs, strict=True))


def test_a_step_depends_on_the_seed_and_its_position_alone() -> None:
    fed = batches(build_pair())
    places = [(epoch, step) for epoch in range(4) for step in range(5)]
    forwards = {place: fed.batch(*place).tensors for place in places}
    for place in [*reversed(places), (1, 3)]:
        torch.rand(3)
        assert same(fed.batch(*place).tensors, forwards[place])
        assert same(batches(build_pair()).batch(*place).tensors, forwards[place])
    assert not same(batches(build_pair(seed=2)).batch(0, 0).tensors, forwards[0, 0])


@pytest.mark.parametrize("method", METHODS)
def test_several_runs_get_each_the_very_rows_that_it_gets_alone(method: str) -> None:
    together = batches(*RUNS, method=method)
    for epoch, step in [(0, 0), (0, 4), (3, 2)]:
        rows = together.batch(epoch, step).tensors
        for run, each in enumerate(RUNS):
            alone = batches(each, method=method).batch(epoch, step).tensors
            assert same(tuple(tensor[run] for tensor in rows), tuple(tensor[0] for tensor in alone))


def test_what_a_method_does_not_use_has_no_rows() -> None:
    shapes = {
        name: [len(tensor[0]) for tensor in batches(build_pair(), method=name).batch(0, 0).tensors] for name in METHODS
    }
    assert shapes == {
        "mcc": [8, 8, 8, 0, 8],
        "erm": [8, 8, 0, 0, 0],
        "shot": [0, 0, 8, 0, 8],
        "fixmatch": [8, 8, 8, 8, 8],
    }


def test_a_domain_smaller_than_the_batch_is_shown_whole() -> None:
    few = SourceTargetData(labelled(0).take(np.arange(3)), unlabelled(1), NOTHING, 1)
    fed = batches(few, size=8)
    source, labels, target, _, _ = fed.batch(0, 0).tensors
    assert (len(source[0]), len(target[0])) == (3, 8)
    assert sorted(labels[0].tolist()) == [0, 1, 2]
    assert (fed.steps, fed.photographs) == (5, 5 * 8)


def test_no_label_of_the_target_can_be_in_a_batch() -> None:
    """Even if the target's examples held any."""
    rows = np.arange(COUNTS[1])
    told = Examples(np.full(len(rows), 1), rows, 7.0 + rows[:, None])
    without, given = build_pair(), build_pair()
    given = SourceTargetData(given.source, told, given.validation, given.seed)
    assert same(batches(without).batch(0, 1).tensors, batches(given).batch(0, 1).tensors)
