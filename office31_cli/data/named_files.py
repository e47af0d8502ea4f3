"""Which photographs of a data set are meant by paths that a user writes."""

import difflib
import functools
import os
from collections import defaultdict
from pathlib import Path

from office31_cli.data.data_set import DataSet
from office31_cli.text import printable

_MOST_COMPARED = 10_000
"""Of a domain with more files no near match is looked for by letters: it would take seconds."""


def name_forms(data: DataSet, domain: str) -> dict[str, str]:
    """By path relative to the data set each of a domain's files, with an `images` level and without.

    Where the domain is not a folder of that name, as in an index, it is where the files lie.
    """
    listing = data.listings[domain]
    forms = {f"{domain}/{between}{file}": file for file in listing.files for between in ("", "images/")}
    return forms | {file: file for file in listing.files} if listing.root == data.root else forms


class FileFinder:
    """Finds files of one domain by paths relative to the domain, relative to the data set, or whole."""

    def __init__(self, data: DataSet, domain: str) -> None:
        self._data, self._listing, self._domain = data, data.listings[domain], domain
        files = self._listing.files
        self._known = (
            name_forms(data, domain) | {f"images/{file}": file for file in files} | {each: each for each in files}
        )

    def find(self, path: str) -> str | None:
        """The file, as the domain's listing has it; None where the path leads to none."""
        if (file := self._known.get(path)) is not None:
            return file
        places = (*self._places(path), Path(path))
        return next(
            (self._by_place[real] for place in places if (real := os.path.realpath(place)) in self._by_place), None
        )

    def explain(self, path: str) -> tuple[str, str]:
        """Why a path leads to no file of the domain, and what to do."""
        if self._leads_out(path):
            fix = f"name photographs of {printable(self._domain)} alone"
            return f"{printable(path)} leads out of {printable(str(self._data.root))}", fix
        why = f"{printable(path)} is no photograph of {printable(self._domain)}"
        if near := self._find_near(path):
            return why, f"did you mean {printable(near)}?"
        return why, f"give paths such as {printable(self._listing.files[0])}"

    @functools.cached_property
    def _by_place(self) -> dict[str, str]:
        """Each file by where it really lies."""
        return {os.path.realpath(self._listing.root / file): file for file in self._listing.files}

    def _places(self, path: str) -> tuple[Path, Path]:
        return self._listing.root / path, self._data.root / path

    def _leads_out(self, path: str) -> bool:
        """Whether a path climbs out of the data set, is one of elsewhere, or follows a link there."""
        root = os.path.realpath(self._data.root)
        places = self._places(path)
        outside = [place for place in places if not Path(os.path.realpath(place)).is_relative_to(root)]
        return len(outside) == len(places) or any(map(os.path.lexists, outside))

    def _find_near(self, path: str) -> str | None:
        """The file of the same name in another folder, if there is one, else one whose path is nearly the same."""
        files = self._listing.files
        by_name = defaultdict(list)
        for file in files:
            by_name[file.rpartition("/")[2]].append(file)
        if len(alike := by_name[path.rpartition("/")[2]]) == 1:
            return alike[0]
        if len(files) > _MOST_COMPARED:
            return None
        return next(iter(difflib.get_close_matches(path, files, n=1, cutoff=0.8)), None)
