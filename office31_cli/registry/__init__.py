"""Models on disk: cards, names, lineage. Imports no torch."""

from office31_cli.registry.card import MODEL_FILE, Card, Parent
from office31_cli.registry.entry import Entry, Problem
from office31_cli.registry.store import Registry

__all__ = ["MODEL_FILE", "Card", "Entry", "Parent", "Problem", "Registry"]
