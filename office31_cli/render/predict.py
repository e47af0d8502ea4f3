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
from office31_cli.workflow.item_sets import UNKNOWN_ITEM

FORMATS = ("table", "json", "csv")

_SHARE = len(" 100.0 %")
_IN_SET = 5
"""Items of a set that a cell names; JSON and CSV have all of them."""


def render_predictions(result: Predictions, form: str) -> Generator[RenderableType, None, None]:
    """The predictions in one of `FORMATS`, in parts that come as the predictions are made."""
    if form == "json":
        pictures = ([each.to_json() for each in batch] for batch in result.batches)
        return stream_json(result.head(), "pictures", pictures, result.tail)
    return _stream_csv(result) if form == "csv" else _stream_tables(result)


def _stream_tables(result: Predictions) -> Generator[RenderableType, None, None]:
    title = f"{result.model} on {pluralize(result.pictures, 'picture')}"
    if result.folder:
        title += f" of {result.folder}"
    rows = ([_format_row(each, result) for each in batch] for batch in result.batches)
    yield from stream_table(title, _build_columns(result), rows, _format_caption(result))
    if unread := result.unreadable:
        problems = (Problem(each.path, each.error.why) for each in unread)
        yield build_problems_table(pluralize(len(unread), "unreadable picture"), problems)


def _build_columns(result: Predictions) -> list[Column]:
    """The table's columns, each with the room that its cells take at most."""
    item = _measure((*result.items, UNKNOWN_ITEM) if result.unknown else result.items)
    columns = [
        Column("picture", result.path_width, result.path_width),
        Column("item", item, item),
        Column(">confidence", _SHARE, _SHARE),
    ]
    if result.coverage is not None:
        columns.append(Column("prediction set", _IN_SET * (item + 2) + len("and 99 more"), item + 1))
    elif _has_others(result):
        others = result.top - (result.min_confidence == 0)
        columns.append(Column("others", others * (item + _SHARE + 2), item))
    for name, output in result.outputs.items():
        value = _measure(["yes", *output.vocabulary])
        columns.append(Column(printable(name), value + _SHARE, value))
    return columns


def _format_caption(result: Predictions) -> str:
    """What the confidence is worth, where that is known, and what is called unknown."""
    return "; ".join(filter(None, (_describe_confidence(result), _describe_unknown(result))))


def _describe_unknown(result: Predictions) -> str:
    if result.unknown is None:
        return ""
    rate, threshold = result.unknown["rate"], result.unknown["threshold"]
    return f"unknown above a score of {threshold:.4g}, as at most {100 * rate:g} % of known photographs should be"


def _describe_confidence(result: Predictions) -> str:
    if result.calibrated_on is None:
        return ""
    caption = f"confidence calibrated on {result.calibrated_on}"
    if result.coverage is None:
        return caption
    guarantee = "guaranteed for photographs like those" if result.promised else "no guarantee without labels"
    return f"{caption}; prediction sets have {100 * result.coverage:g} % target coverage, {guarantee}"


def _format_row(each: Prediction, result: Predictions) -> list[str]:
    row = [each.path.removeprefix(result.folder), each.item or "unsure", format_percent(each.confidence)]
    if each.set is not None:
        row.append(join_names(each.set, _IN_SET))
    elif _has_others(result):
        others = each.top[1:] if each.item is not None else each.top
        row.append(", ".join(f"{item} {format_percent(share)}" for item, share in others))
    return row + [_format_verdict(verdict) for verdict in each.outputs.values()]


def _has_others(result: Predictions) -> bool:
    """Whether there are others than the item: where the network abstains, the likeliest is one."""
    return result.top > 1 or result.min_confidence > 0


def _measure(names: Iterable[str]) -> int:
    return max((text_width(printable(name)) for name in names), default=0)


def _format_verdict(verdict: PredictedValue) -> str:
    """`webcam 98.0 %`, `yes 93.1 %`, `0.25`."""
    value, confidence = verdict
    if confidence is None:
        return f"{value:.4g}"
    said = {True: "yes", False: "no"}[value] if isinstance(value, bool) else value
    return f"{said} {format_percent(confidence)}"


def _stream_csv(result: Predictions) -> Generator[str, None, None]:
    ranks = [name for rank in range(1, result.top + 1) for name in (f"top_{rank}", f"top_{rank}_confidence")]
    outputs = [name for output in result.outputs for name in (output, f"{output}_confidence")]
    names = ["path", "item", "confidence", *ranks, *outputs, *(["set"] if result.coverage else []), "unreadable"]
    yield format_csv([names])
    for batch in result.batches:
        yield format_csv([[*map(_format_field, _list_values(each)), ""] for each in batch])
    yield format_csv([[each.path, *[""] * (len(names) - 2), each.error.why] for each in result.unreadable])


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
