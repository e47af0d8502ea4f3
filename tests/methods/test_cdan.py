import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.autograd import gradcheck

from office31_cli.methods import dann
from office31_cli.methods.base import Source, Step, Target
from office31_cli.methods.cdan import EXACT, Method, entropy_weight, multilinear, random_map, random_multilinear


def random(*shape: int, kind: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(*shape, dtype=kind, generator=torch.Generator().manual_seed(sum(shape)))


def test_every_feature_meets_every_probability() -> None:
    f, p = random(5, 4), random(5, 3).softmax(1)
    expected = [[float(f[n, i] * p[n, k]) for i in range(4) for k in range(3)] for n in range(5)]
    np.testing.assert_allclose(multilinear(f, p).numpy(), expected, rtol=1e-14)


def test_the_random_map_is_a_product_of_two_projections() -> None:
    f, p, r_f, r_p = random(5, 4), random(5, 3), random(4, 6), random(3, 6)
    expected = np.zeros((5, 6))
    for n in range(5):
        for column in range(6):
            of_f = sum(float(f[n, i] * r_f[i, column]) for i in range(4))
            of_p = sum(float(p[n, k] * r_p[k, column]) for k in range(3))
            expected[n, column] = of_f * of_p / math.sqrt(6)
    np.testing.assert_allclose(random_multilinear(f, p, r_f, r_p).numpy(), expected, rtol=1e-12)


def test_the_random_map_keeps_inner_products_on_average() -> None:
    f, p = random(2, 4), random(2, 3).softmax(1)
    exact = multilinear(f, p)
    mapped = random_multilinear(f, p, random(4, 400_000), random(3, 400_000))
    torch.testing.assert_close(mapped @ mapped.T, exact @ exact.T, rtol=0.03, atol=0.02)


def test_the_weights_are_those_of_the_entropy_with_a_mean_of_1() -> None:
    p = random(6, 4).softmax(1)
    raw = [1 + math.exp(sum(float(each) * math.log(each) for each in row)) for row in p]
    np.testing.assert_allclose(entropy_weight(p).numpy(), np.array(raw) / np.mean(raw), rtol=1e-12)


def test_the_certain_weigh_more_and_the_equally_certain_the_same() -> None:
    certain, even = torch.tensor([0.0, 1, 0, 0]), torch.full((4,), 0.25)
    heavy, light = entropy_weight(torch.stack([certain, even])).tolist()
    assert heavy / light == pytest.approx(2 / 1.25)  # 1 + exp(-0) and 1 + exp(-log 4)
    assert entropy_weight(torch.stack([certain, certain.flip(0)])).tolist() == [1, 1]


def test_the_gradients_are_right() -> None:
    f, p = random(4, 3).requires_grad_(), random(4, 5).softmax(1).requires_grad_()
    assert gradcheck(multilinear, (f, p))
    assert gradcheck(lambda f, p: random_multilinear(f, p, random(3, 7), random(5, 7)), (f, p))
    assert gradcheck(lambda z: entropy_weight(z.softmax(1)), random(4, 5).requires_grad_())


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_a_probability_that_rounds_to_0_has_a_finite_gradient(kind: torch.dtype) -> None:
    z = torch.tensor([[1e4, 0, -1e4], [0, 0, 0], [95, 0, 0]], dtype=kind, requires_grad=True)
    weight = entropy_weight(z.softmax(1))
    assert weight.isfinite().all()
    (gradient,) = torch.autograd.grad(weight[0], z)
    assert gradient.isfinite().all()
    assert gradient[0].tolist() == [0, 0, 0]


def test_many_at_once_are_each_by_itself() -> None:
    f, p, r_f, r_p = random(3, 4, 2), random(3, 4, 5).softmax(2), random(3, 2, 6), random(3, 5, 6)
    for function, inputs in [(multilinear, (f, p)), (entropy_weight, (p,)), (random_multilinear, (f, p, r_f, r_p))]:
        one_by_one = torch.stack([function(*each) for each in zip(*inputs, strict=True)])
        torch.testing.assert_close(torch.func.vmap(function)(*inputs), one_by_one)


def test_wide_products_are_mapped_at_random_by_buffers_that_the_seed_decides() -> None:
    narrow, wide = (
        Method().build_extra_modules(nn.Linear(EXACT // 4, 4)),
        Method().build_extra_modules(nn.Linear(EXACT // 4 + 1, 4)),
    )
    assert set(narrow) == {"discriminator"}
    assert next(narrow["discriminator"].parameters()).shape[1] == EXACT
    assert set(wide) == {"map", "discriminator"}
    assert next(wide["discriminator"].parameters()).shape[1] == 1024
    assert not list(wide["map"].parameters())
    drawn = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        drawn.append(dict(random_map(8, 3).named_buffers()))
    assert {name: tuple(each.shape) for name, each in drawn[0].items()} == {"features": (8, 1024), "classes": (3, 1024)}
    for name in drawn[0]:
        assert torch.equal(drawn[0][name], drawn[1][name])
        assert not torch.equal(drawn[0][name], drawn[2][name])
        assert float(drawn[0][name].var()) == pytest.approx(1, abs=0.15)


class Losses:
    """A step on random features and logits of d columns and 3 items, and the gradients that it gives."""

    def __init__(self, method: Method, progress: float = 1.0, columns: int = 4) -> None:
        torch.manual_seed(0)
        self.extra_modules = {
            name: module.double() for name, module in method.build_extra_modules(nn.Linear(columns, 3)).items()
        }
        self.f_s, self.f_t = (random(6, columns) + 1).requires_grad_(), random(5, columns).requires_grad_()
        self.z_s, self.z_t = random(6, 3).requires_grad_(), random(5, 3).requires_grad_()
        source = Source(self.f_s, self.z_s, torch.zeros(6, dtype=torch.long))
        losses = method.losses(source, Target(self.f_t, self.z_t), Step(progress, 0, self.extra_modules))
        assert list(losses) == ["domain"]
        self.loss = losses["domain"]
        self.loss.backward()


@pytest.mark.parametrize("columns", [4, EXACT])
@pytest.mark.parametrize("entropy", [False, True])
def test_the_loss_is_danns_on_the_product(columns: int, entropy: bool) -> None:
    step = Losses(Method(entropy=entropy), columns=columns)
    p_s, p_t = step.z_s.softmax(1), step.z_t.softmax(1)
    if columns == EXACT:
        matrices = [step.extra_modules["map"].get_buffer(name) for name in ("features", "classes")]
        x_s, x_t = random_multilinear(step.f_s, p_s, *matrices), random_multilinear(step.f_t, p_t, *matrices)
    else:
        x_s, x_t = multilinear(step.f_s, p_s), multilinear(step.f_t, p_t)
    weights = (entropy_weight(p_s), entropy_weight(p_t)) if entropy else ()
    expected = dann.domain_loss(*dann.domain_logits(step.extra_modules["discriminator"], x_s, x_t), *weights)
    torch.testing.assert_close(step.loss, expected)


def test_predictions_get_a_gradient_through_the_weights_alone() -> None:
    plain, weighted = Losses(Method(entropy=False)), Losses(Method())
    for step in (plain, weighted):
        for features in (step.f_s, step.f_t):
            assert features.grad is not None
            assert float(features.grad.abs().max()) > 0
    assert plain.z_s.grad is None
    assert plain.z_t.grad is None
    assert weighted.z_s.grad is not None
    assert weighted.z_t.grad is not None


def test_both_ways_into_the_loss_are_reversed() -> None:
    step = Losses(Method(strength=0.5), progress=0.2)
    x_s, x_t = multilinear(step.f_s, step.z_s.softmax(1)), multilinear(step.f_t, step.z_t.softmax(1))
    d_s, d_t = dann.domain_logits(step.extra_modules["discriminator"], x_s, x_t)
    w_s, w_t = entropy_weight(step.z_s.softmax(1)), entropy_weight(step.z_t.softmax(1))
    by_features = dann.domain_loss(d_s, d_t, w_s.detach(), w_t.detach())
    by_weights = dann.domain_loss(d_s.detach(), d_t.detach(), w_s, w_t)
    for loss, inputs in ((by_features, (step.f_s, step.f_t)), (by_weights, (step.z_s, step.z_t))):
        for each, straight in zip(inputs, torch.autograd.grad(loss, inputs), strict=True):
            assert float(straight.abs().max()) > 0
            torch.testing.assert_close(each.grad, -0.5 * dann.ramp(0.2) * straight)
