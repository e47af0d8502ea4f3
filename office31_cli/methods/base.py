"""What an adaptation method decides: the losses of a step, and what they change.

The files of the methods import no torch before they compute, so that `office31 methods` lists them in an instant.
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
    """What the network makes of n photographs: features (n, d) after the bottleneck, logits (n, K) of the items."""

    features: "Tensor"
    logits: "Tensor"

    @property
    def probabilities(self) -> "Tensor":
        """The softmax (n, K) of the logits."""
        return self.logits.softmax(1)


@dataclass(frozen=True, eq=False)
class Source(ModelOutput):
    """Photographs of the source with their labels (n,)."""

    labels: "Tensor"


@dataclass(frozen=True, eq=False)
class Target(ModelOutput):
    """Photographs of the target. There is no label in it."""

    strong_view: ModelOutput | None = None
    """A strong view of the same photographs, for a method that compares `views`."""
    pseudo_labels: "Tensor | None" = None
    """What the method's `guess` said of these photographs when the epoch began."""


@dataclass(frozen=True, eq=False)
class Step:
    """Where in the training a step is, and the networks that the method trains beside the classifier."""

    progress: float
    """From 0 at the first step towards 1 at the last."""
    phase: int
    """Of a method with several `phases` a step, which one, from 0."""
    extra_modules: "Mapping[str, nn.Module]"


@dataclass(frozen=True, kw_only=True)
class Method(Configurable, ABC):
    """A way to learn from unlabelled photographs; its fields, made with `ranged`, are its hyper-parameters.

    Every loss of a step is minimised, together with the source's cross-entropy where it has a source.
    """

    paper: ClassVar[str]
    """Who, when, where."""
    source_free: ClassVar[bool] = False
    """Whether it goes on from the stored model with the target alone."""
    supervised: ClassVar[bool] = True
    """Whether the loop adds the source's cross-entropy by itself; one that says no returns its own."""
    uses_target: ClassVar[bool] = True
    views: ClassVar[int] = 1
    """How many cached views of a photograph it needs; above 1 a step compares the plain view with a strong one."""
    phases: ClassVar[int] = 1
    """Steps of the optimizer a batch: `losses` is asked once for each."""
    passes: ClassVar[int | None] = None
    """Passes over the target, for a method that takes a fixed number of them instead of epochs of equal length."""

    def prepare(self, body: "nn.Module", outputs: "nn.Linear") -> None:
        """Freeze or reset what must be, once, before the first step.

        `body` maps what the frozen part made of an image to features, `outputs` those to logits.
        """
        return

    def build_extra_modules(self, outputs: "nn.Linear") -> "dict[str, nn.Module]":
        """The networks that it trains beside the classifier, whose last layer is `outputs` (d to K); fresh ones."""
        return {}

    def teacher_methods(self) -> "Sequence[Method]":
        """The methods, alike but for their start, of networks that are trained first.

        Their mean prediction is then the guess, in place of `guess`.
        """
        return ()

    def assign_pseudo_labels(self, source: Source, target: ModelOutput) -> "Tensor | None":
        """What it holds all of the target's photographs (n,) or (n, K) to be, asked when an epoch begins."""
        return None

    def losses(self, source: Source, target: Target, step: Step) -> "dict[str, Tensor]":
        """The losses by name, scalars. `source` has no rows if it is source-free, `target` none unless it uses it."""
        return {}
