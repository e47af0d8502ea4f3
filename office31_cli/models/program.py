"""A network as an exported graph that needs no other code: a batch of pictures of any size in, predictions out."""

from dataclasses import dataclass

import torch
from torch import Tensor, fx, nn
from torch.export import Dim, ExportedProgram, export

from office31_cli.models.network import Network
from office31_cli.models.preprocessing import Preprocessing
from office31_cli.models.resize import PillowResize
from office31_cli.outputs.composite import Composite

_EXAMPLE_IMAGES = 2
"""With a batch of one torch would fix the batch size at one."""


@dataclass(frozen=True)
class TensorSpec:
    """An input or output tensor of a graph: its name, type, shape and meaning."""

    name: str
    type: str
    shape: tuple[int | str, ...]
    """The length of each axis, or a name where it may be of any length."""
    meaning: str
    labels: tuple[str, ...] = ()
    """The labels along the last axis of a choice."""


@dataclass(frozen=True, eq=False)
class Graph:
    """An exported program with its input and its outputs: the logits, then the predictions by column."""

    program: ExportedProgram
    input: TensorSpec
    outputs: tuple[TensorSpec, ...]

    @property
    def preprocesses(self) -> bool:
        """Whether preprocessing is part of the graph, which then takes 8-bit pictures."""
        return self.input.type == "uint8"

    @property
    def axes(self) -> dict[int, str]:
        """The axes of the input that may be of any length: index to name."""
        return {place: length for place, length in enumerate(self.input.shape) if isinstance(length, str)}


def trace_network(
    network: Network, preprocessing: Preprocessing, *, inside: bool = False, temperature: float | None = None
) -> Graph:
    """Trace a network in evaluation mode: images (n, 3, crop, crop) to logits (n, width) and predictions by column.

    With preprocessing `inside` the graph takes 8-bit RGB pictures (n, h, w, 3) of any size. The predictions are those
    of `Output.decode`, the item's probabilities at the `temperature`. The graph holds no paths of source files and no
    example input.
    """
    outputs = network.architecture.outputs
    logits = _make_free_name("logits", outputs.columns)
    input_spec = _describe_input(preprocessing, (logits, *outputs.columns), inside=inside)
    module = _Answering(network, preprocessing if inside else None, logits, temperature)
    graph = Graph(_export_program(module, input_spec), input_spec, _describe_outputs(outputs, logits, temperature))
    for part in graph.program.graph_module.modules():
        if isinstance(part, fx.GraphModule):
            for node in part.graph.nodes:
                node.meta.pop("stack_trace", None)
    graph.program.example_inputs = None
    return graph


class _Answering(nn.Module):
    """The network from its input to logits and predictions; files of torch.export store the names in here."""

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


def _export_program(module: nn.Module, spec: TensorSpec) -> ExportedProgram:
    # No two lengths of the example are equal, or torch would take them for the same axis.
    lengths = [_EXAMPLE_IMAGES if length == "n" else length for length in spec.shape]
    shape = [length if isinstance(length, int) else 500 + place for place, length in enumerate(lengths)]
    axes = {place: Dim(length) for place, length in enumerate(spec.shape) if isinstance(length, str)}
    example = torch.zeros(shape, dtype=getattr(torch, spec.type))
    return export(module.eval().requires_grad_(False), (example,), dynamic_shapes=(axes,))


def _describe_input(preprocessing: Preprocessing, used_names: tuple[str, ...], *, inside: bool) -> TensorSpec:
    side, crop = preprocessing.side, preprocessing.crop
    steps = f"resized to {side} x {side} (Pillow's bilinear filter), centre-cropped to {crop} x {crop}, normalised"
    if inside:
        name, shape = _make_free_name("pictures", used_names), ("n", "height", "width", 3)
        return TensorSpec(
            name, "uint8", shape, f"8-bit RGB pictures, upright, all of one size; in the graph they are {steps}"
        )
    return TensorSpec(
        _make_free_name("images", used_names), "float32", ("n", 3, crop, crop), f"RGB pictures, {steps}, channels first"
    )


def _describe_outputs(outputs: Composite, logits: str, temperature: float | None) -> tuple[TensorSpec, ...]:
    widths = ", ".join(f"{output.width} of {output.name}" for output in outputs.outputs)
    example = outputs.decode(torch.zeros(1, outputs.width))
    outputs_by_column = outputs.by_column()
    specs = [TensorSpec(logits, "float32", ("n", outputs.width), f"the outputs of the last layer: {widths}")]
    for column, output in outputs_by_column.items():
        at_temperature = f", at the temperature {temperature:g}" if column == "item" and temperature is not None else ""
        shape = ("n", *example[column].shape[1:])
        specs.append(TensorSpec(column, "float32", shape, output.description + at_temperature, output.vocabulary))
    return tuple(specs)


def _make_free_name(name: str, used_names: tuple[str, ...]) -> str:
    """The name, with underscores appended where a column has it."""
    while name in used_names:
        name += "_"
    return name
