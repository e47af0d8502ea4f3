import json
import math
import warnings
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import expit, softmax
from sklearn import metrics

from office31_cli import outputs
from office31_cli.errors import Misuse
from office31_cli.outputs.base import FloatArray, Output, Unreadable
from office31_cli.outputs.choice import Kind as Choice
from office31_cli.outputs.number import Kind as Number
from office31_cli.outputs.pair import Kind as Pair
from office31_cli.outputs.yes_no import Kind as YesNo
from tests.helpers.mixed_outputs import BOXED, DOMAIN, EVERY, GRAMS, ITEM, PAIR, decode, drawn_columns

every_kind = pytest.mark.parametrize("output", EVERY, ids=lambda output: f"{output.name}:{output.kind}")

logits = st.floats(-700, 700)


def raws(width: int) -> st.SearchStrategy[FloatArray]:
    return arrays(np.float64, st.tuples(st.integers(1, 9), st.just(width)), elements=logits)


def drawn_raw(output: Output, count: int = 7) -> FloatArray:
    return np.random.default_rng(3).normal(0, 4, (count, output.width))


# ---- what is minimised


def shares(raw: FloatArray) -> FloatArray:
    """Probabilities, straight from the definition."""
    powers = np.exp(raw)
    return powers / powers.sum(1, keepdims=True)


def choice_loss(raw: FloatArray, labels: FloatArray) -> float:
    return float(np.mean([-np.log(row[int(label)]) for row, label in zip(shares(raw), labels, strict=True)]))


def boxed_loss(raw: FloatArray, actual: FloatArray) -> float:
    yes = 1 / (1 + np.exp(-raw[:, 0]))
    return float(np.mean(-actual * np.log(yes) - (1 - actual) * np.log(1 - yes)))


def grams_loss(raw: FloatArray, actual: FloatArray) -> float:
    """A unit of the last layer is a quarter of the standard deviation, 40 g, from the mean, 300 g."""
    return float(np.mean((raw[:, 0] / 4 - (actual - 300.0) / 40.0) ** 2))


def pair_loss(raw: FloatArray, columns: dict[str, FloatArray]) -> float:
    table = shares(raw).reshape(-1, 2, 3)
    places = zip(table, columns["domain"].astype(int), columns["item"].astype(int), strict=True)
    return float(np.mean([-np.log(pairs[domain, item]) for pairs, domain, item in places]))


EXPECTED: dict[str, Callable[[FloatArray, dict[str, FloatArray]], float]] = {
    "item": lambda raw, columns: choice_loss(raw, columns["item"]),
    "domain": lambda raw, columns: choice_loss(raw, columns["domain"]),
    "boxed": lambda raw, columns: boxed_loss(raw, columns["boxed"]),
    "grams": lambda raw, columns: grams_loss(raw, columns["grams"]),
    "pair": pair_loss,
}


@every_kind
def test_the_loss_is_the_formulas(output: Output) -> None:
    columns, raw = drawn_columns(), drawn_raw(output)
    targets = output.targets(columns)
    assert targets.shape == (7,)
    exact = output.loss(torch.from_numpy(raw), torch.from_numpy(targets)).item()
    assert exact == pytest.approx(EXPECTED[output.name](raw, columns), rel=1e-12)
    single = output.loss(torch.from_numpy(raw).float(), torch.from_numpy(targets).float()).item()
    assert single == pytest.approx(exact, rel=1e-5)


@every_kind
def test_the_losss_gradient_is_its_derivative(output: Output) -> None:
    targets = torch.from_numpy(output.targets(drawn_columns()))
    raw = torch.from_numpy(drawn_raw(output)).requires_grad_()
    assert torch.autograd.gradcheck(lambda given: output.loss(given, targets), raw)


@every_kind
def test_the_loss_and_its_gradient_stay_finite_however_sure_the_network_is(output: Output) -> None:
    targets = torch.from_numpy(output.targets(drawn_columns())).float()
    raw = (1e4 * torch.from_numpy(drawn_raw(output)).float()).requires_grad_()
    loss = output.loss(raw, targets)
    loss.backward()
    assert torch.isfinite(loss)
    assert raw.grad is not None
    assert torch.isfinite(raw.grad).all()


@every_kind
def test_the_weight_is_left_to_the_composite(output: Output) -> None:
    columns, raw = drawn_columns(), torch.from_numpy(drawn_raw(output))
    targets = torch.from_numpy(output.targets(columns))
    assert torch.equal(output.with_weight(7.0).loss(raw, targets), output.loss(raw, targets))


# ---- how it is read


