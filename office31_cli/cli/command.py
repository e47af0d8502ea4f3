"""What a command's file declares: the function to run, and where the command stands in the list of commands."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from office31_cli.cli.reading_options import add_reading_options


class Panel(StrEnum):
    """The headings of `office31 --help`, in its order."""

    START = "Get started"
    TRAIN = "Train"
    LOOK = "Look"
    COMPARE = "Compare"
    KEEP = "Keep"
    COMMANDS = "Commands"
    """For the commands of a group, which need no other heading."""


@dataclass(frozen=True)
class Command:
    """A command as its file declares it with `@command`."""

    run: Callable[..., None]
    """Its parameters are the command's arguments and options, its docstring the help."""
    panel: Panel
    place: int
    """Commands of a panel are listed from small places to large ones, those of the same place by name."""
    torchrun: bool
    """Whether several processes that torchrun started can do it together."""

    @property
    def help(self) -> str:
        """The whole help text; its first line is the summary."""
        return self.run.__doc__ or ""


@dataclass(frozen=True)
class Group:
    """A folder of commands, as its `__init__.py` declares it."""

    help: str
    panel: Panel
    place: int
    torchrun: bool = False


def command(
    place: int, panel: Panel = Panel.COMMANDS, *, torchrun: bool = False
) -> Callable[[Callable[..., None]], Command]:
    """Declare the decorated function to be the command of its file."""
    return lambda run: Command(add_reading_options(run), panel, place, torchrun)
