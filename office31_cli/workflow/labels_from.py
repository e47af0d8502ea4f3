"""`--labels-from`: a data set with the labels that a file states."""

import os
from pathlib import Path

from office31_cli.data.data_set import DataSet
from office31_cli.data.labels import LabelFile, read_label_file
from office31_cli.errors import Misuse
from office31_cli.registry import Entry


def check_new_items(path: str | os.PathLike[str] | None, *, new_items: bool) -> None:
    """Raise `Misuse` for `--new-items` where no file may hold any."""
    if new_items and path is None:
        raise Misuse("--new-items", "it is about the items in a file", "add --labels-from FILE, or leave it out")


def read_labels_from(
    path: str | os.PathLike[str], data: DataSet, domain: str, entry: Entry, *, new_items: bool
) -> tuple[LabelFile, DataSet]:
    """What a file says of a domain's photographs, and the data set with its labels, numbered as before.

    Raises `Misuse` where the file is malformed, where afterwards no photograph of the domain is labelled, and, unless
    `new_items` says that it is meant, for an item that looks like a typing error: see `LabelFile.check_items`.
    """
    stated = read_label_file(Path(path), data, domain)
    if stated.items is not None:
        if not new_items:
            stated.check_items({*data.items_of(*data.domains), *entry.card.items})
        data = data.relabelled({domain: stated.items}).numbered(data.items)
    data.check_labelled(domain)
    return stated, data
