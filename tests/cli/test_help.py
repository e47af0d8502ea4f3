"""`--help` of every command: as wide as the terminal, whole words, nothing left out; and commands are found."""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from office31_cli.cli.command import Command as Declared
from office31_cli.cli.command import Panel
from office31_cli.cli.help import DATA, MODEL, OUTPUT, TRAINING, group_parameters
from office31_cli.cli.main import app
from office31_cli.cli.tree import ROOT, CommandTree
from tests.docs.command_lines import check
from tests.helpers.real_command import Command

TREE: Any = typer.main.get_command(app)


def nodes(node: Any = TREE, name: str = "office31") -> Iterator[tuple[str, Any]]:
    """Every group and command by its full name."""
    yield name, node
    for word, below in getattr(node, "commands", {}).items():
        yield from nodes(below, f"{name} {word}")


NODES = dict(nodes())
every_command = pytest.mark.parametrize("name", NODES)


def context(name: str) -> Any:
    """As when the command is called: each group is the parent of the next."""
    made = None
    words = name.split()
    for end in range(1, len(words) + 1):
        made = typer.Context(NODES[" ".join(words[:end])], info_name=words[end - 1], parent=made)
    return made


def shown(name: str, columns: int) -> str:
    os.environ["COLUMNS"] = str(columns)
    text = context(name).get_help()
    assert isinstance(text, str)
    return text


@pytest.fixture(autouse=True)
def columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


@every_command
@pytest.mark.parametrize("columns", [80, 100, 160])
def test_no_line_is_too_long_and_no_word_is_broken(name: str, columns: int) -> None:
    text = shown(name, columns)
    lines = text.splitlines()
    assert max(map(len, lines)) <= min(columns, 100)
    assert [line for line in lines if line != line.rstrip()] == []
    assert "\x1b" not in text
    together = " ".join(text.split())
    for parameters in group_parameters(NODES[name], context(name)).values():
        for each in parameters:
            assert " ".join((each.help or "").split()) in together
    assert " ".join(f"Usage: {name}".split()) in together


@every_command
def test_a_wider_terminal_is_used(name: str) -> None:
    assert len(shown(name, 100).splitlines()) <= len(shown(name, 80).splitlines())
    assert shown(name, 160) == shown(name, 100)


@every_command
def test_each_example_can_be_typed(name: str) -> None:
    examples = re.findall(r"Example: office31 (.+?)(?=\n\n|\Z)", shown(name, 80), re.DOTALL)
    assert examples
    for example in examples:
        assert "\n" not in example  # it can be copied
        check(example.split())
        assert name.removeprefix("office31").strip() in example


@every_command
def test_every_option_says_what_it_takes(name: str) -> None:
    assert not re.search(r"<\w", shown(name, 80)), "give it a metavar"


@every_command
def test_nothing_is_listed_twice_or_left_out(name: str) -> None:
    text = shown(name, 80)
    for each in NODES[name].get_params(context(name)):
        for option in each.opts:
            if not each.hidden and each.param_type_name == "option":
                assert len(re.findall(rf"^  (?:-\w, |.* / )?{option}\b(?!-)", text, re.MULTILINE)) == 1, option


def test_many_options_stand_under_headings() -> None:
    def headings(name: str) -> list[str]:
        return re.findall(r"^(\w+):$", shown(name, 80), re.MULTILINE)

    assert headings("office31 finetune") == ["Options", MODEL, DATA, TRAINING, OUTPUT]
    assert headings("office31 models export") == ["Arguments", "Options"]


def test_the_list_of_commands_has_the_headings_in_their_order() -> None:
    headings = re.findall(r"^([A-Z][\w ]+):$", shown("office31", 80), re.MULTILINE)
    assert headings == [*(panel for panel in Panel if panel != Panel.COMMANDS), "Options"]
    assert headings[:2] == ["Get started", "Train"]


@pytest.mark.parametrize("name", ["office31", "office31 models", "office31 compare"])
def test_a_command_is_a_line_of_the_list(name: str) -> None:
    lines = shown(name, 80).splitlines()
    for word, node in NODES[name].commands.items():
        (line,) = (line for line in lines if line.startswith(f"  {word} "))
        assert line.split(maxsplit=1)[1] == node.help.strip().splitlines()[0]


def test_a_terminal_shows_headings_in_bold_unless_told_not_to(run: Command) -> None:
    assert "\x1b[1mOptions:\x1b[0m" in run.seen("download", "--help")
    assert "\x1b" not in run.seen("download", "--help", NO_COLOR="1")


NEW_COMMAND = '''"""`office31 greet`."""

from office31_cli.cli.command import Panel, command


@command(5, Panel.START, torchrun=True)
def greet(name: str = "you") -> None:
    """Greet someone.

    Example: office31 greet
    """
    print(f"hello {name}")
'''


def test_a_file_is_a_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "extra_commands"
    (folder / "more").mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "greet.py").write_text(NEW_COMMAND)
    group = "from office31_cli.cli.command import Group, Panel\nGROUP = Group('More.', Panel.KEEP, 1)\n"
    (folder / "more" / "__init__.py").write_text(group)
    (folder / "more" / "import_.py").write_text(NEW_COMMAND)
    monkeypatch.syspath_prepend(tmp_path)
    tree = CommandTree("extra_commands")
    assert list(tree) == ["greet", "more"]
    assert tree.declaration("greet").torchrun
    assert not tree.declaration("more").torchrun
    assert list(tree["more"].commands) == ["import"]
    assert tree["greet"].help.startswith("Greet someone.")
    assert "nothing" not in tree


def test_what_is_typed_is_the_only_command_that_is_built() -> None:
    tree = CommandTree(ROOT)
    assert isinstance(tree.declaration("adapt"), Declared)
    tree["adapt"]
    assert list(tree._built) == ["adapt"]
    assert "office31_cli.cli.commands.adapt" in sys.modules


def test_only_what_is_declared_so_is_shared_by_processes() -> None:
    tree = CommandTree(ROOT)
    assert [name for name in tree if tree.declaration(name).torchrun] == ["pretrain", "finetune"]
