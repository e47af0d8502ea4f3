"""Long texts in a terminal, one screen at a time."""

import os
import shlex
import shutil
import subprocess
import sys


def show_text(text: str) -> None:
    """Print a text, through the pager where someone is at the terminal and it is longer than the screen.

    The pager is `$PAGER`, else less, as for `man` and `git help`; `PAGER=cat` does without. Where it cannot be started
    the text is printed.
    """
    at_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    if not at_terminal or text.count("\n") < shutil.get_terminal_size().lines or not _page(text):
        sys.stdout.write(text)


def _page(text: str) -> bool:
    """Whether the pager could be started; how it ends is the reader's choice."""
    try:
        command = shlex.split(os.environ.get("PAGER") or "less")
        environment = {"LESS": "FRX", "LESSCHARSET": "utf-8", **os.environ}
        pager = subprocess.Popen(command, stdin=subprocess.PIPE, env=environment, encoding="utf-8")
    except (OSError, ValueError):
        return False
    try:
        pager.communicate(text)
    except BrokenPipeError:  # quit before the end
        pager.wait()
    return True
