"""Fine-tunings of a moment: a small network on a few random images, trained as a strategy has it."""

import copy
import functools
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from office31_cli.engine.batches import Batches, LabelledBatches
from office31_cli.engine.checkpoints import Checkpoints, History
from office31_cli.engine.finetuning import FinetuningTask
from office31_cli.engine.frozen_split import split_network
from office31_cli.engine.inputs import Examples, RandomNumbers
from office31_cli.engine.loop import Training
from office31_cli.engine.mixed_batches import MixedBatches
from office31_cli.engine.settings import NO_REFINEMENTS, Refinements, Settings
from office31_cli.engine.training_state import TrainingState
from office31_cli.models.network import Architecture, Network, extend_network
from office31_cli.observer import SILENT
from office31_cli.outputs.composite import Composite
from office31_cli.strategies.base import ParameterGroup, Strategy, TrainingStart, trainable_parameters
from office31_cli.workflow.finetune_run import group_by_depth
from tests.helpers.small_outputs import THREE
from tests.helpers.tiny_training import CPU

COUNT, LABELLED = 12, 6
"""The images, and how many of them, the first ones, have labels."""

IMAGES = torch.rand(COUNT, 3, 16, 16, generator=torch.Generator().manual_seed(0))

State = dict[str, Tensor]


class FrozenImages:
    """What a frozen part makes of the images; without one, the images."""

    def __init__(self, frozen: nn.Module | None) -> None:
        with torch.no_grad():
            self.rows = IMAGES if frozen is None else frozen(IMAGES)

    def training_views(self, examples: Examples, draws: RandomNumbers) -> Tensor:
        return self.rows[examples.rows]

    def strong_views(self, examples: Examples, draws: RandomNumbers) -> Tensor:
        return self.rows[examples.rows]

    def evaluation_views(self, examples: Examples) -> Tensor:
        return self.rows[examples.rows]


def stored_network(outputs: Composite = THREE) -> Network:
    """Always the same, and its batch norms know the images."""
    return copy.deepcopy(_stored(outputs))


@functools.cache
def _stored(outputs: Composite) -> Network:
    torch.manual_seed(0)
    network = Network(Architecture(backbone="convnet", bottleneck=8, outputs=outputs, crop=16)).train()
    with torch.no_grad():
        for _ in range(50):
            network(IMAGES)
    return network.eval()


def targets(outputs: Composite = THREE) -> Tensor:
    """By image the number of a label, from 0 up, for each output."""
    return torch.stack([torch.arange(COUNT) % output.width for output in outputs.outputs], 1).float()


@dataclass(frozen=True, eq=False)
class TinyFinetuning:
    """A fine-tuning that is ready to run."""

    network: Network
    trained: nn.Module
    task: FinetuningTask
    training: Training
    inputs: Tensor
    """Those of the labelled images; `targets` are theirs, and `rest` those of the others."""
    targets: Tensor
    rest: Tensor

    def losses(self) -> dict[str, Tensor]:
        """Those of one step that looks at all images, as seen in evaluation."""
        self.task.eval()
        rest = [self.rest] if self.task._strategy.uses_unlabelled else []
        losses: dict[str, Tensor] = self.task(0.0, 0, self.inputs, self.targets, *rest)
        return losses

    def run(self, checkpoints: Checkpoints | None = None) -> History:
        return self.training.run(SILENT, checkpoints)

    def states(self) -> list[State]:
        """Run; what the network was before the first epoch and after each of them."""
        seen = RecordingCheckpoints()
        before = copy_state(self.network)
        self.run(seen)
        return [before, *({key.removeprefix("network."): each[key] for key in each} for each in seen.states)]


@dataclass
class RecordingCheckpoints(Checkpoints):
    """Keeps what is trained after each epoch, and stores nothing."""

    run: dict[str, object] = field(default_factory=dict)
    states: list[State] = field(default_factory=list)

    def save(self, history: History, reached: TrainingState) -> None:
        learnt = copy_state(reached.module)
        self.states.append({key: value for key, value in learnt.items() if key.startswith("network.")})


def settings(*, epochs: int = 4, lr: float = 0.05, batch_size: int = 6, weight_decay: float = 0.0) -> Settings:
    """Plain gradient descent at a constant rate."""
    return Settings(
        epochs=epochs,
        batch_size=batch_size,
        optimizer="sgd",
        lr=lr,
        seed=1,
        weight_decay=weight_decay,
        schedule="constant",
    )


def build_finetuning(
    strategy: Strategy,
    how: Settings,
    *,
    train: str = "all",
    outputs: Composite = THREE,
    refinements: Refinements = NO_REFINEMENTS,
    validate: Callable[[nn.Module], float] | None = None,
    kind: type[FinetuningTask] = FinetuningTask,
    count: int = LABELLED,
) -> TinyFinetuning:
    """Going on from `stored_network` with the labels of the first images."""
    stored = stored_network(outputs)
    network = extend_network(stored, strategy.architecture(stored.architecture))
    parts = split_network(network, train)
    seen, labels = FrozenImages(parts.frozen_part), targets(outputs)[:count]
    learnt, rest = examples(labels), unlabelled(count)
    beginning = TrainingStart(
        network,
        parts.trained_part,
        seen.evaluation_views(learnt),
        labels,
        lambda answers: torch.stack([*outputs.losses(answers, labels).values()]).sum(),
    )
    groups = by_layer(network, strategy.parameter_groups(network), refinements, how.epochs)
    task = kind(network, parts.trained_part, outputs, strategy, beginning, refinements, validate, epochs=how.epochs)
    fed = {"batch_size": how.batch_size, "seed": how.seed, "device": CPU}
    batches: Batches = (
        MixedBatches(seen, [learnt], rest, **fed) if strategy.uses_unlabelled else LabelledBatches(seen, learnt, **fed)
    )
    training = Training(task, [*groups, ParameterGroup(trainable_parameters(task.extra_modules))], batches, how, CPU)
    return TinyFinetuning(
        network, parts.trained_part, task, training, seen.evaluation_views(learnt), labels, seen.evaluation_views(rest)
    )


def unlabelled(first: int) -> Examples:
    rows = np.arange(first, COUNT)
    return Examples(np.zeros_like(rows), rows, np.empty((len(rows), 0)))


def examples(labels: Tensor) -> Examples:
    rows = np.arange(len(labels))
    return Examples(np.zeros_like(rows), rows, labels.double().numpy())


def by_layer(
    network: Network, groups: list[ParameterGroup], refinements: Refinements, epochs: int
) -> list[ParameterGroup]:
    """The groups by depth where the refinements ask for it, as far as there is something to learn."""
    if refinements.layer_decay is None and not refinements.gradual_unfreezing:
        return groups
    learning = {id(value) for group in groups for value in group.parameters}
    layers = [[value for value in layer if id(value) in learning] for layer in network.layers()]
    begins = epochs if refinements.gradual_unfreezing else None
    return group_by_depth(groups, [layer for layer in layers if layer], decay=refinements.layer_decay, epochs=begins)


def copy_state(module: nn.Module) -> State:
    """What a module holds, as it is now."""
    return {name: value.detach().clone() for name, value in module.state_dict().items()}


def names_of_changed(before: State, after: State) -> set[str]:
    """The names of the tensors that differ."""
    return {name for name, value in after.items() if not torch.equal(value, before[name])}


def squared_distance(before: State, after: State, prefix: str = "") -> float:
    """How far the tensors whose names begin so have gone."""
    pairs = [(before[name], value) for name, value in after.items() if name.startswith(prefix)]
    return sum(float((now.double() - then.double()).square().sum()) for then, now in pairs) ** 0.5
