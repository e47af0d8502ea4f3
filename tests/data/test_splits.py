import hashlib
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from office31_cli.data.splits import assign_folds, choose_few_labelled, choose_held_out

MANIFEST = Path(__file__).parents[3] / "shared" / "office31" / "manifest.csv"

seeds = st.integers(0, 2**32)
fractions = st.integers(1, 99).map(lambda percent: percent / 100)


@st.composite
def photographs(draw: st.DrawFn, *, ambiguous: bool = False) -> tuple[np.ndarray, list[str]]:
    """Items and groups in any order: tiny items, twins and, where asked, content labelled as two items."""
    kinds = st.tuples(st.integers(0, 3), st.integers(0, 9), st.integers(1, 4))
    drawn = draw(st.lists(kinds, min_size=1, max_size=30))
    pairs = [(item, number) for item, number, twins in drawn for _ in range(twins)]
    pairs = draw(st.permutations(pairs))
    return (
        np.array([item for item, _ in pairs]),
        [content(number if ambiguous else 100 * item + number) for item, number in pairs],
    )


def content(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def distinct(*sizes: int) -> tuple[np.ndarray, list[str]]:
    """As many photographs of each item as given, no two of them identical."""
    return np.repeat(np.arange(len(sizes)), sizes), [content(number) for number in range(sum(sizes))]


def groups_of(items: np.ndarray, groups: list[str]) -> dict[int, Counter[str]]:
    found: dict[int, Counter[str]] = defaultdict(Counter)
    for item, group in zip(items.tolist(), groups, strict=True):
        found[item][group] += 1
    return found


def with_twins(chosen: np.ndarray, groups: list[str]) -> np.ndarray:
    """The chosen photographs and every identical one."""
    taken = {group for group, is_chosen in zip(groups, chosen, strict=True) if is_chosen}
    return np.array([group in taken for group in groups])


@given(photographs(ambiguous=True), fractions, seeds)
def test_twins_stay_on_one_side(data: tuple[np.ndarray, list[str]], fraction: float, seed: int) -> None:
    items, groups = data
    test = choose_held_out(items, groups, fraction=fraction, seed=seed)
    assert test.shape == items.shape
    np.testing.assert_array_equal(with_twins(test, groups), test)


@given(photographs(), fractions, seeds)
def test_every_item_that_can_be_split_is_on_both_sides(
    data: tuple[np.ndarray, list[str]], fraction: float, seed: int
) -> None:
    items, groups = data
    test = choose_held_out(items, groups, fraction=fraction, seed=seed)
    for item, sizes in groups_of(items, groups).items():
        sides = set(test[items == item].tolist())
        assert sides == ({True, False} if len(sizes) > 1 else {False})


@given(photographs(), fractions, seeds)
def test_an_item_misses_its_share_by_no_more_than_its_largest_group(
    data: tuple[np.ndarray, list[str]], fraction: float, seed: int
) -> None:
    items, groups = data
    test = choose_held_out(items, groups, fraction=fraction, seed=seed)
    for item, sizes in groups_of(items, groups).items():
        if len(sizes) > 1:
            assert abs(test[items == item].sum() - fraction * sizes.total()) <= max(sizes.values())


@given(st.lists(st.integers(10, 40), min_size=1, max_size=8), st.integers(10, 90), seeds)
@example([100], 7, 0)  # 0.07 * 100 is 7.000000000000001 in floating point
def test_the_total_is_the_share_of_all_and_each_item_is_within_one(sizes: list[int], percent: int, seed: int) -> None:
    items, groups = distinct(*sizes)
    test = choose_held_out(items, groups, fraction=percent / 100, seed=seed)
    assert test.sum() == -(-percent * sum(sizes) // 100)  # the share, rounded up
    for item, size in enumerate(sizes):
        assert abs(test[items == item].sum() - percent * size / 100) < 1


def test_what_tiny_items_must_give_is_not_asked_of_the_others_as_well() -> None:
    items, groups = distinct(*[2] * 10, *[24] * 10)  # shares of 0.4 and 4.8, 52 in all
    test = choose_held_out(items, groups, fraction=0.2)
    assert [test[items == item].sum() for item in range(10)] == [1] * 10
    assert test.sum() == 52


@pytest.mark.parametrize("sizes", [[2, 2], [5, 3, 4], [1, 9]])
def test_an_item_of_nothing_but_twins_holds_out_its_smallest_group(sizes: list[int]) -> None:
    groups = [content(number) for number, size in enumerate(sizes) for _ in range(size)]
    for seed in range(5):
        assert choose_held_out(np.zeros(len(groups), dtype=int), groups, fraction=0.1, seed=seed).sum() == min(sizes)


@pytest.mark.parametrize("fraction", [0.01, 0.2, 0.5, 0.99])
def test_tiny_items(fraction: float) -> None:
    items, groups = distinct(1, 2, 2)
    test = choose_held_out(items, groups, fraction=fraction)
    assert [test[items == item].sum() for item in range(3)] == [0, 1, 1]


def test_content_labelled_as_two_items_trains() -> None:
    items, groups = distinct(20, 20)
    groups[0] = groups[20]
    tests = [choose_held_out(items, groups, fraction=0.9, seed=seed) for seed in range(5)]
    assert not any(test[0] or test[20] for test in tests)


@given(photographs(ambiguous=True), fractions, seeds, st.randoms(use_true_random=False))
def test_the_listing_order_changes_no_photograph_s_side(
    data: tuple[np.ndarray, list[str]], fraction: float, seed: int, random: Random
) -> None:
    items, groups = data
    order = random.sample(range(len(items)), len(items))
    test = choose_held_out(items, groups, fraction=fraction, seed=seed)
    shuffled = choose_held_out(items[order], [groups[place] for place in order], fraction=fraction, seed=seed)
    np.testing.assert_array_equal(shuffled, test[order])


def test_another_process_draws_the_same() -> None:
    """Python shuffles the order of its sets anew in each process; no draw may depend on it."""
    program = (
        "import numpy as np; from office31_cli.data.splits import assign_folds, choose_few_labelled, choose_held_out;"
        "items = np.repeat(np.arange(4), 10); groups = [f'{number // 2:064x}' for number in range(40)];"
        "print(choose_held_out(items, groups).nonzero()[0].tolist());"
        "print(choose_few_labelled(items, groups, per_item=2, seed=1).nonzero()[0].tolist())"
    )
    printed = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[2])},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert printed[0] == printed[1]
    assert printed[0].count("\n") == 2


