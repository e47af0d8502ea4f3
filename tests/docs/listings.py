"""What there is of each kind: the handbook's topics, methods, strategies, what Python can import."""

import inspect
from collections.abc import Callable

import office31_cli
from office31_cli.recipes import listing
from tests.docs.helps import ROOT
from tests.docs.markdown import table as markdown_table
from tests.docs.places import README, TOPICS


def table(name: str) -> str:
    """One of `LISTINGS` as Markdown: all things of a kind, with what each is."""
    return LISTINGS[name]()


def _methods() -> str:
    return _settable(
        office31_cli.list_methods(), "Source-free: it starts from the stored model and reads the target alone."
    )


def _strategies() -> str:
    return _settable(office31_cli.list_strategies(), "It trains on the target's unlabelled photographs as well.")


def _settable(listed: listing.Listing, footnote: str) -> str:
    rows = [
        [
            f"`{row.name}`{' *' if row.marked else ''}",
            f"{row.summary.rstrip('.')} ({row.paper})",
            ", ".join(map(_setting, row.hyperparameters)),
        ]
        for row in listed.rows
    ]
    return (
        f"{markdown_table([listed.kind, 'what it does (source)', '`--set`: default (range)'], rows)}\n\n\\* {footnote}"
    )


def _setting(each: listing.Hyperparameter) -> str:
    if isinstance(each.default, bool):
        return f"`{each.name}` {str(each.default).lower()} (true or false)"
    return f"`{each.name}` {each.default:g} ({each.low:g} to {each.high:g})"


def _topics() -> str:
    lines = []
    for path in TOPICS:
        if path.stem not in ROOT.commands:
            title, sentence = headline(path.read_text())
            lines.append(f"- [{title}]({path.relative_to(README.parent)}): {sentence}")
    return "\n".join(lines)


def headline(text: str) -> tuple[str, str]:
    """A topic's title and its first paragraph."""
    title, _, rest = text.partition("\n")
    return title.removeprefix("# "), " ".join(rest.strip().partition("\n\n")[0].split())


def _importable(fits: Callable[[object], bool]) -> str:
    public = {name: getattr(office31_cli, name) for name in office31_cli.__all__}
    rows = [[f"`{name}`", _first_line(each)] for name, each in public.items() if fits(each)]
    return markdown_table(["name", "what it is"], rows)


def _first_line(documented: object) -> str:
    return (inspect.getdoc(documented) or "").partition("\n")[0]


LISTINGS: dict[str, Callable[[], str]] = {
    "methods": _methods,
    "strategies": _strategies,
    "topics": _topics,
    "functions": lambda: _importable(inspect.isfunction),
    "classes": lambda: _importable(inspect.isclass),
}
"""By name the function that makes a list."""
