"""`office31 finetune`: go on from a stored network with labels of the target."""

from office31_cli import strategies
from office31_cli.data.catalogue import open_data
from office31_cli.data.folder import DataSet
from office31_cli.errors import Failed, Misuse
from office31_cli.observer import SILENT, Observer
from office31_cli.recipes import choice
from office31_cli.recipes.request import DEFAULTS, Options, Request
from office31_cli.registry import Entry
from office31_cli.results import Finetuned


def finetune(
    target: str,
    *,
    model: str | None = None,
    data: str | None = None,
    strategy: str = "full",
    labels: int | None = None,
    options: Options = DEFAULTS,
    observer: Observer = SILENT,
) -> Finetuned:
    """Go on from `model` with the target's labels: all of its training part, or `labels` an item.

    What is not learnt from is scored at the end. Without `model`, the newest one that fits and has seen no label
    of the target is taken: one that has could have seen what is now held out. Raises `Misuse` for names that do
    not exist, before anything is loaded.
    """
    options.check()
    strategies.check(strategy)
    if labels is not None and labels < 1:
        raise Misuse(f"--labels {labels}", "too few", "use 1 or more, or all")
    opened, start = _start(target, model, data)
    request = Request(
        command="finetune",
        data=opened,
        domains=(target,),
        backbone=start.card.network["backbone"],
        weights=start.card.weights,
        parent=start,
        strategy=strategy,
        labels=labels,
        suggested=f"{start.name}-{target}",
        options=options,
    )
    choice.tell_model(model, start, observer)
    from office31_cli.recipes import training  # torch, 3 s: only now that all that was typed makes sense

    fields = training.run(request, observer)
    return Finetuned(**fields, target=target, strategy=strategy, labels=request.to_json()["labels"])


def _start(target: str, model: str | None, data: str | None) -> tuple[DataSet, Entry]:
    """The data set, and the model to go on from."""
    if model is not None or data is None:
        start = choice.model(model, lambda entry: not entry.card.labels_used.get(target), _nothing(target))
        opened = open_data(data or start.card.data["location"])
        opened.check_domain(target)
    else:
        opened = open_data(data)
        opened.check_domain(target)
        start = choice.model(
            None,
            lambda entry: entry.card.items == opened.items and not entry.card.labels_used.get(target),
            _nothing(target),
        )
    choice.check_items(start, opened)
    return opened, start


def _nothing(target: str) -> Failed:
    return Failed(
        "no stored model fits",
        f"none is stored that has seen no label of {target}",
        "run office31 pretrain first, or name one with --model",
    )
