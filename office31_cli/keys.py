"""Keys of stored content, hashed from everything that it depends on: equal keys mean equal content."""

import hashlib
import json

_RUN_LAYOUT = 1
"""The layout's number, increased when interrupted runs of earlier versions can no longer be continued."""


def make_key(layout: int, /, **parts: object) -> str:
    """A hash of the layout's number and of all parts, JSON values, as 32 hexadecimal digits."""
    canonical = json.dumps({"format": layout, **parts}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]


def run_key(**identity: object) -> str:
    """The key of a run's checkpoints or results: a hash of everything that decides what it computes."""
    return make_key(_RUN_LAYOUT, **identity)
