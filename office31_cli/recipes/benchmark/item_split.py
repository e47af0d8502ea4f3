"""Which items the source and the target of each task hold, and their photographs."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from office31_cli.data import sets
from office31_cli.data.data_set import DataSet
from office31_cli.errors import Misuse
from office31_cli.text import did_you_mean, printable
from office31_cli.workflow.item_sets import AUTO, SETTINGS, ItemSets, compare_items

if TYPE_CHECKING:
    from office31_cli.data.photographs import Photographs

ACCURACY, HOS = "accuracy", "hos"
"""What a table's figures are: the share of photographs that are classified correctly, or the harmonic mean of OS* and
UNK where the target shows unknown items."""

_NEITHER = -3
"""In place of an item's number, of photographs that are not in the domain: no number of `Photographs.items`."""


@dataclass(frozen=True)
class TaskItems:
    """The items of a task's two domains; photographs of others are in neither."""

    source: tuple[str, ...]
    """What a network of the task predicts, in this order."""
    target: tuple[str, ...]

    @property
    def sets(self) -> ItemSets:
        """How they relate."""
        return compare_items(self.source, self.target)


@dataclass(frozen=True)
class ItemPlan:
    """The items of every task of a benchmark."""

    setting: str
    """One of `SETTINGS`."""
    tasks: Mapping[str, TaskItems]
    """By the task's name."""

    @property
    def metric(self) -> str:
        """What the setting is scored by: `ACCURACY`, or `HOS` where the targets show unknown items."""
        return HOS if self.setting in ("open", "universal") else ACCURACY

    @property
    def differ(self) -> bool:
        """Whether a task's source and target hold different items."""
        return any(items.sets.setting != "closed" for items in self.tasks.values())

    def identity(self, names: tuple[str, ...]) -> dict[str, Any]:
        """What it adds to the key of partial results: nothing where all domains hold all items, `names`."""
        if all(items == TaskItems(names, names) for items in self.tasks.values()):
            return {}
        assumed = {} if self.setting == "closed" else {"assumed": AUTO}
        return {"items": {task: dataclasses.asdict(items) for task, items in self.tasks.items()}} | assumed


def plan_items(
    data: DataSet,
    tasks: Mapping[str, tuple[str, str]],
    setting: str | None,
    source_items: Sequence[str] | None,
    target_items: Sequence[str] | None,
) -> ItemPlan:
    """Divide the items of `data` for each task, by two lists, else by the setting.

    With one or both of the lists the setting is what these are to each other. Without them, `closed` keeps the items
    that source and target share, `partial` all of the source's and the shared ones of the target, `open` the shared
    ones of the source and all of the target's, and `universal` all of both: after the literature's split where the data
    set has one. None keeps what `partial` does, and is closed where domains hold the same items.

    Raises `Misuse` for an unknown setting or item, and where a task is not of the setting.
    """
    if setting is not None and setting not in SETTINGS:
        raise Misuse(f"--setting {printable(setting)}", "there is none of that name", did_you_mean(setting, SETTINGS))
    if source_items is not None or target_items is not None:
        if setting is not None:
            raise Misuse(f"--setting {setting}", "the lists of items say what the setting is", "leave one of them out")
        split = sets.ItemSplit(
            _check_items(data, "--source-items", source_items), _check_items(data, "--target-items", target_items)
        )
        plan = ItemPlan(compare_items(split.source, split.target).setting, _divide(data, tasks, split))
    else:
        known = sets.find_split(data.items, setting) if setting is not None else None
        plan = _plan_by_setting(data, tasks, setting, known)
    _check_tasks(data, plan)
    return plan


def _check_items(data: DataSet, option: str, names: Sequence[str] | None) -> tuple[str, ...]:
    """The listed items, each once, all without a list; raises `Misuse` for one that no domain shows."""
    if names is None:
        return data.items
    for name in names:
        if name not in data.items:
            raise Misuse(
                f"{option}: item {printable(name)}",
                f"no labelled domain of {printable(data.name)} shows it",
                did_you_mean(name, data.items),
            )
    if not names:
        raise Misuse(option, "the list is empty", "name the items, one a line")
    return tuple(dict.fromkeys(names))


def _divide(data: DataSet, tasks: Mapping[str, tuple[str, str]], split: sets.ItemSplit) -> dict[str, TaskItems]:
    """By task those of the split's items that its domains show."""

    def choose(domain: str, among: Sequence[str]) -> tuple[str, ...]:
        return tuple(item for item in data.items_of(domain) if item in among)

    return {
        task: TaskItems(choose(source, split.source), choose(target, split.target))
        for task, (source, target) in tasks.items()
    }


def _plan_by_setting(
    data: DataSet, tasks: Mapping[str, tuple[str, str]], setting: str | None, known: sets.ItemSplit | None
) -> ItemPlan:
    items = _divide(data, tasks, known or sets.ItemSplit(data.items, data.items))
    for task, each in items.items():
        shared = each.sets.shared
        source = shared if setting in ("closed", "open") else each.source
        target = each.target if setting in ("open", "universal") else shared
        items[task] = TaskItems(source, target)
    plan = ItemPlan(setting or "closed", items)
    return dataclasses.replace(plan, setting="partial") if setting is None and plan.differ else plan


def _check_tasks(data: DataSet, plan: ItemPlan) -> None:
    """Raise `Misuse` where a task's source and target share no item, or do not differ as its setting says."""
    for task, items in plan.tasks.items():
        if not items.sets.shared:
            raise Misuse(f"task {printable(task)}", "its source and target share no item", "leave it out with --tasks")
        if plan.metric == HOS and not items.sets.unknown:
            raise Misuse(
                f"--setting {plan.setting}",
                f"task {printable(task)} of {printable(data.name)} has no item of the target that the source lacks",
                "say with --source-items and --target-items which items each has, or leave the task out with --tasks",
            )
    if plan.setting == "partial" and not plan.differ:
        raise Misuse(
            "--setting partial",
            f"all domains of {printable(data.name)} hold the same items",
            "say with --source-items and --target-items which items each has",
        )


def keep_items(
    photographs: "Photographs", names: Sequence[str], kept: Sequence[str], predicted: Sequence[str]
) -> "Photographs":
    """A domain's photographs of the items `kept`, numbered by those `predicted`; all others of them are `UNKNOWN`.

    `names` are the items that `photographs` is numbered by. Where nothing is left out, photographs without a label
    stay; otherwise nobody knows whether they show one of these items.
    """
    import numpy as np  # 0.1 s: what is only planned needs none of it

    from office31_cli.data.photographs import UNKNOWN, UNLABELLED

    numbers = {name: number for number, name in enumerate(predicted)}
    table = np.array([numbers.get(name, UNKNOWN) if name in set(kept) else _NEITHER for name in names])
    shown = photographs.is_known
    items = photographs.items.copy()
    items[shown] = table[items[shown]]
    left_out = items == _NEITHER
    if left_out.any():
        left_out |= items == UNLABELLED
    return dataclasses.replace(photographs, items=items).subset(~left_out)
