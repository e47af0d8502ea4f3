"""Several outputs at once: some share their hidden layers, others belong to networks side by side."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from office31_cli import outputs as kinds
from office31_cli.outputs.base import Output

if TYPE_CHECKING:
    from torch import Tensor

    from office31_cli.outputs.base import Columns, FloatArray


@dataclass(frozen=True)
class Composite:
    """All that a model predicts: its networks, each with the outputs that share its hidden layers.

    The last layers' columns of all outputs stand side by side, (n, width), in the order of `outputs`; the loss is the
    weighted sum of the outputs' losses.
    """

    networks: tuple[tuple[Output, ...], ...]

    @property
    def outputs(self) -> tuple[Output, ...]:
        """All outputs in their order."""
        return tuple(output for network in self.networks for output in network)

    @property
    def width(self) -> int:
        """The number of columns of the last layers that all outputs take."""
        return sum(output.width for output in self.outputs)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are trained on and predicted."""
        return tuple(column for output in self.outputs for column in output.columns)

    def by_column(self) -> dict[str, Output]:
        """For each of `columns` the output that scores its predictions."""
        return {column: scorer for output in self.outputs for column, scorer in output.by_column().items()}

    def map_outputs(self, change: Callable[[Output], Output]) -> "Composite":
        """The composite with every output replaced."""
        return replace(self, networks=tuple(tuple(map(change, network)) for network in self.networks))

    def with_items(self, items: tuple[str, ...]) -> "Composite":
        """The composite for these items."""
        return self.map_outputs(lambda output: output.with_items(items))

    def fit(self, columns: "Columns") -> "Composite":
        """The composite with every output fitted to the values of the training set."""
        return self.map_outputs(lambda output: output.fit(columns))

    def inherit_from(self, earlier: "Composite") -> "Composite":
        """The composite with `earlier`'s version of each output in both, such as a number's scale, but its own weights.

        Raises ValueError where an output has other labels there.
        """
        known = {(output.name, output.kind): output for output in earlier.outputs}

        def inherit(output: Output) -> Output:
            before = known.get((output.name, output.kind), output)
            if [each.vocabulary for each in before.by_column().values()] != [
                each.vocabulary for each in output.by_column().values()
            ]:
                raise ValueError(f"its output {output.name} knows other labels")
            return before.with_weight(output.weight)

        return self.map_outputs(inherit)

    def targets(self, columns: "Columns") -> "FloatArray":
        """The targets of all losses, (n, outputs)."""
        import numpy as np

        return np.stack([output.targets(columns) for output in self.outputs], axis=1)

    def losses(
        self, raw: "Tensor", targets: "Tensor", smoothing: float = 0.0, item_weights: "Tensor | None" = None
    ) -> "dict[str, Tensor]":
        """Each output's weighted loss of `raw` (n, width) against `targets` (n, outputs), with label smoothing.

        `item_weights` (K,) are those of `Output.smoothed_loss`, for the output that predicts the item alone.
        """
        import torch

        parts = torch.split(raw, [output.width for output in self.outputs], dim=1)
        return {
            output.name: output.weight
            * output.smoothed_loss(
                part, targets[:, place], smoothing, item_weights if "item" in output.columns else None
            )
            for place, (output, part) in enumerate(zip(self.outputs, parts, strict=True))
        }

    def decode(self, raw: "Tensor") -> "dict[str, Tensor]":
        """The predictions for each of `columns` from `raw` (n, width)."""
        decoded: dict[str, Tensor] = {}
        start = 0
        for output in self.outputs:
            decoded |= output.decode(raw[:, start : start + output.width])
            start += output.width
        return decoded

    def decode_array(self, raw: "FloatArray") -> dict[str, "FloatArray"]:
        """As `decode`, of an array and in its precision."""
        import torch

        return {column: decoded.numpy() for column, decoded in self.decode(torch.from_numpy(raw)).items()}

    def scores(self, raw: "FloatArray", columns: "Columns") -> dict[str, dict[str, Any]]:
        """By column the kind and figures of predictions from `raw` (n, width), where `columns` has actual values."""
        import numpy as np

        decoded = self.decode_array(raw)
        scores: dict[str, dict[str, Any]] = {}
        for column, output in self.by_column().items():
            if column in columns and (known := ~np.isnan(columns[column])).any():
                figures = output.score(decoded[column][known], columns[column][known])
                scores[column] = {"kind": output.kind, **figures}
        return scores

    def headlines(self, scores: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
        """The headline figure of each column."""
        outputs = self.by_column()
        return {column: figures[outputs[column].headline] for column, figures in scores.items()}

    def to_json(self) -> list[list[dict[str, Any]]]:
        """As stored in a model's card."""
        return [[output.to_json() for output in network] for network in self.networks]

    @classmethod
    def from_json(cls, stored: Any) -> "Composite":
        """The inverse of `to_json`; raises KeyError, TypeError or ValueError where `stored` is something else."""
        networks = tuple(tuple(kinds.load(each["kind"]).from_json(each) for each in network) for network in stored)
        if not networks or not all(networks):
            raise ValueError("a network without outputs")
        composite = cls(networks)
        for names in ([output.name for output in composite.outputs], composite.columns):
            if len(set(names)) < len(names):
                raise ValueError("an output is there twice")
        return composite
