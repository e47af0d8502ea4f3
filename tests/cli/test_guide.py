"""The handbook in a terminal and in a pipe."""

import re
import sys
from pathlib import Path

import pytest
from rich.cells import cell_len

from office31_cli.recipes.guide import list_topics, read_topic
from tests.helpers.real_command import Command, assert_error

TOPICS = list_topics()


def characters(shown: str) -> str:
    return re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", shown)


def test_alone_it_lists_every_topic_with_its_sentence(run: Command) -> None:
    code, out, err = run("guide")
    assert (code, err) == (0, "")
    assert [line.split(maxsplit=1) for line in out.splitlines()] == [
        [name, read_topic(name).summary] for name in TOPICS
    ]


def test_in_a_terminal_the_list_is_broken_between_words(run: Command) -> None:
    lines = run.seen("guide", PAGER="cat").splitlines()
    assert max(map(len, lines)) <= 80
    words = " ".join(lines).split()
    assert words == " ".join(f"{name} {read_topic(name).summary}" for name in TOPICS).split()


def test_a_pipe_gets_plain_markdown(run: Command) -> None:
    code, out, err = run("guide", "evaluate")
    assert (code, err) == (0, "")
    assert out.startswith("# ")
    assert out.endswith("\n")
    assert "```console\n" in out
    assert "| `--split " in out
    assert "<!--" not in out
    assert "\x1b" not in out


def test_a_near_match_is_named(run: Command) -> None:
    assert_error(run("guide", "evalaute"), 2, "topic evalaute", "did you mean evaluate?")


@pytest.mark.parametrize("name", TOPICS)
def test_no_line_is_wider_than_the_terminal_and_no_command_is_broken(run: Command, name: str) -> None:
    shown = characters(run.seen("guide", name, PAGER="cat"))
    markdown = read_topic(name).markdown
    blocks = re.findall(r"^```\w*\n(.*?)^```", markdown, re.MULTILINE | re.DOTALL)
    code = [f"    {line}".rstrip() for block in blocks for line in block.splitlines()]
    lines = [line.rstrip() for line in shown.splitlines()]
    assert set(code) <= set(lines)
    assert max(cell_len(line) for line in lines if line not in code) <= 80
    assert "```" not in shown
    assert ".md)" not in shown


PAGER = f"{sys.executable} -c \"import sys; print(len(sys.stdin.readlines()), 'lines')\""


def test_only_what_is_longer_than_the_screen_is_paged(
    run: Command, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from office31_cli.render import pager

    for stream in (sys.stdin, sys.stdout):
        monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("LINES", "24")
    monkeypatch.setenv("PAGER", PAGER)
    pager.show_text("a\n" * 30)
    pager.show_text("short\n")
    assert capfd.readouterr().out == "30 lines\nshort\n"
    monkeypatch.setenv("PAGER", str(Path("no-such-pager")))
    pager.show_text("a\n" * 30)
    assert capfd.readouterr().out == "a\n" * 30
