"""What `finetune` was asked to do: from which stored network, with which labels of the target, and how."""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from office31_cli import processes, strategies
from office31_cli.data import columns
from office31_cli.data.catalogue import reading_options
from office31_cli.data.data_set import DataSet
from office31_cli.engine.settings import HELD_OUT_SHARE, NO_REFINEMENTS, Refinements
from office31_cli.errors import Misuse
from office31_cli.outputs.composite import Composite
from office31_cli.outputs.notation import format_outputs, parse
from office31_cli.registry import Entry
from office31_cli.strategies.base import Strategy
from office31_cli.text import printable
from office31_cli.workflow import selection
from office31_cli.workflow.labels_from import check_new_items, read_labels_from
from office31_cli.workflow.request import DEFAULTS, Options, Request


@dataclass(frozen=True, kw_only=True)
class FinetuneRequest(Request):
    """A fine-tuning: `domains` are the target, then those of the source that are trained on again."""

    parent: Entry
    strategy_name: str
    strategy: Strategy
    labels: int | None
    """Labels an item; None for all of the training part."""
    listed_files: tuple[str, ...] | None
    """The photographs whose labels to train on, by their paths below the target; None for a draw."""
    listed_items: tuple[str, ...] | None = None
    """The item of each of these, where the list states it; the held-out ones of them are then not trained on."""
    items_added: tuple[str, ...] = ()
    """Items that the stored network does not know, and that get outputs of their own; the last of the data set's."""
    refinements: Refinements

    def to_json(self) -> dict[str, Any]:
        """As `Request.to_json`."""
        chosen = {"strategy": self.strategy_name, "settings": self.strategy.settings(), **self.refinements.to_json()}
        listed: dict[str, Any] = {} if self.listed_files is None else {"listed": list(self.listed_files)}
        listed |= {} if self.listed_items is None else {"listed_items": list(self.listed_items)}
        listed |= {"items_added": list(self.items_added)} if self.items_added else {}
        chosen |= {"labels": self.label_budget, **listed, **strategies.FOLDER.provenance(self.strategy_name)}
        return super().to_json() | chosen

    @property
    def unknown_note(self) -> str:
        """As `Request.unknown_note`."""
        return " and are left out" + ("" if self.items_added else ": see --add-items")

    @property
    def label_budget(self) -> int | str:
        """`all`, the number of labels an item, or `listed`."""
        if self.listed_files is not None:
            return "listed"
        return "all" if self.labels is None else self.labels

    def resolved(self) -> dict[str, Any]:
        """As `Request.resolved`."""
        return self._resolved_alike() | {
            "model": self.parent.id,
            "set": self.strategy.settings(),
            "labels": None if self.listed_files is not None else self.label_budget,
            "outputs": format_outputs(self.outputs),
        }


def build_finetune_request(
    target: str,
    select: Callable[[], tuple[Entry, DataSet]],
    *,
    strategy: str = "full",
    settings: Mapping[str, str | float] | None = None,
    labels: int | None = None,
    labels_from: str | os.PathLike[str] | None = None,
    new_items: bool = False,
    add_items: bool = False,
    with_source: bool = False,
    refinements: Refinements = NO_REFINEMENTS,
    options: Options = DEFAULTS,
) -> FinetuneRequest:
    """A fine-tuning of the model that `select` finds with its data set, once all that was typed makes sense.

    Raises `Misuse` for names and numbers that make no sense, and where the stored model cannot be fine-tuned so.
    """
    options.check()
    refinements.check()
    chosen = strategies.load(strategy).from_text(strategy, settings or {})
    if not chosen.losses_are_row_means:
        processes.check_single_process(f"--strategy {strategy}")
    _check_labels(labels, refinements)
    check_new_items(labels_from, new_items=new_items)
    parent, data = select()
    files = items = None
    if labels_from is not None:
        stated, data = read_labels_from(labels_from, data, target, parent, new_items=new_items)
        files, items = stated.files, stated.list_items()
    domains = (target, *(_choose_source(parent, data, target) if with_source else ()))
    added = _choose_added_items(parent, data, domains, files) if add_items else ()
    if added:
        _check_can_add(strategy, chosen)
    else:
        fix = "add --add-items, or choose another --model or --data"
        selection.check_shared_items(parent, data, target, fix=fix)
    data = data.numbered((*parent.card.items, *added))
    return FinetuneRequest(
        command="finetune",
        data=data,
        domains=domains,
        backbone=parent.card.network["backbone"],
        weights=parent.card.weights,
        parent=parent,
        outputs=_choose_outputs(options.outputs, parent, data, strategy, chosen),
        strategy_name=strategy,
        strategy=chosen,
        labels=labels,
        listed_files=files,
        listed_items=items,
        items_added=added,
        refinements=refinements,
        suggested_name=f"{parent.name}-{target}",
        options=options,
        held_out=HELD_OUT_SHARE if options.held_out is None else options.held_out,
        asked={
            "target": target,
            **reading_options(data),
            "strategy": strategy,
            "set": dict(settings or {}),
            "labels": labels,
            "labels_from": None if labels_from is None else str(labels_from),
            "new_items": new_items,
            "add_items": add_items,
            "with_source": with_source,
            **vars(refinements),
            **options.to_json("allow_nonfinite"),
        },
    )


