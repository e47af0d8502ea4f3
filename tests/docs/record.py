"""Run the commands of the stored transcripts again, and store what they print now.

    OFFICE31_HOME=HOME python -m tests.docs.record FOLDER [NAME...]

FOLDER holds what the commands name: `domain_adaptation_images.tar.gz`, `squeezenet1_0-imagenet.pth`, and a folder
`desk` with pictures. They run in a copy of it, one transcript after the other, and `first` before all others, which
use its models; HOME is best empty then. What is stored is stdout, as a pipe of 80 columns gets it, with the
folders below HOME where they lie unless told otherwise.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.docs.transcripts import FOLDER

FIRST = "first"


def main() -> None:
    """Record the transcripts that are named, or all."""
    given, *names = sys.argv[1:]
    stored = sorted((path.stem for path in FOLDER.glob("*.txt")), key=lambda name: (name != FIRST, name))
    with tempfile.TemporaryDirectory() as scratch:
        lay_out(Path(given), Path(scratch))
        for name in names or stored:
            path = FOLDER / f"{name}.txt"
            path.write_text("".join(rerun(path.read_text(), Path(scratch))))


def lay_out(given: Path, scratch: Path) -> None:
    """Files as links, as they are large, and folders as copies, as links to folders are not followed."""
    for path in given.iterdir():
        if path.is_dir():
            shutil.copytree(path, scratch / path.name)
        else:
            (scratch / path.name).symlink_to(path.resolve())


def rerun(transcript: str, folder: Path) -> Iterator[str]:
    """The commands of a transcript, each with what it prints now."""
    for command in re.findall(r"^\$ ((?:.*\\\n)*.*)", transcript, re.MULTILINE):
        print(f"$ {command}", flush=True)
        yield "\n".join(filter(None, (f"$ {command}", _run(command, folder).rstrip("\n")))) + "\n"


def _run(command: str, folder: Path) -> str:
    environment = os.environ | {"COLUMNS": "80"}
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return _hide_home(done.stdout)


def _hide_home(printed: str) -> str:
    """What was printed with HOME's folders written as those that hold where $OFFICE31_HOME is not set."""
    home = os.environ.get("OFFICE31_HOME", "")
    usual = {f"{home}/cache": "~/.cache/office31", home: "~/.local/share/office31"} if home else {}
    for here, there in usual.items():
        printed = printed.replace(here, there)
    return printed


if __name__ == "__main__":
    main()
