"""The commands as typer needs them: found by their files' names, and built when they are called."""

from collections.abc import Iterator, MutableMapping
from types import ModuleType
from typing import Any, ClassVar

import typer
import typer.main

from office31_cli.cli.command import Command, Group, Panel
from office31_cli.cli.help import HelpCommand, HelpGroup
from office31_cli.discovery import ModuleFolder

ROOT = "office31_cli.cli.commands"


class CommandTree(MutableMapping[str, Any]):
    """The commands of a package, by name in the order of the help; each is built when it is asked for.

    A module is a command, a package a group of commands. `files` tells what is declared without building anything.
    """

    def __init__(self, package: str) -> None:
        self._folder = ModuleFolder(package, "command", shared=())
        self._built: dict[str, Any] = {}

    def declaration(self, name: str) -> Command | Group:
        """What the command's file declares."""
        return _find_declaration(self._folder.load(name))

    def __getitem__(self, name: str) -> Any:
        if name not in self._built:
            if name not in self._folder.names():
                raise KeyError(name)
            self._built[name] = _build(name, self._folder.load(name))
        return self._built[name]

    def __setitem__(self, name: str, built: Any) -> None:
        self._built[name] = built

    def __delitem__(self, name: str) -> None:
        del self._built[name]

    def __iter__(self) -> Iterator[str]:
        places = {name: self.declaration(name) for name in self._folder.names()}
        panels = list(Panel)
        return iter(sorted(places, key=lambda name: (panels.index(places[name].panel), places[name].place, name)))

    def __len__(self) -> int:
        return len(self._folder.names())


class CommandGroup(HelpGroup):
    """A group whose commands are the files of `package`."""

    package: ClassVar[str] = ROOT

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.tree = CommandTree(self.package)
        self.commands = self.tree

    def list_commands(self, ctx: Any) -> list[str]:
        """The names in the order of the help; builds none of the commands."""
        return list(self.tree)

    def list_summaries(self) -> dict[str, list[tuple[str, str]]]:
        """By panel the commands' names, each with the first line of its help."""
        panels: dict[str, list[tuple[str, str]]] = {}
        for name in self.tree:
            declared = self.tree.declaration(name)
            panels.setdefault(declared.panel, []).append((name, declared.help.strip().partition("\n")[0]))
        return panels


def _find_declaration(module: ModuleType) -> Command | Group:
    (declared,) = (value for value in vars(module).values() if isinstance(value, Command | Group))
    return declared


def _build(name: str, module: ModuleType) -> Any:
    declared = _find_declaration(module)
    if isinstance(declared, Command):
        app = typer.Typer(add_completion=False)
        app.command(name, cls=HelpCommand)(declared.run)
    else:
        group = type("CommandGroup", (CommandGroup,), {"package": module.__name__})
        app = typer.Typer(name=name, cls=group, help=declared.help, add_completion=False)
        app.callback(invoke_without_command=True)(_show_help)
    return typer.main.get_command(app)


def _show_help(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
