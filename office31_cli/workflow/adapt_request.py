"""What `adapt` was asked to do: from which stored network, to which target, by which method."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from office31_cli import methods
from office31_cli.data.catalogue import reading_options
from office31_cli.data.data_set import DataSet
from office31_cli.engine.settings import HELD_OUT_SHARE
from office31_cli.errors import Misuse
from office31_cli.methods.base import Method
from office31_cli.outputs.composite import Composite
from office31_cli.registry import Entry
from office31_cli.text import did_you_mean, pluralize, printable
from office31_cli.workflow import selection
from office31_cli.workflow.item_sets import AUTO, SETTINGS
from office31_cli.workflow.request import (
    ADAPT_EPOCHS,
    ADAPT_VIEWS,
    DEFAULT_METHOD,
    DEFAULT_VALIDATOR,
    DEFAULTS,
    Options,
    Request,
)


@dataclass(frozen=True, kw_only=True)
class AdaptRequest(Request):
    """An adaptation: `domains` are the source, whose labels are trained on; none for a source-free method."""

    parent: Entry
    target: str
    method_name: str
    method: Method
    steps: int | None
    """Of an epoch; None where nothing was asked for, and for a method whose epoch is a pass over the target."""
    views: int
    """Of each photograph that training sees, where a part is frozen."""
    validator: str
    setting: str = "closed"
    """Which items the target is taken to show, one of `SETTINGS`; `auto` has that decided without its labels."""

    def to_json(self) -> dict[str, Any]:
        """As `Request.to_json`."""
        chosen = {name: getattr(self, name) for name in ("target", "steps", "views", "validator")}
        chosen |= {"method": self.method_name, "settings": self.method.settings()}
        return super().to_json() | chosen | methods.FOLDER.provenance(self.method_name)

    def resolved(self) -> dict[str, Any]:
        """As `Request.resolved`."""
        return self._resolved_alike() | {
            "model": self.parent.id,
            "source": list(self.domains),
            "set": self.method.settings(),
            "steps": self.steps,
            "views": self.views,
        }


def build_adapt_request(
    target: str,
    select: Callable[[], tuple[Entry, DataSet]],
    *,
    method: str = DEFAULT_METHOD,
    source: Sequence[str] | None = None,
    settings: Mapping[str, str | float] | None = None,
    validator: str = DEFAULT_VALIDATOR,
    steps: int | None = None,
    views: int | None = None,
    setting: str = "closed",
    options: Options = DEFAULTS,
) -> AdaptRequest:
    """An adaptation of the model that `select` finds with its data set, once all that was typed makes sense.

    Nothing of the source is held out unless `options` ask for it. Raises `Misuse` for names and numbers that make no
    sense, and where the stored model cannot be adapted so.
    """
    options.check()
    options.check_unweighted("adapt")
    check_setting(setting)
    chosen = methods.load(method).from_text(method, settings or {})
    _check_choices(method, chosen, validator, steps, source, setting, options)
    taken_views = _count_views(method, chosen, views, options)
    parent, data = select()
    return AdaptRequest(
        command="adapt",
        data=data,
        domains=() if chosen.source_free else _source_domains(source, parent, data, target),
        backbone=parent.card.network["backbone"],
        weights=parent.card.weights,
        parent=parent,
        outputs=_item_alone(parent, chosen),
        suggested_name=f"{parent.name}-{target}-{method}",
        options=replace(options, epochs=chosen.passes or options.epochs or ADAPT_EPOCHS),
        held_out=options.held_out or 0.0,
        target=target,
        method_name=method,
        method=chosen,
        steps=steps,
        views=taken_views,
        validator=validator,
        setting=setting,
        asked={
            "target": target,
            **reading_options(data),
            "method": method,
            "source": source and list(source),
            "set": dict(settings or {}),
            "validator": validator,
            "steps": steps,
            "views": views,
            "setting": setting,
            **options.to_json("outputs", "allow_nonfinite", "class_weights"),
        },
    )


def check_setting(name: str) -> None:
    """Raise `Misuse` where there is no such setting."""
    known = (AUTO, *SETTINGS)
    if name not in known:
        raise Misuse(f"--setting {printable(name)}", "there is none of that name", did_you_mean(name, known))


def check_validator(name: str, *, held_out: bool, otherwise: str = f"use {DEFAULT_VALIDATOR}") -> None:
    """Raise `Misuse` where there is no such validator, or where it needs labels and none are held out."""
    from office31_cli.metrics.validators import SOURCE, VALIDATORS  # numpy, 0.1 s

    known = (*VALIDATORS, SOURCE)
    if name not in known:
        raise Misuse(f"--validator {printable(name)}", "there is none of that name", did_you_mean(name, known))
    if name == SOURCE and not held_out:
        raise Misuse("--validator source", "it needs labels of the source that are held out", otherwise)


def _check_choices(
    name: str,
    method: Method,
    validator: str,
    steps: int | None,
    source: Sequence[str] | None,
    setting: str,
    options: Options,
) -> None:
    """Raise `Misuse` for choices that the method leaves no room for."""
    if source and method.source_free:
        raise Misuse("--source", f"{name} starts from the stored model alone", "leave it out")
    check_validator(
        validator,
        held_out=bool(options.held_out) and not method.source_free,
        otherwise=f"use {DEFAULT_VALIDATOR}" if method.source_free else f"add --held-out {HELD_OUT_SHARE}",
    )
    if method.source_free and setting not in (AUTO, "closed"):
        raise Misuse(f"--setting {setting}", f"{name} does not see the source, so it cannot compare", "leave it out")
    if options.held_out and method.source_free:
        raise Misuse(f"--held-out {options.held_out}", f"{name} trains on no labels", "use 0")
    if steps is not None and steps < 1:
        raise Misuse(f"--steps {steps}", "too few", "use 1 or more")
    if method.passes is not None and (options.epochs, steps) != (None, None):
        passes = pluralize(method.passes, "pass", "passes")
        raise Misuse("--epochs and --steps", f"{name} takes {passes} over the target", "leave them out")


def _count_views(name: str, method: Method, views: int | None, options: Options) -> int:
    """How many views of a photograph are cached where a part is frozen; raises `Misuse` where too few are asked for."""
    if views is None:
        return max(ADAPT_VIEWS, method.views)
    if options.train == "all":
        raise Misuse(f"--views {views}", "views are of frozen parts, and --train all freezes none", "leave it out")
    if views < method.views:
        raise Misuse(f"--views {views}", f"too few for {name}", f"use {method.views} or more")
    return views


def _source_domains(asked: Sequence[str] | None, parent: Entry, data: DataSet, target: str) -> tuple[str, ...]:
    """The labelled domains to train on, each once, in the data set's order."""
    wanted = asked or [domain for domain, count in parent.card.labels_used.items() if count and domain != target]
    for domain in wanted:
        data.check_labelled(domain)
    if target in wanted:
        raise Misuse(f"--source {printable(target)}", "it is the target", "choose another")
    if not wanted:
        raise Misuse(
            f"model {parent.name}",
            f"it was trained on no domain but {printable(target)}",
            "name one with --source",
        )
    return tuple(domain for domain in data.domains if domain in wanted)


def _item_alone(parent: Entry, method: Method) -> Composite:
    """What the adapted network answers: the item; other outputs of the stored one are left behind.

    Raises `Misuse` where a method without a source would have to train it anew.
    """
    if method.source_free:
        selection.check_predicts_item(parent, "without the source")
    outputs = selection.stored_outputs(parent)
    return Composite(((outputs.by_column()["item"].with_weight(1.0),),))
