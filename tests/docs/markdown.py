"""Markdown tables."""

from collections.abc import Iterable, Sequence


def table(heads: Sequence[str], rows: Iterable[Sequence[object]], numbers: Sequence[int] = ()) -> str:
    """A table with these columns; those at the places `numbers` are aligned to the right."""
    rules = ["---:" if place in numbers else "---" for place in range(len(heads))]
    return "\n".join([_line(heads), f"|{'|'.join(rules)}|", *(_line(row) for row in rows)])


def _line(cells: Sequence[object]) -> str:
    texts = (" ".join(str(cell).split()).replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(texts)} |"
