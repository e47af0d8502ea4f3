"""JSON from files that may be damaged or hostile: bounded, no duplicate keys, finite numbers, else a ValueError."""

import json
import math
from typing import Any

DEEPEST = 32


def encode_canonical(value: Any) -> bytes:
    """The canonical JSON of `value`: sorted keys, no spaces, ASCII; raises ValueError for a NaN or an infinity."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=True).encode()


def replace_non_finite(value: Any) -> Any:
    """A copy of `value` with None for every NaN and infinity."""
    if isinstance(value, dict):
        return {key: replace_non_finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [replace_non_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def parse(raw: bytes, largest: int) -> dict[str, Any]:
    """Parse a JSON object of at most `largest` bytes; raises ValueError for anything else."""
    if len(raw) > largest:
        raise ValueError(f"is larger than {largest:,} bytes")
    try:
        value = json.loads(
            raw.decode(),
            object_pairs_hook=_build_object,
            parse_int=_parse_integer,
            parse_float=_parse_float,
            parse_constant=_parse_float,
        )
        _check_depth(value, DEEPEST)
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON ({error.msg} at character {error.pos:,})") from None
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("is not a JSON object")  # noqa: TRY004 - one kind of error for every fault
    return value


def check_canonical(value: Any, raw: bytes) -> None:
    """Raise ValueError where `raw` is not the canonical JSON of `value`."""
    if encode_canonical(value) != raw:
        raise ValueError("is not canonical JSON")


def _build_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise ValueError("has a duplicate key")
    return table


def _parse_float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):  # NaN and infinity would break later arithmetic and display
        raise ValueError("has a number that is not finite")
    return number


def _parse_integer(text: str) -> int:
    _parse_float(text)
    return int(text)


def _check_depth(value: Any, left: int) -> None:
    if left == 0:
        raise ValueError("is nested too deeply")
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list):
        return
    for inner in value:
        _check_depth(inner, left - 1)
