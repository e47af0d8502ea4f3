"""A stored network's predictions for a part of a domain, beside what is known about its photographs."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch

from office31_cli.data import columns
from office31_cli.data.columns.base import Column, values_or_nan
from office31_cli.data.data_set import DataSet
from office31_cli.data.parts import TRAIN
from office31_cli.data.photographs import BoolArray, IntArray, Photographs
from office31_cli.data.splits import choose_held_out
from office31_cli.engine import inference
from office31_cli.engine.device import choose_device
from office31_cli.engine.features import compute_frozen_outputs
from office31_cli.engine.frozen_split import FrozenSplit, split_network
from office31_cli.engine.inputs import Examples, FrozenInputs
from office31_cli.errors import Failed, Misuse
from office31_cli.models.network import Network
from office31_cli.models.preprocessing import Preprocessing
from office31_cli.models.stored import load_network
from office31_cli.observer import Observer
from office31_cli.outputs.base import FloatArray, Output
from office31_cli.outputs.composite import Composite
from office31_cli.registry import Entry
from office31_cli.text import printable
from office31_cli.workflow import seen_labels
from office31_cli.workflow.domains import Domain, open_domain, warn_of_missing_values
from office31_cli.workflow.seen_labels import SeenLabels


@dataclass(frozen=True, eq=False)
class DomainPredictions:
    """What a network predicts for n photographs of one domain."""

    part: str
    photographs: Photographs
    outputs: Composite
    features: FloatArray
    """The inputs (n, d) of the last layer that predicts the item."""
    raw: FloatArray
    """The network's last layers (n, width), which `outputs` decodes."""
    actual: dict[str, FloatArray]
    """By column the actual values (n,), numbered as the model numbers them; NaN where one is not known."""
    seen: BoolArray
    """The photographs (n,) whose labels the model has seen."""
    labels_seen: int
    """How many labels of the whole domain the model has seen."""

    @property
    def probabilities(self) -> FloatArray:
        """The items' probabilities (n, K), not calibrated."""
        return self.outputs.decode_array(self.raw)["item"]

    @property
    def predicted(self) -> IntArray:
        """The number (n,) of the most probable item."""
        predicted: IntArray = self.probabilities.argmax(1)
        return predicted

    @property
    def items(self) -> IntArray:
        """The number (n,) of the actual item, `UNLABELLED` or `UNKNOWN`."""
        return self.photographs.items

    def known(self) -> Self:
        """Those for photographs that are labelled with one of the model's items."""
        mask = self.photographs.is_known
        if mask.all():
            return self
        return replace(
            self,
            photographs=self.photographs.known(),
            features=self.features[mask],
            raw=self.raw[mask],
            actual={column: values[mask] for column, values in self.actual.items()},
            seen=self.seen[mask],
        )


def predict_domain(
    entry: Entry,
    data: DataSet,
    domain: str,
    part: str | None,
    *,
    files: Collection[str] | None = None,
    device: str,
    skip_bad: bool,
    observer: Observer,
) -> DomainPredictions:
    """Pass one part of a domain through the stored network: see `Predictor.predict`."""
    predictor = Predictor.load(entry, device)
    return predictor.predict(data, domain, part, files=files, skip_bad=skip_bad, observer=observer)


