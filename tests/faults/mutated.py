"""Exported models whose bytes were changed, as an attacker or a bad disk would."""

import copy
import json
import random
import resource
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from office31_cli.errors import Misuse, Office31Error, Refused
from office31_cli.registry import Registry, bundle, upkeep
from tests.faults.figures import Figure
from tests.helpers.small_models import make_card, safetensors_bytes

_MEMORY = 64 << 20
"""Bytes that reading any number of small files may take beyond what one takes."""

_NUMBERS = (-1, 0, 1, 7, 1 << 20, 1 << 31, 1 << 63, 1 << 64, 1e400, 0.5, None, "1", True, [], {})


def mutated_models(folder: Path, count: int, seed: int) -> Figure:
    """Import changed files: each is refused with exit code 3 (2 where it no longer looks like a model), or unharmed.

    A file that still imports has the id of the original; the registry stays sound, and memory bounded.
    """
    draw = random.Random(seed)
    original = _exported(folder)
    path, registry = folder / "mutated.safetensors", Registry(folder / "registry")
    failures, refused = 0, 0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(count):
        path.write_bytes(draw.choice(_MUTATIONS)(original, draw))
        try:
            entry = bundle.import_model(registry, path)
        except (Refused, Misuse) as error:
            refused += 1
            failures += "\n" in str(error)
        except Office31Error:
            failures += 1
        except Exception:
            failures += 1
        else:
            failures += entry.id != _id(folder)
    failures += len(upkeep.verify(registry))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10
    failures += grown > _MEMORY
    note = f"{refused:,} refused, the others unharmed; memory grew by {grown / 2**20:.0f} MiB"
    return Figure((67,), "mutated models that were not refused in a line", count, failures, seed, note)


def _exported(folder: Path) -> bytes:
    shutil.rmtree(folder, ignore_errors=True)
    registry = Registry(folder / "origin")
    files = {"model.safetensors": safetensors_bytes(1.0, 2.0), "seen.json": b"[]"}
    entry = registry.publish(make_card(), files, name="origin", suggested="origin")
    path = bundle.export(entry, folder / "origin.safetensors")
    return path.read_bytes()


def _id(folder: Path) -> str:
    return Registry(folder / "origin").find("origin").id


def _parts(whole: bytes) -> tuple[dict[str, Any], bytes]:
    (length,) = struct.unpack_from("<Q", whole)
    return json.loads(whole[8 : 8 + length]), whole[8 + length :]


def _joined(header: Any, data: bytes, length: int | None = None) -> bytes:
    raw = json.dumps(header, separators=(",", ":")).encode()
    raw += b" " * (-len(raw) % 8)
    return struct.pack("<Q", (len(raw) if length is None else length) % 2**64) + raw + data


def _length(whole: bytes, draw: random.Random) -> bytes:
    header, data = _parts(whole)
    return _joined(
        header, data, draw.choice([-1, 0, 1, 7, len(whole), 1 << 31, 1 << 40, 1 << 63, draw.randrange(5000)])
    )


def _offsets(whole: bytes, draw: random.Random) -> bytes:
    header, data = _parts(whole)
    header["w"]["data_offsets"] = draw.choice([[draw.choice(_NUMBERS) for _ in range(draw.randrange(4))], None, "0,8"])
    return _joined(header, data)


def _overlap(whole: bytes, draw: random.Random) -> bytes:
    header, data = _parts(whole)
    header["v"] = copy.deepcopy(header["w"])
    header["v"]["data_offsets"] = sorted(draw.randrange(len(data) + 9) for _ in range(2))
    return _joined(header, data)


def _dtype(whole: bytes, draw: random.Random) -> bytes:
    header, data = _parts(whole)
    header["w"]["dtype"] = draw.choice(
        ["F64", "F16", "I8", "U64", "BOOL", "F4", "", "f32", "F32\x00", None, 32, ["F32"]]
    )
    return _joined(header, data)


def _shape(whole: bytes, draw: random.Random) -> bytes:
    header, data = _parts(whole)
    header["w"]["shape"] = draw.choice([[draw.choice(_NUMBERS) for _ in range(draw.randrange(5))], None, [1] * 2000])
    return _joined(header, data)


def _metadata(whole: bytes, draw: random.Random) -> bytes:
    header, data = _parts(whole)
    metadata = header["__metadata__"]
    key = draw.choice(list(metadata))
    texts = (
        "",
        "null",
        "{}",
        "[" * 5000,
        '{"schema":1}',
        "\x00",
        "A" * draw.randrange(5000),
        metadata[key][:-1],
        3,
        None,
    )
    metadata[draw.choice([key, "office31.file.../../x", "office31.file.a/b"])] = draw.choice(texts)
    return _joined(header, data)


def _doubled(whole: bytes, draw: random.Random) -> bytes:
    return whole.replace(b'"w":', b'"w":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"w":', 1)


def _cut_or_longer(whole: bytes, draw: random.Random) -> bytes:
    return whole[: draw.randrange(len(whole))] if draw.random() < 0.5 else whole + bytes(draw.randrange(1, 5000))


def _bytes(whole: bytes, draw: random.Random) -> bytes:
    changed = bytearray(whole)
    for _ in range(draw.randint(1, 4)):
        changed[draw.randrange(len(changed))] = draw.randrange(256)
    return bytes(changed)


_MUTATIONS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _length,
    _offsets,
    _overlap,
    _dtype,
    _shape,
    _metadata,
    _doubled,
    _cut_or_longer,
    _bytes,
)
