"""How to train: the numbers that a user may set, and their defaults. Imports no torch."""

import re
from dataclasses import asdict, dataclass
from typing import Any

from office31_cli.errors import Misuse
from office31_cli.text import did_you_mean, printable

LEARNING_RATES = {"sgd": 0.1, "momentum": 0.03, "nesterov": 0.03, "rmsprop": 3e-4, "adam": 1e-3, "adamw": 1e-3}
"""The optimizers by name, each with the learning rate that it gets unless told otherwise."""

LARGEST_RATE = 1e30
"""A step in single precision cannot be much longer."""

HELD_OUT_SHARE, MOST_HELD_OUT = 0.2, 0.9
"""The share of the labels that is held out where a command trains on labels, and the largest that may be asked for."""

EPOCHS = {"head": 30, "last": 10, "all": 20}
"""What `--train` takes, each with the passes over the photographs that it gets unless told otherwise."""

WEIGHT_DECAY = 1e-3
"""As in the field's usual protocol for MCC and DANN."""


CLASS_WEIGHTS = ("none", "balanced", "sampler")
"""What `--class-weights` takes: each label counts alike, or each item, by weights in the loss or by what is drawn."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One training run: passes over the data, photographs a step, and how the steps are taken."""

    epochs: int
    batch_size: int
    optimizer: str
    lr: float
    seed: int
    weight_decay: float = WEIGHT_DECAY
    schedule: str = "cosine"
    """The learning rate's course: half a cosine from the full rate to nothing, or `constant`."""

    def to_json(self) -> dict[str, Any]:
        """As stored in a model's card."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Refinements:
    """What may be added to fine-tuning; None leaves it out."""

    label_smoothing: float = 0.0
    """The share of each label's certainty that is spread over all labels (Szegedy and others 2016)."""
    layer_decay: float | None = None
    """Each layer's learning rate is that of the layer above times this (Howard and Ruder 2018)."""
    gradual_unfreezing: bool = False
    """Whether training begins with the last layer, and one more joins each epoch (Howard and Ruder 2018)."""
    patience: int | None = None
    """Epochs without a better accuracy on labels kept for this, after which the best epoch is taken."""
    ema: float | None = None
    """Decay of the exponential moving average of the weights that is taken in their place (Tarvainen 2017)."""

    def check(self) -> None:
        """Raise `Misuse` for numbers that make no sense."""
        for option, value in (("--label-smoothing", self.label_smoothing), ("--ema", self.ema)):
            if value is not None and not 0 <= value < 1:
                raise Misuse(f"{option} {value}", "not a share", "use a number from 0 to 0.999")
        if self.layer_decay is not None and not 0 < self.layer_decay <= 1:
            raise Misuse(f"--layer-decay {self.layer_decay}", "not a share", "use a number above 0, up to 1")
        if self.patience is not None and self.patience < 1:
            raise Misuse(f"--patience {self.patience}", "too few epochs", "use 1 or more")

    def to_json(self) -> dict[str, Any]:
        """As stored in a model's card: what was added."""
        return {name: value for name, value in asdict(self).items() if value not in (None, False, 0.0)}


NO_REFINEMENTS = Refinements()


def check_optimizer(name: str, lr: float | None) -> float:
    """The learning rate to use; raises `Misuse` where a name or number makes no sense."""
    if name not in LEARNING_RATES:
        raise Misuse(f"optimizer {printable(name)}", "not one of ours", did_you_mean(name, LEARNING_RATES))
    if lr is not None and not 0 < lr <= LARGEST_RATE:
        raise Misuse(
            f"--lr {lr}", f"it must be a positive number up to {LARGEST_RATE:g}", f"try {LEARNING_RATES[name]}"
        )
    return LEARNING_RATES[name] if lr is None else lr


def check_train(train: str) -> None:
    """Raise `Misuse` where `--train` is not a part of a network that can be trained."""
    if train not in EPOCHS:
        raise Misuse(f"--train {printable(train)}", "not a part of a network", f"use {', '.join(EPOCHS)}")


def check_class_weights(name: str) -> None:
    """Raise `Misuse` where `--class-weights` is none of `CLASS_WEIGHTS`."""
    if name not in CLASS_WEIGHTS:
        raise Misuse(
            f"--class-weights {printable(name)}", "there is none of that name", did_you_mean(name, CLASS_WEIGHTS)
        )


def check_device(name: str) -> None:
    """Raise `Misuse` where `--device` is not of a known form. Touches no device."""
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d{1,2})?", name):
        raise Misuse(f"--device {printable(name)}", "not a known form", "use auto, cpu, cuda, cuda:N or mps")
