"""What every adaptation is made of: examples with and without labels, one training for all runs, the scores."""

from collections.abc import Sequence
from dataclasses import replace
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
    """Photographs of the source, which lie in the inputs' array number `domain`, with their items."""
    items = photographs.items[:, None].astype(np.float64)
    return Examples(np.full(len(photographs), domain), photographs.rows, items)


def build_unlabelled_examples(photographs: Photographs, domain: int) -> Examples:
    """Photographs of the target; what they show is left behind.

    They stand in the order of their contents: that in which they are listed follows their labels.
    """
    rows = photographs.rows[order_by_content(photographs)]
    return Examples(np.full(len(rows), domain), rows, np.empty((len(rows), 0)))


def actual_items(photographs: Photographs) -> IntArray | None:
    """What the photographs of `build_unlabelled_examples` show, in its order; None where nobody has said."""
    return photographs.items[order_by_content(photographs)] if photographs.has_labels else None


def order_by_content(photographs: Photographs) -> IntArray:
    """Places (n,) in an order that follows the photographs' bytes alone."""
    return np.argsort(np.array(photographs.digests), kind="stable")


def no_examples() -> Examples:
    """No labelled photographs."""
    return Examples(np.empty(0, np.int64), np.empty(0, np.int64), np.empty((0, 1)))


def check_enough_examples(pair: SourceTargetData, source: Sequence[str], target: str) -> None:
    """Raise `Failed` where there is too little to learn from; `source` are its domains, if it has any."""
    if len(pair.target) < 2:
        raise Failed(f"target {printable(target)}", "it has fewer than two photographs", "add some")
    if source and len(np.unique(pair.source.targets)) < 2:
        raise Failed(
            f"source {printable('+'.join(source))}",
            "its photographs all show the same item, so there is nothing to tell apart",
            "add pictures of another item",
        )


def build_learner(stage: nn.Module, head: nn.Module, method: Method, seed: int) -> AdaptationNetwork:
    """A network's trained part, ready for the method; what the method adds is drawn by the seed."""
    assert isinstance(head, Head)
    seed_torch("method", seed)
    return AdaptationNetwork(stage, head, method)


def set_passes(settings: Settings, method: Method) -> Settings:
    """The settings, with as many epochs as the method makes passes over the target, if that is fixed."""
    return settings if method.passes is None else replace(settings, epochs=method.passes)


def build_joint_training(
    learners: Sequence[AdaptationNetwork],
    pairs: Sequence[SourceTargetData],
    method: Method,
    inputs: Inputs,
    settings: Settings,
    steps: int | None,
    device: torch.device,
    validators: Sequence[str] = tuple(VALIDATORS),
) -> tuple[AdaptationTask, Training]:
    """The task of one run or of several, and the training that runs it; without `steps` an epoch is a pass."""
    if steps is None or method.passes is not None:
        steps = max(1, *(len(split_evenly(len(pair.target), settings.batch_size)) for pair in pairs))
    adaptation = AdaptationTask(
        learners, method, inputs, pairs, epochs=settings.epochs, device=device, validators=validators
    )
    batches = SourceTargetBatches(inputs, pairs, method, batch_size=settings.batch_size, steps=steps, device=device)
    return adaptation, Training(adaptation, adaptation.parameter_groups(), batches, settings, device)


def compute_accuracies(adaptation: AdaptationTask, run: int, actual: IntArray | None) -> list[float] | None:
    """A run's accuracy on its target's photographs after each epoch; None without `actual` items (n,)."""
    if actual is None:
        return None
    right: list[float] = (adaptation.predictions(run) == actual).mean(1).tolist()
    return right


def score_run(adaptation: AdaptationTask, run: int, actual: IntArray | None, validator: str) -> dict[str, Any]:
    """A run's accuracy on its target's photographs: after the last epoch, the one picked without labels, the best.

    The best is the oracle's, who looks at the labels. Without `actual` items (n,) each is None.
    """
    judged = adaptation.validator_scores(run)[validator]
    picked = int(np.argmax(judged))
    right = compute_accuracies(adaptation, run, actual)
    return {
        "last": right and right[-1],
        "selected": {"validator": validator, "epoch": picked + 1, "accuracy": right and right[picked]},
        "oracle": right and max(right),
    }


def train_teachers(
    method: Method,
    students: Sequence[AdaptationNetwork],
    pairs: Sequence[SourceTargetData],
    inputs: Inputs,
    settings: Settings,
    steps: int | None,
    device: torch.device,
    observer: Observer,
    checkpoints: Checkpoints | None = None,
) -> list[Tensor]:
    """For each run its teachers' mean probabilities (n, K) of the target's photographs; raises as a training does.

    A teacher has a student's stage as it is before the training, a fresh head, and an order of its own. Where only
    heads are trained, all teachers of all runs are trained as one.
    """
    teachers, total = method.teacher_methods(), len(pairs)
    theirs = [replace(pair, seed=f"{pair.seed}, teacher {number}") for number in range(len(teachers)) for pair in pairs]
    heads_alone = all(isinstance(student.body[0], nn.Identity) for student in students)
    size = len(theirs) if heads_alone else 1
    found: list[Tensor] = []
    with observer.track("teachers", len(theirs)) as advance:
        for first in range(0, len(theirs), size):
            places = range(len(theirs))[first : first + size]
            learners = [_build_teacher(students[place % total], teachers[0], theirs[place]) for place in places]
            pairs = [theirs[place] for place in places]
            adaptation, training = build_joint_training(
                learners, pairs, teachers[0], inputs, settings, steps, device, validators=()
            )
            training.run(WithoutEpochs(observer), checkpoints and checkpoints.for_part(f"teachers from {first}"))
            found += adaptation.probabilities()
            advance(len(places))
    return [torch.stack(found[run::total]).mean(0) for run in range(total)]


def _build_teacher(student: AdaptationNetwork, teacher: Method, pair: SourceTargetData) -> AdaptationNetwork:
    seed_torch("teacher", pair.seed)
    return student.copy_with_new_head(teacher)
