"""JSON from a file that may be damaged or hostile: bounded, no key twice, finite numbers; faults are ValueErrors."""

import json
import math
from typing import Any

DEEPEST = 32


def canonical(value: Any) -> bytes:
    """The one way to write `value`; raises ValueError for a NaN or an infinity."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=True).encode()


def finite(value: Any) -> Any:
    """`value` with the numbers that JSON does not have as None."""
    if isinstance(value, dict):
        return {key: finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def parse(raw: bytes, largest: int) -> dict[str, Any]:
    """The JSON object in at most `largest` bytes; raises ValueError for anything else."""
    if len(raw) > largest:
        raise ValueError(f"is larger than {largest:,} bytes")
    try:
        value = json.loads(
            raw.decode(), object_pairs_hook=_unique, parse_int=_whole, parse_float=_float, parse_constant=_float
        )
        _check_depth(value, DEEPEST)
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON ({error.msg} at character {error.pos:,})") from None
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("is not a JSON object")  # noqa: TRY004 - one kind of error for all that is wrong
    return value


def check_canonical(value: Any, raw: bytes) -> None:
    """Raise ValueError where `raw` is not the canonical JSON of `value`."""
    if canonical(value) != raw:
        raise ValueError("is not canonical JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("has a key twice")
    return made


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):  # what a float cannot hold stops whoever calculates with it, or shows it
        raise ValueError("has a number that is none, or too large")
    return number


def _whole(text: str) -> int:
    _float(text)
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
