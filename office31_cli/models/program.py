"""A network as a graph that needs nothing else: from pictures to answers, any number of them at once."""

from dataclasses import dataclass

import torch
from torch import Tensor, fx, nn
from torch.export import Dim, ExportedProgram, export

from office31_cli.models.network import Network
from office31_cli.models.preprocessing import Preprocessing
from office31_cli.models.resize import PillowResize
from office31_cli.outputs.composite import Composite

_EXAMPLES = 2
"""With a single one torch would make a graph for a single picture."""


@dataclass(frozen=True)
class TensorSpec:
    """What goes into a graph or comes out of it: a tensor by its name, and what its numbers mean."""

    name: str
    type: str
    shape: tuple[int | str, ...]
    """An axis of any length has a name."""
    meaning: str
    labels: tuple[str, ...] = ()
    """Of the last axis, where it is a choice."""


@dataclass(frozen=True, eq=False)
class Graph:
    """An exported program, what it is given, and what it answers: the logits, and then what they say, by column."""

    program: ExportedProgram
    input: TensorSpec
    outputs: tuple[TensorSpec, ...]

    @property
    def preprocesses(self) -> bool:
        """Whether preprocessing is a part of it: it takes pictures as they are."""
        return self.input.type == "uint8"

    @property
    def axes(self) -> dict[int, str]:
        """The names of the given tensor's axes of any length."""
        return {place: length for place, length in enumerate(self.input.shape) if isinstance(length, str)}


def trace_network(
    network: Network, preprocessing: Preprocessing, *, inside: bool = False, temperature: float | None = None
) -> Graph:
    """The graph of a network, for evaluation: images (n, 3, crop, crop) to logits (n, width) and what they say.

    With preprocessing `inside` it takes 8-bit RGB pictures (n, h, w, 3) of any size. What the logits say is as in
    `Output.read`, the item's probabilities at the `temperature`. The graph tells nothing of where it was made: no
    paths of source files, no example.
    """
    outputs = network.architecture.outputs
    logits = _free("logits", outputs.columns)
    given = _given(preprocessing, (logits, *outputs.columns), inside=inside)
    module = _Answering(network, preprocessing if inside else None, logits, temperature)
    graph = Graph(_program(module, given), given, _answers(outputs, logits, temperature))
    for part in graph.program.graph_module.modules():
        if isinstance(part, fx.GraphModule):
            for node in part.graph.nodes:
                node.meta.pop("stack_trace", None)
    graph.program.example_inputs = None
    return graph


class _Answering(nn.Module):
    def __init__(
        self, network: Network, preprocessing: Preprocessing | None, logits: str, temperature: float | None
    ) -> None:
        super().__init__()
        self.network, self._preprocessing, self._logits, self._temperature = network, preprocessing, logits, temperature
        self._squash = None if preprocessing is None else PillowResize(preprocessing.side)

    def forward(self, given: Tensor) -> dict[str, Tensor]:
        if self._preprocessing is not None and self._squash is not None:
            given = self._preprocessing.centre_crop(self._squash(given))
        logits = self.network(given)
        answers = self.network.architecture.outputs.decode(logits)
        if self._temperature is not None:
            answers["item"] = (answers["item"].log() / self._temperature).softmax(1)
        return {self._logits: logits} | answers


def _program(module: nn.Module, given: TensorSpec) -> ExportedProgram:
    # No two lengths of the example are alike: else they would be one.
    lengths = [_EXAMPLES if length == "n" else length for length in given.shape]
    shape = [length if isinstance(length, int) else 500 + place for place, length in enumerate(lengths)]
    axes = {place: Dim(length) for place, length in enumerate(given.shape) if isinstance(length, str)}
    example = torch.zeros(shape, dtype=getattr(torch, given.type))
    return export(module.eval().requires_grad_(False), (example,), dynamic_shapes=(axes,))


def _given(preprocessing: Preprocessing, taken: tuple[str, ...], *, inside: bool) -> TensorSpec:
    side, crop = preprocessing.side, preprocessing.crop
    squashed = f"squashed to {side} x {side} (Pillow's bilinear), the middle {crop} x {crop} cut out, normalised"
    if inside:
        name, shape = _free("pictures", taken), ("n", "height", "width", 3)
        return TensorSpec(
            name, "uint8", shape, f"pictures of any one size, 8-bit RGB, upright; inside they are {squashed}"
        )
    return TensorSpec(
        _free("images", taken), "float32", ("n", 3, crop, crop), f"RGB pictures, {squashed}, channels first"
    )


def _answers(outputs: Composite, logits: str, temperature: float | None) -> tuple[TensorSpec, ...]:
    places = ", ".join(f"{output.width} of {output.name}" for output in outputs.outputs)
    read = outputs.decode(torch.zeros(1, outputs.width))
    readers = outputs.by_column()
    made = [TensorSpec(logits, "float32", ("n", outputs.width), f"the numbers of the last layer: {places}")]
    for column, reader in readers.items():
        at_temperature = f", at the temperature {temperature:g}" if column == "item" and temperature is not None else ""
        shape = ("n", *read[column].shape[1:])
        made.append(TensorSpec(column, "float32", shape, reader.description + at_temperature, reader.vocabulary))
    return tuple(made)


def _free(name: str, taken: tuple[str, ...]) -> str:
    """The name, or one like it where a column has it."""
    while name in taken:
        name += "_"
    return name
