"""The handbook: one Markdown file a topic, which ships with the package."""

import re
from dataclasses import dataclass
from importlib import resources

from office31_cli.errors import Misuse
from office31_cli.text import did_you_mean, printable


@dataclass(frozen=True)
class Topic:
    """A page of the handbook."""

    name: str
    title: str
    summary: str
    """The page's first paragraph, which is one sentence."""
    markdown: str
    """The whole page, without the markers between which parts of it are generated."""


def list_topics() -> list[str]:
    """The topics' names, sorted."""
    return sorted(file.name.removesuffix(".md") for file in _folder().iterdir() if file.name.endswith(".md"))


def read_topic(name: str) -> Topic:
    """The page of this name; raises `Misuse` with a near match where there is none."""
    if name not in (names := list_topics()):
        raise Misuse(f"topic {printable(name)}", "there is none of that name", did_you_mean(name, names))
    text = _folder().joinpath(f"{name}.md").read_text(encoding="utf-8")
    text = re.sub(r"\n?<!--.*?-->\n", "", text, flags=re.DOTALL).rstrip() + "\n"
    title, _, rest = text.partition("\n")
    summary = " ".join(rest.strip().partition("\n\n")[0].split())
    return Topic(name, title.removeprefix("#").strip(), summary, text)


def _folder() -> resources.abc.Traversable:
    return resources.files("office31_cli") / "guide"
