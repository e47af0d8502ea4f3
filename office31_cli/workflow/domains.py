"""From a data set's domains to the inputs and targets of a network."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from office31_cli.data import columns
from office31_cli.data.cache import CachedArray
from office31_cli.data.columns.base import Column, values_or_nan
from office31_cli.data.data_set import DataSet
from office31_cli.data.photographs import UNLABELLED, Photographs
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
from office31_cli.workflow.wording import describe_labelling


@dataclass(frozen=True, eq=False)
class Domain:
    """A domain's photographs, decoded."""

    whole: Photographs
    """All of them."""
    photographs: Photographs
    """Those that could be read."""
    pixels: CachedArray


def open_domain(
    data: DataSet,
    name: str,
    preprocessing: Preprocessing,
    *,
    skip_bad: bool,
    observer: Observer,
    unknown_note: str = "",
) -> Domain:
    """Decode a domain; with `skip_bad`, pictures that cannot be read are left out, and counted in a warning.

    The observer is told how many photographs are labelled, where these are not all; `unknown_note` says what becomes
    of those with items that the model does not know.
    """
    whole = data.photographs(name)
    pixels = decode_domain(whole, preprocessing.side, skip_bad=skip_bad, observer=observer)
    photographs = whole.subset(find_readable(pixels, whole)) if skip_bad else whole
    if left_out := len(whole) - len(photographs):
        observer.warn(f"{name}: {pluralize(left_out, 'picture')} left out, as they cannot be read")
    if counts := _count_labelled(data, photographs, unknown_note):
        observer.say(f"{name}: {counts}")
    return Domain(whole, photographs, pixels)


def _count_labelled(data: DataSet, photographs: Photographs, unknown_note: str) -> str:
    """How many of a domain's photographs are labelled, in words; empty where there is nothing to say."""
    listing = data.listings[photographs.domain]
    places = photographs.rows[photographs.is_unknown].tolist()
    return describe_labelling(
        int(photographs.is_known.sum()),
        int((photographs.items == UNLABELLED).sum()),
        len(places),
        sorted({str(listing.labels[place]) for place in places}),
        unknown_note,
    )


def open_domains(
    request: Request,
    names: Sequence[str],
    preprocessing: Preprocessing,
    observer: Observer,
    opened: dict[str, Domain] | None = None,
) -> list[Domain]:
    """The request's domains of these names: see `open_domain`.

    `opened` holds domains that need not be opened again, of the same data and preprocessing; new ones are added to it.
    """
    opened, skip_bad = {} if opened is None else opened, request.options.skip_bad
    for name in names:
        if name not in opened:
            opened[name] = open_domain(
                request.data,
                name,
                preprocessing,
                skip_bad=skip_bad,
                observer=observer,
                unknown_note=request.unknown_note,
            )
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
    """The inputs of the trained part of a split network: cached outputs of the frozen part, or pixels without one.

    Of the cached outputs there are so many `views` of each photograph to train on.
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
    """The frozen part's outputs, `[v][d]` for view v of domain d, computed where they are not cached yet."""
    return [
        [
            compute_frozen_outputs(frozen, domain.whole, domain.pixels, preprocessing, device, observer, view=view)
            for domain in domains
        ]
        for view in range(views)
    ]


def build_examples(parts: list[Photographs], targets: "FloatArray | None" = None) -> Examples:
    """The photographs of all parts with their targets (n, outputs); part d is of the inputs' domain d."""
    count = sum(map(len, parts))
    return Examples(
        np.repeat(np.arange(len(parts)), [len(part) for part in parts]),
        np.concatenate([part.rows for part in parts]),
        np.empty((count, 0)) if targets is None else targets,
    )


def training_values(data: DataSet, outputs: Composite, parts: list[Photographs]) -> Columns:
    """By column the values (n,) to train on, of all parts; raises `Misuse` where a photograph has none."""
    return _by_column(data, outputs, parts, lambda column, part: column.values(part))


def scoring_values(data: DataSet, outputs: Composite, parts: list[Photographs]) -> Columns:
    """By column the values (n,) to score by, of all parts; NaN where a photograph has none."""
    return _by_column(data, outputs, parts, values_or_nan)


def _by_column(
    data: DataSet,
    outputs: Composite,
    parts: list[Photographs],
    values: Callable[[Column, Photographs], "FloatArray"],
) -> Columns:
    wanted = (columns.get_column(data, name) for name in outputs.columns)
    return {column.name: np.concatenate([values(column, part) for part in parts]) for column in wanted}


def warn_of_missing_values(actual: Columns, observer: Observer) -> None:
    """Warn of columns of which not every photograph can be scored.

    Of how many the item is known is said where the domain is opened.
    """
    for name, values in actual.items():
        known, count = int((~np.isnan(values)).sum()), len(values)
        if known < count and not (known and name == "item"):
            told = f"scored on {known:,} of" if known else "not scored: no value for any of"
            observer.warn(f"output {printable(name)} is {told} {pluralize(count, 'photograph')}")
