"""Auto: the recipe of this toolkit's own."""

from dataclasses import dataclass

from office31_cli.methods.mcc import Method as ClassConfusion


@dataclass(frozen=True, kw_only=True)
class Method(ClassConfusion):
    """For now MCC."""
