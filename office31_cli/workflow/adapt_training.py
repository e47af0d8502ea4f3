"""What every adaptation is made of: examples with and without labels, the training, the teachers, the scores."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from office31_cli.data.photographs import IntArray, Photographs
from office31_cli.engine.adaptation import AdaptationTask
from office31_cli.engine.adaptation_network import AdaptationNetwork
from office31_cli.engine.batches import SourceTargetBatches, SourceTargetData, split_evenly
from office31_cli.engine.checkpoints import Checkpoints
from office31_cli.engine.inputs import Examples, Inputs
from office31_cli.engine.loop import Training
from office31_cli.engine.random_numbers import seed_torch
from office31_cli.engine.settings import Settings
from office31_cli.errors import Failed
from office31_cli.methods.base import Method
from office31_cli.metrics.validators import VALIDATORS
from office31_cli.models.network import Head
from office31_cli.observer import Observer, WithoutEpochs
from office31_cli.text import printable


def build_labelled_examples(photographs: Photographs, domain: int) -> Examples:
    """Photographs of the source with their items; their rows are those of the inputs' array number `domain`."""
    items = photographs.items[:, None].astype(np.float64)
    return Examples(np.full(len(photographs), domain), photographs.rows, items)


def build_unlabelled_examples(photographs: Photographs, domain: int) -> Examples:
    """Photographs of the target without their items, in the order of `order_by_content`.

    The order in which they are listed would give their labels away.
    """
    rows = photographs.rows[order_by_content(photographs)]
    return Examples(np.full(len(rows), domain), rows, np.empty((len(rows), 0)))


def no_examples() -> Examples:
    """No labelled photographs."""
    return Examples(np.empty(0, np.int64), np.empty(0, np.int64), np.empty((0, 1)))


def actual_items(photographs: Photographs) -> IntArray | None:
    """The items (n,) of `build_unlabelled_examples`, in its order; None where none is labelled with a known item."""
    return photographs.items[order_by_content(photographs)] if photographs.has_labels else None


def order_by_content(photographs: Photographs) -> IntArray:
    """Places (n,) of the photographs in the order of their bytes' hashes, which says nothing of their labels."""
    return np.argsort(np.array(photographs.digests), kind="stable")


def check_enough_examples(pair: SourceTargetData, source: Sequence[str], target: str) -> None:
    """Raise `Failed` where there is too little to train on; `source` are the source's domains, if there is one."""
    if len(pair.target) < 2:
        raise Failed(f"target {printable(target)}", "it has fewer than two photographs", "add some")
    if source and len(np.unique(pair.source.targets)) < 2:
        raise Failed(
            f"source {printable('+'.join(source))}",
            "its photographs all show the same item, so there is nothing to tell apart",
            "add pictures of another item",
        )


def build_adaptation_network(stage: nn.Module, head: nn.Module, method: Method, seed: int) -> AdaptationNetwork:
    """The trained part of a network, with the modules that the method adds, initialised by the seed."""
    assert isinstance(head, Head)
    seed_torch("method", seed)
    return AdaptationNetwork(stage, head, method)


def fix_epochs(settings: Settings, method: Method) -> Settings:
    """The settings, with an epoch for each pass over the target where the method fixes their number."""
    return settings if method.passes is None else replace(settings, epochs=method.passes)


@dataclass(frozen=True, eq=False)
class AdaptationSetup:
    """What adaptations have in common that are trained as one: the method, its inputs, and how long it is trained."""

    method: Method
    inputs: Inputs
    settings: Settings
    steps: int | None
    """Of an epoch; None for a pass over the target, as for a method that fixes the number of passes."""
    device: torch.device
    validators: Sequence[str] = tuple(VALIDATORS)

    def build_training(
        self, networks: Sequence[AdaptationNetwork], pairs: Sequence[SourceTargetData]
    ) -> tuple[AdaptationTask, Training]:
        """The task of one run for each network and its data, and the training that runs them together."""
        method, settings, device, steps = self.method, self.settings, self.device, self.steps
        if steps is None or method.passes is not None:
            steps = max(1, *(len(split_evenly(len(pair.target), settings.batch_size)) for pair in pairs))
        task = AdaptationTask(
            networks, method, self.inputs, pairs, epochs=settings.epochs, device=device, validators=self.validators
        )
        batches = SourceTargetBatches(
            self.inputs, pairs, method, batch_size=settings.batch_size, steps=steps, device=device
        )
        return task, Training(task, task.parameter_groups(), batches, settings, device)

    def train_teachers(
        self,
        students: Sequence[AdaptationNetwork],
        pairs: Sequence[SourceTargetData],
        observer: Observer,
        checkpoints: Checkpoints | None = None,
    ) -> list[Tensor]:
        """Train the method's teachers; for each run their mean probabilities (n, K) of the target's photographs.

        A teacher has a student's stage as it is before the training, a new head, and an order of its own. Where only
        heads are trained, all teachers of all runs are trained as one. Raises as a training does.
        """
        methods, runs = self.method.teacher_methods(), len(pairs)
        setup = replace(self, method=methods[0], validators=())
        data = [
            replace(pair, seed=f"{pair.seed}, teacher {number}") for number in range(len(methods)) for pair in pairs
        ]
        size = len(data) if all(isinstance(student.body[0], nn.Identity) for student in students) else 1
        probabilities: list[Tensor] = []
        with observer.track("teachers", len(data)) as advance:
            for first in range(0, len(data), size):
                some = data[first : first + size]
                teachers = [
                    _build_teacher(students[place % runs], methods[0], pair) for place, pair in enumerate(some, first)
                ]
                task, training = setup.build_training(teachers, some)
                training.run(WithoutEpochs(observer), checkpoints and checkpoints.for_part(f"teachers from {first}"))
                probabilities += task.probabilities()
                advance(len(some))
        return [torch.stack(probabilities[run::runs]).mean(0) for run in range(runs)]


def _build_teacher(student: AdaptationNetwork, teacher: Method, pair: SourceTargetData) -> AdaptationNetwork:
    seed_torch("teacher", pair.seed)
    return student.copy_with_new_head(teacher)


def compute_accuracies(task: AdaptationTask, run: int, actual: IntArray | None) -> list[float] | None:
    """A run's accuracy after each epoch, on its target's photographs of known items; None without `actual` (n,)."""
    if actual is None:
        return None
    known = actual >= 0
    accuracies: list[float] = (task.predictions(run)[:, known] == actual[known]).mean(1).tolist()
    return accuracies


def score_run(task: AdaptationTask, run: int, actual: IntArray | None, validator: str) -> dict[str, Any]:
    """A run's accuracy on its target's photographs after three epochs: the last, the selected, and the best one.

    The validator selects without labels; the best is the oracle's, who looks at them. Without `actual` items (n,) each
    accuracy is None.
    """
    selected = int(np.argmax(task.validator_scores(run)[validator]))
    accuracies = compute_accuracies(task, run, actual)
    return {
        "last": accuracies and accuracies[-1],
        "selected": {
            "validator": validator,
            "epoch": selected + 1,
            "accuracy": accuracies and accuracies[selected],
        },
        "oracle": accuracies and max(accuracies),
    }
