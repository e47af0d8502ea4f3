"""`office31 finetune`: go on from a stored network with labels of the target."""

from office31_cli import strategies
from office31_cli.errors import Failed, Misuse
from office31_cli.observer import SILENT, Observer
from office31_cli.recipes import choice
from office31_cli.recipes.request import DEFAULTS, Options, Request
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
        strategy=strategy,
        labels=labels,
        suggested=f"{start.name}-{target}",
        options=options,
    )
    choice.tell_model(model, start, observer)
    from office31_cli.recipes import training  # torch, 3 s: only now that all that was typed makes sense

    fields = training.run(request, observer)
    return Finetuned(**fields, target=target, strategy=strategy, labels=labels or "all")


def _nothing(target: str) -> Failed:
    return Failed(
        "no stored model fits",
        f"none is stored that has seen no label of {target}",
        "run office31 pretrain first, or name one with --model",
    )