def test_other_seeds_hold_out_and_label_others() -> None:
    items, groups = distinct(30, 30)
    assert len({choose_held_out(items, groups, seed=seed).tobytes() for seed in range(10)}) == 10
    drawn = {choose_few_labelled(items, groups, per_item=5, seed=seed).tobytes() for seed in range(10)}
    assert len(drawn) == 10


def test_a_seed_labels_others_than_it_holds_out() -> None:
    items, groups = distinct(20)
    for seed in range(10):
        test = choose_held_out(items, groups, fraction=0.5, seed=seed)
        assert (choose_few_labelled(items, groups, per_item=10, seed=seed) != test).any()


def test_every_photograph_is_held_out_by_some_seed_about_equally_often() -> None:
    items, groups = distinct(20)
    times = np.sum([choose_held_out(items, groups, fraction=0.5, seed=seed) for seed in range(400)], axis=0)
    assert times.min() > 150  # 200 expected, deviation 10
    assert times.max() < 250


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.2, float("nan")])
def test_a_fraction_that_leaves_a_side_empty_is_an_error(fraction: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        choose_held_out(*distinct(10), fraction=fraction)


def test_no_photographs_split_into_none() -> None:
    assert choose_held_out(np.zeros(0, dtype=int), []).tolist() == []


@given(photographs(ambiguous=True), st.integers(0, 9), seeds)
def test_a_draw_takes_distinct_photographs_up_to_the_budget(
    data: tuple[np.ndarray, list[str]], per_item: int, seed: int
) -> None:
    items, groups = data
    drawn = choose_few_labelled(items, groups, per_item=per_item, seed=seed)
    for item, sizes in groups_of(items, groups).items():
        taken = [groups[place] for place in np.flatnonzero(drawn & (items == item))]
        assert len(set(taken)) == len(taken) == min(per_item, len(sizes))


@given(photographs(), st.integers(0, 8), seeds)
def test_a_larger_budget_adds_to_the_smaller_one(data: tuple[np.ndarray, list[str]], per_item: int, seed: int) -> None:
    items, groups = data
    smaller = choose_few_labelled(items, groups, per_item=per_item, seed=seed)
    larger = choose_few_labelled(items, groups, per_item=per_item + 1, seed=seed)
    assert not (smaller & ~larger).any()


@given(photographs(), st.integers(1, 5), seeds, st.randoms(use_true_random=False))
def test_the_listing_order_changes_nothing_that_is_drawn(
    data: tuple[np.ndarray, list[str]], per_item: int, seed: int, random: Random
) -> None:
    items, groups = data
    order = random.sample(range(len(items)), len(items))
    drawn = choose_few_labelled(items, groups, per_item=per_item, seed=seed)
    listed_otherwise = [groups[place] for place in order]
    shuffled = choose_few_labelled(items[order], listed_otherwise, per_item=per_item, seed=seed)
    np.testing.assert_array_equal(with_twins(shuffled, listed_otherwise), with_twins(drawn, groups)[order])


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12)), min_size=1, max_size=60), st.integers(0, 5))
def test_folds_keep_twins_together_and_spread_each_item(listed: list[tuple[int, int]], seed: int) -> None:
    items = np.array([group % 4 for _, group in listed])  # a group has one item
    groups = [f"{group}" for _, group in listed]
    numbers = assign_folds(items, groups, count=3, seed=seed)
    assert set(numbers.tolist()) <= {0, 1, 2}
    of_group = dict(zip(groups, numbers.tolist(), strict=True))
    assert [of_group[group] for group in groups] == numbers.tolist()
    for item in set(items.tolist()):
        spread = np.bincount([fold for group, fold in of_group.items() if int(group) % 4 == item], minlength=3)
        assert max(spread) - min(spread) <= 1
    shuffled = np.random.default_rng(seed).permutation(len(listed))
    again = assign_folds(items[shuffled], [groups[n] for n in shuffled], count=3, seed=seed)
    assert (again == numbers[shuffled]).all()
