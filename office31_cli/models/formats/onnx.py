"""ONNX: a graph with its weights, for onnxruntime and other runtimes."""

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
"""The largest file in bytes, a limit of protobuf."""


class Format(base.Format):
    """One file that includes the weights, written by torch's own exporter; notes are `metadata_props`."""

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
        options: dict[str, Any] = {"opset_version": opset, "dynamo": True, "verbose": False}
        with warnings.catch_warnings(action="ignore"):  # torch warns of its own internals
            exported_model = torch.onnx.export(graph.program, dynamic_shapes=(graph.axes,), **options)
        assert exported_model is not None
        _remove_metadata(exported_model.model.graph)
        _rename_ends(exported_model.model.graph, [end.name for end in (graph.input, *graph.outputs)])
        exported_model.model.metadata_props.update(notes)
        content: bytes = exported_model.model_proto.SerializeToString()
        return content

    def run(self, content: bytes) -> base.Runner:
        """As `base.Format.run`."""
        import onnxruntime

        session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        (input_name,) = (each.name for each in session.get_inputs())
        names = [each.name for each in session.get_outputs()]
        return lambda batch: dict(zip(names, session.run(names, {input_name: batch}), strict=True))

    def usage(self, file: str, variable: str) -> list[str]:
        """As `base.Format.usage`."""
        return [
            f"session = onnxruntime.InferenceSession({file!r})",
            f'items = json.loads(session.get_modelmeta().custom_metadata_map["{base.ITEMS}"])',
            f'(item,) = session.run(["item"], {{"{variable}": {variable}}})',
        ]


def _remove_metadata(graph: "onnx_ir.Graph") -> None:
    """Remove the exporter's metadata about the origin of each node, such as paths of source files."""
    graph.metadata_props.clear()
    values = itertools.chain(graph.inputs, graph.initializers.values())
    for value in itertools.chain(values, *(node.outputs for node in graph.all_nodes())):
        value.metadata_props.clear()
    for node in graph.all_nodes():
        node.metadata_props.clear()


def _rename_ends(graph: "onnx_ir.Graph", names: list[str]) -> None:
    """Give the inputs and outputs these names; inner values with the same names are renamed."""
    ends = [*graph.inputs, *graph.outputs]
    for node in graph.all_nodes():
        for value in node.outputs:
            if value.name in names:
                value.name = f"within.{value.name}"
    for end, name in zip(ends, names, strict=True):
        end.name = name
