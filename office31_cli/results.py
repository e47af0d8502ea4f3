"""What the commands that train and score return; `to_json` is what `--json` prints."""

from dataclasses import asdict, dataclass
from typing import Any

PARTS = ("train", "test", "all")
"""What is scored of a domain: photographs whose labels the model has seen, those it has not, or both."""

COVERAGE = 0.9
"""How often a set of items is to hold the actual one, unless told otherwise."""


@dataclass(frozen=True, kw_only=True)
class TrainingResult:
    """A model that was trained and stored."""

    model: str
    id: str
    parent: str | None
    command: str
    data: str
    domains: tuple[str, ...]
    """The domains whose labels it learnt from in this run."""
    backbone: str
    weights: str
    train: str
    outputs: str
    photographs: int
    """Labelled photographs that this run learnt from."""
    held_out: int
    """Labelled photographs that it was scored on afterwards."""
    epochs: int
    seconds: float
    kinds: dict[str, str]
    """Of each output, by the column that it answers: choice, yes/no or number."""
    validation: dict[str, float | None]
    """On the held-out part each output's accuracy, of a number its R2; None where nothing was held out."""
    loss: list[float]
    """The mean loss of each epoch, of several losses their sum."""
    labels_used: dict[str, int]
    """Labels seen by domain, those of the models that it came from included."""
    calibration: dict[str, Any] | None = None
    """The temperature that mends its confidence, on what it was fitted, and the expected calibration error there before
    and after; None where there was nothing to fit it on."""
    forced: list[dict[str, Any]] | None = None
    """Where it went on from runs of other configurations: of each the `epoch`, and what was `differing`, by field what
    it `was` and `is`. Then the same command does not give the same bits. None of any other model."""

    def to_json(self) -> dict[str, Any]:
        """The object that `office31 pretrain --json` prints."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class FinetuneResult(TrainingResult):
    """A model that went on from another with labels of the target."""

    target: str
    strategy: str
    labels: int | str
    """`all`, the number of labels an item, or `listed`."""
    source: str | None
    """The labelled domains that it learnt from again, joined by `+`; None without them."""
    validated: int
    """Labelled photographs of the target that early stopping looked at; they count as seen."""
    fewer: dict[str, int]
    """The items of which fewer photographs were there than labels were asked for, with how many."""


@dataclass(frozen=True, kw_only=True)
class AdaptResult(TrainingResult):
    """A model that went on from another with photographs of the target, and none of its labels."""

    source: str | None
    """The labelled domains that it learnt from, joined by `+`; None for a source-free method."""
    target: str
    method: str
    scores: dict[str, Any]
    """Accuracies on all of the target: `last`, the stored network; `selected`, the epoch that a label-free validator
    picks; `oracle`, the best epoch, which only the target's labels tell. None where the target has no labels."""
    accuracies: list[float] | None = None
    """On all of the target after each epoch, read when the training is over; None where the target has no labels."""


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """A stored model's scores on a part of a domain; accuracies are fractions."""

    model: str
    id: str
    data: str
    split: str
    photographs: int
    accuracy: float
    ci95: tuple[float, float]
    """Wilson's interval."""
    macro_accuracy: float
    """The mean of the items' accuracies."""
    ece: float
    """Expected calibration error, 15 bins of equal width."""
    outputs: dict[str, dict[str, Any]]
    """By the column that is answered: its kind, and what that kind is scored by."""
    per_item: dict[str, dict[str, Any]]
    confused: list[dict[str, Any]]
    """The pairs most often confused: actual, predicted, photographs, share of the actual item."""
    confusion: dict[str, Any] | None
    """The `items`, and the `counts` of photographs, a row for each actual one; None unless it was asked for."""
    labels_used: dict[str, int]
    """Labels that the model has seen by domain; of the scored one, those of photographs that it holds."""
    seen: int
    """How many of the scored photographs the model learnt from: 0 for an honest score."""
    calibration: dict[str, Any]
    """The stored temperature, on what it was fitted and, by domain, how many labels that took; `ece_before` and
    `reliability` by the network's own confidence, `ece_after` and `reliability_after` at the temperature, each bin with
    its mean confidence and accuracy. `own` of the scored photographs are of those whose labels it was fitted to, and
    are judged as if it had not been. Without a stored calibration all but what is before one are None."""
    conformal: dict[str, Any]
    """Sets of items: the coverage asked for, the share of the sets that hold the actual item, with Wilson's interval,
    and how many items a set has on average; None, but for the first, where the model has no calibration."""

    def to_json(self) -> dict[str, Any]:
        """The object that `office31 evaluate --json` prints."""
        return asdict(self)
