"""Where a data set can be had."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mirror:
    """A public source: its archives, each with the domain that it holds, or None where it holds all."""

    name: str
    archives: tuple[tuple[str, str | None], ...]
