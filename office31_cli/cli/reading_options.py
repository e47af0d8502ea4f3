"""The options that say how the folder of `--data` is read, which every command with that option has beside it."""

import functools
import inspect
from collections.abc import Callable
from inspect import Parameter
from typing import Annotated, Any

import typer

from office31_cli.cli.help import DATA

Nested = Annotated[
    bool,
    typer.Option(
        "--nested",
        help="The folders in --data are the items of one domain, whatever folders lie below them.",
        rich_help_panel=DATA,
    ),
]
FollowLinks = Annotated[
    str | None,
    typer.Option(
        "--follow-links",
        metavar="DIR",
        help="Follow symbolic links in --data that lead to somewhere below it or below DIR.",
        show_default="none is followed",
        rich_help_panel=DATA,
    ),
]


def add_reading_options(run: Callable[..., None]) -> Callable[..., None]:
    """The function of a command; where it has a parameter `data`, with `--nested` and `--follow-links` beside it.

    Where one of them is given, the function is called with the data set that was opened so.
    """
    signature = inspect.signature(run)
    if "data" not in signature.parameters:
        return run

    @functools.wraps(run)
    def run_on_opened(*, nested: bool = False, follow_links: str | None = None, **given: Any) -> None:
        if nested or follow_links is not None:
            from office31_cli.data.catalogue import open_data

            given["data"] = open_data(given["data"], nested=nested, follow_links=follow_links)
        run(**given)

    parameters = dict(signature.parameters)
    place = [*parameters].index("data") + 1
    added = [
        Parameter("nested", Parameter.POSITIONAL_OR_KEYWORD, default=False, annotation=Nested),
        Parameter("follow_links", Parameter.POSITIONAL_OR_KEYWORD, default=None, annotation=FollowLinks),
    ]
    every = [*parameters.values()]
    run_on_opened.__signature__ = signature.replace(parameters=[*every[:place], *added, *every[place:]])  # type: ignore[attr-defined]
    run_on_opened.__annotations__ = run.__annotations__ | {each.name: each.annotation for each in added}
    return run_on_opened
