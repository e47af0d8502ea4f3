"""A command's reference: its usage, arguments and options, as the command line itself declares them."""

from collections.abc import Iterator
from typing import Any

import typer

from office31_cli.cli.help import group_parameters
from office31_cli.cli.main import app
from tests.docs.markdown import table

ROOT: Any = typer.main.get_command(app)
"""The whole command line; typer's own classes of commands and parameters are not public names."""

PLACEHOLDERS = {"int": "N", "float": "X", "Path": "PATH", "str": "TEXT"}
"""How a value is called in the column of options, by the name of its type."""

UNIVERSAL = ("--json", "--help")
"""Every command has these; they are not listed again and again."""


def command(name: str) -> Any:
    """The command of this name, such as `adapt` or `models list`; raises KeyError where there is none."""
    found = ROOT
    for word in name.split():
        found = found.commands[word]
    return found


def leaves(node: Any = ROOT, name: str = "") -> Iterator[str]:
    """The full names of all commands that do something."""
    for word, below in getattr(node, "commands", {}).items():
        full = f"{name} {word}".strip()
        if hasattr(below, "commands"):
            yield from leaves(below, full)
        elif not below.hidden:
            yield full


def reference(name: str) -> str:
    """Usage, arguments and options of a command as Markdown, and those of its subcommands one after the other."""
    node = command(name)
    if hasattr(node, "commands"):
        return "\n\n".join(f"## {name} {word}\n\n{reference(f'{name} {word}')}" for word in node.commands)
    return "\n\n".join([_summary(node), f"```\n{_usage(node, name)}\n```", *_tables(node)])


def _summary(node: Any) -> str:
    """The help's paragraphs without its examples; the pages show commands of their own."""
    paragraphs = [" ".join(each.split()) for each in (node.help or "").split("\n\n")]
    return "\n\n".join(each for each in paragraphs if each and not each.startswith("Example: "))


def _usage(node: Any, name: str) -> str:
    context = typer.Context(node, info_name=f"office31 {name}")
    return " ".join([f"office31 {name}", *node.collect_usage_pieces(context)])


def _tables(node: Any) -> Iterator[str]:
    """One table for each heading of the help, in its order."""
    for title, parameters in group_parameters(node, typer.Context(node)).items():
        rows = [_row(each) for each in parameters if not set(each.opts) & set(UNIVERSAL)]
        if rows:
            yield table([title, "", "default"], rows)


def _row(parameter: Any) -> list[str]:
    return [f"`{_spelling(parameter)}`", parameter.help or "", _default(parameter)]


def _spelling(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return str(parameter.metavar or parameter.name.upper())
    names = ", ".join(parameter.opts) + "".join(f" / {name}" for name in parameter.secondary_opts)
    return names if parameter.is_flag else f"{names} {parameter.metavar or _placeholder(parameter)}"


def _placeholder(parameter: Any) -> str:
    annotation = str(parameter.type_descriptor.annotation)
    return next((name for kind, name in PLACEHOLDERS.items() if kind in annotation), "TEXT")


def _default(parameter: Any) -> str:
    """What holds where the option is left out, and the range."""
    told = parameter.show_default if isinstance(parameter.show_default, str) else _value(parameter)
    return ", ".join(each for each in ("required" if parameter.required else told, _range(parameter)) if each)


def _value(parameter: Any) -> str:
    if parameter.show_default is False or parameter.default in (None, "", ()):
        return ""
    if getattr(parameter, "is_flag", False):  # one that can be said the other way, too, tells which way holds
        either = (parameter.opts if parameter.default else parameter.secondary_opts) or [""]
        return str(either[0]) if parameter.secondary_opts else ""
    return str(parameter.default)


def _range(parameter: Any) -> str:
    low, high = parameter.min, parameter.max
    if low is None and high is None:
        return ""
    if high is None:
        return f"at least {low:g}"
    return f"at most {high:g}" if low is None else f"{low:g} to {high:g}"
