from functools import partial
from math import log

import numpy as np
import pytest
import torch
from torch import nn
from torch.autograd import gradcheck

from office31_cli.methods.base import Memory, Step, Target
from office31_cli.methods.dance import Method, entropy_separation, neighbourhood_entropy
from tests.helpers.losses import SEEDS, Array, normal, softmax, source_and_target, value


def entropies(rows: Array) -> Array:
    return np.array([-sum(p * np.log(p) for p in row if p > 0) for row in rows])


def unit(rows: Array) -> Array:
    return np.array([row / np.sqrt(row @ row) for row in rows])


LEFT_OUT = np.eye(4, 6, dtype=bool)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("temperature", [0.05, 0.5])
def test_the_neighbourhoods_are_the_formula(seed: int, temperature: float) -> None:
    f, others = (unit(each) for each in normal(seed, (4, 3), (6, 3)))
    similarity = f @ others.T / temperature
    loss = partial(neighbourhood_entropy, temperature=temperature)
    assert value(loss, f, others) == pytest.approx(entropies(softmax(similarity)).mean(), rel=1e-10)
    without = np.array([softmax(row[~left][None])[0] for row, left in zip(similarity, LEFT_OUT, strict=True)])
    loss = partial(loss, left_out=torch.from_numpy(LEFT_OUT))
    assert value(loss, f, others) == pytest.approx(entropies(without).mean(), rel=1e-10)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("margin", [0.0, 0.3])
def test_the_separation_is_the_formula(seed: int, margin: float) -> None:
    (z,) = normal(seed, (6, 4), scale=2)
    distances = abs(entropies(softmax(z)) - log(4) / 2)
    assert (distances < 0.3).any()
    assert (distances > 0.3).any()
    expected = -np.mean([each if each > margin else 0.0 for each in distances])
    assert value(partial(entropy_separation, margin=margin), z) == pytest.approx(expected, rel=1e-12)


def test_their_gradients_are_right() -> None:
    f, others = (torch.tensor(unit(each), requires_grad=True) for each in normal(0, (4, 3), (6, 3)))
    loss = partial(neighbourhood_entropy, temperature=0.5)
    assert gradcheck(loss, (f, others))
    assert gradcheck(partial(loss, left_out=torch.from_numpy(LEFT_OUT)), (f, others))
    assert gradcheck(partial(entropy_separation, margin=0.3), torch.tensor(normal(0, (6, 4))[0], requires_grad=True))


def test_entropies_move_away_from_the_threshold() -> None:
    z = torch.tensor([[4.0, 0, 0, 0], [0.1, 0, 0, 0]], requires_grad=True)
    entropy_separation(z, 0.1).backward()
    assert z.grad is not None
    assert z.grad[0, 0] < 0 < z.grad[1, 0]  # a step downhill makes the first certain, and the second less so


def step(method: Method) -> tuple[Target, Step]:
    torch.manual_seed(0)
    remembered = nn.functional.normalize(torch.randn(9, 4))
    remembered[8] = 0  # no photograph
    target = source_and_target()[1]
    memory = Memory(remembered, torch.tensor([5, 3, 0, 1, 7, 2]))
    return Target(target.features, target.logits, memory=memory), Step(
        0.5, 0, method.build_extra_modules(nn.Linear(4, 3))
    )


def test_the_method_compares_with_the_other_photographs_and_the_prototypes() -> None:
    method = Method(clustering=0.3, separation=0.2, temperature=0.1, margin=0.4)
    target, now = step(method)
    found = method.losses(source_and_target()[0], target, now)
    assert target.memory is not None
    features = nn.functional.normalize(target.features)
    prototypes = nn.functional.normalize(now.extra_modules["prototypes"].weight)  # type: ignore[arg-type]
    each = []
    for row, place in zip(features, target.memory.places.tolist(), strict=True):
        others = torch.cat([target.memory.features[[n for n in range(8) if n != place]], prototypes])
        each.append(neighbourhood_entropy(row[None], others, temperature=0.1))
    torch.testing.assert_close(found["neighbourhoods"], 0.3 * torch.stack(each).mean())
    torch.testing.assert_close(found["separation"], 0.2 * entropy_separation(target.logits, 0.4))


def test_its_defaults_are_the_papers() -> None:
    assert list(Method().settings().values()) == [0.05, 0.05, 0.05, 0.5]


def test_its_gradient_is_finite_where_a_photograph_is_its_own_nearest() -> None:
    f = torch.eye(3, requires_grad=True)
    neighbourhood_entropy(f, f, torch.eye(3, dtype=torch.bool)).backward()
    assert f.grad is not None
    assert f.grad.isfinite().all()
