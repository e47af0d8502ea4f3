"""Models of two numbers, for tests that need no network."""

import json
import struct
from collections.abc import Callable

from office31_cli.registry import Card, Entry, Parent


def safetensors_bytes(*values: float, metadata: dict[str, str] | None = None) -> bytes:
    """A file with one float tensor, written by hand from the format's description."""
    size = 4 * len(values)
    entries: dict = {"__metadata__": metadata} if metadata else {}
    entries["w"] = {"dtype": "F32", "shape": [len(values)], "data_offsets": [0, size]}
    header = json.dumps(entries, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    return struct.pack("<Q", len(header)) + header + struct.pack(f"<{len(values)}f", *values)


def make_card(command: str = "pretrain", *, parents: tuple[Parent, ...] = ()) -> Card:
    return Card(
        command=command,
        network={"backbone": "squeezenet1_0", "outputs": ["item"]},
        weights="none",
        train="head",
        items=("back_pack", "mug"),
        preprocessing={"size": 224},
        data={"name": "sample", "hash": "0" * 64, "domains": ["amazon"]},
        labels_used={"amazon": 2},
        configuration={"seed": 0, "lr": 1e-3},
        environment={"torch": "2.14"},
        metrics={"validation": {"item": 0.5}},
        history=[{"epoch": 1, "loss": float("nan")}],
        seconds=1.5,
        parents=parents,
    )


Publish = Callable[..., Entry]
