"""The computing half of `pretrain` and `finetune`: start, split, train, score the held-out part, store."""

import time
from dataclasses import dataclass
from typing import Any

import safetensors.torch
import torch

from office31_cli import strategies
from office31_cli.data.catalogue import location
from office31_cli.engine import loop
from office31_cli.engine.checkpoints import Checkpoints, History
from office31_cli.engine.device import choose_device, environment, threads_for
from office31_cli.engine.draws import seed_torch
from office31_cli.engine.freezing import Cut, cut
from office31_cli.engine.inputs import Inputs
from office31_cli.engine.optimizers import Group
from office31_cli.engine.settings import EPOCHS, Settings, check_optimizer
from office31_cli.metrics.accuracy import accuracy
from office31_cli.models import weights
from office31_cli.models.backbones import build_backbone
from office31_cli.models.network import BOTTLENECK, Architecture, Network
from office31_cli.models.preprocessing import Preprocessing
from office31_cli.models.stored import load_network
from office31_cli.observer import Observer
from office31_cli.recipes import labelled
from office31_cli.recipes.material import examples, inputs_for, open_domain
from office31_cli.recipes.parts import Parts, divide
from office31_cli.recipes.request import Request
from office31_cli.registry import MODEL_FILE, Card, Entry, Registry
from office31_cli.strategies.base import trainable


@dataclass(frozen=True, eq=False)
class Start:
    """A network before training, where its weights came from, and what its photographs go through."""

    network: Network
    weights: str
    preprocessing: Preprocessing


@dataclass(frozen=True, eq=False)
class Run:
    """All that decides what a training computes."""

    request: Request
    start: Start
    train: str
    settings: Settings
    parts: Parts
    device: torch.device


def run(request: Request, observer: Observer) -> dict[str, Any]:
    """Do what was asked and publish the model; returns the fields of `results.Trained`.

    An interrupted run leaves its last epoch's checkpoint, from which the same request goes on: to the same bits as
    if it had never stopped. With `resume`, a run that has ended already returns its model.
    """
    began = time.monotonic()
    device = choose_device(request.options.device)
    start = _start(request, observer)
    train = request.options.train or _default_train(request, device)
    domains = [
        open_domain(request.data, name, start.preprocessing, skip_bad=request.options.skip_bad, observer=observer)
        for name in request.domains
    ]
    this = Run(request, start, train, _settings(request, train), divide(request, domains, observer), device)
    halves = cut(start.network, train)
    inputs = inputs_for(halves, domains, start.preprocessing, device, observer)
    checkpoints = Checkpoints(_identity(this), observer)
    if request.options.resume and (finished := _finished(checkpoints.key)):
        observer.say(f"this very run has ended already: its model is {finished.name}")
        return _fields(finished, this.parts)
    with checkpoints.held():
        history = _trained(this, halves, inputs, checkpoints, observer)
        score = _held_out_accuracy(halves.trained, inputs, this.parts, device)
        entry = _publish(this, _card(this, checkpoints.key, history, score, time.monotonic() - began))
        checkpoints.clear()
    return _fields(entry, this.parts)


def _finished(run: str) -> Entry | None:
    """The model that an earlier run of the same identity stored."""
    return Registry().newest(lambda entry: entry.card.configuration.get("run") == run)


def _trained(this: Run, halves: Cut, inputs: Inputs, checkpoints: Checkpoints, observer: Observer) -> History:
    groups = _groups(this)
    task = loop.Supervised(halves.trained)
    training = loop.Training(task, groups, inputs, examples(this.parts.learnt), this.settings, this.device)
    with threads_for(halves.name):
        return training.run(checkpoints, observer, resume=this.request.options.resume)


def _groups(this: Run) -> list[Group]:
    """What is trained at which rate: as the strategy says, but fresh weights all have the same way to go."""
    if this.request.parent is None and this.request.weights == "none":
        return [Group(trainable(this.start.network))]
    return strategies.load(this.request.strategy).groups(this.start.network)


