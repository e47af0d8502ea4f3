from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch

from office31_cli.methods.base import Target
from office31_cli.methods.dan import ALPHAS, Method, mk_mmd
from tests.helpers.losses import SEEDS, STEP, Array, check_gradients, normal, source_and_target, value


def squared(a: Array, b: Array) -> float:
    return sum((x - y) ** 2 for x, y in zip(a, b, strict=True))


def mean_over_all_pairs(f_s: Array, f_t: Array) -> float:
    rows = [*f_s, *f_t]
    return sum(squared(a, b) for a in rows for b in rows) / len(rows) ** 2


def kernel(a: Array, b: Array, bandwidth: float) -> float:
    return sum(np.exp(-squared(a, b) / (2 * 2.0**power * bandwidth)) for power in (-3, -2, -1, 0, 1))


def u_statistic(f_s: Array, f_t: Array, bandwidth: float) -> float:
    def within(rows: Array) -> float:
        n = len(rows)
        pairs = [(i, j) for i in range(n) for j in range(n) if i != j]
        return sum(kernel(rows[i], rows[j], bandwidth) for i, j in pairs) / (n * (n - 1))

    across = sum(kernel(a, b, bandwidth) for a in f_s for b in f_t) / (len(f_s) * len(f_t))
    return within(f_s) + within(f_t) - 2 * across


def quadruples(f_s: Array, f_t: Array, bandwidth: float) -> float:
    k = partial(kernel, bandwidth=bandwidth)
    terms = [
        k(f_s[i], f_s[i + 1]) + k(f_t[i], f_t[i + 1]) - k(f_s[i], f_t[i + 1]) - k(f_s[i + 1], f_t[i])
        for i in range(0, len(f_s) - 1, 2)
    ]
    return sum(terms) / len(terms)


both = pytest.mark.parametrize(("linear", "formula"), [(False, u_statistic), (True, quadruples)])


@both
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("n", [2, 6, 7])
def test_it_is_the_formula(seed: int, n: int, linear: bool, formula: Callable[..., float]) -> None:
    features = normal(seed, (n, 3), (n, 3), scale=2)
    expected = formula(*features, mean_over_all_pairs(*features))
    assert value(partial(mk_mmd, linear=linear), *features) == pytest.approx(expected, rel=1e-10)


@both
def test_no_gradient_goes_through_the_bandwidth(linear: bool, formula: Callable[..., float]) -> None:
    features = normal(0, (6, 3), (6, 3))
    fixed = partial(formula, bandwidth=mean_over_all_pairs(*features))
    check_gradients(partial(mk_mmd, linear=linear), fixed, *features)


def test_domains_may_differ_in_size() -> None:
    features = normal(0, (7, 3), (4, 3))
    expected = u_statistic(*features, mean_over_all_pairs(*features))
    assert value(mk_mmd, *features) == pytest.approx(expected, rel=1e-10)


def test_the_kernels_of_all_alphas_add_up() -> None:
    features = normal(0, (6, 3), (5, 3))
    each = [value(partial(mk_mmd, alphas=[alpha]), *features) for alpha in ALPHAS]
    assert len(set(each)) == 5
    assert value(mk_mmd, *features) == pytest.approx(sum(each), rel=1e-12)


@pytest.mark.parametrize("linear", [False, True])
def test_on_one_distribution_it_is_nothing_on_average(linear: bool) -> None:
    estimates = np.array(
        [value(partial(mk_mmd, linear=linear), *normal(seed, (8, 3), (8, 3))) for seed in range(400)],
    )
    error = estimates.std() / np.sqrt(len(estimates))
    assert abs(estimates.mean()) < 4 * error
    assert error < 0.05  # with each row's kernel with itself, 5, among the rest the mean would be about 0.7


@pytest.mark.parametrize("linear", [False, True])
def test_it_grows_with_the_distance_of_the_domains_and_not_with_their_scale(linear: bool) -> None:
    measure = partial(mk_mmd, linear=linear)
    f_s, f_t = normal(0, (20, 3), (20, 3))
    near, far, farther = (value(measure, f_s, f_t + shift) for shift in (0, 1, 3))
    assert near < far < farther
    assert value(measure, 100 * f_s, 100 * (f_t + 1)) == pytest.approx(far, rel=1e-9)


def test_features_far_from_the_origin_lose_few_digits() -> None:
    f_s, f_t = (1024 + torch.tensor(each).float() for each in normal(0, (8, 3), (8, 3)))
    torch.testing.assert_close(mk_mmd(f_s, f_t).double(), mk_mmd(f_s.double(), f_t.double()), rtol=1e-4, atol=1e-5)


def test_what_cannot_be_estimated_is_refused() -> None:
    three, two, one = torch.ones(3, 2), torch.ones(2, 2), torch.ones(1, 2)
    for pair in [(one, three), (three, one)]:
        with pytest.raises(ValueError, match="two rows"):
            mk_mmd(*pair)
    for pair in [(three, two), (one, one)]:
        with pytest.raises(ValueError, match="quadruples"):
            mk_mmd(*pair, linear=True)


@pytest.mark.parametrize("linear", [False, True])
def test_the_method_weighs_it(linear: bool) -> None:
    source, target = source_and_target()
    found = Method(weight=7.0, linear=linear).losses(source, target, STEP)["mmd"]
    torch.testing.assert_close(found, 7 * mk_mmd(source.features, target.features, linear=linear))


def test_in_linear_time_the_larger_batch_is_cut_to_the_smaller() -> None:
    source, target = source_and_target(n=6)
    fewer = Target(target.features[:4], target.logits[:4])
    found = Method(linear=True).losses(source, fewer, STEP)["mmd"]
    torch.testing.assert_close(found, mk_mmd(source.features[:4], fewer.features, linear=True))
