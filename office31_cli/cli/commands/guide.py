"""`office31 guide`."""

from typing import Annotated

import typer

from office31_cli.cli import completion
from office31_cli.cli.command import Panel, command
from office31_cli.cli.completion import complete_one


@command(30, Panel.START)
def guide(
    topic: Annotated[
        str | None,
        typer.Argument(
            metavar="TOPIC",
            help="A topic, such as a command's name.",
            show_default="the list of topics",
            autocompletion=complete_one(completion.list_topics),
        ),
    ] = None,
) -> None:
    """Read the handbook, a topic at a time.

    In a terminal, a topic that is longer than the screen is shown with $PAGER, else less. In a pipe it is Markdown.

    Example: office31 guide adapt
    """
    from office31_cli.recipes.guide import list_topics, read_topic
    from office31_cli.render.console import Reporter
    from office31_cli.render.guide import THEME, format_topics, render_topic
    from office31_cli.render.pager import show_text

    reporter = Reporter()
    if topic is None:
        show_text(format_topics(map(read_topic, list_topics()), reporter.text_width))
    elif reporter.is_terminal:
        reporter.page(render_topic(read_topic(topic)), THEME)
    else:
        print(read_topic(topic).markdown, end="")
