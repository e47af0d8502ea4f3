"""Which of the target's photographs are learnt from, looked at, left unlabelled and held out."""

import dataclasses
import hashlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from office31_cli.data.data_set import DataSet
from office31_cli.data.photographs import UNLABELLED, Photographs
from office31_cli.engine.settings import Refinements
from office31_cli.errors import Failed, Misuse
from office31_cli.observer import SILENT
from office31_cli.strategies.full import Strategy
from office31_cli.workflow.domains import Domain
from office31_cli.workflow.finetune_request import FinetuneRequest
from office31_cli.workflow.partition import FewShotPartition, divide, divide_few_shot
from office31_cli.workflow.request import Options, Request
from tests.helpers.small_data import Listener
from tests.helpers.small_outputs import choosing

ITEMS = ("bike", "mug", "pen", "phone")
SOME = np.array([0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2])
"""Three items of five photographs."""


def photographs(domain: str, items: np.ndarray, contents: list[int]) -> Photographs:
    """Of these items and contents; equal contents are identical photographs."""
    files = tuple(f"{ITEMS[item]}/{place}.png" for place, item in enumerate(items.tolist()))
    digests = tuple(hashlib.sha256(str(content).encode()).hexdigest() for content in contents)
    return Photographs(domain, Path("nowhere"), files, items, digests, np.arange(len(files)))


@st.composite
def domains(draw: st.DrawFn, domain: str = "target", least: int = 1) -> Photographs:
    """Tiny items, twins, and content that is labelled as two items."""
    kinds = st.tuples(st.integers(0, 3), st.integers(0, 12), st.integers(1, 3))
    drawn = draw(st.lists(kinds, min_size=least, max_size=25))
    pairs = draw(st.permutations([(item, content) for item, content, twins in drawn for _ in range(twins)]))
    return photographs(domain, np.array([item for item, _ in pairs], dtype=np.int64), [content for _, content in pairs])


def divided(
    target: Photographs,
    *source: Photographs,
    labels: int | None = None,
    listed: tuple[str, ...] | None = None,
    patience: int | None = None,
    share: float = 0.2,
    seed: int = 0,
    observer: Listener = SILENT,  # type: ignore[assignment]
) -> FewShotPartition:
    request = FinetuneRequest(
        command="finetune",
        data=DataSet("things", Path("nowhere"), {}, ITEMS),
        domains=("target", *(part.domain for part in source)),
        backbone="convnet",
        weights="none",
        parent=None,  # type: ignore[arg-type]  # it has seen nothing
        outputs=choosing(*ITEMS),
        suggested_name="tuned",
        options=Options(seed=seed),
        held_out=share,
        strategy_name="full",
        strategy=Strategy(),
        labels=labels,
        listed_files=listed,
        refinements=Refinements(patience=patience),
    )
    opened = [Domain(part, part, None) for part in (target, *source)]  # type: ignore[arg-type]
    return divide_few_shot(request, opened, observer)


def rows(part: Photographs) -> set[int]:
    return set(part.rows.tolist())


seeds = st.integers(0, 2**32)
shares = st.integers(0, 80).map(lambda percent: percent / 100)
budgets = st.none() | st.integers(1, 6)


@given(domains(), domains("source", least=0), budgets, st.sampled_from([None, 3]), shares, seeds)
def test_no_photograph_nor_its_twin_is_on_two_sides(
    target: Photographs, source: Photographs, labels: int | None, patience: int | None, share: float, seed: int
) -> None:
    try:
        parts = divided(target, source, labels=labels, patience=patience, share=share, seed=seed)
    except Failed:
        assert patience is not None  # no item has a second label to look at
        reject()
    learnt, again = parts.train
    kept_back = parts.held_out[0]
    assert len(parts.held_out[1]) == 0
    looked_at = set(parts.validation.digests)
    assert set(again.digests) == set(source.digests) - looked_at
    labelled = rows(learnt) | rows(parts.validation)

    assert not rows(learnt) & rows(parts.validation)
    assert not labelled & rows(parts.unlabelled)
    assert labelled | rows(parts.unlabelled) == rows(target)
    assert rows(kept_back) <= rows(parts.unlabelled)

    seen = {*learnt.digests, *parts.validation.digests, *again.digests}
    assert not seen & set(kept_back.digests)
    assert not set(learnt.digests) & set(parts.validation.digests)
    assert patience is not None or not len(parts.validation)


