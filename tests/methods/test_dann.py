import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.autograd import gradcheck

from office31_cli.methods.base import Source, Step, Target
from office31_cli.methods.dann import (
    Method,
    domain_discriminator,
    domain_logits,
    domain_loss,
    gradient_reversal,
    ramp,
)


def random(*shape: int, kind: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(*shape, dtype=kind, generator=torch.Generator().manual_seed(sum(shape)))


def cross_entropy(logit: float, label: int) -> float:
    """Binary cross-entropy of one logit, as in any textbook."""
    p = 1 / (1 + math.exp(-logit))
    return -math.log(p) if label else -math.log(1 - p)


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
@pytest.mark.parametrize("strength", [0.0, 0.1, 1.0, 3.7])
def test_the_reversal_is_the_identity_to_the_last_bit_and_turns_the_gradient(
    kind: torch.dtype, strength: float
) -> None:
    x = (1e3 * random(5, 3, kind=kind)).requires_grad_()
    reversed_x, upstream = gradient_reversal(x, strength), random(3, 5, kind=kind).T
    assert torch.equal(reversed_x, x)
    (gradient,) = torch.autograd.grad(reversed_x, x, upstream)
    assert torch.equal(gradient, -strength * upstream)


def test_the_reversal_works_under_vmap_and_functional_gradients() -> None:
    x = random(4, 5, 3)

    def through(each: Tensor) -> Tensor:
        return gradient_reversal(each, 0.3).square().sum()

    torch.testing.assert_close(torch.func.vmap(torch.func.grad(through))(x), -0.3 * 2 * x)


@pytest.mark.parametrize("alpha", [1.0, 10.0])
def test_the_ramp_rises_from_0_towards_1(alpha: float) -> None:
    heights = [ramp(progress, alpha) for progress in np.linspace(0, 1, 11)]
    assert heights[0] == 0
    assert heights == sorted(set(heights))
    assert heights == pytest.approx([math.tanh(alpha * progress / 2) for progress in np.linspace(0, 1, 11)])
    assert ramp(1e6) == 1


def test_its_alpha_is_10() -> None:
    assert ramp(0.3) == ramp(0.3, 10)
    assert Method().alpha == 10


@pytest.mark.parametrize("weighted", [False, True])
def test_the_loss_is_half_of_each_domains_mean_cross_entropy(weighted: bool) -> None:
    d_s, d_t = random(5), random(3)
    w_s, w_t = (random(5).abs(), random(3).abs()) if weighted else (torch.ones(5), torch.ones(3))
    on_source = np.mean([float(w) * cross_entropy(float(d), 1) for d, w in zip(d_s, w_s, strict=True)])
    on_target = np.mean([float(w) * cross_entropy(float(d), 0) for d, w in zip(d_t, w_t, strict=True)])
    loss = domain_loss(d_s, d_t, w_s, w_t) if weighted else domain_loss(d_s, d_t)
    assert float(loss) == pytest.approx(0.5 * (on_source + on_target), rel=1e-12)


def test_the_gradient_of_the_loss_is_right() -> None:
    inputs = [random(n).abs().requires_grad_() for n in (5, 3, 5, 3)]
    assert gradcheck(domain_loss, inputs)


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_a_discriminator_that_is_sure_and_wrong_has_a_finite_loss_and_gradient(kind: torch.dtype) -> None:
    d_s, d_t = torch.tensor([-1e4, 1e4], dtype=kind), torch.tensor([1e4, -1e4], dtype=kind)
    d_s.requires_grad_(), d_t.requires_grad_()
    loss = domain_loss(d_s, d_t)
    assert float(loss.detach()) == pytest.approx(5e3)
    loss.backward()
    assert d_s.grad is not None
    assert d_t.grad is not None
    assert d_s.grad.tolist() == [-0.25, 0]
    assert d_t.grad.tolist() == [0.25, 0]


def test_the_loss_of_many_is_the_losses_of_each() -> None:
    inputs = [random(4, n) for n in (5, 3, 5, 3)]
    together = torch.func.vmap(domain_loss)(*inputs)
    torch.testing.assert_close(together, torch.stack([domain_loss(*each) for each in zip(*inputs, strict=True)]))


def test_the_discriminator_has_two_hidden_layers_of_1024() -> None:
    discriminator = domain_discriminator(7)
    widths = [(layer.in_features, layer.out_features) for layer in discriminator if isinstance(layer, nn.Linear)]
    assert widths == [(7, 1024), (1024, 1024), (1024, 1)]
    kinds = [nn.Linear, nn.BatchNorm1d, nn.ReLU, nn.Linear, nn.BatchNorm1d, nn.ReLU, nn.Linear]
    assert [type(layer) for layer in discriminator] == kinds


def test_batch_norm_sees_both_domains_at_once() -> None:
    source, target = random(6, 2) + 3, random(4, 2) - 3
    d_s, d_t = domain_logits(nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 1)).double(), source, target)
    assert (d_s.shape, d_t.shape) == ((6,), (4,))
    assert abs(float((d_s.mean() - d_t.mean()).detach())) > 0.1  # 0 if each domain were normalised by itself


def step(method: Method, progress: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The loss of a step, its gradients for the two domains' features, and that of the discriminator's last layer."""
    torch.manual_seed(0)
    own = method.build_extra_modules(nn.Linear(4, 3))
    f_s, f_t = random(6, 4, kind=torch.float32) + 1, random(5, 4, kind=torch.float32)
    f_s.requires_grad_(), f_t.requires_grad_()
    source = Source(f_s, random(6, 3), torch.zeros(6, dtype=torch.long))
    losses = method.losses(source, Target(f_t, random(5, 3)), Step(progress, 0, own))
    assert list(losses) == ["domain"]
    last = list(own["discriminator"].parameters())[-2]
    return losses["domain"].detach(), *torch.autograd.grad(losses["domain"], [f_s, f_t, last])


def test_the_strength_of_a_step_is_for_the_features_alone() -> None:
    loss, f_s, f_t, last = step(Method(), 0.05)
    other_loss, other_f_s, other_f_t, other_last = step(Method(strength=0.5), 0.2)
    assert torch.equal(loss, other_loss)
    assert torch.equal(last, other_last)
    assert float(last.abs().max()) > 0
    torch.testing.assert_close(other_f_s, f_s * 0.5 * ramp(0.2) / ramp(0.05))
    torch.testing.assert_close(other_f_t, f_t * 0.5 * ramp(0.2) / ramp(0.05))


def test_the_features_go_where_the_discriminator_errs_more() -> None:
    torch.manual_seed(0)
    own = Method().build_extra_modules(nn.Linear(4, 3))
    f_s, f_t = (random(6, 4) + 1).requires_grad_(), random(5, 4)
    own["discriminator"].double()

    def loss_at(features: Tensor) -> Tensor:
        source = Source(features, random(6, 3), torch.zeros(6, dtype=torch.long))
        return Method().losses(source, Target(f_t, random(5, 3)), Step(1.0, 0, own))["domain"]

    loss = loss_at(f_s)
    (gradient,) = torch.autograd.grad(loss, f_s)
    downhill = (f_s - 1e-3 * gradient / gradient.norm()).detach()
    assert float(loss_at(downhill).detach()) > float(loss.detach())


def test_at_the_first_step_the_features_are_left_alone() -> None:
    _, f_s, f_t, last = step(Method(), 0.0)
    assert float(f_s.abs().max()) == float(f_t.abs().max()) == 0
    assert float(last.abs().max()) > 0
