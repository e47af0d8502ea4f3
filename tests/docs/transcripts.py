"""What commands printed when they were run, as `python -m tests.docs.record` stored it."""

from pathlib import Path

FOLDER = Path(__file__).with_name("transcripts")


def block(name: str) -> str:
    """A stored transcript as a block of code."""
    return f"```console\n{(FOLDER / f'{name}.txt').read_text().rstrip()}\n```"