@given(raws(3))
def test_a_choice_is_read_by_softmax(raw: FloatArray) -> None:
    (answer,) = decode(ITEM, raw).values()
    np.testing.assert_allclose(answer, softmax(raw, axis=1), atol=1e-15)
    np.testing.assert_allclose(answer.sum(1), 1)


@given(arrays(np.float64, st.integers(1, 9), elements=st.floats(allow_nan=False, allow_infinity=False)))
def test_a_judgement_is_read_by_the_logistic_function_without_overflow(raw: FloatArray) -> None:
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        (answer,) = decode(BOXED, raw[:, None]).values()
        (opposite,) = decode(BOXED, -raw[:, None]).values()
    np.testing.assert_allclose(answer, expit(raw), atol=1e-15)
    np.testing.assert_allclose(answer + opposite, 1)


@pytest.mark.parametrize("size", [1e3, 1e300])
def test_softmax_does_not_overflow(size: float) -> None:
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        answers = decode(ITEM, np.array([[size, 0.0, -size]])) | decode(PAIR, np.array([[size, 0, 0, 0, 0, -size]]))
    assert answers["item"].tolist() == [[1, 0, 0]]
    assert answers["domain"].tolist() == [[1, 0]]


def test_a_number_is_read_in_its_own_unit() -> None:
    answers = decode(GRAMS, np.array([[0.0], [4.0], [-8.0]]))
    np.testing.assert_allclose(answers["grams"], [300.0, 340.0, 220.0])


@given(st.lists(st.integers(-(10**6), 10**6), min_size=2, max_size=9, unique=True), raws(1))
def test_a_numbers_loss_is_its_error_over_the_standard_deviation(values: list[int], raw: FloatArray) -> None:
    learnt = {"grams": np.array(values, dtype=float)}
    fitted = Number(name="grams").fit(learnt)
    assert fitted.mean == pytest.approx(np.mean(values), abs=1e-6)
    actual = np.resize(learnt["grams"], len(raw))
    targets = fitted.targets({"grams": actual})
    loss = fitted.loss(torch.from_numpy(raw), torch.from_numpy(targets)).item()
    error = (decode(fitted, raw)["grams"] - actual) / fitted.std
    assert loss == pytest.approx(np.mean(error**2), rel=1e-6, abs=1e-6)


@given(raws(6))
def test_a_pairs_marginals_are_summed_probabilities(raw: FloatArray) -> None:
    answers = decode(PAIR, raw)
    together = softmax(raw, axis=1)  # phone: bike, mug, pen; shop: bike, mug, pen
    np.testing.assert_allclose(answers["domain"][:, 0], together[:, 0] + together[:, 1] + together[:, 2], atol=1e-12)
    np.testing.assert_allclose(answers["item"][:, 1], together[:, 1] + together[:, 4], atol=1e-12)
    for answer, labels in ((answers["domain"], DOMAIN.labels), (answers["item"], ITEM.labels)):
        assert answer.shape == (len(raw), len(labels))
        np.testing.assert_allclose(answer.sum(1), 1)


def test_a_pair_can_disagree_with_its_most_probable_pair() -> None:
    """The item of two middling pairs outweighs that of the one most probable pair."""
    raw = np.log(np.array([[0.4, 0.3, 0.0, 0.0, 0.3, 0.0]]) + 1e-30)
    answers = decode(PAIR, raw)
    assert answers["item"].argmax() == ITEM.labels.index("mug")
    assert answers["domain"].argmax() == DOMAIN.labels.index("phone")


def test_a_pairs_answers_are_scored_as_two_choices() -> None:
    readers = PAIR.by_column()
    assert {name: (reader.kind, reader.vocabulary) for name, reader in readers.items()} == {
        "domain": ("choice", DOMAIN.labels),
        "item": ("choice", ITEM.labels),
    }
    assert set(PAIR.columns) == {"domain", "item"}


@every_kind
def test_the_width_is_what_the_loss_and_the_reading_take(output: Output) -> None:
    widths = {"item": 3, "domain": 2, "boxed": 1, "grams": 1, "pair": 6}
    assert output.width == widths[output.name]
    assert decode(output, drawn_raw(output)).keys() == set(output.columns)


# ---- what an answer is worth


whole = st.integers(-5, 5)  # so that what is most probable is so by more than a rounding error
guesses = st.integers(1, 40).flatmap(
    lambda n: st.tuples(arrays(np.float64, (n, 3), elements=whole), arrays(int, n, elements=st.integers(0, 2)))
)


