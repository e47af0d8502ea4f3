"""`office31 finetune`: go on from a stored network with labels of the target."""

from functools import partial

from office31_cli import strategies
from office31_cli.data import columns
from office31_cli.data.folder import DataSet
from office31_cli.errors import Failed, Misuse
from office31_cli.observer import SILENT, Observer
from office31_cli.outputs.composite import Composite
from office31_cli.outputs.notation import parse, written
from office31_cli.recipes import choice
from office31_cli.recipes.request import DEFAULTS, Options, Request
from office31_cli.registry import Entry
from office31_cli.results import Finetuned
from office31_cli.text import printable


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
    strategies.FOLDER.check(strategy)
    if labels is not None and labels < 1:
        raise Misuse(f"--labels {labels}", "too few", "use 1 or more, or all")
    start, opened = choice.model_and_data(
        model, data, target, lambda entry: not entry.card.labels_used.get(target), _nothing(target)
    )
    if start.card.items != opened.items:
        raise Misuse(f"model {start.name}", "it lists its items in another order", "choose another --model")
    request = Request(
        command="finetune",
        data=opened,
        domains=(target,),
        backbone=start.card.network["backbone"],
        weights=start.card.weights,
        parent=start,
        outputs=_outputs(options.outputs, start, opened),
        strategy=strategy,
        labels=labels,
        suggested=f"{start.name}-{target}",
        options=options,
    )
    choice.tell_model(model, start, observer)
    from office31_cli.recipes import training  # torch, 3 s: only now that all that was typed makes sense
    from office31_cli.recipes.run import Run

    fields = training.train_and_store(Run.of(request, observer), observer)
    return Finetuned(**fields, target=target, strategy=strategy, labels=labels or "all")


def _outputs(text: str | None, start: Entry, data: DataSet) -> Composite:
    """What is to be answered: what the stored network does, unless something else is asked for."""
    before = choice.outputs_of(start)
    asked = parse(written(before) if text is None else text, partial(columns.named, data))
    try:
        return asked.going_on_from(before)
    except ValueError as error:
        raise Misuse(
            f"model {start.name}", f"{printable(str(error))} than {printable(data.name)}", "leave it out of --outputs"
        ) from None


def _nothing(target: str) -> Failed:
    return Failed(
        "no stored model fits",
        f"none is stored that has seen no label of {target}",
        "run office31 pretrain first, or name one with --model",
    )
