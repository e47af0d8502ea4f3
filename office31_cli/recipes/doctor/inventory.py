"""What a data set holds, as far as that is told without opening a picture."""

import numpy as np

from office31_cli.data.duplicates import identical
from office31_cli.data.folder import DataSet
from office31_cli.data.photographs import Photographs
from office31_cli.recipes.doctor.results import DataFound, DomainFound


def counted(data: DataSet) -> DataFound:
    """Every domain's photographs, by item where it has labels, and which of them are the same byte for byte."""
    parts = [data.photographs(name) for name in data.domains]
    return DataFound(
        dataset=data.name,
        root=str(data.root),
        items=len(data.items),
        domains={part.domain: _domain(data, part) for part in parts},
        identical=identical(parts),
        near=None,
    )


def by_item(data: DataSet, photographs: Photographs) -> dict[str, int]:
    """How many photographs each item has, in the items' order; those of labelled ones alone can be told."""
    counts = np.bincount(photographs.items, minlength=len(data.items)).tolist()
    return dict(zip(data.items, counts, strict=True))


def _domain(data: DataSet, part: Photographs) -> DomainFound:
    items = by_item(data, part) if part.labelled else None
    return DomainFound(
        len(part), items, None if items is None else [name for name, n in items.items() if not n], None, None
    )