@given(guesses)
def test_a_choices_accuracies_agree_with_scikit_learn(given: tuple[FloatArray, FloatArray]) -> None:
    raw, actual = given
    score = ITEM.score(decode(ITEM, raw)["item"], actual.astype(float))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # on labels that are answered and never occur
        assert score["accuracy"] == pytest.approx(metrics.accuracy_score(actual, raw.argmax(1)))
        assert score["macro_accuracy"] == pytest.approx(metrics.balanced_accuracy_score(actual, raw.argmax(1)))
    assert score.keys() == {"accuracy", "macro_accuracy", "ece"}


def test_a_choices_calibration_error_by_hand() -> None:
    answer = np.array([[0.9, 0.1, 0.0], [0.9, 0.1, 0.0], [0.2, 0.2, 0.6]])
    score = ITEM.score(answer, np.array([0.0, 1.0, 2.0]))
    assert score["ece"] == pytest.approx((2 * abs(0.9 - 0.5) + abs(0.6 - 1.0)) / 3)


judgements = st.lists(st.tuples(st.floats(-4, 4), st.booleans()), min_size=1, max_size=40)


@given(judgements)
def test_a_judgements_figures_agree_with_scikit_learn(pairs: list[tuple[float, bool]]) -> None:
    raw, actual = (np.array(column, dtype=float) for column in zip(*pairs, strict=True))
    answer = decode(BOXED, raw[:, None])["boxed"]
    score, said = BOXED.score(answer, actual), answer > 0.5
    assert score["accuracy"] == pytest.approx(metrics.accuracy_score(actual == 1, said))
    for name, label in (("recall_yes", True), ("recall_no", False)):
        expected = metrics.recall_score(actual == 1, said, pos_label=label, zero_division=np.nan)
        assert score[name] == pytest.approx(expected, nan_ok=True)


def test_a_share_of_none_is_not_a_number() -> None:
    score = BOXED.score(np.array([0.2, 0.8]), np.array([0.0, 0.0]))
    assert math.isnan(score.pop("recall_yes"))
    assert score == {"accuracy": 0.5, "recall_no": 0.5}
    score = BOXED.score(np.array([0.2, 0.8]), np.array([1.0, 1.0]))
    assert math.isnan(score["recall_no"])
    assert score["recall_yes"] == 0.5


numbers = st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)), min_size=2, max_size=40)


@given(numbers)
def test_a_numbers_figures_agree_with_scikit_learn(pairs: list[tuple[float, float]]) -> None:
    answer, actual = (np.array(column) for column in zip(*pairs, strict=True))
    score = GRAMS.score(answer, actual)
    assert score["mae"] == pytest.approx(metrics.mean_absolute_error(actual, answer))
    assert score["rmse"] == pytest.approx(metrics.root_mean_squared_error(actual, answer))
    if actual.std() > 1e-3:  # else it hangs on rounding
        assert score["r2"] == pytest.approx(metrics.r2_score(actual, answer), rel=1e-6, abs=1e-6)
    assert score.keys() == {"mae", "rmse", "r2"}


@given(st.floats(-1e6, 1e6), st.integers(1, 20))
def test_of_values_that_are_all_alike_no_variance_is_explained(value: float, count: int) -> None:
    """There is none, whatever rounding makes of the mean of so many times the same number."""
    score = GRAMS.score(np.full(count, value + 1), np.full(count, value))
    assert math.isnan(score["r2"])
    assert score["mae"] == pytest.approx(1)
    assert score["rmse"] == pytest.approx(1)


@given(st.floats(-1e6, 1e6), st.integers(1, 20))
def test_the_scale_of_values_that_are_all_alike_is_one_of_their_unit(value: float, count: int) -> None:
    """A scale of a rounding error would blow up every other value that is met later."""
    fitted = Number(name="grams").fit({"grams": np.full(count, value)})
    assert fitted.mean == pytest.approx(value)
    assert fitted.std == 1


def test_errors_too_large_to_be_squared_are_infinite() -> None:
    with np.errstate(all="raise"):
        score = GRAMS.score(np.array([0.0, 300.0]), np.array([1e200, -1e200]))
    assert score["mae"] == pytest.approx(1e200)
    assert score["rmse"] == math.inf
    assert math.isnan(score["r2"])


def test_the_headline_is_a_figure_that_is_told() -> None:
    columns = drawn_columns()
    for output in (ITEM, DOMAIN, BOXED, GRAMS):
        score = output.score(decode(output, drawn_raw(output))[output.name], columns[output.name])
        assert output.headline in score
        assert set(output.unbounded) <= score.keys()
        for name in score.keys() - set(output.unbounded):
            assert 0 <= score[name] <= 1


# ---- what it has to know of the values that are learnt from