def _start(request: Request, observer: Observer) -> Start:
    if request.parent is not None:
        network, preprocessing = load_network(request.parent)
        return Start(network, request.weights, preprocessing)
    loaded = weights.load(request.backbone, request.weights, observer)
    architecture = Architecture(
        backbone=request.backbone,
        bottleneck=BOTTLENECK,
        items=len(request.data.items),
        crop=loaded.preprocessing.crop,
    )
    seed_torch("initial weights", request.options.seed)
    return Start(
        Network(architecture, build_backbone(request.backbone, architecture.crop, loaded.tensors)),
        loaded.name,
        loaded.preprocessing,
    )


def _default_train(request: Request, device: torch.device) -> str:
    """The head alone on a CPU, where it takes seconds, unless the backbone has never been trained by others."""
    fresh = request.weights == "none"
    return "head" if device.type == "cpu" and not fresh else "all"


def _settings(request: Request, train: str) -> Settings:
    options = request.options
    return Settings(
        epochs=options.epochs or EPOCHS[train],
        batch_size=options.batch_size,
        optimizer=options.optimizer,
        lr=check_optimizer(options.optimizer, options.lr),
        seed=options.seed,
    )


def _held_out_accuracy(trained: torch.nn.Module, inputs: Inputs, parts: Parts, device: torch.device) -> float | None:
    kept_back = examples(parts.held_out)
    if not len(kept_back):
        return None
    return accuracy(loop.predict(trained, inputs, kept_back, device).argmax(1).numpy(), kept_back.items)


def _identity(this: Run) -> dict[str, Any]:
    """What a run must share with an interrupted one to go on from its checkpoint."""
    parent = this.request.parent
    return {
        "request": this.request.to_json(),
        "architecture": this.start.network.architecture.to_json(),
        "start": parent.id if parent else this.start.weights,
        "train": this.train,
        "preprocessing": this.start.preprocessing.to_json(),
        "settings": this.settings.to_json(),
        "learnt": [part.content for part in this.parts.learnt],
        "environment": environment(this.device),
    }


def _card(this: Run, run: str, history: History, score: float | None, seconds: float) -> Card:
    request, parent = this.request, this.request.parent
    return Card(
        command=request.command,
        parents=(parent.as_parent("start"),) if parent else (),
        network=this.start.network.architecture.to_json(),
        weights=this.start.weights,
        train=this.train,
        items=request.data.items,
        preprocessing=this.start.preprocessing.to_json(),
        data={
            "name": request.data.name,
            "location": location(request.data),
            "domains": list(request.domains),
            "learnt": {part.domain: part.content for part in this.parts.learnt},
        },
        labels_used=labelled.counts(this.parts.seen),
        configuration={**this.settings.to_json(), **request.to_json(), "run": run},
        environment=environment(this.device),
        metrics={"validation": {"item": score}},
        history=history,
        seconds=round(seconds, 3),
    )


def _publish(this: Run, card: Card) -> Entry:
    """Store the network with the record of every photograph whose label it has seen."""
    request = this.request
    tensors = {key: value.detach().cpu().contiguous() for key, value in this.start.network.state_dict().items()}
    files = {
        MODEL_FILE: safetensors.torch.save(tensors),
        labelled.FILE: labelled.encode(this.parts.seen),
    }
    return Registry().publish(card, files, name=request.options.name, suggested=request.suggested)


def _fields(entry: Entry, parts: Parts) -> dict[str, Any]:
    card = entry.card
    return {
        "model": entry.name,
        "id": entry.id,
        "parent": card.parents[0].id if card.parents else None,
        "command": card.command,
        "data": card.data["name"],
        "domains": tuple(card.data["domains"]),
        "backbone": card.network["backbone"],
        "weights": card.weights,
        "train": card.train,
        "outputs": "item",
        "photographs": sum(map(len, parts.learnt)),
        "held_out": sum(map(len, parts.held_out)),
        "epochs": card.configuration["epochs"],
        "seconds": card.seconds,
        "validation": card.metrics["validation"],
        "labels_used": card.labels_used,
    }
