"""What an adaptation method defines: the losses of a training step, and the modules and labels that they need.

The files of the methods import torch only inside functions, so that `office31 methods` lists them without waiting.
"""

from abc import ABC
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from office31_cli.hyperparameters import Configurable

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class ModelOutput:
    """The network's output for n photographs: features (n, d) after the bottleneck, logits (n, K) of the items."""

    features: "Tensor"
    logits: "Tensor"

    @property
    def probabilities(self) -> "Tensor":
        """The softmax of the logits, (n, K)."""
        return self.logits.softmax(1)


@dataclass(frozen=True, eq=False)
class Source(ModelOutput):
    """The network's output for n photographs of the source, with their labels (n,)."""

    labels: "Tensor"


@dataclass(frozen=True, eq=False)
class Target(ModelOutput):
    """The network's output for n photographs of the target, which have no labels."""

    strong_view: ModelOutput | None = None
    """The output for a strongly augmented view of the same photographs; None for a method with one of `views`."""
    pseudo_labels: "Tensor | None" = None
    """The photographs' share of `assign_pseudo_labels`, or of the teachers' mean probabilities."""
    known: "Tensor | None" = None
    """The estimated probability (n,) that each photograph shows an item of the source; None where all are taken to."""
    memory: "Memory | None" = None
    """For a method that `remembers_target`."""


@dataclass(frozen=True, eq=False)
class Memory:
    """The features of all of the target's photographs as they were at the start of the epoch."""

    features: "Tensor"
    """Of length 1, (N, d); beyond the last photograph there may be rows of zeros."""
    places: "Tensor"
    """Which of them (n,) the batch's photographs are."""


@dataclass(frozen=True, eq=False)
class Step:
    """The position of a step in the training, and the modules that are trained beside the classifier."""

    progress: float
    """The share of the training before this step, in [0, 1)."""
    phase: int
    """Which of the method's `phases` this is, from 0."""
    extra_modules: "Mapping[str, nn.Module]"
    """Those of `build_extra_modules`."""
    prior: "Tensor | None" = None
    """The estimated shares (K,) of the items in the target, 0 for absent ones; None where all are taken to be there.

    The training loop weights the source's cross-entropy by it; what a method expects of all items it should expect of
    those that are there.
    """


@dataclass(frozen=True, kw_only=True)
class Method(Configurable, ABC):
    """An unsupervised domain adaptation method; its fields, made with `hyperparameter`, are its hyper-parameters.

    A step minimises the sum of `losses` and, unless `supervised` is False, the source's cross-entropy.
    """

    paper: ClassVar[str]
    """Authors, year, and where it was published."""
    source_free: ClassVar[bool] = False
    """Whether it adapts the stored model with the target's photographs alone."""
    supervised: ClassVar[bool] = True
    """Whether the training loop adds the source's cross-entropy; if not, `losses` has to."""
    uses_target: ClassVar[bool] = True
    """Whether `losses` looks at the target."""
    views: ClassVar[int] = 1
    """Cached views of each photograph; above 1 a step gets the plain view and one of the strong ones."""
    phases: ClassVar[int] = 1
    """Optimizer steps for each batch; `losses` is called once for each."""
    passes: ClassVar[int | None] = None
    """The number of passes over the target, for a method that fixes it; `--epochs` and `--steps` then do not apply."""
    changes_batch_norms: ClassVar[bool] = False
    """Whether it works by batch norms alone, so that a trained part without any leaves it nothing to do."""
    remembers_target: ClassVar[bool] = False
    """Whether `losses` compares photographs with all of the target, as `Target.memory` holds it."""
    guarded: ClassVar[bool] = False
    """Whether it is trained by what is estimated of the target's items, all of which it would expect otherwise."""
    unknown_score: ClassVar[str] = "entropy"
    """What tells photographs of unknown items in a network that it adapted: `entropy`, `energy`, `max_logit`, or
    `known`, for the heads of that name among its `build_extra_modules`, which are then stored with the network."""

    def unknown_threshold(self, items: int) -> float | None:
        """The score above which it calls a photograph unknown, as published; None where that has to be estimated."""
        return None

    def prepare(self, body: "nn.Module", outputs: "nn.Linear") -> None:
        """Freeze or reset parameters and buffers, once, before the first step.

        `body` maps the frozen part's output to features (n, d), `outputs` those to logits (n, K).
        """
        return

    def build_extra_modules(self, outputs: "nn.Linear") -> "dict[str, nn.Module]":
        """Randomly initialised modules to train beside the classifier, whose last layer (d to K) is `outputs`."""
        return {}

    def teacher_methods(self) -> "Sequence[Method]":
        """The methods of the teachers, equal ones, which are trained first, each from another random initialisation.

        The pseudo-labels are then the teachers' mean probabilities, in place of those of `assign_pseudo_labels`.
        """
        return ()

    def assign_pseudo_labels(self, source: Source, target: ModelOutput) -> "Tensor | None":
        """Pseudo-labels of all of the target's photographs, (n,) or (n, K), computed at the start of each epoch."""
        return None

    def losses(self, source: Source, target: Target, step: Step) -> "dict[str, Tensor]":
        """The losses of a step by name, scalars.

        `source` has no rows if the method is source-free, `target` none unless it uses the target.
        """
        return {}