@given(domains(), st.integers(1, 6), shares, seeds)
def test_an_item_has_as_many_labels_as_asked_for_and_no_two_twins_among_them(
    target: Photographs, labels: int, share: float, seed: int
) -> None:
    every, few = (divided(target, labels=number, share=share, seed=seed) for number in (None, labels))
    counts, whole = Counter(few.train[0].items.tolist()), every.train[0]
    for item in set(target.items.tolist()):
        contents = {digest for digest, own in zip(whole.digests, whole.items.tolist(), strict=True) if own == item}
        assert counts[item] == min(labels, len(contents))
    assert rows(few.train[0]) <= rows(whole)
    assert len(set(few.train[0].rows.tolist())) == len(few.train[0])


@given(domains(), domains("source", least=0), budgets, budgets, shares, seeds)
def test_the_same_photographs_are_held_out_whatever_the_number_of_labels(
    target: Photographs, source: Photographs, labels: int | None, other: int | None, share: float, seed: int
) -> None:
    first, second = (divided(target, source, labels=each, share=share, seed=seed) for each in (labels, other))
    assert rows(first.held_out[0]) == rows(second.held_out[0])


def test_a_share_is_held_out_and_the_rest_is_the_most_that_is_learnt_from() -> None:
    target = photographs("target", SOME, list(range(15)))
    parts = divided(target)
    assert (len(parts.held_out[0]), len(parts.train[0]), len(parts.unlabelled)) == (3, 12, 3)
    assert rows(parts.unlabelled) == rows(parts.held_out[0])


def test_early_stopping_looks_at_a_fifth_of_the_labels_of_every_item() -> None:
    target = photographs("target", np.repeat([0, 1, 2], 20), list(range(60)))
    parts = divided(target, labels=10, patience=2)
    assert Counter(parts.validation.items.tolist()) == {0: 2, 1: 2, 2: 2}
    assert Counter(parts.train[0].items.tolist()) == {0: 8, 1: 8, 2: 8}
    without = divided(target, labels=10)
    assert rows(without.train[0]) == rows(parts.train[0]) | rows(parts.validation)
    assert parts.seen == {"target": [digest[:16] for digest in (*parts.train[0].digests, *parts.validation.digests)]}


def test_early_stopping_needs_a_second_label() -> None:
    target = photographs("target", SOME, list(range(15)))
    with pytest.raises(Failed, match="second label"):
        divided(target, labels=1, patience=2)


def test_what_is_listed_is_what_is_learnt_from() -> None:
    target = photographs("target", SOME, list(range(15)))
    kept_back = rows(divided(target).held_out[0])
    chosen = [place for place in range(15) if place not in kept_back][1:6]
    parts = divided(target, listed=tuple(target.files[place] for place in chosen))
    assert rows(parts.train[0]) == set(chosen)
    assert rows(parts.held_out[0]) == kept_back
    assert rows(parts.unlabelled) == set(range(15)) - set(chosen)


@given(domains(), seeds, st.data())
def test_a_list_that_names_a_photograph_that_is_held_out_is_refused(
    target: Photographs, seed: int, data: st.DataObject
) -> None:
    kept_back = rows(divided(target, seed=seed).held_out[0])
    chosen = data.draw(st.sets(st.sampled_from(range(len(target))), min_size=1))
    listed = tuple(target.files[place] for place in sorted(chosen))
    if chosen & kept_back:
        with pytest.raises(Misuse, match="held out") as raised:
            divided(target, listed=listed, seed=seed)
        assert raised.value.exit_code == 2
    else:
        assert rows(divided(target, listed=listed, seed=seed).train[0]) == chosen


def test_naming_either_twin_of_a_pair_that_is_held_out_is_refused() -> None:
    target = photographs("target", SOME, [0, 0, 1, 1, 2, *range(10, 20)])
    seed = next(seed for seed in range(20) if 0 in rows(divided(target, share=0.4, seed=seed).held_out[0]))
    held = divided(target, share=0.4, seed=seed).held_out[0]
    assert {0, 1} <= rows(held)
    for place in (0, 1):
        with pytest.raises(Misuse, match=r"--labels-from") as raised:
            divided(target, listed=(target.files[place], target.files[4]), share=0.4, seed=seed)
        assert raised.value.exit_code == 2
        assert target.files[place] in str(raised.value) or target.files[1 - place] in str(raised.value)


