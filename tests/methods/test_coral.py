import math

import numpy as np
import pytest
import torch

from office31_cli.methods.coral import Method, coral
from tests.helpers.losses import SEEDS, STEP, Array, normal, source_and_target, value


def covariance(f: Array) -> Array:
    n, d = f.shape
    mean = [sum(f[row, column] for row in range(n)) / n for column in range(d)]
    return np.array(
        [
            [sum((f[row, i] - mean[i]) * (f[row, j] - mean[j]) for row in range(n)) / (n - 1) for j in range(d)]
            for i in range(d)
        ]
    )


def formula(f_s: Array, f_t: Array) -> float:
    apart, d = covariance(f_s) - covariance(f_t), f_s.shape[1]
    return sum(apart[i, j] ** 2 for i in range(d) for j in range(d)) / (4 * d**2)


@pytest.mark.parametrize("seed", SEEDS)
def test_it_is_the_formula(seed: int) -> None:
    features = normal(seed, (7, 4), (5, 4), scale=2)
    assert value(coral, *features) == pytest.approx(formula(*features), rel=1e-12)


def test_it_is_symmetric_and_nothing_where_covariances_agree() -> None:
    f_s, f_t = normal(0, (7, 4), (5, 4))
    assert value(coral, f_s, f_t) == pytest.approx(value(coral, f_t, f_s), rel=1e-12)
    assert value(coral, f_s, f_s[::-1] + 5) == pytest.approx(0, abs=1e-20)
    assert value(coral, f_s, f_t) > 1e-3


def test_it_goes_with_the_fourth_power_of_the_scale() -> None:
    f_s, f_t = normal(0, (7, 4), (5, 4))
    assert value(coral, 3 * f_s, 3 * f_t) == pytest.approx(3**4 * value(coral, f_s, f_t), rel=1e-12)


def test_the_method_weighs_it() -> None:
    source, target = source_and_target()
    found = Method(weight=7.0).losses(source, target, STEP)["coral"]
    torch.testing.assert_close(found, 7 * coral(source.features, target.features))
    assert math.isfinite(found)
