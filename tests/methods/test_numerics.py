"""What holds of every loss: finite where it could fail not to be, the same under vmap, its gradient its own."""

from collections.abc import Callable
from typing import NamedTuple

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from office31_cli.methods.afn import stepwise_norm
from office31_cli.methods.bnm import nuclear_norm
from office31_cli.methods.coral import coral
from office31_cli.methods.dan import mk_mmd
from office31_cli.methods.dance import entropy_separation, neighbourhood_entropy
from office31_cli.methods.fixmatch import confident_agreement
from office31_cli.methods.jan import joint_mmd
from office31_cli.methods.mcc import class_confusion
from office31_cli.methods.ovanet import one_vs_all, open_set_entropy
from office31_cli.methods.shot import information_maximisation
from office31_cli.methods.tent import mean_entropy

N, WIDTH = 6, 4


class Loss(NamedTuple):
    """A loss of `inputs` matrices (n, d): features or logits, probabilities being softmax of logits."""

    function: Callable[..., Tensor]
    inputs: int
    detaches: bool = False


LOSSES = {
    "dan": Loss(mk_mmd, 2, detaches=True),
    "dan linear": Loss(lambda f_s, f_t: mk_mmd(f_s, f_t, linear=True), 2, detaches=True),
    "jan": Loss(lambda *x: joint_mmd((x[0], x[1].softmax(1)), (x[2], x[3].softmax(1))), 4, detaches=True),
    "coral": Loss(coral, 2),
    "mcc": Loss(class_confusion, 1, detaches=True),
    "bnm": Loss(lambda z: nuclear_norm(z.softmax(1)), 1),
    "afn": Loss(stepwise_norm, 1, detaches=True),
    "shot": Loss(information_maximisation, 1),
    "tent": Loss(mean_entropy, 1),
    "ovanet": Loss(lambda z: one_vs_all(z, torch.arange(N) % WIDTH), 1),
    "ovanet on the target": Loss(open_set_entropy, 1),
    "dance": Loss(lambda f, others: neighbourhood_entropy(normalize(f), normalize(others)), 2),
    "dance's separation": Loss(lambda z: entropy_separation(z, margin=0.1), 1),
    "fixmatch": Loss(lambda z_w, z_s: confident_agreement(z_w, z_s, threshold=0.4), 2, detaches=True),
}
EDGES = {
    "confident": 1000 * torch.eye(WIDTH)[torch.arange(N) % WIDTH],
    "confident of one class": 1000 * torch.eye(WIDTH)[torch.zeros(N, dtype=torch.long)],
    "identical": torch.tensor([0.1, -0.7, 2.3, 1.9]).expand(N, WIDTH),
    "identical, far away": torch.tensor([1e4, -1e4, 3e3, 1e-3]).expand(N, WIDTH),
    "zero": torch.zeros(N, WIDTH),
    "one row zero": torch.eye(N, WIDTH),
    "tiny": 1e-20 * torch.eye(N, WIDTH),
}
both_precisions = pytest.mark.parametrize("kind", [torch.float32, torch.float64])
every_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)


def values_and_gradients(loss: Loss) -> Callable[..., tuple[tuple[Tensor, ...], Tensor]]:
    return torch.func.grad_and_value(loss.function, argnums=tuple(range(loss.inputs)))


@both_precisions
@every_loss
@pytest.mark.parametrize("edge", EDGES.values(), ids=EDGES)
def test_value_and_gradient_are_finite_at_the_edges(loss: Loss, edge: Tensor, kind: torch.dtype) -> None:
    torch.manual_seed(0)
    others = [torch.randn(N, WIDTH, dtype=kind) for _ in range(loss.inputs)]
    for inputs in [[edge.to(kind)] * loss.inputs, [edge.to(kind), *others[1:]], [*others[:-1], edge.to(kind)]]:
        gradients, value = values_and_gradients(loss)(*inputs)
        assert value.shape == ()
        assert value.dtype == kind
        assert value.isfinite()
        assert all(gradient.isfinite().all() for gradient in gradients)


@both_precisions
@every_loss
def test_vmap_equals_a_loop(loss: Loss, kind: torch.dtype) -> None:
    torch.manual_seed(0)
    stacked = [2 * torch.randn(3, N, WIDTH, dtype=kind) for _ in range(loss.inputs)]
    mapped = torch.func.vmap(values_and_gradients(loss))(*stacked)
    for place, inputs in enumerate(zip(*stacked, strict=True)):
        gradients, value = values_and_gradients(loss)(*inputs)
        torch.testing.assert_close(mapped[1][place], value)
        for ours, alone in zip(mapped[0], gradients, strict=True):
            torch.testing.assert_close(ours[place], alone)


@every_loss
def test_single_precision_agrees_with_double(loss: Loss) -> None:
    torch.manual_seed(0)
    inputs = [3 + torch.randn(N, WIDTH) for _ in range(loss.inputs)]
    exact, value = values_and_gradients(loss)(*(each.double() for each in inputs))
    single, rounded = values_and_gradients(loss)(*inputs)
    torch.testing.assert_close(rounded.double(), value, rtol=1e-4, atol=1e-5)
    for ours, theirs in zip(single, exact, strict=True):
        torch.testing.assert_close(ours.double(), theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", [name for name, loss in LOSSES.items() if not loss.detaches])
def test_the_gradient_is_the_functions_own(name: str) -> None:
    """Of the losses that detach a part of themselves, their own tests hold the gradient against that part fixed."""
    torch.manual_seed(0)
    inputs = [torch.randn(N, WIDTH, dtype=torch.float64, requires_grad=True) for _ in range(LOSSES[name].inputs)]
    assert torch.autograd.gradcheck(LOSSES[name].function, inputs)
