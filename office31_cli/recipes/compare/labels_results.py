"""What `compare labels` computes and returns; `to_json` is what `--json` prints."""

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from office31_cli.workflow.adapt_request import AdaptRequest
from office31_cli.workflow.finetune_request import FinetuneRequest
from office31_cli.workflow.plots import new_figure, write_picture

AS_STORED, TARGET_ALONE = "as stored", "target alone"
"""Rows of the table that are no strategy."""


def describe_budget(labels: int | str) -> str:
    """A budget in words: `no labels`, `1 label an item`, `3 labels an item`, `all labels`."""
    if labels in (0, "all"):
        return "all labels" if labels else "no labels"
    return "1 label an item" if labels == 1 else f"{labels} labels an item"


@dataclass(frozen=True)
class LabelsRow:
    """One strategy with one budget, over seeds; accuracies are fractions."""

    labels: int | str
    """Labels an item; `all` of the training set."""
    strategy: str
    """Or `as stored`, `adapt METHOD`, or `target alone`: a randomly initialised head, trained on the target alone."""
    photographs: float
    """Labelled photographs of the target that were trained on, the mean over seeds."""
    mean: float
    std: float | None
    """Accuracy on all photographs of the target whose labels were not used."""
    runs: list[float]
    """The accuracy with each seed."""
    held_out: dict[str, float | None]
    """Mean and deviation of the accuracy on the held-out set: the same photographs whatever the number of labels."""
    seconds: float
    """Seconds of training, the mean over seeds."""


@dataclass(frozen=True)
class LabelsComparison:
    """A row for each strategy and number of labels: `compare labels`."""

    model: str
    backbone: str
    source: str
    target: str
    seeds: list[int]
    with_source: bool
    rows: list[LabelsRow]
    overtakes: dict[str, Any] | None
    """The smallest budget from which on a strategy's held-out accuracy is above that of adapting without labels."""

    @property
    def budgets(self) -> list[int | str]:
        """The numbers of labels an item that strategies were trained with, from few to all."""
        return list(dict.fromkeys(row.labels for row in self.rows if row.labels != 0))

    @property
    def curves(self) -> dict[str, list[LabelsRow]]:
        """By strategy its rows, from few labels to all."""
        rows = [row for row in self.rows if row.labels != 0 and row.strategy != TARGET_ALONE]
        names = dict.fromkeys(row.strategy for row in rows)
        return {name: [row for row in rows if row.strategy == name] for name in names}

    @property
    def baselines(self) -> dict[str, float]:
        """By name the accuracies of rows that are no strategy: lines across the plot."""
        return {row.strategy: row.mean for row in self.rows if row.labels == 0 or row.strategy == TARGET_ALONE}

    def save_plot(self, path: str | os.PathLike[str]) -> None:
        """Write accuracy against the number of labels as a PNG; raises `Failed` where matplotlib is not installed."""
        figure = new_figure("--png", 6.4, 4.2)
        axes = figure.subplots()
        budgets = self.budgets
        for name, rows in self.curves.items():
            places = [budgets.index(row.labels) for row in rows]
            deviations = [100 * (row.std or 0) for row in rows]
            axes.errorbar(places, [100 * row.mean for row in rows], deviations, marker="o", capsize=3, label=name)
        for style, (name, value) in zip(("--", ":", "-."), self.baselines.items(), strict=False):
            axes.axhline(100 * value, linestyle=style, color="0.4", label=name)
        axes.set_xticks(range(len(budgets)), [str(budget) for budget in budgets])
        axes.set_xlabel("labels an item")
        axes.set_ylabel(f"% of {self.target}'s other photographs")
        axes.legend(fontsize=8)
        write_picture(figure, Path(path))

    def to_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return asdict(self)


@dataclass(frozen=True)
class LabelsPlan:
    """The requests of all runs of a comparison, by seed."""

    seeds: tuple[int, ...]
    alone: dict[int, FinetuneRequest]
    """With all labels of the target's training set, and without the source."""
    heads_alone: bool
    """Whether the stored model's backbone was never trained on the source."""
    adapted: dict[int, AdaptRequest]
    """Empty where the budget 0 is not asked for."""
    finetuned: dict[tuple[int | None, str], dict[int, FinetuneRequest]]
    """By budget and strategy."""
