"""What the shells are offered, asked as typer's scripts for bash, zsh and fish ask."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from office31_cli.cli import completion
from office31_cli.cli.main import app
from tests.helpers.real_command import Command, Done
from tests.helpers.small_data import lay_out

SHELLS = ("bash", "zsh", "fish")

QUIET = "import atexit, sys; atexit.register(lambda: print({'torch', 'numpy'} & {*sys.modules}, file=sys.stderr))"
"""Tells, when all is done, what should not have been imported."""


def pieces(word: str) -> list[str]:
    """A word as bash has it in COMP_WORDS."""
    return re.findall("[:=]+|[^:=]+", word)


def question(shell: str, line: str) -> dict[str, str]:
    """What a shell's script puts into the environment when TAB is pressed at the end of the line."""
    words = line.split(" ")
    taken_apart = [piece for word in words[:-1] for piece in pieces(word)] + (pieces(words[-1]) or [""])
    return {
        "_OFFICE31_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": "\n".join(taken_apart),
        "COMP_CWORD": str(len(taken_apart) - 1),
        "_TYPER_COMPLETE_ARGS": line,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }


def offers(shell: str, out: str) -> set[str]:
    """The values that a shell makes of the answer."""
    if shell == "zsh":
        return {value.replace("\\\\:", ":") for value in re.findall(r'(?:\(\(|\n)"(.*?)"', out)}
    return {line.partition("\t")[0] for line in out.splitlines()} - {""}


LINES = {
    "adapt --method md": {"mdd"},
    "adapt --target ": {"amazon", "dslr", "webcam"},
    "benchmark --methods erm,md": {"erm,mdd"},
    "compare labels --strategies full,m": {"full,mcc", "full,mme"},
    "evaluate --model ": {"amazon-convnet"},
    "predict --format ": {"table", "json", "csv"},
    "models show ama": {"amazon-convnet"},
    "pretrain --backbone resnet15": {"resnet152"},
    "pretrain --backbone timm:resnet10t": {"resnet10t"},
    "pretrain --backbone resnet50 --weights R": {f"ResNet50_Weights.IMAGENET1K_V{version}" for version in (1, 2)},
    "pretrain --domain ": {"amazon", "dslr", "webcam", "all"},
}


@pytest.mark.parametrize(
    ("shell", "line"), [*(("bash", line) for line in LINES), ("zsh", "adapt --target "), ("fish", "models show ama")]
)
def test_what_begins_so_is_offered_without_waiting_for_torch(drawn: Command, shell: str, line: str) -> None:
    code, out, err = drawn(env=question(shell, f"office31 {line}"), prelude=QUIET)
    assert (code, err) == (0, "set()\n")
    assert offers(shell, out) == LINES[line]


@pytest.mark.parametrize(
    ("shell", "line", "expected"),
    [
        ("bash", "--split webcam:t", {"test", "train"}),
        ("bash", "--split webcam:", {"test", "train", "all"}),
        ("bash", "--split=webcam:a", {"all"}),
        ("bash", "--split=dsl", {"dslr", "dslr:train", "dslr:test", "dslr:all"}),
        ("zsh", "--split webcam:t", {"webcam:test", "webcam:train"}),
        ("fish", "--split webcam:t", {"webcam:test", "webcam:train"}),
    ],
)
def test_bash_is_given_what_follows_the_colon(drawn: Command, shell: str, line: str, expected: set[str]) -> None:
    assert offers(shell, drawn(env=question(shell, f"office31 evaluate {line}")).out) == expected


def test_domains_are_those_of_the_data_in_use(
    drawn: Command, owned: tuple[Command, dict[str, Any]], own_folder: Path
) -> None:
    """Given by its folder, or by the model, or by the newest model; else the first data set that is here."""
    command, model = owned

    def domains(run: Command, line: str) -> set[str]:
        return offers("bash", run(env=question("bash", f"office31 {line}")).out)

    assert domains(drawn, f"pretrain --data {own_folder} --domain ") == {"shop", "phone", "all"}
    assert domains(command, "finetune --target ") == {"shop", "phone"}
    assert domains(command, f"adapt --model {model['id'][:6]} --source s") == {"shop"}
    assert domains(command, "pretrain --domain ") == set()


@pytest.mark.parametrize("shell", SHELLS)
def test_no_name_can_steer_terminal_or_shell(run: Command, tmp_path: Path, shell: str) -> None:
    hostile = ["$(touch pwned)", "`id`", "two words", "a;id", "a'b", 'a"b', "a\\b", "*", "\x1b[31mred", "line\nfeed"]
    root = lay_out(tmp_path / "data", *(f"{domain}/mug" for domain in [*hostile, "\udcff", "plain", "vélo-2"]))
    code, out, err = run(env=question(shell, f"office31 pretrain --data {root} --domain "))
    assert (code, err) == (0, "")
    assert offers(shell, out) == {"plain", "vélo-2", "all"}


