"""The `office31` command: its subcommands, and the one table from exceptions to exit codes."""

import io
import os
import signal
import sys
import traceback
from types import FrameType

import typer

from office31_cli import allocator, processes
from office31_cli._version import __version__
from office31_cli.cli import completion
from office31_cli.cli.tree import ROOT, CommandGroup, CommandTree
from office31_cli.errors import Interrupted, Office31Error, Terminated, from_os_error
from office31_cli.text import printable

app = typer.Typer(
    name="office31",
    cls=CommandGroup,
    help="Move an image classifier from one camera to another.\n\nExample: office31 download --sample",
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def _office31(
    context: typer.Context, version: bool = typer.Option(False, "--version", help="Print the version and stop.")
) -> None:
    if version:
        print(__version__)
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
    elif not CommandTree(ROOT).declaration(context.invoked_subcommand).torchrun:
        processes.check_single_process(f"office31 {context.invoked_subcommand}")


def main() -> None:
    """Run the command line and leave with the documented exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what an encoding does not have is shown by its number
            stream.reconfigure(errors="backslashreplace")
    signal.signal(signal.SIGTERM, _terminate)
    signal.signal(signal.SIGINT, _interrupt)
    if processes.rank() > 0:  # the first process alone shows results
        _silence_stdout()
    allocator.keep_freed_memory()
    code = _run()
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # `| head` has seen enough
        _silence_stdout()
    except OSError as error:
        if code == 0:  # else it was told of when it was printed, and what is left fails again
            _tell(str(from_os_error(error)))
        _silence_stdout()
        code = code or 1
    if code == 0 and processes.count() > 1:  # threads of a group that has parted can abort the interpreter as it ends
        sys.stderr.flush()
        os._exit(code)
    if code not in (0, 130, 143) and processes.is_silent():
        processes.wait_for_report()
    sys.exit(code)


def _run() -> int:
    try:
        return app(prog_name="office31", standalone_mode=False, obj=completion.join_words()) or 0
    except BaseException as error:
        if os.environ.get("OFFICE31_DEBUG") == "1":
            traceback.print_exc()
        return _report(error)


def _report(error: BaseException) -> int:
    """Say in one line what happened, and return its exit code."""
    match error:
        case SystemExit():
            return error.code if isinstance(error.code, int) else 1
        case Office31Error():
            _tell(str(error))
            return error.exit_code
        case typer.Exit():
            return error.exit_code
        case typer.TyperException():
            _tell(_usage(error))
            return 2
        case Interrupted():
            _tell("interrupted: Ctrl-C; run the same command again to go on")
            return 130
        case Terminated():
            _tell("terminated: SIGTERM; run the same command again to go on")
            return 143
        case BrokenPipeError():
            _silence_stdout()
            return 0
        case OSError():
            _tell(str(from_os_error(error)))
            return 1
        case _:
            _tell(_unexpected(error))
            return 1


def _tell(message: str) -> None:
    """One line, from one of the processes that torchrun may have started, and not into a prompt."""
    if not processes.is_silent() and not completion.is_completing():
        if not sys.stderr.isatty():
            print(f"error: {printable(message)}", file=sys.stderr)
            return
        from office31_cli.render.console import print_error  # rich, which nothing needs that is quick

        print_error(message)


_VALUES = {
    "Input should be a valid integer, unable to parse string as an integer": "it is not a whole number",
    "Input should be a valid number, unable to parse string as a number": "it is not a number",
    "Input should be greater than or equal to": "it must be at least",
    "Input should be less than or equal to": "it must be at most",
}
"""What typer's validation says of a value, in plain words."""


def _usage(error: typer.TyperException) -> str:
    """The parser's complaint, brought into the form `what: why; what to do`."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "office31"
    message = " ".join(error.format_message().split()).rstrip(".")
    for theirs, ours in _VALUES.items():
        message = message.replace(theirs, ours)
    return f"{command}: {message}; see {command} --help"


def _unexpected(error: BaseException) -> str:
    memory = isinstance(error, MemoryError) or any(
        sign in str(error) for sign in ("out of memory", "can't allocate memory", "not enough memory")
    )
    if memory:
        return "out of memory: the batch does not fit; try a smaller --batch-size"
    first_line = (str(error).splitlines() or [""])[0]
    return (
        f"unexpected {type(error).__name__}: {first_line}; this is a fault of office31: "
        "run again with OFFICE31_DEBUG=1 and report what it prints"
    )


def _silence_stdout() -> None:
    """Point stdout at nothing, so that the interpreter's last flush does not fail a second time."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _interrupt(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a second Ctrl-C does not wait
    raise Interrupted


def _terminate(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    raise Terminated
