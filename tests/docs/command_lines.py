"""The command lines on a page, and whether the command line takes them: parsed by the real parser, and not run."""

import re
import shlex
from collections.abc import Iterator
from typing import Any

import typer

from office31_cli import methods, strategies
from office31_cli.discovery import ModuleFolder
from tests.docs.helps import ROOT

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"(?<!`)`(office31 [^`\n]*(?:\n[^`\n]+)?)`(?!`)")

NAMES: dict[str, ModuleFolder] = {
    "--method": methods.FOLDER,
    "--methods": methods.FOLDER,
    "--strategy": strategies.FOLDER,
    "--strategies": strategies.FOLDER,
}
"""Options whose values are names, with commas between where there are several."""


def typed(page: str) -> Iterator[list[str]]:
    """The words after `office31` of each command in a page's blocks of code."""
    for language, text in _BLOCK.findall(page):
        lines = text.replace("\\\n", " ").split("\n")
        if language == "console":
            lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
        if language in ("console", "bash"):
            for line in lines:
                yield from _commands(line)


def mentioned(page: str) -> Iterator[list[str]]:
    """The words after `office31` of each command that a page's prose mentions."""
    for span in _SPAN.findall(_BLOCK.sub("", page)):
        yield from _commands(span)


def _commands(line: str) -> Iterator[list[str]]:
    """The commands of a shell's line: what `office31`, or torchrun's `-m office31_cli`, is given."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>()")
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, ";"]:
        if set(word) <= set("|&;<>()"):
            yield from _after_program(words)
            words = []
        else:
            words.append(word)


def _after_program(words: list[str]) -> Iterator[list[str]]:
    programs = [place for place, word in enumerate(words) if word in ("office31", "office31_cli")]
    assignments = sum(1 for word in words[: programs[0]] if "=" in word) if programs else 0
    if programs and (programs[0] == assignments or words[0] in ("torchrun", "srun")):
        yield words[programs[0] + 1 :]


def check(words: list[str], *, whole: bool = True) -> None:
    """Raise `TyperException` or `Misuse` where the command line would not take these words.

    Where they need not be `whole`, arguments may be absent: prose names a command, or an option, by itself.
    """
    node, context, words = ROOT, typer.Context(ROOT, info_name="office31"), list(words)
    while hasattr(node, "commands") and words and not words[0].startswith("-"):
        name = words.pop(0)
        if name not in node.commands:
            context.fail(f"No such command: {name}")
        node = node.commands[name]
        context = typer.Context(node, info_name=name, parent=context)
    if hasattr(node, "commands"):
        _check_options(node, words, context)
        return
    try:
        values = node.make_context(context.info_name, words, parent=context.parent).params
    except typer.TyperException as error:
        if whole or type(error).__name__ not in ("MissingParameter", "BadOptionUsage"):
            raise
    else:
        _check_names({each.opts[0]: values[each.name] for each in node.params})


def _check_options(group: Any, words: list[str], context: typer.Context) -> None:
    known = {name for each in group.get_params(context) for name in each.opts}
    if unknown := [word for word in words if word not in known]:
        context.fail(f"No such option: {', '.join(unknown)}")


def _check_names(values: dict[str, Any]) -> None:
    for option, folder in NAMES.items():
        for name in str(values.get(option) or "").split(","):
            if name and not name.isupper():
                folder.check(name)
