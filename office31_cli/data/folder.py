"""Anyone's folder of photographs, whatever its layout: `data.layouts` has a file for each.

Each domain holds the items that it has. Pictures that lie in no item folders are unlabelled.
"""

from dataclasses import replace
from pathlib import Path

from office31_cli.data import layouts
from office31_cli.data.data_set import DataSet
from office31_cli.data.labels import apply_stated_labels
from office31_cli.data.layouts.base import EXPECTED, Source, misplaced
from office31_cli.data.layouts.level import show
from office31_cli.data.walk import NO_LINKS, Links, Tree
from office31_cli.errors import Failed
from office31_cli.text import join_names, pluralize, printable


def open_folder(
    root: Path,
    name: str | None = None,
    *,
    index: str | None = None,
    nested: bool = False,
    follow_links: Path | None = None,
) -> DataSet:
    """Read the data set at `root`, whose layout is recognised, or said by an `index` in it.

    With `nested`, its folders are the items of one domain, whatever lies below them. Symbolic links are followed only
    to what lies below `root` or `follow_links`. Every picture is in exactly one domain, unless an index leaves it out.
    Raises `Failed` in one line that says what was expected and what is there instead: no folder, no layout that is
    known, no item, an item or a domain without pictures, or a link that is not followed.
    """
    if not root.is_dir():
        raise Failed(printable(str(root)), f"there is no such folder; {EXPECTED}", "check --data")
    links = NO_LINKS if follow_links is None else Links.below(root, follow_links)
    source = Source(Tree(root, links), name or _name_folder(root), nested, index)
    reading = layouts.read(source)
    data = apply_stated_labels(DataSet.of(source.name, root, dict(sorted(reading.listings.items()))))
    if not data.items:
        raise _no_items(source, data)
    layout = "" if reading.words is None else _describe(data, reading.words)
    return replace(data, layout=layout, index=index, nested=nested, follow_links=follow_links)


def _name_folder(root: Path) -> str:
    return root.name if root.name not in ("", "..") else root.resolve().name or "photographs"


def _describe(data: DataSet, words: str) -> str:
    domains = data.domains
    what = f"one domain, {domains[0]}," if len(domains) == 1 else f"{len(domains)} domains ({join_names(domains, 3)})"
    return printable(f"{data.name}: taken for {what} of {pluralize(len(data.items), 'item')}{words}")


def _no_items(source: Source, data: DataSet) -> Failed:
    """Nothing says what any picture shows."""
    first = next(iter(data.listings.values())).root.relative_to(source.tree.root).as_posix()
    return misplaced(
        source,
        f"{show('' if first == '.' else first)} holds pictures but no item folders",
        "give the folder that holds the domains, with a folder for each item in each of them",
    )
