"""`office31 models import` of a classifier that was trained elsewhere: what is checked before anything is read."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from office31_cli.data.catalogue import DataLike, describe_source, open_data
from office31_cli.data.data_set import DataSet
from office31_cli.data.lists import read_list
from office31_cli.errors import Failed, Misuse
from office31_cli.models.catalogue import OWN, check_backbone, resolve_weights_file
from office31_cli.observer import SILENT, Observer
from office31_cli.outputs.choice import Kind as Choice
from office31_cli.outputs.composite import Composite
from office31_cli.registry import MODEL_FILE, Card, Entry, Registry
from office31_cli.text import pluralize, printable
from office31_cli.workflow import seen_labels, selection
from office31_cli.workflow.selection import IMPORT

_CONVOLUTIONAL = "squeezenet"
"""Networks whose last layer is none of their features, but a convolution below the pooling."""


@dataclass(frozen=True, kw_only=True)
class Classifier:
    """Weights of a torchvision network, the names of its outputs in their order, and what it was trained on."""

    path: Path
    backbone: str
    items: tuple[str, ...]
    data: DataSet | None
    domains: tuple[str, ...]
    """Of the data set, those whose labels it has seen; none where nobody knows."""


def import_classifier(
    path: Path,
    backbone: str,
    *,
    items: Path | None = None,
    data: DataLike | None = None,
    domains: Sequence[str] = (),
    name: str | None = None,
    observer: Observer = SILENT,
) -> Entry:
    """Store a torchvision classifier as a model without a bottleneck, whose logits are the classifier's.

    `items` is a file that names its outputs, a line each, in their order; without it they are the items of `data` in
    alphabetical order, as folders of pictures are usually numbered. `domains` of `data` are those whose labels it has
    seen: where none is given, every score of the model comes with a warning. Raises `Misuse` for names that do not
    exist, and `Failed` or `Refused` where the file does not hold such a network.
    """
    check_backbone(backbone)
    if backbone in OWN or backbone.startswith(_CONVOLUTIONAL):
        raise Misuse(
            f"backbone {backbone}",
            "its last layer is no linear one, so it cannot be taken over as it is",
            f"start from its weights with: office31 pretrain --backbone {backbone} --weights PATH",
        )
    if name is not None:
        Registry().check_name_free(name)
    file = resolve_weights_file(str(path))
    opened = _data(data) if data is not None or domains or items is None else None
    for domain in domains:
        assert opened is not None
        opened.check_labelled(domain)
    if items is not None:
        names = _read_names(items)
    else:
        assert opened is not None
        names = opened.items
    if opened is not None:
        selection.report_layout(opened, observer)
    classifier = Classifier(path=file, backbone=backbone, items=names, data=opened, domains=tuple(domains))
    entry = store(classifier, name)
    if items is None:
        observer.say(f"outputs: taken to be the items of {printable(entry.card.data['name'])} in alphabetical order")
    if not domains:
        observer.warn("what it was trained on is not told (--domain), so no score of it can be known to be honest")
    return entry


def _data(data: DataLike | None) -> DataSet:
    try:
        return open_data(data)
    except Failed:
        if data is not None:
            raise
        raise Misuse(
            "the classifier's outputs", "nothing says what they are called", "give --items FILE, or --data"
        ) from None


def _read_names(path: Path) -> tuple[str, ...]:
    """The names in a file, a line each."""
    option = f"--items {printable(str(path))}"
    names = tuple(text.strip() for _, text in read_list(path, "--items", "name"))
    if not names:
        raise Misuse(option, "it names nothing", "give a file with a name a line")
    if twice := [each for each, count in Counter(names).items() if count > 1]:
        raise Misuse(option, f"{printable(twice[0])} is there twice", "give every output a name of its own")
    return names


def store(classifier: Classifier, name: str | None) -> Entry:
    """The stored model of a classifier; see `import_classifier`."""
    import safetensors.torch
    import torch

    from office31_cli.engine.device import describe_environment
    from office31_cli.models import weights
    from office31_cli.models.backbones import build_backbone, last_layer
    from office31_cli.models.network import Architecture, Network
    from office31_cli.models.state_dict import load_weights

    began = time.monotonic()
    loaded = weights.load(classifier.backbone, str(classifier.path))
    assert loaded.tensors is not None
    items = tuple(sorted(classifier.items))  # as data sets list them, and with them the models that start from this one
    crop = loaded.preprocessing.crop
    outputs = Composite(((Choice(name="item", labels=items),),))
    architecture = Architecture(backbone=classifier.backbone, bottleneck=0, crop=crop, outputs=outputs)
    backbone = build_backbone(classifier.backbone, crop, loaded.tensors)
    network = Network(architecture, [backbone])
    layer = last_layer(backbone, loaded.tensors)
    if len(layer["weight"]) != len(items):
        raise Misuse(
            f"weights {classifier.path.name}",
            f"they answer {pluralize(len(layer['weight']), 'class', 'classes')}, and {len(items):,} are named",
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
        data=_data_on_card(classifier),
        labels_used=seen_labels.count_labels(seen),
        configuration={},
        environment=describe_environment(torch.device("cpu")),
        metrics={},
        history=[],
        seconds=round(time.monotonic() - began, 3),
    )
    tensors = {key: value.contiguous() for key, value in network.state_dict().items()}
    files = {MODEL_FILE: safetensors.torch.save(tensors), seen_labels.FILE: seen_labels.encode(seen)}
    return Registry().publish(card, files, name=name, suggested=classifier.path.stem)


def _seen(classifier: Classifier) -> seen_labels.SeenLabels:
    if classifier.data is None:
        return {}
    return seen_labels.record_photographs(map(classifier.data.photographs, classifier.domains))


def _data_on_card(classifier: Classifier) -> dict[str, Any]:
    """The field `data` of a card; its name is None where no data set was named."""
    data = classifier.data
    fields = {"name": None, "location": None} if data is None else describe_source(data)
    return fields | {"domains": list(classifier.domains)}
