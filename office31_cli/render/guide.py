"""How the handbook looks in a terminal: Markdown whose tables and commands are as legible as the command's own."""

import re
from collections.abc import Iterable
from textwrap import TextWrapper

from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import CodeBlock, Heading, Markdown, TableElement
from rich.table import Table
from rich.text import Text
from rich.theme import Theme

from office31_cli.recipes.guide import Topic
from office31_cli.render.layout import fit_to_width

THEME = Theme(
    {
        "markdown.h1": "bold underline",
        "markdown.h2": "bold",
        "markdown.h3": "bold",
        "markdown.code": "bold",
        "markdown.item.bullet": "none",
        "markdown.table.header": "bold",
    }
)
"""No colours: they would have to be legible on every terminal's ground."""

_LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")


def format_topics(topics: Iterable[Topic], width: int) -> str:
    """A line a topic: its name, and the sentence that it begins with; longer lines are broken between words."""
    topics = list(topics)
    column = 2 + max(len(topic.name) for topic in topics)
    wrapper = TextWrapper(width, subsequent_indent=" " * column, break_long_words=False, break_on_hyphens=False)
    return "\n".join(wrapper.fill(topic.name.ljust(column) + topic.summary) for topic in topics) + "\n"


def render_topic(topic: Topic) -> Markdown:
    """A page; a link to another one becomes the command that shows it."""
    return _Page(_LINK.sub(_replace_link, topic.markdown), hyperlinks=False)


def _replace_link(link: re.Match[str]) -> str:
    text, target = link[1], link[2]
    page = re.fullmatch(r"([\w-]+)\.md(?:#.*)?", target)
    if page:
        return f"{text} (`office31 guide {page[1]}`)"
    return link[0] if "://" in target else text


class _LeftHeading(Heading):
    LEVEL_ALIGN = {}  # noqa: RUF012


class _Code(CodeBlock):
    """Indented and never wrapped: a command must stay one that can be copied."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in str(self.text).rstrip().splitlines():
            yield Text(f"    {line}", no_wrap=True, overflow="ignore")


class _FittedTable(TableElement):
    """Laid out as the commands' own tables are, over the whole width of the terminal."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        table = Table()
        if self.header is not None and self.header.row is not None:
            for cell in self.header.row.cells:
                table.add_column(cell.content, justify=cell.justify, overflow="fold")
        if self.body is not None:
            for row in self.body.rows:
                table.add_row(*(cell.content for cell in row.cells))
        for number, part in enumerate(fit_to_width(table, console)):
            if number:
                yield ""
            yield from console.render(part, options.update(width=console.width))


class _Page(Markdown):
    elements = Markdown.elements | {
        "heading_open": _LeftHeading,
        "fence": _Code,
        "code_block": _Code,
        "table_open": _FittedTable,
    }