def test_a_numbers_scale_is_that_of_what_is_learnt_from_once_and_for_all() -> None:
    fitted = Number(name="grams").fit({"grams": np.array([1.0, 2.0, 6.0])})
    assert (fitted.mean, fitted.std) == (3.0, pytest.approx(math.sqrt(14 / 3)))
    assert fitted.fit({"grams": np.array([70.0, 90.0])}) == fitted


@pytest.mark.parametrize("values", [[1e308, -1e308], [1e200, 0.0], [1.5e308, 1.5e308, 1.5e308]])
def test_numbers_whose_scale_is_not_finite_are_misuse(values: list[float]) -> None:
    with np.errstate(all="raise"), pytest.raises(Misuse, match="output grams: its numbers are too large"):
        Number(name="grams").fit({"grams": np.array(values)})


@pytest.mark.parametrize("value", [1e20, -1e30, 1.5e308, -1.5e308])
def test_numbers_too_far_from_the_scale_that_is_known_are_misuse(value: float) -> None:
    with np.errstate(all="raise"), pytest.raises(Misuse, match="output grams: its numbers are too large"):
        replace(GRAMS, std=0.5).targets({"grams": np.array([300.0, value])})


@given(st.floats(1e-100, 1e140), st.lists(st.floats(-1, 1), min_size=2, max_size=9))
def test_numbers_of_any_size_in_between_are_learnt_as_such_near_one(size: float, shares: list[float]) -> None:
    columns = {"grams": size * np.array(shares)}
    targets = torch.from_numpy(Number(name="grams").fit(columns).targets(columns)).float()
    assert torch.isfinite(targets**2).all()


def test_a_number_that_was_not_fitted_has_no_scale_to_read_it_by() -> None:
    for call in (
        lambda: decode(Number(name="grams"), np.zeros((1, 1))),
        lambda: Number(name="grams").targets(drawn_columns()),
    ):
        with pytest.raises(ValueError, match="grams has not been fitted"):
            call()


@every_kind
def test_only_a_number_has_something_to_learn_of_the_values(output: Output) -> None:
    assert output.fit(drawn_columns()) == output


# ---- through a card and back


names = st.text(min_size=1)
weights = st.floats(min_value=0, exclude_min=True, allow_infinity=False)
labels = st.lists(st.text(), min_size=1, unique=True).map(tuple)
finite = st.floats(allow_nan=False, allow_infinity=False)
scales = st.one_of(
    st.just((None, None)),
    st.tuples(finite, st.floats(min_value=0, exclude_min=True, allow_infinity=False)),
)
any_output: st.SearchStrategy[Output] = st.one_of(
    st.builds(Choice, name=names, weight=weights, labels=labels),
    st.builds(YesNo, name=names, weight=weights),
    st.builds(
        lambda name, weight, scale: Number(name=name, weight=weight, mean=scale[0], std=scale[1]),
        names,
        weights,
        scales,
    ),
    st.builds(Pair, name=names, weight=weights, domains=labels, items=labels),
)


@given(any_output)
def test_every_kind_goes_through_json(output: Output) -> None:
    stored = json.loads(json.dumps(output.to_json()))
    assert outputs.load(stored["kind"]).from_json(stored) == output


def damaged(output: Output, **changes: object) -> dict[str, Any]:
    return json.loads(json.dumps(output.to_json() | changes))


NO_TEXTS: list[object] = [5, None, ["item"], {}, ""]
NO_WEIGHTS: list[object] = [0, -1, -0.5, math.nan, math.inf, 10**400, "0.5", None, [1.0], {}]
NO_LABELS: list[object] = [[], ["mug", "mug"], [1, 2], [None], [["mug"]], "mug", {"mug": 1}, None, 3, ["mug", 2]]
NO_MEANS: list[object] = [math.nan, math.inf, -math.inf, "300", [300.0], {}, 10**400]
NO_SCALES: list[object] = [0, -1, *NO_MEANS]

DAMAGED = [
    *(damaged(output, name=name) for output in (ITEM, BOXED, GRAMS, PAIR) for name in NO_TEXTS),
    *(damaged(output, weight=weight) for output in (ITEM, BOXED, GRAMS, PAIR) for weight in NO_WEIGHTS),
    *(damaged(ITEM, labels=each) for each in NO_LABELS),
    *(damaged(PAIR, domains=each) for each in NO_LABELS),
    *(damaged(PAIR, items=each) for each in NO_LABELS),
    *(damaged(GRAMS, mean=each) for each in NO_MEANS),
    *(damaged(GRAMS, std=each) for each in NO_SCALES),
    damaged(GRAMS, mean=None),
    damaged(GRAMS, std=None),
]


