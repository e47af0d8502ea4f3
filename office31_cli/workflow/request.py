"""What a training command was asked to do, checked as far as that goes without torch."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from office31_cli.data import columns, sets
from office31_cli.data.catalogue import DataLike, location, open_data, reading_options
from office31_cli.data.data_set import DataSet
from office31_cli.engine.settings import (
    HELD_OUT_SHARE,
    MOST_HELD_OUT,
    check_class_weights,
    check_device,
    check_optimizer,
    check_train,
)
from office31_cli.errors import Misuse
from office31_cli.models.catalogue import check_backbone, is_weights_file, resolve_weights
from office31_cli.outputs.composite import Composite
from office31_cli.outputs.notation import format_outputs, parse
from office31_cli.registry import Entry, Registry
from office31_cli.workflow import tensorboard

SOURCE_ONLY = "erm"
"""The method that trains on the source alone."""

DEFAULT_METHOD = "auto"
DEFAULT_VALIDATOR = "im"

ADAPT_EPOCHS, ADAPT_STEPS = 10, 100
"""Epochs of an adaptation unless others are asked for, and the most steps of each."""

ADAPT_VIEWS = 2
"""Views of each photograph: as it is, and its mirror image; further ones are random crops in other colours."""

PUBLISHED_WITH = ("resnet50", "ResNet50_Weights.IMAGENET1K_V1")
"""The network and weights of the published Office-31 tables."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What commands that train let the user choose; None takes the command's own default."""

    outputs: str | None = None
    train: str | None = None
    epochs: int | None = None
    lr: float | None = None
    optimizer: str = "nesterov"
    batch_size: int = 64
    class_weights: str = "none"
    """`balanced` gives each item the same weight in the loss, `sampler` draws photographs of each equally often; of
    `pretrain` and `finetune` alone."""
    held_out: float | None = None
    seed: int = 0
    device: str = "auto"
    name: str | None = None
    resume: bool = False
    force: bool = False
    """With `resume`: resume an interrupted run even where its configuration differs."""
    allow_nonfinite: bool = False
    """Take weights from a file that hold NaN or infinite values."""
    skip_bad: bool = False
    tensorboard: str | os.PathLike[str] | None = None
    """A folder to write each epoch's figures to, for TensorBoard."""

    def check(self) -> None:
        """Raise `Misuse` for names and numbers that make no sense, and for a model name that is taken."""
        if self.force and not self.resume:
            raise Misuse("--force", "it only changes --resume", "add --resume, or leave it out")
        check_optimizer(self.optimizer, self.lr)
        check_device(self.device)
        check_class_weights(self.class_weights)
        if self.train is not None:
            check_train(self.train)
        least = {"epochs": 1, "batch_size": 2, "seed": 0}
        for name, smallest in least.items():
            value, option = getattr(self, name), f"--{name.replace('_', '-')}"
            if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
                raise Misuse(f"{option} {value}", "not a whole number", f"use {smallest} or more")
            if value is not None and value < smallest:
                raise Misuse(f"{option} {value}", "too small", f"use {smallest} or more")
        if self.held_out is not None and not 0 <= self.held_out <= MOST_HELD_OUT:
            raise Misuse(f"--held-out {self.held_out}", "out of range", f"use a share from 0 to {MOST_HELD_OUT}")
        if self.name is not None:
            Registry().check_name_free(self.name)
        if self.tensorboard is not None:
            tensorboard.check(self.tensorboard)

    def check_unweighted(self, command: str) -> None:
        """Raise `Misuse` where class weights are chosen for a command that has none."""
        if self.class_weights != "none":
            raise Misuse(f"--class-weights {self.class_weights}", f"{command} has no class weights", "leave it out")

    def without_resume(self, **changes: Any) -> "Options":
        """These with `changes`, for runs that begin anew."""
        return replace(self, resume=False, force=False, **changes)

    def to_json(self, *without: str) -> dict[str, Any]:
        """By name, as recorded in a card: all that decide what is computed, but those that a command is `without`."""
        left_out = ("resume", "force", "tensorboard", *without)
        return {name: value for name, value in vars(self).items() if name not in left_out}


