"""torch.export: a graph with its weights, for torch in Python or C++."""

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING

from office31_cli.models.formats import base

if TYPE_CHECKING:
    from office31_cli.models.formats.base import Array
    from office31_cli.models.program import Graph


class Format(base.Format):
    """An `ExportedProgram` as `torch.export.save` writes it; notes are extra files."""

    name = "pt2"
    library = "pytorch"
    module = "torch"

    def write(self, graph: "Graph", notes: Mapping[str, str], opset: int | None) -> bytes:
        """As `base.Format.write`."""
        import torch

        buffer = io.BytesIO()
        torch.export.save(graph.program, buffer, extra_files=dict(notes))
        return buffer.getvalue()

    def run(self, content: bytes) -> base.Runner:
        """As `base.Format.run`."""
        import torch

        module = torch.export.load(io.BytesIO(content)).module()

        def run(batch: "Array") -> "dict[str, Array]":
            with torch.inference_mode():
                return {name: output.numpy() for name, output in module(torch.tensor(batch)).items()}

        return run

    def usage(self, file: str, variable: str) -> list[str]:
        """As `base.Format.usage`."""
        return [
            f'notes = {{"{base.ITEMS}": ""}}',
            f"program = torch.export.load({file!r}, extra_files=notes).module()",
            f'items = json.loads(notes["{base.ITEMS}"])',
            f'item = program(torch.from_numpy({variable}))["item"]',
        ]
