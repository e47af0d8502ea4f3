import json
import struct
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st

from office31_cli.errors import Refused
from office31_cli.registry import tensors
from tests.helpers.small_models import safetensors_bytes

ONE = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


def written(path: Path, header: object, data: bytes = bytes(8)) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def test_the_header_agrees_with_the_safetensors_library(tmp_path: Path) -> None:
    arrays = {"b": np.zeros((2, 3), np.float32), "a": np.arange(5, dtype=np.int64), "c": np.zeros((0, 4), np.uint8)}
    path = tmp_path / "m.safetensors"
    safetensors.numpy.save_file(arrays, path, metadata={"k": "v"})
    header = tensors.read_header(path)
    assert {name: (tensor.dtype, tensor.shape) for name, tensor in header.tensors.items()} == {
        "a": ("I64", (5,)),
        "b": ("F32", (2, 3)),
        "c": ("U8", (0, 4)),
    }
    assert header.metadata == {"k": "v"}


def test_equal_tensors_become_equal_files_that_the_library_reads(tmp_path: Path) -> None:
    arrays = {"b": np.ones((2, 3), np.float32), "a": np.arange(5, dtype=np.int64)}
    first, second = tmp_path / "1", tmp_path / "2"
    safetensors.numpy.save_file(arrays, first, metadata={"k": "v"})
    safetensors.numpy.save_file(arrays, second)
    tensors.normalise(first)
    tensors.normalise(second)
    assert first.read_bytes() == second.read_bytes()
    again = safetensors.numpy.load_file(first)
    assert all((again[name] == array).all() for name, array in arrays.items())


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"{",
        b"[]",
        b'{"w":{},"w":{}}',
        b"[" * 100_000,
        json.dumps({"w": ONE}).encode("utf-16"),
        {"w": ONE, "__metadata__": {"k": 1}},
        {"w": ONE, "__metadata__": []},
        {"w": 1},
        {"w": {**ONE, "more": 1}},
        {"w": {**ONE, "dtype": "F128"}},
        {"w": {**ONE, "dtype": []}},
        {"w": {**ONE, "shape": [-2]}},
        {"w": {**ONE, "shape": [2.0]}},
        {"w": {**ONE, "shape": [True, 2]}},
        {"w": {**ONE, "shape": [1] * 1000 + [2]}},
        {"w": {**ONE, "shape": [2**64, 2**64]}},
        {"w": {**ONE, "data_offsets": [8, 0]}},
        {"w": {**ONE, "data_offsets": [0, 8, 16]}},
        {"w": {**ONE, "data_offsets": [8, 16]}},
        {"w": ONE, "v": ONE},
        {"w": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}, "v": {**ONE, "data_offsets": [3, 11]}},
        {"w": {"dtype": "U8", "shape": [7], "data_offsets": [0, 7]}},
        {"\ud800": ONE},
        {"w" * 10_000: ONE},
        {"w": ONE, "__metadata__": {"k": "\ud800"}},
    ],
)
def test_a_header_that_breaks_the_format_is_refused(tmp_path: Path, header: object) -> None:
    with pytest.raises(Refused, match="safetensors"):
        tensors.read_header(written(tmp_path / "m", header))


@pytest.mark.parametrize("content", [b"", bytes(7), struct.pack("<Q", 2**63) + b"{}", struct.pack("<Q", 100) + b"{}"])
def test_a_length_that_the_file_does_not_have_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m"
    path.write_bytes(content)
    with pytest.raises(Refused):
        tensors.read_header(path)


@given(st.data())
def test_a_changed_byte_gives_a_header_or_a_refusal(tmp_path_factory: pytest.TempPathFactory, data) -> None:
    raw = bytearray(safetensors_bytes(1.0, 2.0, metadata={"k": "v"}))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "mutated"
    path.write_bytes(raw[: data.draw(st.integers(0, len(raw)))])
    try:
        header = tensors.read_header(path)
    except Refused:
        return
    assert header.start <= len(raw)
