import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.autograd import gradcheck

from office31_cli.methods import dann
from office31_cli.methods.base import Source, Step, Target
from office31_cli.methods.bsp import Method, spectral_penalty


def random(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(sum(shape)))


@pytest.mark.parametrize("k", [1, 2, 3, 9])
def test_it_sums_the_largest_eigenvalues_of_the_gram_matrices(k: int) -> None:
    expected = 0.0
    for f in (random(6, 3).numpy(), random(4, 3).numpy()):
        expected += sum(sorted(np.linalg.eigvalsh(f.T @ f))[::-1][:k])  # a singular value's square is an eigenvalue
    assert float(spectral_penalty(random(6, 3), random(4, 3), k)) == pytest.approx(expected, rel=1e-12)


def test_all_of_them_are_the_squared_norm_and_one_is_the_default() -> None:
    f_s, f_t = random(6, 3), random(2, 3)
    everything = f_s.square().sum() + f_t.square().sum()
    torch.testing.assert_close(spectral_penalty(f_s, f_t, 3), everything)
    assert spectral_penalty(f_s, f_t) == spectral_penalty(f_s, f_t, 1)
    assert float(spectral_penalty(f_s, f_t)) < float(everything)


@pytest.mark.parametrize("k", [1, 2])
def test_its_gradient_is_right(k: int) -> None:
    f_s, f_t = random(5, 3).requires_grad_(), random(2, 3).requires_grad_()
    assert gradcheck(lambda a, b: spectral_penalty(a, b, k), (f_s, f_t))


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
@pytest.mark.parametrize("features", [torch.zeros(4, 3), torch.ones(4, 3), torch.eye(4, 3)])
def test_equal_and_vanishing_singular_values_have_finite_gradients(kind: torch.dtype, features: Tensor) -> None:
    f = features.to(kind, copy=True).requires_grad_()
    spectral_penalty(f, f).backward()
    assert f.grad is not None
    assert f.grad.isfinite().all()


def test_many_at_once_are_each_by_itself() -> None:
    f_s, f_t = random(3, 5, 4), random(3, 6, 4)
    one_by_one = torch.stack([spectral_penalty(a, b, 2) for a, b in zip(f_s, f_t, strict=True)])
    torch.testing.assert_close(torch.func.vmap(lambda a, b: spectral_penalty(a, b, 2))(f_s, f_t), one_by_one)


def test_a_step_is_danns_with_the_penalty_beside_it() -> None:
    torch.manual_seed(0)
    method = Method(weight=0.01, k=2, alpha=5.0)
    own = method.build_extra_modules(nn.Linear(4, 3))
    f_s, f_t = torch.randn(6, 4, requires_grad=True), torch.randn(5, 4)
    source, target = Source(f_s, torch.randn(6, 3), torch.zeros(6, dtype=torch.long)), Target(f_t, torch.randn(5, 3))
    step = Step(0.4, 0, own)
    losses = method.losses(source, target, step)
    assert set(losses) == {"domain", "spectral"}
    torch.testing.assert_close(losses["domain"], dann.Method(alpha=5.0).losses(source, target, step)["domain"])
    torch.testing.assert_close(losses["spectral"], 0.01 * spectral_penalty(f_s, f_t, 2))
    # The penalty is minimised by the features: it does not pass the reversal.
    (gradient,) = torch.autograd.grad(losses["spectral"], f_s)
    shrunk = spectral_penalty((f_s - 0.1 * gradient).detach(), f_t, 2)
    assert float(shrunk) < float(spectral_penalty(f_s, f_t, 2).detach())


def test_its_weight_is_the_papers() -> None:
    assert (Method().weight, Method().k, Method().alpha) == (2e-4, 1, 10)
