"""Names for what is stored, from everything that it depends on: the same name means the same content."""

import hashlib
import json

_RUN_LAYOUT = 1
"""Raised when an interrupted run of an earlier version could no longer be continued."""


def make_key(layout: int, /, **parts: object) -> str:
    """A hash of the layout's number and of all parts, values that JSON can hold, as 32 hexadecimal digits."""
    canonical = json.dumps({"format": layout, **parts}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]


def run_key(**identity: object) -> str:
    """The name of a run's checkpoints or results: a hash of everything that decides what it computes."""
    return make_key(_RUN_LAYOUT, **identity)
