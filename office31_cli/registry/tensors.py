"""The safetensors format: an 8-byte length, a JSON header of that length, and the tensors' bytes end to end.

Follows the format's description (https://huggingface.co/docs/safetensors). No tensor is loaded, so that a model can
be checked, exported and imported without torch and in constant memory.
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
_ELEMENT_BYTES = {
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2"), 1),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 2),
    **dict.fromkeys(("U32", "I32", "F32"), 4),
    **dict.fromkeys(("U64", "I64", "F64", "C64"), 8),
}
"""Bytes of one element of each type."""


@dataclass(frozen=True)
class Tensor:
    """A tensor's type, shape and place; `begin` and `end` are bytes counted from the end of the header."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


@dataclass(frozen=True)
class Header:
    """The header of a safetensors file; the bytes of the tensors begin at `start`."""

    tensors: dict[str, Tensor]
    metadata: dict[str, str]
    start: int


def read_header(path: Path) -> Header:
    """Read the header of the file at `path`; raises `Refused` where it breaks the format or does not fit the file."""
    try:
        with path.open("rb") as stream:
            return _parse_header(stream.read(8), stream.read, os.fstat(stream.fileno()).st_size)
    except ValueError as error:
        raise Refused(str(path), f"not a valid safetensors file: {error}", "replace it by a good copy") from None


def encode_header(header: Header, metadata: dict[str, str]) -> bytes:
    """The canonical header of these tensors: sorted by their place in the file, padded to a multiple of 8 bytes."""
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


def replace_metadata(path: Path, header: Header, metadata: dict[str, str]) -> Iterator[bytes]:
    """Yield the file at `path` in blocks, with `metadata` in place of its own."""
    yield encode_header(header, metadata)
    with path.open("rb") as stream:
        stream.seek(header.start)
        while block := stream.read(_BLOCK):
            yield block


def normalise(path: Path) -> None:
    """Rewrite the file with a canonical header without metadata, so that equal tensors give equal files."""
    header = read_header(path)
    with path.open("rb") as stream:
        is_normal = stream.read(header.start) == encode_header(header, {})
    if not is_normal:
        storage.write_file(path, replace_metadata(path, header, {}))


def _parse_header(prefix: bytes, read: Callable[[int], bytes], file_bytes: int) -> Header:
    length = int.from_bytes(prefix, "little")
    if len(prefix) < 8 or length > file_bytes - 8:
        raise ValueError("it ends before its header does")
    if length > LARGEST_HEADER or file_bytes > LARGEST_FILE:
        raise ValueError(f"its header has {length:,} of {file_bytes:,} bytes, more than is accepted")
    try:
        entries = strict_json.parse(read(length), LARGEST_HEADER)
    except ValueError as error:
        raise ValueError(f"its header {error}") from None
    metadata = _check_metadata(entries.pop(_METADATA, {}))
    tensors = {name: _parse_tensor(name, entry) for name, entry in entries.items()}
    _check_tiling(tensors, file_bytes - 8 - length)
    return Header(tensors, metadata, 8 + length)


def _check_metadata(metadata: Any) -> dict[str, str]:
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise ValueError("its metadata is not a table of strings")
    for text in (*metadata, *metadata.values()):
        text.encode()  # raises ValueError for half a surrogate pair, which no reader could decode
    return metadata


def _parse_tensor(name: str, entry: Any) -> Tensor:
    if not name.isprintable() or len(name) > _LONGEST_NAME:
        raise ValueError("a tensor has an invalid name")
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"tensor {name} has an invalid entry")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in _ELEMENT_BYTES:
        raise ValueError(f"tensor {name} has an unknown type")
    if not _are_naturals(shape) or len(shape) > _MOST_DIMENSIONS:
        raise ValueError(f"tensor {name} has no valid shape")
    if not _are_naturals(offsets) or len(offsets) != 2:
        raise ValueError(f"tensor {name} has no valid offsets")
    size = _ELEMENT_BYTES[dtype]
    for extent in shape:
        size *= extent
    if offsets[1] - offsets[0] != size:
        raise ValueError(f"the size of tensor {name} does not match its shape")
    return Tensor(dtype, tuple(shape), *offsets)


def _are_naturals(value: Any) -> bool:
    return isinstance(value, list) and all(type(number) is int and number >= 0 for number in value)


def _check_tiling(tensors: dict[str, Tensor], data_bytes: int) -> None:
    position = 0
    for begin, end in sorted((tensor.begin, tensor.end) for tensor in tensors.values()):
        if begin != position:
            raise ValueError("its tensors overlap or leave a gap")
        position = end
    if position != data_bytes:
        raise ValueError(f"its tensors take {position:,} bytes, but it has {data_bytes:,}")
