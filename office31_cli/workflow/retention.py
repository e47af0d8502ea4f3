"""What a network that gets outputs for new items forgets, and how well it knows the new ones.

Its accuracy is measured on photographs whose labels neither the stored network nor the new one has seen: the target's
held-out set, and what is unseen of the other labelled domains of the data set that the stored network was trained on.
Of the items that the stored network knew, it is compared with that network's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from office31_cli.data.photographs import BoolArray, Photographs
from office31_cli.engine import inference
from office31_cli.engine.frozen_split import FrozenSplit, split_network
from office31_cli.engine.inputs import Inputs
from office31_cli.observer import Observer
from office31_cli.outputs.composite import Composite
from office31_cli.workflow import seen_labels
from office31_cli.workflow.domains import Domain, build_examples, build_inputs, open_domains
from office31_cli.workflow.finetune_request import FinetuneRequest, find_source_domains
from office31_cli.workflow.partition import FewShotPartition
from office31_cli.workflow.starting_weights import StartingWeights


@dataclass(frozen=True, eq=False)
class Retention:
    """Photographs that neither network has seen, and what the stored one made of them."""

    parts: list[Photographs]
    """By domain, the target first."""
    old_items: int
    """The number of items that the stored network knows; the new ones have the numbers from there on."""
    inputs: Inputs
    """Of the new network's trained part."""
    before: list[BoolArray]
    """By domain the photographs (n,) that the stored network classifies correctly."""
    device: torch.device

    def measure(self, trained_part: nn.Module, outputs: Composite) -> dict[str, Any]:
        """The figures for the card: `forgotten`, of the old items, and `added`, of the target's new ones."""
        after = _find_correct(trained_part, outputs, self.inputs, self.parts, self.device)
        old = [part.items < self.old_items for part in self.parts]
        pairs = [(then[mask], now[mask]) for then, now, mask in zip(self.before, after, old, strict=True)]
        names = [part.domain for part in self.parts]
        new = after[0][~old[0]]
        return {
            "forgotten": {
                **_compare(pairs),
                "domains": {name: _compare([pair]) for name, pair in zip(names, pairs, strict=True) if len(pair[0])},
            },
            "added": {"accuracy": _mean(new), "photographs": len(new)},
        }


def prepare_retention(
    request: FinetuneRequest,
    start: StartingWeights,
    split: FrozenSplit,
    layers: str,
    partition: FewShotPartition,
    opened: dict[str, Domain],
    device: torch.device,
    observer: Observer,
) -> Retention:
    """Open what the stored network was trained on, beside the target, and score that network; `opened` as elsewhere.

    `split` is of the new network, whose `layers` are trained.
    """
    assert start.parent is not None
    names = (request.domains[0], *find_source_domains(request.parent, request.data, request.domains[0]))
    domains = open_domains(request, names, start.preprocessing, observer, opened)
    parts = [partition.held_out[0], *(_find_unseen(domain, partition) for domain in domains[1:])]
    stored = split_network(start.parent, layers)
    outputs = start.parent.architecture.outputs
    inputs = build_inputs(stored, domains, start.preprocessing, device, observer)
    return Retention(
        parts=parts,
        old_items=len(request.parent.card.items),
        inputs=build_inputs(split, domains, start.preprocessing, device, observer),
        before=_find_correct(stored.trained_part, outputs, inputs, parts, device),
        device=device,
    )


def _find_unseen(domain: Domain, partition: FewShotPartition) -> Photographs:
    known = domain.photographs.known()
    return known.subset(~seen_labels.find_seen(known, partition.seen))


def _find_correct(
    trained_part: nn.Module, outputs: Composite, inputs: Inputs, parts: Sequence[Photographs], device: torch.device
) -> list[BoolArray]:
    """By domain the photographs (n,) that a network classifies correctly."""
    if not any(map(len, parts)):
        return [np.zeros(0, dtype=np.bool_) for _ in parts]
    raw = inference.predict(trained_part, inputs, build_examples([*parts]), device).double().numpy()
    predicted = outputs.decode_array(raw)["item"].argmax(1)
    ends = np.cumsum([len(part) for part in parts])[:-1]
    return [items == part.items for items, part in zip(np.split(predicted, ends), parts, strict=True)]


def _compare(pairs: Sequence[tuple[BoolArray, BoolArray]]) -> dict[str, Any]:
    """The accuracies of all photographs together, by the stored network and by the new one."""
    before, after = (np.concatenate([pair[place] for pair in pairs]) for place in (0, 1))
    return {"before": _mean(before), "after": _mean(after), "photographs": len(before)}


def _mean(correct: BoolArray) -> float | None:
    return float(correct.mean()) if len(correct) else None