def shown(stored: dict[str, Any]) -> str:
    sound = next(output for output in EVERY if output.kind == stored["kind"])
    changed = {key: value for key, value in stored.items() if json.loads(json.dumps(sound.to_json()))[key] != value}
    return f"{stored['kind']} {changed}"[:60]


@pytest.mark.parametrize("stored", DAMAGED, ids=shown)
def test_a_damaged_card_describes_no_output(stored: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        outputs.load(stored["kind"]).from_json(stored)


@every_kind
def test_nothing_is_made_up_for_what_a_card_lacks(output: Output) -> None:
    for field in fields(output):
        stored = damaged(output)
        del stored[field.name]
        with pytest.raises(KeyError):
            outputs.load(output.kind).from_json(stored)


any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@given(st.sampled_from(EVERY), st.data())
def test_whatever_a_card_holds_is_an_output_or_is_refused(output: Output, data: st.DataObject) -> None:
    field = data.draw(st.sampled_from([field.name for field in fields(output)]))
    stored = output.to_json() | {field: data.draw(any_json)}
    try:
        made = outputs.load(output.kind).from_json(stored)
    except (KeyError, TypeError, ValueError):
        return
    json.dumps(made.to_json(), allow_nan=False)
    assert made.width > 0
    hash(made)


def test_a_weight_is_all_that_weighing_changes() -> None:
    for output in EVERY:
        assert output.with_weight(0.5) == replace(output, weight=0.5)
        with pytest.raises(ValueError, match="positive weight"):
            output.with_weight(0)


# ---- what a column's texts can be


def test_every_file_is_a_kind() -> None:
    assert set(outputs.kinds()) == {"choice", "number", "pair", "yes/no"}
    for kind in outputs.kinds():
        assert outputs.load(kind).kind == kind
    for unknown in ("base", "composite", "notation", "numbre", "", "../choice"):
        with pytest.raises(ValueError, match="no kind of output"):
            outputs.load(unknown)


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        ("yes no", "yes/no"),
        ("Yes NO", "yes/no"),
        ("true False", "yes/no"),
        ("0 1", "yes/no"),
        ("1", "yes/no"),
        ("yes 0", "yes/no"),
        ("0 1 2", "number"),
        ("0.0 1.0", "number"),
        ("-2e3 +.5 7", "number"),
        ("nan 1", "choice"),
        ("inf", "choice"),
        ("-Infinity 2", "choice"),
        ("1e999 2", "choice"),
        ("0x10", "choice"),
        ("1,5", "choice"),
        ("12_3 45", "choice"),  # a number in Python's source, nowhere else
        ("yes no maybe", "choice"),
        ("red", "choice"),
        ("3 three", "choice"),
    ],
)
def test_a_column_is_of_the_narrowest_kind_that_holds_its_texts(texts: str, kind: str) -> None:
    assert outputs.infer_kind(set(texts.split())) == kind


@given(st.sets(st.text(min_size=1) | finite.map(str) | st.sampled_from(["yes", "no", "0", "1", "nan"]), min_size=1))
def test_a_column_can_be_read_as_what_it_is_inferred_to_be(texts: set[str]) -> None:
    kind = outputs.load(outputs.infer_kind(texts))
    numbers, vocabulary = kind.parse_column(sorted(texts))
    assert all(map(math.isfinite, numbers))
    assert bool(vocabulary) == (kind is Choice)


@given(st.lists(st.text(), min_size=1))
def test_labels_are_numbered_in_alphabetical_order(texts: list[str]) -> None:
    numbers, vocabulary = Choice.parse_column(texts)
    assert list(vocabulary) == sorted(set(texts))
    assert [vocabulary[int(number)] for number in numbers] == texts


def test_yes_is_one_and_a_number_is_itself() -> None:
    assert YesNo.parse_column(["yes", "No", "TRUE", "false", "1", "0"]) == ([1, 0, 1, 0, 1, 0], ())
    assert Number.parse_column(["3", "-0.5", "1e2"]) == ([3, -0.5, 100], ())


@pytest.mark.parametrize(
    ("kind", "texts", "place"),
    [
        (YesNo, ["yes", "maybe", "no"], 1),
        (YesNo, ["2"], 0),
        (Number, ["1", "2", "heavy"], 2),
        (Number, ["1", "nan"], 1),
        (Number, ["inf"], 0),
        (Number, ["1", "1e999"], 1),
    ],
)
def test_a_text_that_is_no_value_is_told_by_its_place(kind: type[Output], texts: list[str], place: int) -> None:
    with pytest.raises(Unreadable) as caught:
        kind.parse_column(texts)
    assert caught.value.place == place
