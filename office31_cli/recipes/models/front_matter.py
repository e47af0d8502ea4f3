"""YAML for the head of a Markdown file, in which no text can be anything but a text; fractions have six decimals."""

from collections.abc import Iterator
from typing import TypeAlias

Value: TypeAlias = "str | float | list[Value] | dict[str, Value]"


def front_matter(fields: dict[str, Value]) -> str:
    """The fields between two lines of dashes, in block style."""
    return "\n".join(["---", *_lines(fields), "---"])


def _lines(value: Value) -> Iterator[str]:
    """A value's lines; a list's and a table's begin at the margin."""
    match value:
        case dict():
            for name, inner in value.items():
                if isinstance(inner, dict | list):
                    yield f"{name}:"
                    yield from (f"  {line}" for line in _lines(inner))
                else:
                    yield f"{name}: {_scalar(inner)}"
        case list():
            for inner in value:
                first, *rest = _lines(inner)
                yield f"- {first}"
                yield from (f"  {line}" for line in rest)
        case _:
            yield _scalar(value)


def _scalar(value: str | float) -> str:
    if isinstance(value, str):
        return _quoted(value)
    return f"{value:.6f}" if isinstance(value, float) else str(value)


def _quoted(text: str) -> str:
    """In double quotes, everything but plain characters by its number."""
    legible = text.encode(errors="backslashreplace").decode()  # half a surrogate pair has no number in YAML
    return '"' + "".join(_character(each) for each in legible) + '"'


def _character(each: str) -> str:
    return each if each.isprintable() and each not in '"\\' else f"\\U{ord(each):08x}"