def test_with_nothing_held_out_any_photograph_may_be_listed() -> None:
    target = photographs("target", SOME, list(range(15)))
    parts = divided(target, listed=target.files, share=0)
    assert rows(parts.train[0]) == set(range(15))
    assert len(parts.held_out[0]) == len(parts.unlabelled) == 0


def test_items_with_fewer_labels_than_asked_for_are_named() -> None:
    target, told = photographs("target", SOME[:12], list(range(12))), Listener()
    divided(target, labels=4, share=0, observer=told)
    assert told.warned == ["fewer than 4 labels: pen (2), phone (0)"]
    told = Listener()
    divided(target, labels=2, share=0, observer=told)
    assert told.warned == ["fewer than 2 labels: phone (0)"]


def test_a_photograph_of_the_source_that_is_held_out_of_the_target_is_not_scored() -> None:
    target = photographs("target", SOME, list(range(15)))
    kept_back = sorted(rows(divided(target).held_out[0]))
    source = photographs("source", SOME[:2], [kept_back[0], 99])
    assert rows(divided(target, source).held_out[0]) == set(kept_back[1:])


def in_parts(*parts: str) -> Photographs:
    """A target of two items whose photographs come in these parts, by turns of each item."""
    items = np.array([place % 2 for place in range(2 * len(parts))])
    whole = photographs("target", items, list(range(len(items))))
    return dataclasses.replace(whole, parts=tuple(part for part in parts for _ in range(2)))


WITH_PARTS = in_parts("train", "train", "train", "val", "test", "test")


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("patience", [None, 2])
def test_the_parts_of_a_target_are_kept(seed: int, patience: int | None) -> None:
    part = divided(WITH_PARTS, seed=seed, patience=patience)
    assert rows(part.train[0]) == set(range(6))
    assert rows(part.held_out[0]) == {8, 9, 10, 11}
    assert rows(part.validation) == ({6, 7} if patience else set())
    assert rows(part.unlabelled) == ({8, 9, 10, 11} if patience else {6, 7, 8, 9, 10, 11})


def test_few_labels_are_drawn_from_the_part_to_train_on() -> None:
    part = divided(WITH_PARTS, labels=1)
    assert len(part.train[0]) == 2
    assert rows(part.train[0]) < set(range(6))


def test_listed_photographs_of_the_part_to_score_are_refused() -> None:
    with pytest.raises(Misuse, match=r"is held out \(1 photograph in all\); leave them out$"):
        divided(WITH_PARTS, listed=(WITH_PARTS.files[8],))


@pytest.mark.parametrize("seed", [0, 1])
def test_without_a_test_part_the_one_for_validation_is_scored(seed: int) -> None:
    part = divided(in_parts("train", "train", "train", "val"), seed=seed)
    assert (rows(part.train[0]), rows(part.held_out[0])) == (set(range(6)), {6, 7})


def test_where_no_part_to_score_has_labels_one_is_drawn_from_the_part_to_train_on() -> None:
    whole = in_parts("train", "train", "train", "train", "train", "test")
    items = whole.items.copy()
    items[10:] = UNLABELLED
    part = divided(dataclasses.replace(whole, items=items))
    assert len(part.held_out[0]) == 2
    assert rows(part.held_out[0]) | rows(part.train[0]) == set(range(10))


def test_copies_across_parts_are_not_scored() -> None:
    digests = (*WITH_PARTS.digests[:-1], WITH_PARTS.digests[1])
    part = divided(dataclasses.replace(WITH_PARTS, digests=digests))
    assert rows(part.held_out[0]) == {8, 9, 10}


def test_of_a_source_in_parts_only_one_is_trained_on_again() -> None:
    part = divided(in_parts("train", "train", "test"), dataclasses.replace(WITH_PARTS, domain="source"))
    assert [rows(each) for each in part.train] == [{0, 1, 2, 3}, set(range(6))]


def test_the_parts_of_every_domain_are_kept() -> None:
    source = dataclasses.replace(WITH_PARTS, domain="source")
    request = Request(
        command="pretrain",
        data=DataSet("things", Path("nowhere"), {}, ITEMS),
        domains=("source",),
        backbone="convnet",
        weights="none",
        parent=None,
        outputs=choosing(*ITEMS),
        suggested_name="trained",
        options=Options(),
        held_out=0.0,
    )
    part = divide(request, [Domain(source, source, None)])  # type: ignore[arg-type]
    assert (rows(part.train[0]), rows(part.held_out[0])) == (set(range(6)), {8, 9, 10, 11})
