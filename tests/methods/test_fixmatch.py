from functools import partial

import numpy as np
import pytest
import torch

from office31_cli.methods.fixmatch import Method, confident_agreement
from office31_cli.models.preprocessing import PLAIN_VIEWS
from tests.helpers.losses import (
    SEEDS,
    STEP,
    Array,
    check_gradients,
    gradients,
    normal,
    softmax,
    source_and_target,
    value,
)


def formula(z_weak: Array, z_strong: Array, threshold: float) -> float:
    total = 0.0
    for weak, strong in zip(softmax(z_weak), softmax(z_strong), strict=True):
        if max(weak) > threshold:
            total -= np.log(strong[int(np.argmax(weak))])
    return total / len(z_weak)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("threshold", [0.0, 0.5, 0.9])
def test_it_is_the_formula(seed: int, threshold: float) -> None:
    views = normal(seed, (24, 4), (24, 4), scale=2)
    certain = softmax(views[0]).max(1) > threshold
    assert certain.any()
    assert threshold == 0 or not certain.all()
    found = value(partial(confident_agreement, threshold=threshold), *views)
    assert found == pytest.approx(formula(*views, threshold), rel=1e-12)


def test_only_the_strong_view_learns_and_only_where_the_weak_one_is_certain() -> None:
    weak, strong = normal(0, (12, 4), (12, 4), scale=4)
    loss = partial(confident_agreement, z_weak=torch.tensor(weak), threshold=0.7)
    check_gradients(lambda z: loss(z_strong=z), lambda z: formula(weak, z, 0.7), strong)
    of_weak, of_strong = gradients(partial(confident_agreement, threshold=0.7), weak, strong)
    assert not of_weak.any()
    np.testing.assert_array_equal(of_strong.any(1), softmax(weak).max(1) > 0.7)


def test_the_mean_is_over_the_whole_batch() -> None:
    certain, uncertain = 1000 * torch.eye(4), torch.zeros(4, 4)
    assert confident_agreement(certain, uncertain) == pytest.approx(np.log(4))
    assert confident_agreement(torch.cat([certain, uncertain]), torch.zeros(8, 4)) == pytest.approx(np.log(4) / 2)
    assert confident_agreement(uncertain, certain) == 0
    assert confident_agreement(certain, certain) == 0


def test_views_of_different_photographs_are_refused() -> None:
    with pytest.raises(ValueError, match="views"):
        confident_agreement(torch.zeros(3, 4), torch.zeros(2, 4))


def test_the_method_takes_the_second_view_for_the_strong_one() -> None:
    source, target = source_and_target()
    assert Method.views > PLAIN_VIEWS + 1  # several strong ones
    found = Method(weight=7.0, threshold=0.5).losses(source, target, STEP)["agreement"]
    torch.testing.assert_close(found, 7 * confident_agreement(target.logits, target.strong_view.logits, 0.5))
    assert found > 0
