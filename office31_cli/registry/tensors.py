"""The safetensors format: an 8-byte length, a JSON header of that length, and the tensors' bytes end to end.

Written from the format's description (https://huggingface.co/docs/safetensors). Nothing here reads a tensor, so
that a model can be checked, exported and imported without torch and in constant memory.
"""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from office31_cli import storage
from office31_cli.errors import Refused
from office31_cli.registry import strict_json

LARGEST_HEADER = 16 << 20
LARGEST_FILE = 16 << 30

_MOST_DIMENSIONS = 16
_LONGEST_NAME = 500
_METADATA = "__metadata__"
_BLOCK = 1 << 20
_WIDTH = {
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2"), 1),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 2),
    **dict.fromkeys(("U32", "I32", "F32"), 4),
    **dict.fromkeys(("U64", "I64", "F64", "C64"), 8),
}
"""Bytes of one element of each type."""


@dataclass(frozen=True)
class Tensor:
    """Where a tensor lies: `begin` and `end` count from the first byte after the header."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


@dataclass(frozen=True)
class Header:
    """What a safetensors file says about itself; its tensors' bytes begin at `start`."""

    tensors: dict[str, Tensor]
    metadata: dict[str, str]
    start: int


def read_header(path: Path) -> Header:
    """The header of the file at `path`, checked against the format and the file's size; raises `Refused`."""
    try:
        with path.open("rb") as stream:
            return _header(stream.read(8), stream.read, os.fstat(stream.fileno()).st_size)
    except ValueError as error:
        raise Refused(str(path), f"not a sound safetensors file: {error}", "bring a good copy of it") from None


def encode_header(header: Header, metadata: dict[str, str]) -> bytes:
    """The one way to write these tensors' header: in the order of their bytes, padded to a multiple of 8."""
    entries: dict[str, Any] = {_METADATA: metadata} if metadata else {}
    for name, tensor in sorted(header.tensors.items(), key=lambda item: (item[1].begin, item[1].end, item[0])):
        entries[name] = {
            "dtype": tensor.dtype,
            "shape": list(tensor.shape),
            "data_offsets": [tensor.begin, tensor.end],
        }
    text = json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def with_metadata(path: Path, header: Header, metadata: dict[str, str]) -> Iterator[bytes]:
    """The file at `path` block by block, with `metadata` in place of its own."""
    yield encode_header(header, metadata)
    with path.open("rb") as stream:
        stream.seek(header.start)
        while block := stream.read(_BLOCK):
            yield block


def normalise(path: Path) -> None:
    """Give the file the header that `encode_header` writes, without metadata: equal tensors are equal files."""
    header = read_header(path)
    with path.open("rb") as stream:
        as_it_should_be = stream.read(header.start) == encode_header(header, {})
    if not as_it_should_be:
        storage.write_file(path, with_metadata(path, header, {}))


def _header(prefix: bytes, read: Callable[[int], bytes], file_bytes: int) -> Header:
    length = int.from_bytes(prefix, "little")
    if len(prefix) < 8 or length > file_bytes - 8:
        raise ValueError("it ends before its header does")
    if length > LARGEST_HEADER or file_bytes > LARGEST_FILE:
        raise ValueError(f"its header has {length:,} of {file_bytes:,} bytes, which is more than is taken")
    try:
        entries = strict_json.parse(read(length), LARGEST_HEADER)
    except ValueError as error:
        raise ValueError(f"its header {error}") from None
    metadata = _checked_metadata(entries.pop(_METADATA, {}))
    tensors = {name: _tensor(name, entry) for name, entry in entries.items()}
    _check_tiling(tensors, file_bytes - 8 - length)
    return Header(tensors, metadata, 8 + length)


def _checked_metadata(metadata: Any) -> dict[str, str]:
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise ValueError("its metadata is not a table of texts")
    for text in (*metadata, *metadata.values()):
        text.encode()  # half a surrogate pair is a ValueError here, and would be one for every other reader
    return metadata


def _tensor(name: str, entry: Any) -> Tensor:
    if not name.isprintable() or len(name) > _LONGEST_NAME:
        raise ValueError("a tensor has a name that no reader would take")
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"tensor {name} is described wrongly")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in _WIDTH:
        raise ValueError(f"tensor {name} has an unknown type")
    if not _naturals(shape) or len(shape) > _MOST_DIMENSIONS:
        raise ValueError(f"tensor {name} has no valid shape")
    if not _naturals(offsets) or len(offsets) != 2:
        raise ValueError(f"tensor {name} has no valid offsets")
    size = _WIDTH[dtype]
    for extent in shape:
        size *= extent
    if offsets[1] - offsets[0] != size:
        raise ValueError(f"tensor {name} does not have the bytes that its shape takes")
    return Tensor(dtype, tuple(shape), *offsets)


def _naturals(value: Any) -> bool:
    return isinstance(value, list) and all(type(number) is int and number >= 0 for number in value)


def _check_tiling(tensors: dict[str, Tensor], data_bytes: int) -> None:
    reached = 0
    for begin, end in sorted((tensor.begin, tensor.end) for tensor in tensors.values()):
        if begin != reached:
            raise ValueError("its tensors overlap or leave a gap")
        reached = end
    if reached != data_bytes:
        raise ValueError(f"its tensors take {reached:,} bytes, and it has {data_bytes:,}")
