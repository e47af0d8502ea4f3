"""`office31 adapt`: go on from a stored network with the target's photographs and none of its labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Self

from office31_cli import methods
from office31_cli.data.folder import DataSet
from office31_cli.errors import Misuse
from office31_cli.methods.base import Method
from office31_cli.observer import SILENT, Observer
from office31_cli.outputs.composite import Composite
from office31_cli.registry import Entry
from office31_cli.results import AdaptResult
from office31_cli.text import did_you_mean, join_names, pluralize, printable
from office31_cli.workflow import selection
from office31_cli.workflow.request import (
    ADAPT_DEFAULTS,
    ADAPT_EPOCHS,
    ADAPT_VIEWS,
    DEFAULT_METHOD,
    DEFAULT_VALIDATOR,
    AdaptRequest,
    Options,
)


def adapt(
    target: str,
    *,
    method: str = DEFAULT_METHOD,
    source: Sequence[str] | None = None,
    settings: Mapping[str, str] | None = None,
    validator: str = DEFAULT_VALIDATOR,
    steps: int | None = None,
    views: int | None = None,
    model: str | None = None,
    data: str | None = None,
    options: Options = ADAPT_DEFAULTS,
    observer: Observer = SILENT,
) -> AdaptResult:
    """Go on from `model` with the labels of `source` and the photographs of `target`, and store the network.

    `source` is what the model was trained on unless given; a source-free method does not open it. Without `model`
    the newest one that fits, was not adapted itself, and has seen no label of the target is taken. What is stored is
    the last epoch; beside its accuracy stand that of the epoch that `validator` picks without labels, and of the
    best. The target's labels, where it has any, are read after the training and for those figures alone. Raises
    `Misuse` for names and numbers that make no sense, before anything is loaded.
    """
    way = Way.checked(
        method, settings=settings, validator=validator, steps=steps, views=views, options=options, source=source
    )
    start, opened = selection.select_model_and_data(
        model, data, target, partial(_fits, target=target), selection.no_model_fits(target), needs_labels=False
    )
    request = way.request(start, opened, target, source)
    selection.report_model(model, start, observer)
    if left := [column for column in selection.stored_outputs(start).columns if column != "item"]:
        observer.say(f"adapt answers item alone: of {start.name}, it leaves {printable(join_names(left))} behind")
    from office31_cli.workflow import adapt_run, training  # torch, 3 s: only now that all that was typed makes sense

    fields = training.train_and_store(adapt_run.build_adapt_run(request, observer), observer)
    return AdaptResult(**fields, source="+".join(request.domains) or None, target=target, method=method)


@dataclass(frozen=True, kw_only=True)
class Way:
    """How to adapt, all that was typed checked and completed."""

    name: str
    method: Method
    validator: str
    steps: int | None
    views: int
    options: Options

    @classmethod
    def checked(
        cls,
        name: str,
        *,
        settings: Mapping[str, str] | None = None,
        validator: str = DEFAULT_VALIDATOR,
        steps: int | None = None,
        views: int | None = None,
        options: Options = ADAPT_DEFAULTS,
        source: Sequence[str] | None = None,
    ) -> Self:
        """Raises `Misuse` for names and numbers that make no sense."""
        options.check()
        method = methods.load(name).from_text(name, settings or {})
        if source and method.source_free:
            raise Misuse("--source", f"{name} goes on from the stored model alone", "leave it out")
        check_validator(
            validator,
            kept_back=options.held_out > 0 and not method.source_free,
            otherwise=f"use {DEFAULT_VALIDATOR}" if method.source_free else "add --held-out 0.2",
        )
        if options.held_out and method.source_free:
            raise Misuse(f"--held-out {options.held_out}", f"{name} learns from no labels", "use 0")
        if steps is not None and steps < 1:
            raise Misuse(f"--steps {steps}", "too few", "use 1 or more")
        if method.passes is not None and (options.epochs, steps) != (None, None):
            passes = pluralize(method.passes, "pass", "passes")
            raise Misuse("--epochs and --steps", f"{name} takes {passes} over the target", "leave them out")
        if options.train == "all" and views is not None:
            raise Misuse(f"--views {views}", "views are of frozen parts, and --train all freezes none", "leave it out")
        views = max(ADAPT_VIEWS, method.views) if views is None else views
        if views < method.views:
            raise Misuse(f"--views {views}", f"too few for {name}", f"use {method.views} or more")
        return cls(
            name=name,
            method=method,
            validator=validator,
            steps=steps,
            views=views,
            options=replace(options, epochs=method.passes or options.epochs or ADAPT_EPOCHS),
        )

    def request(self, start: Entry, data: DataSet, target: str, source: Sequence[str] | None = None) -> AdaptRequest:
        """The training from a stored model; raises `Misuse` where that cannot be adapted so."""
        if start.card.items != data.items:
            raise Misuse(f"model {start.name}", "it lists its items in another order", "choose another --model")
        return AdaptRequest(
            command="adapt",
            data=data,
            domains=() if self.method.source_free else _source(source, start, data, target),
            backbone=start.card.network["backbone"],
            weights=start.card.weights,
            parent=start,
            outputs=_item_alone(start, self.method),
            suggested_name=f"{start.name}-{target}-{self.name}",
            options=self.options,
            target=target,
            name=self.name,
            method=self.method,
            steps=self.steps,
            views=self.views,
            validator=self.validator,
        )


def check_validator(name: str, *, kept_back: bool, otherwise: str = f"use {DEFAULT_VALIDATOR}") -> None:
    """Raise `Misuse` where there is no such validator, or where it needs labels and none are kept back."""
    from office31_cli.metrics.validators import SOURCE, VALIDATORS  # numpy, 0.1 s

    known = (*VALIDATORS, SOURCE)
    if name not in known:
        raise Misuse(f"--validator {printable(name)}", "there is none of that name", did_you_mean(name, known))
    if name == SOURCE and not kept_back:
        raise Misuse("--validator source", "it needs labels of the source that are kept back", otherwise)


def _fits(entry: Entry, target: str) -> bool:
    """Whether adapting starts from a model where none is named: not from an earlier adaptation's result."""
    return entry.card.command != "adapt" and not entry.card.labels_used.get(target)


def _source(asked: Sequence[str] | None, start: Entry, data: DataSet, target: str) -> tuple[str, ...]:
    """The labelled domains to learn from, each once, in the data set's order."""
    wanted = asked or [domain for domain, count in start.card.labels_used.items() if count and domain != target]
    for domain in wanted:
        data.check_labelled(domain)
    if target in wanted:
        raise Misuse(f"--source {printable(target)}", "it is the target", "choose another")
    if not wanted:
        raise Misuse(
            f"model {start.name}", f"it has learnt from no domain but {printable(target)}", "name one with --source"
        )
    return tuple(domain for domain in data.domains if domain in wanted)


def _item_alone(start: Entry, method: Method) -> Composite:
    """What the adapted network answers: the item; other outputs of the stored one are left behind.

    Raises `Misuse` where a method without a source would have to learn it anew.
    """
    if method.source_free:
        selection.check_predicts_item(start, "without the source")
    outputs = selection.stored_outputs(start)
    return Composite(((outputs.by_column()["item"].with_weight(1.0),),))
