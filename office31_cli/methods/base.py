"""What an adaptation method decides: the losses of a step, and what they change.

The files of the methods import no torch before they compute, so that `office31 methods` lists them in an instant.
"""

from abc import ABC
from collections.abc import Mapping, Sequence
from dataclasses import Field, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

from office31_cli.errors import Misuse
from office31_cli.text import did_you_mean, printable

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class Seen:
    """What the network makes of n photographs: features (n, d) after the bottleneck, logits (n, K) of the items."""

    features: "Tensor"
    logits: "Tensor"

    @property
    def probabilities(self) -> "Tensor":
        """The softmax (n, K) of the logits."""
        return self.logits.softmax(1)


@dataclass(frozen=True, eq=False)
class Source(Seen):
    """Photographs of the source with their labels (n,)."""

    labels: "Tensor"


@dataclass(frozen=True, eq=False)
class Target(Seen):
    """Photographs of the target. There is no label in it."""

    again: Seen | None = None
    """A strong view of the same photographs, for a method that compares `views`."""
    guess: "Tensor | None" = None
    """What the method's `guess` said of these photographs when the epoch began."""


@dataclass(frozen=True, eq=False)
class Step:
    """Where in the training a step is, and the networks that the method trains beside the classifier."""

    progress: float
    """From 0 at the first step towards 1 at the last."""
    phase: int
    """Of a method with several `phases` a step, which one, from 0."""
    own: "Mapping[str, nn.Module]"


def ranged(default: Any, low: float, high: float, meaning: str) -> Any:
    """A hyper-parameter with its default, the range worth trying, and what it means; bounds are inclusive."""
    return field(default=default, metadata={"low": low, "high": high, "meaning": meaning})


@dataclass(frozen=True, kw_only=True)
class Method(ABC):
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

    def modules(self, outputs: "nn.Linear") -> "dict[str, nn.Module]":
        """The networks that it trains beside the classifier, whose last layer is `outputs` (d to K); fresh ones."""
        return {}

    def taught_by(self) -> "Sequence[Method]":
        """The methods, alike but for their start, of networks that are trained first.

        Their mean prediction is then the guess, in place of `guess`.
        """
        return ()

    def guess(self, source: Source, target: Seen) -> "Tensor | None":
        """What it holds all of the target's photographs (n,) or (n, K) to be, asked when an epoch begins."""
        return None

    def losses(self, source: Source, target: Target, step: Step) -> "dict[str, Tensor]":
        """The losses by name, scalars. `source` has no rows if it is source-free, `target` none unless it uses it."""
        return {}

    @classmethod
    def hyperparameters(cls) -> "tuple[Field[Any], ...]":
        """Its fields in order, each with `low`, `high` and `meaning` in its metadata."""
        return fields(cls)

    @classmethod
    def of(cls, name: str, settings: Mapping[str, str]) -> Self:
        """The method `name` with what was typed after `--set`; raises `Misuse` for what it does not have."""
        known = {each.name: each for each in fields(cls)}
        method = cls()
        for key, text in settings.items():
            if key not in known:
                raise Misuse(f"--set {printable(key)}", f"{name} has no such setting", did_you_mean(key, known))
            method = replace(method, **{key: _value(known[key], text)})
        return method

    def settings(self) -> dict[str, float | int | bool]:
        """The hyper-parameters by name, as stored in a model's card."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


def _value(setting: "Field[Any]", text: str) -> float | int | bool:
    """A typed value as the kind of number that the default is, within the bounds."""
    low, high = setting.metadata["low"], setting.metadata["high"]
    refused = Misuse(f"--set {setting.name}={printable(text)}", "not in its range", f"use {low:g} to {high:g}")
    if isinstance(setting.default, bool):
        words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
        if text.lower() not in words:
            raise Misuse(f"--set {setting.name}={printable(text)}", "neither true nor false", "use true or false")
        return words[text.lower()]
    kind, called = (int, "a whole number") if isinstance(setting.default, int) else (float, "a number")
    try:
        value: float | int = kind(text)
    except ValueError:
        raise Misuse(f"--set {setting.name}={printable(text)}", f"not {called}", f"use {low:g} to {high:g}") from None
    if not low <= value <= high:
        raise refused
    return value
