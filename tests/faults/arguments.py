"""The command line given words at random: it always leaves as documented."""

import json
import os
import random
import select
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import typer.main

from office31_cli.cli.main import app, main
from office31_cli.data import sets
from office31_cli.data.mirrors import Mirror
from tests.faults.figures import Figure
from tests.helpers.small_data import lay_out

_CODES = (0, 1, 2, 3, 130)
"""Those that a command may leave with, the last where Ctrl-C ended it."""

_BATCH = 50
"""Command lines of one process."""

_LONG, _PATIENCE = 5.0, 60.0
"""Seconds after which a command is taken to be really at work, and gets Ctrl-C; and those that it has to leave then."""

_NUMBERS = ("-1", "0", "1", "2", "1e400", "-inf", "NaN", "0x10", "1_000", "\u0663", "1e-400", "0,1", "9" * 400)
_TEXTS = ("", " ", "\t", "\n", "ünïcödé", "\u202egnp.exe", "\x1b[31mred", "[red]x[/red]", "a\ud800b", "=1+1", "--", "-")
_PATHS = ("../../x", "/dev/full", "/", ".", "~", "things", "out.bin", "out.safetensors", "out.html", "x" * (1 << 20))
_NAMES = ("shop", "phone", "shop:train", "phone:test", "all", "start", "convnet", "none", "sample", "office31", "nope")
_CHOICES = (
    "head",
    "sgd",
    "erm",
    "mcc",
    "erm,mcc",
    "auto",
    "full",
    "cpu",
    "item+domain",
    "csv",
    "json",
    "im",
    "lr=1",
    "=",
)
_VALUES = (*_NUMBERS, *_TEXTS, *_PATHS, *_NAMES, *_CHOICES)


def random_arguments(folder: Path, count: int, seed: int) -> Figure:
    """Run so many command lines: no traceback, no fault of ours, a documented code, errors in one line."""
    draw = random.Random(seed)
    lay_out(folder / "things", "shop/cup", "shop/pen", "phone/cup", "phone/pen", pictures=4)
    start = ["pretrain", "--domain", "shop", "--data", "things", "--backbone", "convnet", "--weights", "none"]
    commands = list(_commands(typer.main.get_command(app)))
    lines = [[*start, "--epochs", "1", "--name", "start"], *(_line(draw, commands) for _ in range(count))]
    wrong = []
    while lines:
        done = _run(folder, lines[:_BATCH])
        wrong += [(line, why) for line, why in zip(lines, done, strict=False) if why]
        lines = lines[len(done) :]
    note = f"the first: {[word[:80] for word in wrong[0][0]]}: {wrong[0][1]}" if wrong else ""
    return Figure(
        (79,), "command lines that left with a traceback or an undocumented code", count, len(wrong), seed, note
    )


def _commands(group: Any, *before: str) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """Every command's words, with the options that it knows."""
    yield before, ["--help", "--version"]
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, *before, name)
        else:
            options = [option for parameter in command.params for option in parameter.opts if option.startswith("-")]
            yield (*before, name), options or ["--help"]


def _line(draw: random.Random, commands: Sequence[tuple[tuple[str, ...], list[str]]]) -> list[str]:
    """A command with options that are mostly its own, and values that are mostly none of theirs."""
    words, options = draw.choice(commands)
    line = list(words)
    for _ in range(draw.randrange(6)):
        option = draw.choice(options if draw.random() < 0.9 else draw.choice(commands)[1])
        match draw.randrange(5):
            case 0:
                line.append(draw.choice(_VALUES))
            case 1:
                line.append(f"{option}={draw.choice(_VALUES)}")
            case 2:
                line.append(option)
            case _:
                line += [option, draw.choice(_VALUES)]
    return line


def _run(folder: Path, lines: Sequence[Sequence[str]]) -> list[str]:
    """For each command line what was wrong with it, or nothing; fewer, where one was ended by Ctrl-C."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _tell(folder, lines, writing)
    os.close(writing)
    done: list[str] = []
    with os.fdopen(reading, "rb", buffering=0) as told:  # so that `select` sees all that has come
        while len(done) < len(lines):
            if not select.select([told], [], [], _LONG)[0]:
                os.kill(child, signal.SIGINT)
                left = bool(select.select([told], [], [], _PATIENCE)[0])
                done.append(json.loads(told.readline() or b'"its process died"') if left else "Ctrl-C did not end it")
                os.kill(child, signal.SIGKILL)  # what it was importing is half imported: the next needs a process anew
                break
            if not (line := told.readline()):
                done.append("its process died")
                break
            done.append(json.loads(line))
    os.waitpid(child, 0)
    return done


def _tell(folder: Path, lines: Sequence[Sequence[str]], writing: int) -> None:
    try:
        os.chdir(folder)
        os.environ |= {"OFFICE31_HOME": str(folder / "home"), "no_proxy": "127.0.0.1"}
        unreachable = Mirror("nowhere", (("http://127.0.0.1:9/office.tar.gz", None),))
        sets.load(sets.DEFAULT).mirrors = (unreachable,)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.stdout, sys.stderr = (os.fdopen(number, "w", closefd=False) for number in (1, 2))
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # but while a command runs, which listens itself
        for line in lines:
            os.write(writing, (json.dumps(_wrong(folder, line)) + "\n").encode())
    finally:
        os._exit(0)


def _wrong(folder: Path, words: Sequence[str]) -> str:
    """What was wrong with how a command line was answered, in this process."""
    out, err = folder / "stdout", folder / "stderr"
    for number, path in ((1, out), (2, err)):
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(opened, number)
        os.close(opened)
    sys.argv = ["office31", *words]
    try:
        main()
        code: object = 0
    except SystemExit as left:
        code = left.code
    except BaseException as error:
        return f"{type(error).__name__} came through"
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stdout.flush()
    sys.stderr.flush()
    said = err.read_bytes().decode(errors="replace")
    return next(_complaints(code, said), "")


def _complaints(code: object, said: str) -> Iterator[str]:
    if code not in _CODES:
        yield f"left with {code}"
    if "Traceback" in said or "fault of office31" in said:
        yield said[-300:]
    if code != 0 and sum(line.startswith("error: ") for line in said.splitlines()) != 1:
        yield f"left with {code} and said {said[-300:]!r}"
    if "\x1b" in said or "\u202e" in said:
        yield "what steers a terminal got through"
