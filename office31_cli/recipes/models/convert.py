"""The computing half of importing a classifier: a torchvision network's weights become a model's."""

import time
from typing import Any

import safetensors.torch
import torch

from office31_cli.data.catalogue import location
from office31_cli.engine.device import environment
from office31_cli.errors import Misuse
from office31_cli.models import weights
from office31_cli.models.backbones import build_backbone, last_layer, load_weights
from office31_cli.models.network import Architecture, Network
from office31_cli.outputs.choice import Kind as Choice
from office31_cli.outputs.composite import Composite
from office31_cli.recipes.models.import_classifier import Classifier
from office31_cli.registry import MODEL_FILE, Card, Entry, Registry
from office31_cli.text import counted
from office31_cli.workflow import seen_labels
from office31_cli.workflow.selection import IMPORT


def store(classifier: Classifier, name: str | None) -> Entry:
    """The stored model of a classifier; see `import_classifier`."""
    began = time.monotonic()
    loaded = weights.load(classifier.backbone, str(classifier.path))
    assert loaded.tensors is not None
    items = tuple(sorted(classifier.items))  # as data sets list them, and with them what goes on from this model
    crop = loaded.preprocessing.crop
    outputs = Composite(((Choice(name="item", labels=items),),))
    architecture = Architecture(backbone=classifier.backbone, bottleneck=0, crop=crop, outputs=outputs)
    backbone = build_backbone(classifier.backbone, crop, loaded.tensors)
    network = Network(architecture, [backbone])
    layer = last_layer(backbone, loaded.tensors)
    if len(layer["weight"]) != len(items):
        raise Misuse(
            f"weights {classifier.path.name}",
            f"they answer {counted(len(layer['weight']), 'class', 'classes')}, and {len(items):,} are named",
            "name them with --items FILE, or begin with its backbone: office31 pretrain --weights PATH",
        )
    order = torch.tensor([classifier.items.index(item) for item in items])
    (last,) = network.last_layers()
    load_weights(last, {key: value[order] for key, value in layer.items()})
    seen = _seen(classifier)
    card = Card(
        command=IMPORT,
        network=architecture.to_json(),
        weights=loaded.name,
        train="all",
        items=items,
        preprocessing=loaded.preprocessing.to_json(),
        data=_data(classifier),
        labels_used=seen_labels.counts(seen),
        configuration={},
        environment=environment(torch.device("cpu")),
        metrics={},
        history=[],
        seconds=round(time.monotonic() - began, 3),
    )
    tensors = {key: value.contiguous() for key, value in network.state_dict().items()}
    files = {MODEL_FILE: safetensors.torch.save(tensors), seen_labels.FILE: seen_labels.encode(seen)}
    return Registry().publish(card, files, name=name, suggested=classifier.path.stem)


def _seen(classifier: Classifier) -> seen_labels.Labelled:
    if classifier.data is None:
        return {}
    return seen_labels.by_domain(map(classifier.data.photographs, classifier.domains))


def _data(classifier: Classifier) -> dict[str, Any]:
    """As on a card; without a name where none was told."""
    data = classifier.data
    told = {"name": None, "location": None} if data is None else {"name": data.name, "location": location(data)}
    return told | {"domains": list(classifier.domains)}
