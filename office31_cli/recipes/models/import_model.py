"""`office31 models import`: a stored model from a file, ours or a classifier that was trained elsewhere."""

import os
from collections.abc import Sequence
from pathlib import Path

from office31_cli.data.catalogue import DataLike
from office31_cli.errors import Misuse
from office31_cli.observer import SILENT, Observer
from office31_cli.recipes.models.import_classifier import import_classifier
from office31_cli.recipes.models.rows import ModelRow
from office31_cli.registry import Registry, bundle


def import_model(
    path: str | os.PathLike[str],
    *,
    backbone: str | None = None,
    items: str | os.PathLike[str] | None = None,
    data: DataLike | None = None,
    domains: Sequence[str] = (),
    name: str | None = None,
    observer: Observer = SILENT,
) -> ModelRow:
    """Store the model in a file that `export` wrote, every byte checked.

    With `backbone` the file holds the weights of a classifier that was trained elsewhere: see `import_classifier`.
    Raises `Misuse` for a file of another kind and `Refused` for one that is damaged or forged.
    """
    if backbone is not None:
        entry = import_classifier(
            Path(path),
            backbone,
            items=None if items is None else Path(items),
            data=data,
            domains=domains,
            name=name,
            observer=observer,
        )
        return ModelRow.of(entry)
    for option, given in (("--items", items), ("--data", data), ("--domain", domains or None)):
        if given is not None:
            raise Misuse(option, "an exported model already records this", "leave it out, or name the --backbone")
    return ModelRow.of(bundle.import_model(Registry(), Path(path), name=name))
