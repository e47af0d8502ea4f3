"""How the items of a domain relate to those that a network predicts."""

from collections.abc import Iterable
from dataclasses import dataclass

from office31_cli.text import join_names, pluralize, printable

SETTINGS = ("closed", "partial", "open", "universal")
"""The field's names: the target's items are the network's; some of them; these and others; some of them and others."""

AUTO = "auto"
"""In place of one of these: it is decided from the evidence, without the target's labels."""


UNKNOWN_ITEM = "unknown"
"""What is predicted for a photograph that shows none of the model's items."""


@dataclass(frozen=True)
class ItemSets:
    """Each in alphabetical order."""

    shared: tuple[str, ...]
    """Items that the network predicts and the domain shows."""
    missing: tuple[str, ...]
    """Items that the network predicts and the domain does not show."""
    unknown: tuple[str, ...]
    """Items that the domain shows and the network does not predict."""

    @property
    def setting(self) -> str:
        """Which of `SETTINGS` this is."""
        if self.unknown:
            return "universal" if self.missing else "open"
        return "partial" if self.missing else "closed"

    def describe(self) -> str:
        """The difference in a few words; empty where there is none."""
        total = len(self.shared) + len(self.missing)
        parts = [f"{len(self.shared):,} of the model's {pluralize(total, 'item')}"] if self.missing else []
        if self.unknown:
            names = printable(join_names(self.unknown, 3))
            parts.append(f"{pluralize(len(self.unknown), 'item')} that the model does not know ({names})")
        return " and ".join(parts)


def compare_items(predicted: Iterable[str], shown: Iterable[str]) -> ItemSets:
    """Compare the items that a network predicts with those that a domain's labels show."""
    known, there = set(predicted), set(shown)
    return ItemSets(tuple(sorted(known & there)), tuple(sorted(known - there)), tuple(sorted(there - known)))


def describe_left_out(labels: Iterable[str | None], items: Iterable[str]) -> str:
    """Which photographs a score leaves out: those `labels` that are none of a network's `items`; empty without any."""
    known, labels = set(items), list(labels)
    unknown = [label for label in labels if label is not None and label not in known]
    parts = []
    if unknown:
        names = printable(join_names(sorted(set(unknown)), 3))
        parts.append(f"{pluralize(len(unknown), 'photograph')} of items that the model does not know ({names})")
    if unlabelled := sum(label is None for label in labels):
        parts.append(
            f"{unlabelled:,} without a label" if unknown else f"{pluralize(unlabelled, 'photograph')} without a label"
        )
    return " and ".join(parts)
