import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.autograd import gradcheck
from torch.nn.functional import cross_entropy

from office31_cli.methods.base import Source, Step, Target
from office31_cli.methods.mcd import Method, classifier_discrepancy


def random(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(sum(shape)))


def test_it_is_the_mean_absolute_difference() -> None:
    p1, p2 = random(5, 3).softmax(1), random(5, 3).flip(0).softmax(1)
    expected = sum(abs(float(p1[n, k]) - float(p2[n, k])) for n in range(5) for k in range(3)) / 15
    assert float(classifier_discrepancy(p1, p2)) == pytest.approx(expected, rel=1e-12)
    assert expected > 0.01


def test_heads_that_agree_are_at_0_and_opposite_ones_at_2_over_k() -> None:
    one_hot = torch.eye(4)
    assert float(classifier_discrepancy(one_hot, one_hot)) == 0
    assert float(classifier_discrepancy(one_hot, one_hot.roll(1, 0))) == 0.5
    p = random(5, 3).softmax(1)
    q = p.roll(1, 1)
    assert classifier_discrepancy(p, q) == classifier_discrepancy(q, p)


def test_its_gradient_is_right() -> None:
    z1, z2 = random(4, 3).requires_grad_(), (random(4, 3) + random(4, 1, 3)[:, 0]).requires_grad_()
    assert gradcheck(lambda a, b: classifier_discrepancy(a.softmax(1), b.softmax(1)), (z1, z2))


def test_heads_that_are_sure_or_alike_have_a_finite_gradient() -> None:
    z = torch.tensor([[1e4, 0, -1e4], [0, 0, 0]], requires_grad=True)
    classifier_discrepancy(z.softmax(1), z.detach().flip(1).softmax(1)).backward()
    assert z.grad is not None
    assert z.grad.isfinite().all()


def test_many_at_once_are_each_by_itself() -> None:
    p1, p2 = random(4, 5, 3).softmax(2), random(4, 5, 3).flip(0).softmax(2)
    one_by_one = torch.stack([classifier_discrepancy(a, b) for a, b in zip(p1, p2, strict=True)])
    torch.testing.assert_close(torch.func.vmap(classifier_discrepancy)(p1, p2), one_by_one)


class Batch:
    """A bottleneck of 4 features before two heads for 3 items, and what a phase makes of a batch."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.body, self.outputs = nn.Linear(6, 4), nn.Linear(4, 3)
        self.extra_modules = Method().build_extra_modules(self.outputs)
        self.x_s, self.x_t, self.labels = torch.randn(8, 6), torch.randn(7, 6), torch.arange(8) % 3

    def losses(self, phase: int) -> dict[str, Tensor]:
        f_s, f_t = self.body(self.x_s), self.body(self.x_t)
        source = Source(f_s, self.outputs(f_s), self.labels)
        return Method().losses(source, Target(f_t, self.outputs(f_t)), Step(0.5, phase, self.extra_modules))

    def total(self, phase: int) -> Tensor:
        return torch.stack(list(self.losses(phase).values())).sum()

    def modules(self) -> dict[str, nn.Module]:
        return {"body": self.body, "first": self.outputs, "second": self.extra_modules["second"]}

    def learning(self, phase: int) -> set[str]:
        """The parts of which every parameter has a gradient; the others' have none or 0."""
        for module in self.modules().values():
            module.zero_grad()
        self.total(phase).backward()
        moving = {
            name: [each.grad is not None and bool(each.grad.abs().max() > 0) for each in module.parameters()]
            for name, module in self.modules().items()
        }
        assert all(len(set(each)) == 1 for each in moving.values())
        return {name for name, each in moving.items() if all(each)}


def test_a_batch_has_six_phases_and_the_method_its_own_cross_entropy() -> None:
    assert Method.phases == 6
    assert not Method.supervised


def test_the_first_head_is_the_classifiers_and_the_second_a_fresh_one() -> None:
    batch = Batch()
    assert batch.extra_modules["first"] is batch.outputs
    second = batch.extra_modules["second"]
    for name, weight in batch.outputs.named_parameters():
        assert second.get_parameter(name).shape == weight.shape
        assert not torch.equal(second.get_parameter(name), weight)


@pytest.mark.parametrize(
    ("phase", "learning"),
    [(0, {"body", "first", "second"}), (1, {"first", "second"}), *((phase, {"body"}) for phase in range(2, 6))],
)
def test_each_phase_teaches_its_own_part(phase: int, learning: set[str]) -> None:
    assert Batch().learning(phase) == learning


@torch.no_grad()
def test_what_each_phase_minimises() -> None:
    batch = Batch()
    f_s, f_t = batch.body(batch.x_s), batch.body(batch.x_t)
    heads = batch.extra_modules["first"], batch.extra_modules["second"]
    supervised = sum(float(cross_entropy(head(f_s), batch.labels)) for head in heads)
    p1, p2 = (head(f_t).softmax(1).numpy() for head in heads)
    apart = float(np.abs(p1 - p2).mean())
    totals = [float(batch.total(phase)) for phase in range(6)]
    assert totals == pytest.approx([supervised, supervised - apart, *[apart] * 4], rel=1e-5)


def test_steps_of_phase_1_part_the_heads_and_those_of_phase_2_join_them() -> None:
    batch = Batch()
    optimizer = torch.optim.SGD([each for module in batch.modules().values() for each in module.parameters()], 0.1)

    def descend(phase: int) -> float:
        for _ in range(20):
            optimizer.zero_grad()
            batch.total(phase).backward()
            optimizer.step()
        return float(batch.total(2).detach())

    before = float(batch.total(2).detach())
    parted = descend(1)
    joined = descend(2)
    assert parted > before
    assert joined < parted


@pytest.mark.parametrize("phase", range(6))
def test_many_classifiers_at_once_get_the_gradients_of_each(phase: int) -> None:
    batch = Batch()
    network = nn.ModuleDict(batch.modules())
    generator = torch.Generator().manual_seed(3)
    many = {name: torch.randn(3, *each.shape, generator=generator) for name, each in network.named_parameters()}

    class Total(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self) -> Tensor:
            return batch.total(phase)

    def total(weights: dict[str, Tensor]) -> Tensor:
        swapped: Tensor = torch.func.functional_call(Total(), {f"network.{k}": v for k, v in weights.items()}, ())
        return swapped

    together = torch.func.vmap(torch.func.grad(total))(many)
    for index in range(3):
        for name, gradient in torch.func.grad(total)({k: v[index] for k, v in many.items()}).items():
            torch.testing.assert_close(together[name][index], gradient, rtol=1e-4, atol=1e-6)
            moves = "body" in name if phase > 1 else phase == 0 or "body" not in name
            assert bool(gradient.abs().max() > 0) == moves
