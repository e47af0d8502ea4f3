"""What a training command was asked to do, checked as far as that goes without torch."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from office31_cli.data.folder import DataSet
from office31_cli.engine.settings import Refinements, check_device, check_optimizer, check_train
from office31_cli.errors import Misuse
from office31_cli.methods.base import Method
from office31_cli.outputs.composite import Composite
from office31_cli.outputs.notation import format_outputs
from office31_cli.registry import Entry, Registry
from office31_cli.strategies.base import Strategy
from office31_cli.workflow import tensorboard


@dataclass(frozen=True, kw_only=True)
class Options:
    """What commands that train let the user choose; None takes the default that fits."""

    outputs: str | None = None
    train: str | None = None
    epochs: int | None = None
    lr: float | None = None
    optimizer: str = "nesterov"
    batch_size: int = 64
    held_out: float = 0.2
    seed: int = 0
    device: str = "auto"
    name: str | None = None
    resume: bool = False
    force: bool = False
    """With `resume`: go on from an interrupted run even where its configuration differs."""
    allow_nonfinite: bool = False
    """Take weights from a file that hold NaN or infinite values."""
    skip_bad: bool = False
    tensorboard: Path | None = None
    """A folder to write each epoch's figures to, for TensorBoard."""

    def check(self) -> None:
        """Raise `Misuse` for names and numbers that make no sense, and for a model name that is taken."""
        if self.force and not self.resume:
            raise Misuse("--force", "it says what to resume", "add --resume, or leave it out")
        check_optimizer(self.optimizer, self.lr)
        check_device(self.device)
        if self.train is not None:
            check_train(self.train)
        for option, value, least in (("--epochs", self.epochs, 1), ("--batch-size", self.batch_size, 2)):
            if value is not None and value < least:
                raise Misuse(f"{option} {value}", "too small", f"use {least} or more")
        if not 0 <= self.held_out < 1:
            raise Misuse(f"--held-out {self.held_out}", "not a share", "use a number from 0 to 0.9")
        if self.name is not None:
            Registry().check_name_free(self.name)
        if self.tensorboard is not None:
            tensorboard.check(self.tensorboard)

    def without_resume(self, **changes: Any) -> "Options":
        """These with `changes`, for runs that go on from nothing."""
        return replace(self, resume=False, force=False, **changes)


DEFAULTS = Options()
"""What is chosen when nothing is."""

ADAPT_DEFAULTS = Options(held_out=0.0)

DEFAULT_METHOD = "auto"
DEFAULT_VALIDATOR = "im"

SOURCE_ONLY = "erm"
"""The method that learns from the source alone."""

ADAPT_EPOCHS, ADAPT_STEPS = 10, 100
"""Epochs unless told otherwise, and the most steps of each."""

ADAPT_VIEWS = 2
"""Of each photograph: as it is, and its mirror image; further ones are random crops in other colours."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """One training: which labels, from which start, and how."""

    command: str
    data: DataSet
    domains: tuple[str, ...]
    backbone: str
    weights: str
    parent: Entry | None
    outputs: Composite
    """What the network is to answer, in terms of the data set's columns."""
    suggested_name: str
    options: Options

    @property
    def allow_nonfinite(self) -> bool:
        """Whether weights need not be finite: of a stored model, where those that it began with did not."""
        if self.parent is None:
            return self.options.allow_nonfinite
        return bool(self.parent.card.configuration.get("allow_nonfinite"))

    def to_json(self) -> dict[str, Any]:
        """What decides the result beside the network and the photographs; recorded in the card."""
        allowed = {"allow_nonfinite": True} if self.allow_nonfinite else {}
        return {"outputs": format_outputs(self.outputs), "held_out": self.options.held_out, **allowed}


@dataclass(frozen=True, kw_only=True)
class FinetuneRequest(Request):
    """Going on with labels: `domains` are the target, then those of the source that are learnt from again."""

    name: str
    """The strategy's."""
    strategy: Strategy
    labels: int | None
    """Labels an item; None for all of the training part."""
    listed_files: tuple[str, ...] | None
    """The photographs whose labels to learn from, by their paths below the target; None for a draw."""
    refinements: Refinements

    def to_json(self) -> dict[str, Any]:
        """As `Request.to_json`."""
        labels = "all" if self.labels is None else self.labels
        told = {"strategy": self.name, "settings": self.strategy.settings(), **self.refinements.to_json()}
        listed = {} if self.listed_files is None else {"listed": list(self.listed_files)}
        return super().to_json() | told | {"labels": labels if self.listed_files is None else "listed", **listed}


@dataclass(frozen=True, kw_only=True)
class AdaptRequest(Request):
    """An adaptation: `domains` are the source, whose labels are learnt from; none for a source-free method."""

    target: str
    name: str
    """The method's."""
    method: Method
    steps: int | None
    """Of an epoch; None where nothing was asked for, and for a method whose epoch is a pass over the target."""
    views: int
    """Of each photograph that training sees, where a part is frozen."""
    validator: str

    def to_json(self) -> dict[str, Any]:
        """As `Request.to_json`."""
        adapting = ("target", "steps", "views", "validator")
        told = {name: getattr(self, name) for name in adapting}
        return super().to_json() | told | {"method": self.name, "settings": self.method.settings()}
