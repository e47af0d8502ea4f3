"""Networks that are trained first, each from a start of its own, so that another can learn what they agree on."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from office31_cli.engine.batches import Pair
from office31_cli.engine.checkpoints import Checkpoints
from office31_cli.engine.draws import seed_torch
from office31_cli.engine.inputs import Inputs
from office31_cli.engine.learner import Learner
from office31_cli.engine.settings import Settings
from office31_cli.methods.base import Method
from office31_cli.observer import Aside, Observer
from office31_cli.workflow.adapt_training import learning_together


def agreed(
    method: Method,
    students: Sequence[Learner],
    pairs: Sequence[Pair],
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
    teachers, total = method.taught_by(), len(pairs)
    theirs = [replace(pair, seed=f"{pair.seed}, teacher {number}") for number in range(len(teachers)) for pair in pairs]
    heads_alone = all(isinstance(student.body[0], nn.Identity) for student in students)
    size = len(theirs) if heads_alone else 1
    found: list[Tensor] = []
    with observer.track("teachers", len(theirs)) as advance:
        for first in range(0, len(theirs), size):
            places = range(len(theirs))[first : first + size]
            learners = [_fresh(students[place % total], teachers[0], theirs[place]) for place in places]
            pairs = [theirs[place] for place in places]
            adaptation, training = learning_together(
                learners, pairs, teachers[0], inputs, settings, steps, device, validators=()
            )
            training.run(Aside(observer), checkpoints and checkpoints.of_part(f"teachers from {first}"))
            found += adaptation.probabilities()
            advance(len(places))
    return [torch.stack(found[run::total]).mean(0) for run in range(total)]


def _fresh(student: Learner, teacher: Method, pair: Pair) -> Learner:
    seed_torch("teacher", pair.seed)
    return student.restarted(teacher)
