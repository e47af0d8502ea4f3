import math

import pytest
import torch
from torch import Tensor, nn
from torch.autograd import gradcheck

from office31_cli.methods.base import Source, Step, Target
from office31_cli.methods.dann import ramp
from office31_cli.methods.mdd import Method, margin_disparity


def random(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(sum(shape)))


def inputs(n: int = 5, m: int = 4, items: int = 3) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    return random(n, items), random(items, n).T, random(m, items), random(items, m).T


def by_definition(z_s: Tensor, zadv_s: Tensor, z_t: Tensor, zadv_t: Tensor, margin: float) -> float:
    """Row by row, with the softmax written out."""
    agreement, disagreement = [], []
    for row, adversary in zip(z_s.tolist(), zadv_s.tolist(), strict=True):
        said = row.index(max(row))
        agreement.append(-math.log(math.exp(adversary[said]) / sum(math.exp(z) for z in adversary)))
    for row, adversary in zip(z_t.tolist(), zadv_t.tolist(), strict=True):
        said = row.index(max(row))
        disagreement.append(-math.log(1 - math.exp(adversary[said]) / sum(math.exp(z) for z in adversary)))
    return margin * sum(agreement) / len(agreement) + sum(disagreement) / len(disagreement)


@pytest.mark.parametrize("margin", [1.0, 4.0])
def test_it_is_the_formula(margin: float) -> None:
    expected = by_definition(*inputs(), margin)
    assert float(margin_disparity(*inputs(), margin)) == pytest.approx(expected, rel=1e-12)


def test_its_margin_is_4() -> None:
    assert margin_disparity(*inputs()) == margin_disparity(*inputs(), 4)
    assert Method().margin == 4


def test_its_gradient_is_right_and_none_is_for_the_heads_own_logits() -> None:
    z_s, zadv_s, z_t, zadv_t = (each.clone().requires_grad_() for each in inputs())
    assert gradcheck(lambda a, b: margin_disparity(z_s, a, z_t, b), (zadv_s, zadv_t))
    margin_disparity(z_s, zadv_s, z_t, zadv_t).backward()
    assert zadv_s.grad is not None
    assert zadv_t.grad is not None
    assert z_s.grad is None
    assert z_t.grad is None


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
@pytest.mark.parametrize("height", [50.0, 1e4])
def test_a_head_that_is_sure_has_a_finite_loss_and_gradient(kind: torch.dtype, height: float) -> None:
    z = torch.tensor([[height, 0, 0], [0, 0, height]], dtype=kind)
    zadv_s, zadv_t = (-z).requires_grad_(), z.clone().requires_grad_()  # surely apart, and surely alike
    loss = margin_disparity(z, zadv_s, z, zadv_t)
    # -log softmax(-height, 0, 0) and -log of the share 2 / (2 + exp(height)) of the others.
    assert float(loss.detach()) == pytest.approx(4 * (height + math.log(2)) + height - math.log(2), rel=1e-6)
    loss.backward()
    for gradient in (zadv_s.grad, zadv_t.grad):
        assert gradient is not None
        assert gradient.isfinite().all()
        assert bool((gradient.abs().sum(1) > 0).all())  # still a way back


def test_only_differences_of_logits_matter() -> None:
    torch.testing.assert_close(margin_disparity(*(each - 1e4 for each in inputs())), margin_disparity(*inputs()))


def test_the_best_adversary_agrees_on_the_source_and_not_on_the_target() -> None:
    z_s, _, z_t, _ = inputs()
    agrees = margin_disparity(z_s, 50 * z_s, z_t, -50 * z_t)
    assert float(agrees) < float(margin_disparity(z_s, 50 * z_s, z_t, 50 * z_t))
    assert float(agrees) < float(margin_disparity(z_s, -50 * z_s, z_t, -50 * z_t))


def test_many_at_once_are_each_by_itself() -> None:
    many = [random(3, n, 4) for n in (5, 5, 6, 6)]
    many[1], many[3] = many[1].flip(0), many[3].flip(0)
    one_by_one = torch.stack([margin_disparity(*each) for each in zip(*many, strict=True)])
    torch.testing.assert_close(torch.func.vmap(margin_disparity)(*many), one_by_one)


def gradients(method: Method, progress: float) -> list[Tensor]:
    """Of a step's loss, for the two domains' features and the adversarial head's weights."""
    torch.manual_seed(0)
    outputs = nn.Linear(4, 3)
    own = method.build_extra_modules(outputs)
    f_s, f_t = torch.randn(6, 4, requires_grad=True), torch.randn(5, 4, requires_grad=True)
    source = Source(f_s, outputs(f_s), torch.zeros(6, dtype=torch.long))
    losses = method.losses(source, Target(f_t, outputs(f_t)), Step(progress, 0, own))
    assert list(losses) == ["disparity"]
    head = own["adversary"]
    expected = margin_disparity(outputs(f_s), head(f_s), outputs(f_t), head(f_t), method.margin)
    torch.testing.assert_close(losses["disparity"], expected)
    straight = torch.autograd.grad(expected, [f_s, f_t, *head.parameters()])
    found = torch.autograd.grad(losses["disparity"], [f_s, f_t, *head.parameters(), outputs.weight], allow_unused=True)
    assert found[-1] is None  # the classifier learns from the source's labels alone
    strength = -method.strength * ramp(progress, method.alpha)
    for is_, was, factor in zip(found, straight, [strength, strength, 1, 1], strict=False):
        torch.testing.assert_close(is_, factor * was)
    return list(found[:-1])


def test_the_adversary_minimises_it_and_the_features_maximise_it_a_tenth_as_fast() -> None:
    assert Method().strength == 0.1
    features = gradients(Method(), 1.0)[0]
    assert float(features.abs().max()) > 0
    gradients(Method(margin=2.0, strength=0.3, alpha=5.0), 0.4)


def test_at_the_first_step_the_features_are_left_alone() -> None:
    f_s, f_t, weight, _ = gradients(Method(), 0.0)
    assert float(f_s.abs().max()) == float(f_t.abs().max()) == 0
    assert float(weight.abs().max()) > 0
