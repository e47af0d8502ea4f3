"""Which networks and weights torchvision and timm define, read from their source files: importing them takes 3 s."""

import ast
import contextlib
import functools
import hashlib
import importlib.util
import json
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TypeAlias

from office31_cli import paths, storage
from office31_cli.errors import Failed
from office31_cli.keys import make_key

Weights: TypeAlias = dict[str, str]
"""`Enum.MEMBER` by the name of each member of a network's weights enum, aliases such as `DEFAULT` included."""

_LAYOUT = 1
"""Raised when the cached file is laid out in another way."""


@functools.cache
def list_networks(library: str) -> dict[str, Weights]:
    """The weights of every network that the library registers, by the network's name; empty where it is not installed.

    Timm has no enums of weights: its networks have none here. The result is cached on disk until a file of the library
    changes, as parsing timm takes two seconds.
    """
    files = _source_files(library)
    if not files:
        return {}
    key = _key_of(library, files)
    cached = paths.cache_home() / "networks" / f"{library}.json"
    networks = _read(cached, key)
    if networks is None:
        networks = _parse(files)
        with contextlib.suppress(OSError, Failed):  # a cache that cannot be written is done without
            _write(cached, key, networks)
    return networks


def _source_files(library: str) -> list[Path]:
    spec = importlib.util.find_spec(library)
    if spec is None or spec.origin is None:
        return []
    return sorted((Path(spec.origin).parent / "models").glob("*.py"))


def _key_of(library: str, files: Sequence[Path]) -> str:
    """What changes whenever a file of the library does."""
    try:
        installed = version(library)
    except PackageNotFoundError:  # a source tree on the path
        installed = ""
    states = [(str(path), status.st_size, status.st_mtime_ns) for path in files for status in [path.stat()]]
    return make_key(_LAYOUT, library=library, version=installed, files=states)


def _parse(files: Sequence[Path]) -> dict[str, Weights]:
    """The functions that `@register_model` decorates, each with the enum that annotates its argument `weights`."""
    builders: dict[str, ast.FunctionDef] = {}
    enums: dict[str, Weights] = {}
    for path in files:
        for statement in ast.parse(path.read_bytes()).body:
            match statement:
                case ast.FunctionDef():
                    builders |= dict.fromkeys(_registered_names(statement), statement)
                case ast.ClassDef(name=name, bases=[ast.Name(id="WeightsEnum")]):
                    enums[name] = dict(_members(statement))
    return {name: _weights_of(builders[name], enums) for name in sorted(builders)}


def _registered_names(function: ast.FunctionDef) -> Iterator[str]:
    """The names under which the function's decorators register it: its own, unless one gives another."""
    for decorator in function.decorator_list:
        match decorator:
            case ast.Name(id="register_model"):
                yield function.name
            case ast.Call(func=ast.Name(id="register_model"), args=given, keywords=named):
                names = [
                    part.value for part in (*given, *(each.value for each in named)) if isinstance(part, ast.Constant)
                ]
                yield str(names[0]) if names else function.name


def _members(enum: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """The name of each member and alias, and the member that it stands for."""
    for statement in enum.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=alias)], value=ast.Name(id=member)):
                yield alias, f"{enum.name}.{member}"
            case ast.Assign(targets=[ast.Name(id=member)], value=ast.Call()):
                yield member, f"{enum.name}.{member}"


def _weights_of(builder: ast.FunctionDef, enums: dict[str, Weights]) -> Weights:
    for argument in (*builder.args.args, *builder.args.kwonlyargs):
        if argument.arg == "weights" and argument.annotation is not None:
            for part in ast.walk(argument.annotation):
                if isinstance(part, ast.Name) and part.id in enums:
                    return enums[part.id]
    return {}


def _read(path: Path, key: str) -> dict[str, Weights] | None:
    """What `_write` wrote under this key; None where there is none, or it is damaged."""
    try:
        checksum, payload = path.read_bytes().split(b"\n", 1)
        if checksum.decode() != hashlib.sha256(payload).hexdigest():
            return None
        stored = json.loads(payload)
    except (OSError, ValueError):
        return None
    if stored.get("key") != key:
        return None
    networks: dict[str, Weights] = stored["networks"]
    return networks


def _write(path: Path, key: str, networks: dict[str, Weights]) -> None:
    payload = json.dumps({"key": key, "networks": networks}).encode()
    storage.make_folder(path.parent)
    storage.write_file(path, hashlib.sha256(payload).hexdigest().encode() + b"\n" + payload)
