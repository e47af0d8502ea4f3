"""The parts of a page that are generated: between `<!-- generated: KIND NAME -->` and `<!-- end -->`."""

import re
from collections.abc import Callable

from tests.docs import helps, listings, results, transcripts
from tests.docs.places import PACKAGE
from tests.faults.page import rows_and_tests

KINDS: dict[str, Callable[[str], str]] = {
    "help": helps.reference,
    "listing": listings.table,
    "result": results.table,
    "transcript": transcripts.block,
    "source": lambda name: f"```python\n{(PACKAGE / name).read_text().rstrip()}\n```",
    "faults": lambda _: rows_and_tests(),
}
"""By kind of block the function from what follows it in the marker to Markdown."""

_BLOCK = re.compile(
    r"(?P<start><!-- generated: (?P<kind>\w+) ?(?P<name>[^>]*?) -->\n).*?(?P<end><!-- end -->)", re.DOTALL
)


def regenerate(text: str) -> str:
    """A page's text with every generated part as it should be now."""
    return _BLOCK.sub(lambda block: block["start"] + _content(block["kind"], block["name"]) + block["end"], text)


def blocks(text: str) -> list[tuple[str, str]]:
    """Kind and name of each generated part of a page."""
    return [(block["kind"], block["name"]) for block in _BLOCK.finditer(text)]


def _content(kind: str, name: str) -> str:
    # CommonMark ends an HTML comment's block at its line; the blank lines keep tables and lists apart from it
    return f"\n{KINDS[kind](name).strip()}\n\n"
