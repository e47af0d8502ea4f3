"""From a data set's domains to what a network is fed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from office31_cli.data import columns
from office31_cli.data.cache import CachedArray
from office31_cli.data.columns.base import Column, values_or_nan
from office31_cli.data.folder import DataSet
from office31_cli.data.photographs import Photographs
from office31_cli.data.pixels import decode_domain, find_readable
from office31_cli.engine.features import compute_frozen_outputs
from office31_cli.engine.frozen_split import FrozenSplit
from office31_cli.engine.inputs import Examples, FrozenInputs, Inputs, PixelInputs
from office31_cli.models.preprocessing import Preprocessing
from office31_cli.observer import Observer
from office31_cli.outputs.base import Columns, FloatArray
from office31_cli.outputs.composite import Composite
from office31_cli.text import pluralize, printable
from office31_cli.workflow.request import Request


@dataclass(frozen=True, eq=False)
class Domain:
    """A domain's photographs, decoded: all of them, and those that could be read."""

    whole: Photographs
    photographs: Photographs
    pixels: CachedArray


def open_domain(
    data: DataSet, name: str, preprocessing: Preprocessing, *, skip_bad: bool, observer: Observer
) -> Domain:
    """Decode a domain; with `skip_bad`, leave out what cannot be read and say how much."""
    whole = data.photographs(name)
    pixels = decode_domain(whole, preprocessing.side, skip_bad=skip_bad, observer=observer)
    photographs = whole.subset(find_readable(pixels, whole)) if skip_bad else whole
    if left_out := len(whole) - len(photographs):
        observer.warn(f"{name}: {pluralize(left_out, 'picture')} left out, as they cannot be read")
    return Domain(whole, photographs, pixels)


def open_domains(
    request: Request,
    names: Sequence[str],
    preprocessing: Preprocessing,
    observer: Observer,
    opened: dict[str, Domain] | None = None,
) -> list[Domain]:
    """The domains by their names, each as `open_domain` has it.

    `opened` are those of the same data, for the same preprocessing, that need not be opened again; others are added.
    """
    opened, skip_bad = {} if opened is None else opened, request.options.skip_bad
    for name in names:
        if name not in opened:
            opened[name] = open_domain(request.data, name, preprocessing, skip_bad=skip_bad, observer=observer)
    return [opened[name] for name in names]


def build_inputs(
    split: FrozenSplit,
    domains: list[Domain],
    preprocessing: Preprocessing,
    device: torch.device,
    observer: Observer,
    *,
    views: int = 1,
) -> Inputs:
    """What the trained part of a split network is fed, for examples that name a domain's row.

    Where a part is frozen, training sees each photograph in one of so many cached views.
    """
    if split.frozen_part is None:
        return PixelInputs([domain.pixels for domain in domains], preprocessing, device)
    return FrozenInputs(
        compute_frozen_views(split.frozen_part, domains, preprocessing, device, observer, views=views), device
    )


def compute_frozen_views(
    frozen: nn.Module,
    domains: list[Domain],
    preprocessing: Preprocessing,
    device: torch.device,
    observer: Observer,
    *,
    views: int,
) -> list[list[CachedArray]]:
    """By view and domain what the frozen part makes of the photographs, computed where that is not there yet."""
    return [
        [
            compute_frozen_outputs(frozen, domain.whole, domain.pixels, preprocessing, device, observer, view=view)
            for domain in domains
        ]
        for view in range(views)
    ]


def build_examples(parts: list[Photographs], targets: "FloatArray | None" = None) -> Examples:
    """The photographs of the parts, one part a domain and in the domains' order, with what to learn of them."""
    count = sum(map(len, parts))
    return Examples(
        np.repeat(np.arange(len(parts)), [len(part) for part in parts]),
        np.concatenate([part.rows for part in parts]),
        np.empty((count, 0)) if targets is None else targets,
    )


def training_values(data: DataSet, outputs: Composite, parts: list[Photographs]) -> Columns:
    """What is to be learnt of the photographs of all parts; raises `Misuse` where one has no value."""
    return _by_column(data, outputs, parts, lambda column, part: column.values(part))


def scoring_values(data: DataSet, outputs: Composite, parts: list[Photographs]) -> Columns:
    """What the photographs of all parts are to be scored by, as far as their data set tells."""
    return _by_column(data, outputs, parts, values_or_nan)


def _by_column(
    data: DataSet,
    outputs: Composite,
    parts: list[Photographs],
    values: Callable[[Column, Photographs], "FloatArray"],
) -> Columns:
    asked = (columns.get_column(data, name) for name in outputs.columns)
    return {column.name: np.concatenate([values(column, part) for part in parts]) for column in asked}


def warn_of_missing_values(actual: Columns, observer: Observer) -> None:
    """Say of which columns not every photograph is scored."""
    for name, values in actual.items():
        known, count = int((~np.isnan(values)).sum()), len(values)
        if known < count:
            told = f"scored on {known:,} of" if known else "not scored: no value for any of"
            observer.warn(f"output {printable(name)} is {told} {pluralize(count, 'photograph')}")
