"""What the comparisons return; `to_json` is what `--json` prints."""

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from office31_cli.workflow.plots import new_figure, write_picture


@dataclass(frozen=True)
class Claim:
    """A claim of the chapter, what was measured here, and the verdict."""

    claim: str
    measured: str
    verdict: str
    """`borne out`, `contradicted` or `undecided`."""

    @classmethod
    def judge(cls, claim: str, measured: str, bears_out: bool | None) -> "Claim":
        """The claim with the verdict in words; None is undecided."""
        verdict = {True: "borne out", False: "contradicted", None: "undecided"}[bears_out]
        return cls(claim, measured, verdict)


@dataclass(frozen=True, kw_only=True)
class OutputsRow:
    """One way to predict item and domain, over several seeds; accuracies are of the held-out photographs."""

    outputs: str
    width: int
    parameters: int
    """The number of trained parameters."""
    item: float | None
    item_std: float | None
    domain: float | None
    domain_std: float | None
    both: float | None
    """Item and domain right at once. Each is None where it was not asked for, a deviation also with a single seed."""
    both_std: float | None
    seconds: float
    """Seconds of training with one seed, without those of features."""
    loss: list[float]
    """The total loss by epoch, the mean over seeds."""
    runs: list[dict[str, Any]]
    """Each seed's accuracies and seconds."""


@dataclass(frozen=True)
class OutputsComparison:
    """A row for each alternative, in the order asked for: `compare outputs`."""

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
    """One optimizer at one learning rate on one network; loss and item are None where training diverged."""

    network: str
    """`features`: a head on cached features; `pixels`: all of a small convolutional network."""
    optimizer: str
    lr: float
    loss: float | None
    """The mean training loss of the last epoch."""
    item: float | None
    """The accuracy on the held-out photographs."""
    milliseconds_per_step: float
    milliseconds_in_optimizer: float
    """The optimizer's own part of a step."""
    state_bytes_per_parameter: float
    memory_ratio: float
    """Bytes of parameters and optimizer state, over those of the parameters."""


@dataclass(frozen=True)
class OptimizersComparison:
    """A row for every optimizer, learning rate and network, and the chapter's claims: `compare optimizers`."""

    rows: list[OptimizerRow]
    epochs: int
    claims: list[Claim]

    def to_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class ChapterRow:
    """One of the textbook's runs, repeated; accuracies are of the held-out photographs."""

    network: str
    """The hidden layers' widths: `64-32-10`."""
    optimizer: str
    epochs: int
    item: float
    domain: float
    both: float
    loss: list[float]
    """The total loss by epoch."""
    parameters: int
    seconds: float
    textbook: dict[str, float] | None
    """What the textbook reports for it; None for what it does not."""


@dataclass(frozen=True)
class ChapterComparison:
    """The textbook's runs, repeated, and its claims: `compare chapter`."""

    rows: list[ChapterRow]
    photographs: int
    held_out: int
    claims: list[Claim]

    def to_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Descent:
    """An optimizer's path down a curve with a shallow and a deep minimum."""

    optimizer: str
    lr: float
    minimum: str
    """Where it ends: `shallow`, `deep` or `none`."""
    path: list[float]
    """Every position, the start included."""
    loss: float
    """The curve's height at the end."""

    @property
    def title(self) -> str:
        """What happened, in a line."""
        end = "in no minimum" if self.minimum == "none" else f"in the {self.minimum} minimum"
        return f"{self.optimizer}, learning rate {self.lr:g}: ends {end} after {len(self.path) - 1} steps"


@dataclass(frozen=True)
class Landscape:
    """Optimizers on a curve with a shallow and a deep minimum: `compare optimizers --landscape`."""

    rows: list[Descent]
    curve: list[tuple[float, float]]
    """Points of the curve, place and height, evenly spaced from left to right."""
    claims: list[Claim]

    def height_at(self, place: float) -> float:
        """The curve's height where it was sampled nearest to a place."""
        return min(self.curve, key=lambda point: abs(point[0] - place))[1]

    def save_plot(self, path: str | os.PathLike[str]) -> None:
        """Write the curve with each optimizer's path as a PNG; raises `Failed` where matplotlib is not installed."""
        figure = new_figure("--png", 8, 2.6 * len(self.rows))
        places, heights = zip(*self.curve, strict=True)
        for axes, row in zip(figure.subplots(len(self.rows), squeeze=False)[:, 0], self.rows, strict=True):
            axes.plot(places, heights, color="0.6")
            shown = [place for place in row.path if places[0] <= place <= places[-1]]
            heights_along = [self.height_at(place) for place in shown]
            axes.plot(shown, heights_along, ".-", linewidth=0.6, markersize=4, color="tab:blue", alpha=0.6)
            axes.plot(shown[-1:], heights_along[-1:], "D", color="tab:red")
            axes.set_title(row.title, fontsize=10)
        write_picture(figure, Path(path))

    def to_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return asdict(self)


NOISE = 0.03
"""Accuracies of single runs on about 800 photographs that differ by less are not told apart: two standard errors."""


def exceeds(first: float, second: float, noise: float = NOISE) -> bool | None:
    """Whether an accuracy is above another; None where they differ by less than the noise."""
    return None if abs(first - second) < noise else first > second
