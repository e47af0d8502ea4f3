"""A program that stands for `python SCRIPT WORDS` or `python -m office31_cli WORDS`.

What it stands for it has a child of `command_server` run.
Another program can start it, wait for it and stop it as if it were that child: it passes signals on, and ends as the
child does. Run as `python -I -S stand_in.py SOCKET SCRIPT WORDS` it is there in a few hundredths of a second.
"""

import json
import os
import signal
import socket
import sys
from types import FrameType


def main(address: str, *line: str) -> None:
    """Ask for the child at a socket's address, and wait for it; `line` is what an interpreter would be given."""
    first, *words = line[line[0] == "-u" :]
    if first == "-m":
        assert words.pop(0) == "office31_cli"
    came: list[int] = []
    child = 0

    def pass_on(number: int, frame: FrameType | None) -> None:
        if child:
            os.kill(child, number)
        else:
            came.append(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, pass_on)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as asked:
        asked.connect(address)
        request = {"words": words, "script": "" if first == "-m" else first}
        request |= {"environment": dict(os.environ), "folder": os.getcwd()}  # noqa: PTH109 - pathlib takes as long as all else
        socket.send_fds(asked, [json.dumps(request).encode()], (0, 1, 2))
        _, (told,), _, _ = socket.recv_fds(asked, 1, 1)
    with open(told) as lines:  # noqa: PTH123
        child = int(lines.readline())
        for number in came:
            os.kill(child, number)
        code = int(lines.readline().split()[0])
    if code < 0:
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


if __name__ == "__main__":
    main(*sys.argv[1:])
