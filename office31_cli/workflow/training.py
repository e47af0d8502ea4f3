"""One run, trained and stored with the record of all that made it: the computing half of the commands that train."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import safetensors.torch

from office31_cli.data.catalogue import describe_source
from office31_cli.engine import process_group
from office31_cli.engine.checkpoints import Checkpoints, History
from office31_cli.engine.device import describe_environment
from office31_cli.history import total_losses
from office31_cli.observer import Observer
from office31_cli.outputs.composite import Composite
from office31_cli.outputs.notation import format_outputs
from office31_cli.registry import MODEL_FILE, Card, Entry, Registry
from office31_cli.workflow import forced_resume, seen_labels
from office31_cli.workflow.calibration import CALIBRATION_FILE, Calibration
from office31_cli.workflow.partition import Partition
from office31_cli.workflow.run import Run
from office31_cli.workflow.tensorboard import Recorder
from office31_cli.workflow.unknown_detector import UNKNOWN_FILE, UnknownDetector


def train_on_all_processes(make: Callable[[], Run], device: str, observer: Observer) -> dict[str, Any]:
    """As `train_and_store`, by all processes that torchrun started; `make` loads what the run needs."""
    with process_group.join(device):
        return train_and_store(process_group.run_in_turn(make), observer)


def train_and_store(run: Run, observer: Observer) -> dict[str, Any]:
    """Train a run and publish its model; returns the fields of `results.TrainingResult`.

    An interrupted run leaves its last epoch's checkpoint, from which the same request resumes, to the same bits as
    if it had never stopped. With `resume`, a run that has ended already returns its model; where a similar run was
    interrupted instead of this one, `Misuse` is raised, or with `force` that one is resumed, and the card says so.
    """
    began = time.monotonic()
    checkpoints = process_group.open_checkpoints(run.identity(), observer)
    if run.request.options.resume:
        finished = process_group.run_on_first(lambda: _finished(checkpoints.key))
        if finished is None and (
            others := forced_resume.find_similar_run(checkpoints, force=run.request.options.force)
        ):
            checkpoints = others
            finished = process_group.run_on_first(lambda: _finished(others.key))
        if finished is not None:
            observer.say(f"this very run has ended already: its model is {finished.name}")
            return _fields(finished, run.partition)
    if told := forced_resume.describe(checkpoints.run.get(forced_resume.KEY)):
        observer.warn(f"not bit-identical: {told}")
    with checkpoints.lock():
        recorder = _recorder(run, checkpoints.key, observer) if process_group.local_shard().index == 0 else None
        history = run.train(recorder or observer, checkpoints)
        entry = process_group.run_on_first(lambda: _scored(run, checkpoints, history, began, observer))
    if recorder:
        recorder.finish(entry.card)
    return _fields(entry, run.partition)


def _recorder(run: Run, key: str, observer: Observer) -> Recorder | None:
    """What writes the course of the training down, if that was asked for."""
    options = run.request.options
    if options.tensorboard is None:
        return None
    return Recorder.of(
        observer, Path(options.tensorboard), options.name or run.request.suggested_name, key, run.settings
    )


def _scored(run: Run, checkpoints: Checkpoints, history: History, began: float, observer: Observer) -> Entry:
    """The stored model of a run that is trained."""
    held_out = run.predict_held_out() if any(map(len, run.partition.held_out)) else None
    scores, calibration = run.score(held_out, observer), run.fit_calibration(held_out, observer)
    card = _card(run, checkpoints, history, scores, calibration, time.monotonic() - began)
    entry = _publish(run, card, calibration, run.fit_detector(held_out))
    checkpoints.clear()
    return entry


def _finished(run: str) -> Entry | None:
    """The model that an earlier run of the same identity stored."""
    return Registry().newest(lambda entry: entry.card.configuration.get("run") == run)


def _card(
    run: Run,
    checkpoints: Checkpoints,
    history: History,
    scores: dict[str, dict[str, Any]],
    calibration: Calibration | None,
    seconds: float,
) -> Card:
    request, parent = run.request, run.request.parent
    validation: dict[str, float | None] = dict.fromkeys(run.outputs.columns)
    return Card(
        command=request.command,
        parents=(parent.as_parent("start"),) if parent else (),
        network=run.network.architecture.to_json(),
        weights=run.start.weights_name,
        train=run.trained_layers,
        items=request.data.items,
        preprocessing=run.start.preprocessing.to_json(),
        data={
            **describe_source(request.data),
            "domains": list(request.domains),
            "learnt": {part.domain: part.content for part in run.partition.train},
        },
        labels_used=run.count_labels_used(),
        configuration={
            **run.settings.to_json(),
            **request.to_json(),
            "options": run.options(),
            "run": checkpoints.key,
            **{name: told for name, told in checkpoints.run.items() if name == forced_resume.KEY},
        },
        environment=describe_environment(run.device, request.backbone),
        metrics={
            "validation": validation | run.outputs.headlines(scores),
            "calibration": calibration and calibration.headline(),
            **run.extra_metrics(),
        },
        history=history,
        seconds=round(seconds, 3),
    )


def _publish(run: Run, card: Card, calibration: Calibration | None, detector: UnknownDetector | None) -> Entry:
    """Store the network, what its confidence is worth, and the record of every photograph whose label it has seen."""
    tensors = {key: value.detach().cpu().contiguous() for key, value in run.network.state_dict().items()}
    files = {
        MODEL_FILE: safetensors.torch.save(tensors),
        seen_labels.FILE: seen_labels.encode(run.partition.seen),
    }
    if calibration is not None:
        files[CALIBRATION_FILE] = calibration.encode()
    if detector is not None:
        files[UNKNOWN_FILE] = detector.encode()
    return Registry().publish(card, files, name=run.request.options.name, suggested=run.request.suggested_name)


def _fields(entry: Entry, partition: Partition) -> dict[str, Any]:
    card = entry.card
    outputs = Composite.from_json(card.network["outputs"])
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
        "outputs": format_outputs(outputs),
        "photographs": sum(map(len, partition.train)),
        "held_out": sum(map(len, partition.held_out)),
        "epochs": len(card.history),
        "seconds": card.seconds,
        "kinds": {column: reader.kind for column, reader in outputs.by_column().items()},
        "validation": {column: card.metrics["validation"][column] for column in outputs.columns},
        "loss": total_losses(card.history),
        "labels_used": card.labels_used,
        "class_weights": card.configuration.get("class_weights", "none"),
        "forced": card.configuration.get(forced_resume.KEY),
        **{name: figures for name, figures in card.metrics.items() if name != "validation"},
    }