def test_the_folder_is_read_as_the_options_before_say(run: Command, tmp_path: Path) -> None:
    lay_out(tmp_path / "store", "mug", "pen")
    root = lay_out(tmp_path / "things", "mug/left", "cup")
    (root / "pen").symlink_to(tmp_path / "store" / "pen")
    for options, offered in (
        (f"--nested --follow-links {tmp_path}", {"things", "all"}),
        (f"--follow-links {tmp_path}", {"mug", "all"}),
        ("--nested", set[str]()),
    ):
        _, out, err = run(env=question("bash", f"office31 pretrain --data {root} {options} --domain "))
        assert (err, offers("bash", out)) == ("", offered)


def broken_card(home: Path) -> None:
    (card,) = home.glob("registry/models/*/card.json")
    card.write_bytes(b"\xff{")


STATES: dict[str, Callable[[Path], object]] = {
    "nothing there": shutil.rmtree,
    "a file in its place": lambda home: (shutil.rmtree(home), home.write_text("")),
    "a damaged registry": lambda home: (home / "registry" / "format").write_text("{"),
    "a link for a folder": lambda home: (shutil.rmtree(home / "registry"), (home / "registry").symlink_to("/")),
    "a damaged card": broken_card,
}


@pytest.mark.parametrize("state", STATES)
def test_a_damaged_home_is_passed_over_in_silence(
    owned: tuple[Command, dict[str, Any]], run: Command, state: str
) -> None:
    shutil.copytree(owned[0].home, run.home)
    STATES[state](run.home)
    for line in ("models show zz", "evaluate --model zz", "evaluate --split zz", "adapt --model shop --source "):
        done = run(env=question("bash", f"office31 {line}"))
        assert (done.out.strip(), done.err) == ("", "")


@pytest.mark.parametrize(
    "settings",
    [
        {"OFFICE31_HOME": "~nobody-of-that-name"},
        {"COMP_CWORD": "many"},
        {"COMP_WORDS": ""},
        {"COMP_WORDS": "office31\nevaluate\n--split\n'web", "COMP_CWORD": "3"},
        {"COMP_WORDS": "office31\nno-such-command\n--epochs\nx\n--data\n", "COMP_CWORD": "5"},
        {"COMP_WORDS": "office31\nevaluate\n--data\n/dev/null\n--split\n", "COMP_CWORD": "5"},
    ],
)
def test_whatever_is_asked_nothing_is_said_in_the_prompt(run: Command, settings: dict[str, str]) -> None:
    done: Done = run(env=question("bash", "office31 evaluate --split ") | settings)
    assert done.err == ""


def test_other_commands_still_say_what_goes_wrong(run: Command) -> None:
    code, out, err = run("evaluate", "--split", "webcam")
    assert (code, out) == (1, "")
    assert err.startswith("error: ")


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, (*path, name))
    if not hasattr(command, "commands"):
        yield path, command


NAMING = {"--model", "--domain", "--source", "--target", "--split", "--method", "--methods", "--strategy"}
NAMING |= {"--strategies", "--backbone", "--optimizer", "--optimizers", "--train", "--format", "--data", "--weights"}


def test_wherever_a_name_is_asked_for_names_are_offered(
    drawn: Command, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OFFICE31_HOME", str(drawn.home))
    asked = []
    for path, command in commands(typer.main.get_command(app)):
        asked += [(*path, option) for parameter in command.params for option in NAMING & set(parameter.opts)]
        asked += [path for parameter in command.params if parameter.metavar == "MODEL"]
    assert len(asked) > 50
    for words in asked:
        for name, value in question("zsh", " ".join(["office31", *words, ""])).items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit):
            app(prog_name="office31", standalone_mode=False)
        assert offers("zsh", capsys.readouterr().out), words


words = st.lists(st.from_regex(r"[a-z./]+([:=][a-z.]+)?", fullmatch=True), min_size=1, max_size=5)


@given(words)
def test_what_bash_takes_apart_is_put_together(typed: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patched:
        for name, value in question("bash", " ".join(typed)).items():
            patched.setenv(name, value)
        before = completion.join_words()
        words = os.environ["COMP_WORDS"].split("\n")
        assert int(os.environ["COMP_CWORD"]) == len(words) - 1
    assert [*words[:-1], before + words[-1]] == typed