def _check_labels(labels: int | None, refinements: Refinements) -> None:
    if labels is not None and (isinstance(labels, bool) or not isinstance(labels, int)):
        raise Misuse(f"--labels {printable(str(labels))}", "not a whole number", "use 1 or more, or None for all")
    if labels is not None and labels < 1:
        raise Misuse(f"--labels {labels}", "too few", "use 1 or more, or all")
    if labels == 1 and refinements.patience is not None:
        raise Misuse("--patience", "it keeps a label of each item for itself", "ask for --labels 2 or more")


def find_source_domains(parent: Entry, data: DataSet, target: str) -> tuple[str, ...]:
    """The labelled domains but the target that a model was trained on, in the data set's order."""
    trained_on = {domain for domain, count in parent.card.labels_used.items() if count and domain != target}
    return tuple(domain for domain in data.labelled_domains if domain in trained_on)


def _choose_source(parent: Entry, data: DataSet, target: str) -> tuple[str, ...]:
    """As `find_source_domains`; raises `Misuse` where there is none."""
    domains = find_source_domains(parent, data, target)
    if not domains:
        raise Misuse(
            f"model {parent.name}",
            f"what it was trained on is no domain of {printable(data.name)} beside {printable(target)}",
            "leave --with-source out",
        )
    return domains


def _check_can_add(name: str, strategy: Strategy) -> None:
    if strategy.needs_stored_item:
        raise Misuse(
            "--add-items",
            f"{name} compares each item with those that the stored network knows, and has nothing for new ones",
            "choose another --strategy",
        )


def _choose_added_items(
    parent: Entry, data: DataSet, domains: Sequence[str], listed: Collection[str] | None
) -> tuple[str, ...]:
    """The items, in alphabetical order, that labels to train on name and the model does not know.

    Of the target, the first of the domains, these are the labels of the `listed` files where there is a list.
    """
    listings = [data.listings[domain] for domain in domains]
    named = {
        label
        for place, listing in enumerate(listings)
        for file, label in zip(listing.files, listing.labels, strict=True)
        if label is not None and (place or listed is None or file in listed)
    }
    return tuple(sorted(named - set(parent.card.items)))


def _choose_outputs(text: str | None, parent: Entry, data: DataSet, name: str, strategy: Strategy) -> Composite:
    """What is to be answered: what the stored network does, unless something else is asked for.

    Raises `Misuse` where the stored network numbers it otherwise, or the strategy cannot train it.
    """
    before = selection.stored_outputs(parent).with_items(data.items)
    wanted = parse(format_outputs(before) if text is None else text, partial(columns.get_column, data))
    try:
        outputs = wanted.inherit_from(before)
    except ValueError as error:
        raise Misuse(
            f"model {parent.name}", f"{printable(str(error))} than {printable(data.name)}", "leave it out of --outputs"
        ) from None
    if strategy.item_only and (len(outputs.outputs) > 1 or outputs.columns != ("item",)):
        raise Misuse(
            f"--strategy {name}", f"it answers item alone, not {format_outputs(outputs)}", "add --outputs item"
        )
    if strategy.needs_stored_item:
        selection.check_predicts_item(parent, f"for {name}")
    return outputs