DEFAULTS = Options()
"""What is chosen when nothing is."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """One training: on which labels, from which start, and how."""

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
    held_out: float
    """The share of the labels that is held out."""
    asked: dict[str, Any] = field(default_factory=dict)
    """The command's options by name, as they were asked for; None where the default was to decide."""

    @property
    def unknown_note(self) -> str:
        """What becomes of photographs with items that the model does not know, as messages end."""
        return ""

    @property
    def allow_nonfinite(self) -> bool:
        """Whether weights need not be finite: of a stored model, where those that it began with did not."""
        if self.parent is None:
            return self.options.allow_nonfinite
        return bool(self.parent.card.configuration.get("allow_nonfinite"))

    def to_json(self) -> dict[str, Any]:
        """What decides the result beside the network and the photographs; recorded in the card."""
        allowed = {"allow_nonfinite": True} if self.allow_nonfinite else {}
        balance = self.options.class_weights
        weighted = {} if balance == "none" else {"class_weights": balance}
        return {"outputs": format_outputs(self.outputs), "held_out": self.held_out, **allowed, **weighted}

    def resolved(self) -> dict[str, Any]:
        """The options as `asked` has them, with what the defaults came to; those that need torch are left to the run.

        One that is None or False is not to be given where the command is repeated.
        """
        return self._resolved_alike() | {
            "domain": list(self.domains),
            "backbone": self.backbone,
            "weights": self.weights,
            "outputs": format_outputs(self.outputs),
        }

    def _resolved_alike(self) -> dict[str, Any]:
        """Those that every training command has."""
        return self.asked | {"data": location(self.data), "held_out": self.held_out, **reading_options(self.data)}


def build_request(
    command: str,
    domains: Sequence[str],
    *,
    data: DataLike | None,
    backbone: str | None,
    weights: str | None,
    options: Options,
    held_out: float = HELD_OUT_SHARE,
) -> Request:
    """A training from pre-trained or fresh weights on labelled domains; without an option, `held_out` is held out.

    Raises `Misuse` for names and numbers that make no sense, and `Failed` where the data set is not here.
    """
    options.check()
    if command != "pretrain":
        options.check_unweighted(command)
    opened = open_data(data)
    wanted = _select_domains(opened, domains)
    opened = opened.numbered(opened.items_of(*wanted))
    asked = {
        "domain": list(domains),
        "data": None if data is None else location(opened) if isinstance(data, DataSet) else os.fspath(data),
        **reading_options(opened),
        "backbone": backbone,
        "weights": weights,
        **options.to_json(),
    }
    if backbone is None:
        known = sets.find(location(opened))
        backbone = "convnet" if known is not None and known.drawn else PUBLISHED_WITH[0]
    check_backbone(backbone)
    if options.allow_nonfinite and (weights is None or not is_weights_file(weights)):
        raise Misuse("--allow-nonfinite", "it is for a file of your own", "give --weights PATH, or leave it out")
    return Request(
        command=command,
        data=opened,
        domains=wanted,
        backbone=backbone,
        weights=resolve_weights(backbone, _default_weights(backbone) if weights is None else weights),
        parent=None,
        outputs=parse("item" if options.outputs is None else options.outputs, partial(columns.get_column, opened)),
        suggested_name=f"{_name_domains(opened, wanted)}-{backbone}",
        options=options,
        held_out=held_out if options.held_out is None else options.held_out,
        asked=asked,
    )


def _select_domains(data: DataSet, domains: Sequence[str]) -> tuple[str, ...]:
    """The domains asked for, each once, in the data set's order; `all` are those with labels."""
    if isinstance(domains, str) or not domains:
        raise Misuse(
            "domains", "a list of one or more names is needed", f"choose from {', '.join(data.labelled_domains)}"
        )
    for domain in domains:
        if domain != "all":
            data.check_labelled(domain)
    return tuple(domain for domain in data.labelled_domains if domain in domains or "all" in domains)


def _name_domains(data: DataSet, wanted: tuple[str, ...]) -> str:
    return "all" if len(wanted) > 1 and wanted == data.labelled_domains else "-".join(wanted)


def _default_weights(backbone: str) -> str:
    return PUBLISHED_WITH[1] if backbone == PUBLISHED_WITH[0] else "DEFAULT"