@dataclass(frozen=True, eq=False)
class Predictor:
    """A stored network, checked and loaded once, for as many domains as are asked for."""

    entry: Entry
    network: Network
    preprocessing: Preprocessing
    split: FrozenSplit
    seen: SeenLabels
    """The labels that the model has seen."""
    device: torch.device

    @classmethod
    def load(cls, entry: Entry, device: str) -> Self:
        """The stored network; raises `Refused` where its bytes are not those that were published."""
        network, preprocessing = load_network(entry)
        seen = seen_labels.load_seen_labels(entry)
        return cls(entry, network, preprocessing, split_network(network, "head"), seen, choose_device(device))

    def predict(
        self,
        data: DataSet,
        domain: str,
        part: str | None = None,
        *,
        only: Photographs | None = None,
        files: Collection[str] | None = None,
        skip_bad: bool,
        observer: Observer,
    ) -> DomainPredictions:
        """Pass one part of a domain through the network.

        Without `part`, it is all of the domain if the model has seen none of its labels, else the photographs whose
        labels it has not seen. With `only`, it is these of the domain's photographs, seen or not; with `files` only
        these are in the part. Raises `Failed` where there are no photographs.
        """
        data = data.numbered(self.entry.card.items)
        opened = open_domain(data, domain, self.preprocessing, skip_bad=skip_bad, observer=observer)
        seen = seen_labels.find_seen(opened.photographs, self.seen)
        part = part or ("test" if seen.any() else "all")
        if only is None:
            scored = _select_part(opened.photographs, seen, part, files)
        else:
            scored = _intersect(opened.photographs, only)
        outputs = self.network.architecture.outputs
        raw_and_features = self._pass_through(opened, scored, observer)
        return DomainPredictions(
            part=part,
            photographs=scored,
            outputs=outputs,
            features=raw_and_features[:, outputs.width :],
            raw=raw_and_features[:, : outputs.width],
            actual=_actual_values(outputs, data, scored, observer),
            seen=seen_labels.find_seen(scored, self.seen),
            labels_seen=int(seen.sum()),
        )

    def _pass_through(self, opened: Domain, scored: Photographs, observer: Observer) -> FloatArray:
        """What `WithFeatures` gives for the scored photographs, (n, width + d)."""
        # Features of a backbone that many models share are cached for the whole domain, of others only as needed.
        shared = self.entry.card.train == "head"
        computed = opened.whole if shared else scored
        rows = scored.rows if shared else np.arange(len(scored))
        frozen = self.split.frozen_part
        assert frozen is not None
        pooled = compute_frozen_outputs(frozen, computed, opened.pixels, self.preprocessing, self.device, observer)
        inputs = FrozenInputs([[pooled]], self.device)
        examples = Examples(np.zeros(len(rows), dtype=np.int64), rows, np.empty((len(rows), 0)))
        watched = inference.WithFeatures(self.network, self.split.trained_part)
        return inference.predict(watched, inputs, examples, self.device).double().numpy()


def _select_part(photographs: Photographs, seen: BoolArray, part: str, files: Collection[str] | None) -> Photographs:
    """The photographs of `part`, of `files` alone where these are given; raises `Failed` where there are none.

    Of a domain that comes in parts, these are what is meant. Of one that the model was trained on, `train` are the
    photographs whose labels it has seen and `test` the others; of any other domain they are those that a training with
    the default split would use and hold out.
    """
    if part == "all":
        chosen = photographs
    elif (to_score := photographs.to_score) is not None:
        chosen = photographs.subset(photographs.in_part(TRAIN) if part == "train" else to_score)
    else:
        training = seen if seen.any() else _default_training_set(photographs)
        chosen = photographs.subset(training if part == "train" else ~training)
    if files is not None:
        wanted = frozenset(files)
        chosen = chosen.subset(np.array([file in wanted for file in chosen.files], dtype=np.bool_))
    if not len(chosen):
        raise Failed(
            f"{photographs.domain}:{part}",
            "no photographs are in this part",
            f"use --split {photographs.domain}:all, or a model that was trained with --held-out above 0",
        )
    return chosen


def _default_training_set(photographs: Photographs) -> BoolArray:
    """The photographs (n,) that a training with the default split would use."""
    known, training = photographs.known(), photographs.is_known
    training[training] = ~choose_held_out(known.items, known.digests)
    return training


def _intersect(photographs: Photographs, only: Photographs) -> Photographs:
    """The photographs that are also among `only`, of the same domain: those of `only` that could be read."""
    return photographs.subset(np.isin(photographs.rows, only.rows))


def _actual_values(outputs: Composite, data: DataSet, scored: Photographs, observer: Observer) -> dict[str, FloatArray]:
    """By column the actual values (n,), as the model numbers them; without those that the data set does not have."""
    actual = {}
    for name, reader in outputs.by_column().items():
        column = columns.find_column(data, name)
        if column is None or column.kind != reader.kind:
            observer.warn(f"output {printable(name)} is not scored: {printable(data.name)} has no such column")
            continue
        try:
            actual[name] = _renumber(reader, column, values_or_nan(column, scored))
        except Misuse as error:
            observer.warn(f"output {printable(name)} is not scored: {error.why}")
    warn_of_missing_values(actual, observer)
    return actual


def _renumber(reader: Output, column: Column, values: FloatArray) -> FloatArray:
    """A choice's values (n,) with the model's numbers; raises `Misuse` for a label that the model does not have."""
    if not column.labels:
        return values
    position = {label: float(number) for number, label in enumerate(reader.vocabulary)}
    known = ~np.isnan(values)
    labels = [column.labels[number] for number in values[known].astype(int)]
    if unknown := sorted(set(labels) - set(position)):
        raise Misuse(column.name, f"the model does not know {unknown[0]!r}", "")
    ordered = values.copy()
    ordered[known] = [position[label] for label in labels]
    return ordered
