"""ONNX: a graph with its weights, for onnxruntime and whatever else reads it."""

import itertools
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from office31_cli.errors import Failed
from office31_cli.models.formats import base

if TYPE_CHECKING:
    import onnx_ir

    from office31_cli.models.program import Graph

_LARGEST = 2**31 - 1
"""Bytes of the largest file: protobuf counts no further."""


class Format(base.Format):
    """One file with the weights in it, as torch's own exporter makes it; notes are `metadata_props`."""

    name = "onnx"
    library = "onnx"
    module = "onnxruntime"
    requires = ("onnx", "onnxscript", "onnxruntime")
    opsets = range(18, 24)

    def write(self, graph: "Graph", notes: Mapping[str, str], opset: int | None) -> bytes:
        """As `base.Format.write`."""
        import torch

        weights = graph.program.state_dict.values()
        if sum(each.numel() * each.element_size() for each in weights) > _LARGEST:
            raise Failed("format onnx", "the weights are more than the 2 GiB that one file holds", "use --format pt2")
        how: dict[str, Any] = {"opset_version": opset, "dynamo": True, "verbose": False}
        with warnings.catch_warnings(action="ignore"):  # of torch's about its own parts
            made = torch.onnx.export(graph.program, dynamic_shapes=(graph.axes,), **how)
        assert made is not None
        _strip(made.model.graph)
        _name(made.model.graph, [end.name for end in (graph.input, *graph.outputs)])
        made.model.metadata_props.update(notes)
        content: bytes = made.model_proto.SerializeToString()
        return content

    def run(self, content: bytes) -> base.Runner:
        """As `base.Format.run`."""
        import onnxruntime

        session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        (given,) = (each.name for each in session.get_inputs())
        names = [each.name for each in session.get_outputs()]
        return lambda batch: dict(zip(names, session.run(names, {given: batch}), strict=True))

    def usage(self, file: str, given: str) -> list[str]:
        """As `base.Format.usage`."""
        return [
            f"session = onnxruntime.InferenceSession({file!r})",
            f'items = json.loads(session.get_modelmeta().custom_metadata_map["{base.ITEMS}"])',
            f'(item,) = session.run(["item"], {{"{given}": {given}}})',
        ]


def _strip(graph: "onnx_ir.Graph") -> None:
    """Take away what the exporter notes of where each part came from, paths of source files among it."""
    graph.metadata_props.clear()
    values = itertools.chain(graph.inputs, graph.initializers.values())
    for value in itertools.chain(values, *(node.outputs for node in graph.all_nodes())):
        value.metadata_props.clear()
    for node in graph.all_nodes():
        node.metadata_props.clear()


def _name(graph: "onnx_ir.Graph", names: list[str]) -> None:
    """Give the graph's ends these names; whatever within has one of them gives way."""
    ends = [*graph.inputs, *graph.outputs]
    for node in graph.all_nodes():
        for value in node.outputs:
            if value.name in names:
                value.name = f"within.{value.name}"
    for end, name in zip(ends, names, strict=True):
        end.name = name
