"""Several outputs at once: those that share their hidden layers, and networks side by side."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from office31_cli import outputs as kinds
from office31_cli.outputs.base import Output, decode_numpy

if TYPE_CHECKING:
    from torch import Tensor

    from office31_cli.outputs.base import Columns, FloatArray


@dataclass(frozen=True)
class Composite:
    """What a model answers: its networks, each with the outputs that share its hidden layers.

    The numbers of all outputs stand side by side, (n, width), in the order of `outputs`; the loss is the weighted
    sum of theirs.
    """

    networks: tuple[tuple[Output, ...], ...]

    @property
    def outputs(self) -> tuple[Output, ...]:
        """All outputs in their order."""
        return tuple(output for network in self.networks for output in network)

    @property
    def width(self) -> int:
        """How many numbers all of them take."""
        return sum(output.width for output in self.outputs)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are learnt from and answered."""
        return tuple(column for output in self.outputs for column in output.columns)

    def by_column(self) -> dict[str, Output]:
        """Who scores and tells the answer about each of `columns`."""
        return {column: reader for output in self.outputs for column, reader in output.by_column().items()}

    def map_outputs(self, change: Callable[[Output], Output]) -> "Composite":
        """The composite with every output replaced."""
        return replace(self, networks=tuple(tuple(map(change, network)) for network in self.networks))

    def fit(self, columns: "Columns") -> "Composite":
        """Every output with what it has to know of the values that are learnt from."""
        return self.map_outputs(lambda output: output.fit(columns))

    def inherit_from(self, earlier: "Composite") -> "Composite":
        """What `earlier` answers already stays what it was there (a number's scale), weights apart.

        Raises ValueError where an output has other labels there.
        """
        known = {(output.name, output.kind): output for output in earlier.outputs}

        def kept(output: Output) -> Output:
            before = known.get((output.name, output.kind), output)
            if [each.vocabulary for each in before.by_column().values()] != [
                each.vocabulary for each in output.by_column().values()
            ]:
                raise ValueError(f"its output {output.name} knows other labels")
            return before.with_weight(output.weight)

        return self.map_outputs(kept)

    def targets(self, columns: "Columns") -> "FloatArray":
        """What the losses compare with, (n, outputs)."""
        import numpy as np

        return np.stack([output.targets(columns) for output in self.outputs], axis=1)

    def losses(self, raw: "Tensor", targets: "Tensor", smoothing: float = 0.0) -> "dict[str, Tensor]":
        """Each output's weighted loss of `raw` (n, width) against `targets` (n, outputs), its labels smoothed."""
        import torch

        parts = torch.split(raw, [output.width for output in self.outputs], dim=1)
        return {
            output.name: output.weight * output.smoothed_loss(part, targets[:, place], smoothing)
            for place, (output, part) in enumerate(zip(self.outputs, parts, strict=True))
        }

    def decode(self, raw: "Tensor") -> "dict[str, Tensor]":
        """What `raw` (n, width) says about each of `columns`."""
        answers: dict[str, Tensor] = {}
        start = 0
        for output in self.outputs:
            answers |= output.decode(raw[:, start : start + output.width])
            start += output.width
        return answers

    def decode_array(self, raw: "FloatArray") -> dict[str, "FloatArray"]:
        """As `read`, of an array."""
        return decode_numpy(self.decode, raw)

    def scores(self, raw: "FloatArray", columns: "Columns") -> dict[str, dict[str, Any]]:
        """By column its kind and figures, of `raw` (n, width), for those of which `columns` holds any value."""
        import numpy as np

        answers = self.decode_array(raw)
        scores: dict[str, dict[str, Any]] = {}
        for column, reader in self.by_column().items():
            if column in columns and (known := ~np.isnan(columns[column])).any():
                figures = reader.score(answers[column][known], columns[column][known])
                scores[column] = {"kind": reader.kind, **figures}
        return scores

    def headlines(self, scores: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
        """Of each column the one figure that says most."""
        readers = self.by_column()
        return {column: figures[readers[column].headline] for column, figures in scores.items()}

    def to_json(self) -> list[list[dict[str, Any]]]:
        """As stored in a model's card."""
        return [[output.to_json() for output in network] for network in self.networks]

    @classmethod
    def from_json(cls, stored: Any) -> "Composite":
        """The inverse of `to_json`; raises KeyError, TypeError or ValueError where `stored` is something else."""
        made = tuple(tuple(kinds.load(each["kind"]).from_json(each) for each in network) for network in stored)
        if not made or not all(made):
            raise ValueError("a network without outputs")
        composite = cls(made)
        for names in ([output.name for output in composite.outputs], composite.columns):
            if len(set(names)) < len(names):
                raise ValueError("an output is there twice")
        return composite
