"""What the comparisons return; `to_json` is what `--json` prints."""

from dataclasses import asdict, dataclass
from typing import Any

from office31_cli.workflow.request import AdaptRequest, FinetuneRequest


@dataclass(frozen=True)
class Claim:
    """Something that the chapter says, what was measured here, and whether that bears it out."""

    claim: str
    measured: str
    verdict: str
    """`borne out`, `contradicted` or `undecided`."""

    @classmethod
    def judge(cls, claim: str, measured: str, bears_out: bool | None) -> "Claim":
        """With the verdict in words; None decides nothing."""
        verdict = {True: "borne out", False: "contradicted", None: "undecided"}[bears_out]
        return cls(claim, measured, verdict)


@dataclass(frozen=True, kw_only=True)
class OutputsRow:
    """One way to answer item and domain, over several seeds; accuracies are fractions of the held-out photographs."""

    outputs: str
    width: int
    parameters: int
    """Trained ones."""
    item: float | None
    item_std: float | None
    domain: float | None
    domain_std: float | None
    both: float | None
    """Both right at once; each None where it was not asked for, a deviation also with a single seed."""
    both_std: float | None
    seconds: float
    """Of training, a seed, features apart."""
    loss: list[float]
    """The mean over seeds of the whole loss, by epoch."""
    runs: list[dict[str, Any]]
    """Each seed's figures."""


@dataclass(frozen=True)
class OutputsComparison:
    """`compare outputs`: the alternatives in the order asked for."""

    rows: list[OutputsRow]
    photographs: int
    held_out: int
    backbone: str
    claims: list[Claim]

    def to_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class OptimizerRow:
    """One optimizer at one learning rate on one network; loss and item are None where it diverged."""

    network: str
    """`features`: a head on cached features; `pixels`: a small convolutional network, all of it."""
    optimizer: str
    lr: float
    loss: float | None
    """The mean training loss of the last epoch."""
    item: float | None
    """The accuracy on the held-out photographs."""
    milliseconds_per_step: float
    milliseconds_in_optimizer: float
    """Of those, what the optimizer itself takes."""
    state_bytes_per_parameter: float
    memory_ratio: float
    """Parameters and state together, over the parameters."""


@dataclass(frozen=True)
class OptimizersComparison:
    """`compare optimizers`: every optimizer at every learning rate, and what that says about the chapter."""

    rows: list[OptimizerRow]
    epochs: int
    claims: list[Claim]

    def to_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class ChapterRow:
    """One of the textbook's runs, repeated; fractions of the held-out fifth."""

    network: str
    """The hidden layers' widths: `64-32-10`."""
    optimizer: str
    epochs: int
    item: float
    domain: float
    both: float
    loss: list[float]
    """By epoch."""
    parameters: int
    seconds: float
    textbook: dict[str, float] | None
    """What the textbook reports for it; None for what it does not."""


@dataclass(frozen=True)
class ChapterComparison:
    """`compare chapter`: the textbook's runs, and what they say about it."""

    rows: list[ChapterRow]
    photographs: int
    held_out: int
    claims: list[Claim]

    def to_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Descent:
    """An optimizer's way down a curve with a shallow and a deep minimum."""

    optimizer: str
    lr: float
    minimum: str
    """Where it ends: `shallow`, `deep` or `none`."""
    path: list[float]
    """Every position, the start included."""
    loss: float
    """The curve's height at the end."""


@dataclass(frozen=True)
class Landscape:
    """`compare optimizers --landscape`."""

    rows: list[Descent]
    curve: list[tuple[float, float]]
    """Places and heights, evenly spaced from left to right."""
    claims: list[Claim]

    def to_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return asdict(self)


AS_STORED, TARGET_ALONE = "as stored", "target alone"
"""What else stands in the table beside the strategies."""


def describe_budget(labels: int | str) -> str:
    """A budget: `no labels`, `1 label an item`, `3 labels an item`, `all labels`."""
    if labels in (0, "all"):
        return "all labels" if labels else "no labels"
    return "1 label an item" if labels == 1 else f"{labels} labels an item"


@dataclass(frozen=True)
class LabelsRow:
    """One strategy with one budget, over seeds; accuracies are fractions."""

    labels: int | str
    """An item; `all` of the training part."""
    strategy: str
    """Or `as stored`, `adapt METHOD`, and `target alone`: a fresh head that sees nothing but the target's labels."""
    photographs: float
    """Labelled ones of the target that were learnt from, the mean over seeds."""
    mean: float
    std: float | None
    """On all photographs of the target whose labels were not used."""
    runs: list[float]
    held_out: dict[str, float | None]
    """Mean and deviation on the held-out part: the same photographs whatever the number of labels."""
    seconds: float
    """Of training, the mean over seeds."""


@dataclass(frozen=True)
class LabelsComparison:
    """`compare labels`."""

    model: str
    backbone: str
    source: str
    target: str
    seeds: list[int]
    with_source: bool
    rows: list[LabelsRow]
    overtakes: dict[str, Any] | None
    """The smallest budget from which on a strategy names more of the held-out part than adapting without labels."""

    def to_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return asdict(self)


@dataclass(frozen=True)
class LabelsPlan:
    """Every training that the comparison is made of, by seed."""

    seeds: tuple[int, ...]
    alone: dict[int, FinetuneRequest]
    """With all labels of the training part, and without the source."""
    heads_alone: bool
    """Whether the stored model's backbone is as it was before it saw the source."""
    adapted: dict[int, AdaptRequest]
    """Empty where no row without labels is asked for."""
    finetuned: dict[tuple[int | None, str], dict[int, FinetuneRequest]]
    """By budget and strategy."""


NOISE = 0.03
"""Accuracies of single runs on some 800 photographs that differ by less say nothing: two standard errors."""


def exceeds(first: float, second: float, noise: float = NOISE) -> bool | None:
    """Whether an accuracy is above another; None where they are too close to tell."""
    return None if abs(first - second) < noise else first > second
