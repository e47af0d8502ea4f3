"""Figures in words, as tables, the report's page and the model card have them in common."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from office31_cli import outputs
from office31_cli.text import format_percent, join_names, pluralize


def describe_labels(used: Mapping[str, int]) -> str:
    """How many labels of each domain a model has seen: `amazon 2,253, webcam 0`."""
    return ", ".join(f"{domain} {count:,}" for domain, count in used.items())


def describe_labelling(labelled: int, unlabelled: int, unknown: int, items: Iterable[str], note: str = "") -> str:
    """How many of a domain's photographs are labelled: `20 photographs are labelled, 194 are not`.

    `unknown` more are labelled with `items` that the model does not know, of which `note` says what becomes. Empty
    where all are labelled and known, and where none has a label.
    """
    if not unknown and not (labelled and unlabelled):
        return ""
    parts = [f"{pluralize(labelled, 'photograph is', 'photographs are')} labelled"]
    parts += [f"{unlabelled:,} {'is' if unlabelled == 1 else 'are'} not"] if unlabelled else []
    if unknown:
        names = list(items)
        one = "shows" if unknown == 1 else "show"
        what = "an item" if len(names) == 1 else f"{len(names):,} items"
        parts.append(f"{unknown:,} {one} {what} that the model does not know ({join_names(names, 3)}){note}")
    return ", ".join(parts)


def describe_class_weights(name: str) -> str:
    """What `--class-weights` did: `balanced: each has the same weight in the loss`."""
    done = {"balanced": "each has the same weight in the loss", "sampler": "each is drawn equally often"}
    return f"{name}: {done[name]}" if name in done else name


def describe_figure(kind: str, name: str, value: float | None) -> str:
    """One figure of an output of this kind with its name, an accuracy without: `83.2 %`, `r2 0.85`."""
    if name in outputs.load(kind).unbounded:
        return f"{name} {'-' if value is None or not math.isfinite(value) else format(value, '.3g')}"
    return format_percent(value) if name == "accuracy" else f"{name.replace('_', ' ')} {format_percent(value)}"


def describe_score(kind: str, value: float | None) -> str:
    """The figure that an output of this kind is judged by: accuracy, of a number R2."""
    return describe_figure(kind, outputs.load(kind).headline, value)


def describe_temperature(calibration: Mapping[str, Any]) -> str:
    """A stored temperature: `temperature 1.18, fitted on amazon, held out`."""
    return f"temperature {calibration['temperature']:.2f}, fitted on {calibration['fitted_on']}"


def describe_setting(setting: str, evidence: Mapping[str, Any] | None) -> Iterable[str]:
    """A line: which items the target is taken to show; where it was estimated one more: what its photographs say."""
    meaning = {
        "closed": "the target shows the source's items",
        "partial": "the target shows some of the source's items only",
        "open": "the target shows items that the source does not have",
        "universal": "the target lacks items of the source and shows others",
    }[setting]
    yield f"{setting}: {meaning}"
    if evidence is not None:
        unknown, items = evidence["unknown_probability"], evidence["items"]
        yield (
            f"its photographs say: unknown items with probability {unknown:.2f}, "
            f"{format_percent(min(1.0, items))} of the source's items"
        )


def describe_calibration(calibration: Mapping[str, Any]) -> Iterable[str]:
    """Two lines: the temperature, and the calibration error without and with it where it was fitted."""
    yield describe_temperature(calibration)
    before, after = (format_percent(calibration[f"ece_{when}"]) for when in ("before", "after"))
    error = "calibration error" if calibration["labels_used"] else "calibration error on pseudo-labels"
    yield f"{error} {before}, with temperature scaling {after}"
