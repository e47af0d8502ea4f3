import pytest
import torch
from torch import Tensor, nn

from office31_cli import methods
from office31_cli.engine.adaptation_network import AdaptationNetwork
from office31_cli.engine.vmap_stack import VmapStack
from tests.helpers.tiny_adaptation import BOTTLENECK, ITEMS, WIDTH, build_network

pytestmark = pytest.mark.usefixtures("single_precision")

NAMES = ("erm", "coral", "dann", "cdan", "mcd", "mdd", "mcc", "bsp", "fixmatch", "shot")
RUNS, ROWS, PROGRESS = 3, 8, 0.4


def made(name: str) -> list[AdaptationNetwork]:
    """Learners that differ in all their weights and statistics."""
    return [build_network(methods.load(name)(), seed).train() for seed in range(RUNS)]


def drawn(name: str, step: int) -> tuple[Tensor, ...]:
    """A batch for all runs, as `SourceTargetBatches` makes it, with a pseudo-label of each target photograph."""
    method = methods.load(name)
    random = torch.Generator().manual_seed(step)
    source, target, again = (
        torch.randn(RUNS, count, WIDTH, generator=random)
        for count in (
            0 if method.source_free else ROWS,
            ROWS if method.uses_target else 0,
            ROWS if method.views > 1 else 0,
        )
    )
    labels, guess = (torch.randint(ITEMS, (RUNS, ROWS), generator=random) for _ in range(2))
    return source, labels[:, : source.shape[1]], target, again, guess if name == "shot" else torch.empty(RUNS, ROWS, 0)


def optimizer(module: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD([value for value in module.parameters() if value.requires_grad], lr=0.1, momentum=0.9)


@pytest.mark.parametrize("name", NAMES)
def test_its_steps_are_those_of_the_modules_apart(name: str) -> None:
    apart, stack = made(name), VmapStack(made(name)).train()
    optimizers, together = [optimizer(each) for each in apart], optimizer(stack)
    phases = methods.load(name).phases
    for step in range(3):
        batch = drawn(name, step)
        for phase in range(phases):
            losses = stack((PROGRESS, phase), *batch)
            together.zero_grad()
            torch.stack([loss.sum() for loss in losses.values()]).sum().backward()
            together.step()
            for run, (each, theirs) in enumerate(zip(apart, optimizers, strict=True)):
                expected = each(PROGRESS, phase, *(part[run] for part in batch))
                assert expected.keys() == losses.keys()
                for loss, value in expected.items():
                    torch.testing.assert_close(losses[loss][run], value, rtol=1e-3, atol=1e-4)
                theirs.zero_grad()
                torch.stack(list(expected.values())).sum().backward()
                theirs.step()

    for ours, each in zip(stack.write_back(), apart, strict=True):
        assert ours.state_dict().keys() == each.state_dict().keys()
        for key, value in each.state_dict().items():
            torch.testing.assert_close(ours.state_dict()[key], value, rtol=1e-3, atol=1e-4)


def test_written_back_the_modules_answer_as_the_stack_does() -> None:
    modules = [nn.Sequential(nn.Linear(WIDTH, BOTTLENECK), nn.BatchNorm1d(BOTTLENECK)) for _ in range(RUNS)]
    before = [each.state_dict()["0.weight"].clone() for each in modules]
    stack, rows = VmapStack(modules), torch.randn(RUNS, ROWS, WIDTH)
    with torch.no_grad():
        for parameter in stack.parameters():
            parameter.mul_(2).add_(0.5)
    assert all(torch.equal(each.state_dict()["0.weight"], old) for each, old in zip(modules, before, strict=True))
    stack.train()((), rows)  # moves the statistics
    assert stack.write_back() == modules
    stack.eval()
    answers = stack((), rows)
    for run, (each, old) in enumerate(zip(modules, before, strict=True)):
        assert torch.equal(each.state_dict()["0.weight"], 2 * old + 0.5)
        torch.testing.assert_close(answers[run], each.eval()(rows[run]))


def test_what_is_frozen_stays_frozen() -> None:
    stack = VmapStack(made("shot"))
    frozen = {name for name, value in stack.named_parameters() if not value.requires_grad}
    assert frozen == {"outputs/weight", "outputs/bias"}


def test_a_module_under_two_names_is_one() -> None:
    """MCD's first head is the classifier itself."""
    stack = VmapStack(made("mcd"))
    assert sum(value.numel() for value in stack.parameters()) == sum(
        value.numel() for each in made("mcd") for value in each.parameters()
    )
    stack((PROGRESS, 0), *drawn("mcd", 0))
    for each in stack.write_back():
        assert each.extra_modules["first"] is each.outputs
        assert isinstance(each.outputs.weight, nn.Parameter)
