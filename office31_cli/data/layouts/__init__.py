"""Layouts of a data set's folder: one file each, found by its name, that recognises a layout and reads it.

To add one, write `NAME.py` with a class `Layout` that derives from `base.Layout`; nothing else needs to know.
"""

from office31_cli.data.layouts.base import Layout, Reading, Source, misplaced
from office31_cli.discovery import ModuleFolder
from office31_cli.errors import Failed
from office31_cli.text import join_names

__all__ = ["FOLDER", "Layout", "Reading", "Source", "read"]

FOLDER = ModuleFolder(__name__, "layout", shared=("base", "level"))


def read(source: Source) -> Reading:
    """The domains of a data set, as the one layout says that recognises its folder.

    Raises `Failed` in one line where none does, where two do of the same precedence, or where something in it does not
    fit the layout.
    """
    layouts: dict[str, Layout] = {name: FOLDER.load(name).Layout() for name in FOLDER.names()}
    fitting = {name: layout for name, layout in layouts.items() if layout.recognises(source)}
    first = max((layout.precedence for layout in fitting.values()), default=0)
    names = [name for name, layout in fitting.items() if layout.precedence == first]
    if not names:
        raise _unrecognised(source)
    if len(names) > 1:
        shapes = " and ".join(fitting[name].shape for name in names)
        raise misplaced(source, f"it fits {len(names)} layouts at once, {shapes}", "lay it out as one of them")
    return fitting[names[0]].read(source)


def _unrecognised(source: Source) -> Failed:
    above = source.tree.list()
    if "images" in above.folders:
        return misplaced(
            source,
            "it holds a folder 'images' where a domain should be",
            "give the folder above it, or 'images' itself if it holds the items of one domain",
        )
    if above.folders:
        return misplaced(source, f"it holds {join_names(above.folders, 3)}", "lay it out as one of the layouts")
    return misplaced(source, "it holds no folders", "give the folder that holds the domains")
