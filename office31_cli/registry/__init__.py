"""Models on disk: cards, names, lineage. Imports no torch."""
