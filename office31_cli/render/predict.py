"""How predictions look: a table, a JSON object or CSV, each printed while they are made."""

from collections.abc import Generator, Iterable, Iterator

from rich.console import RenderableType

from office31_cli.outputs.base import PredictedValue
from office31_cli.recipes.predict.results import Prediction, Predictions
from office31_cli.registry import Problem
from office31_cli.render.models import build_problems_table
from office31_cli.render.stream import Column, stream_json, stream_table
from office31_cli.text import format_percent, join_names, pluralize, printable, text_width
from office31_cli.text_table import format_csv

FORMATS = ("table", "json", "csv")

_SHARE = len(" 100.0 %")
_IN_SET = 5
"""Items of a set that a cell names; JSON and CSV have all of them."""


def render_predictions(found: Predictions, form: str) -> Generator[RenderableType, None, None]:
    """The predictions in one of `FORMATS`, in parts that come as the predictions are made."""
    if form == "json":
        pictures = ([each.to_json() for each in batch] for batch in found.batches)
        return stream_json(found.head(), "pictures", pictures, found.tail)
    return _stream_csv(found) if form == "csv" else _stream_tables(found)


def _stream_tables(found: Predictions) -> Generator[RenderableType, None, None]:
    title = f"{found.model} on {pluralize(found.pictures, 'picture')}"
    rows = ([_format_row(each, found) for each in batch] for batch in found.batches)
    yield from stream_table(title, _build_columns(found), rows, _format_caption(found))
    if unread := found.unreadable:
        left_out = (Problem(each.path, each.error.why) for each in unread)
        yield build_problems_table(pluralize(len(unread), "unreadable picture"), left_out)


def _build_columns(found: Predictions) -> list[Column]:
    """The table's columns, each with the room that its cells take at most."""
    item = _measure(found.items)
    made = [("picture", found.path_width), ("item", item), (">confidence", _SHARE)]
    if found.coverage is not None:
        made.append((f"set for {100 * found.coverage:g} %", _IN_SET * (item + 2) + len("and 99 more")))
    elif _has_others(found):
        others = found.top - (found.min_confidence == 0)
        made.append(("others", others * (item + _SHARE + 2)))
    made += [
        (printable(name), _measure(["yes", *output.vocabulary]) + _SHARE) for name, output in found.outputs.items()
    ]
    return made


def _format_caption(found: Predictions) -> str:
    """What the confidence is worth, where that is known."""
    if found.calibrated_on is None:
        return ""
    promise = "; sets keep their promise on photographs like those" if found.promised else "; sets promise nothing"
    return f"confidence calibrated on {found.calibrated_on}" + (promise if found.coverage else "")


def _format_row(each: Prediction, found: Predictions) -> list[str]:
    made = [each.path, each.item or "unsure", format_percent(each.confidence)]
    if each.set is not None:
        made.append(join_names(each.set, _IN_SET))
    elif _has_others(found):
        others = each.top[1:] if each.item is not None else each.top
        made.append(", ".join(f"{item} {format_percent(share)}" for item, share in others))
    return made + [_format_verdict(verdict) for verdict in each.outputs.values()]


def _has_others(found: Predictions) -> bool:
    """Whether there are others than the item: where the network abstains, the likeliest is one."""
    return found.top > 1 or found.min_confidence > 0


def _measure(names: Iterable[str]) -> int:
    return max((text_width(printable(name)) for name in names), default=0)


def _format_verdict(verdict: PredictedValue) -> str:
    """`webcam 98.0 %`, `yes 93.1 %`, `0.25`."""
    value, confidence = verdict
    if confidence is None:
        return f"{value:.4g}"
    said = {True: "yes", False: "no"}[value] if isinstance(value, bool) else value
    return f"{said} {format_percent(confidence)}"


def _stream_csv(found: Predictions) -> Generator[str, None, None]:
    ranks = [name for rank in range(1, found.top + 1) for name in (f"top_{rank}", f"top_{rank}_confidence")]
    outputs = [name for output in found.outputs for name in (output, f"{output}_confidence")]
    names = ["path", "item", "confidence", *ranks, *outputs, *(["set"] if found.coverage else []), "unreadable"]
    yield format_csv([names])
    for batch in found.batches:
        yield format_csv([[*map(_format_field, _list_values(each)), ""] for each in batch])
    yield format_csv([[each.path, *[""] * (len(names) - 2), each.error.why] for each in found.unreadable])


def _list_values(each: Prediction) -> Iterator[str | bool | float | None]:
    yield from (each.path, each.item, each.confidence)
    for pair in (*each.top, *each.outputs.values()):
        yield from pair
    if each.set is not None:
        yield "; ".join(each.set)


def _format_field(value: str | bool | float | None) -> str:
    """A value as other programs read it: probabilities with six digits."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.6g}"
    return value
