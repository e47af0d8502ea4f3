"""Rules for the names of models and files, so that no name leaves its folder or could be taken for an id."""

import re

from office31_cli.errors import Misuse
from office31_cli.text import printable

LONGEST = 100
"""The most characters of a name; well below the limit of any file system."""

_ID = re.compile(r"[0-9a-f]{16}")
_LIKE_ID = re.compile(r"[0-9a-fA-F]{4,}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_FILE = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")


def is_id(text: str) -> bool:
    """Whether `text` has the form of a model's id: 16 hexadecimal digits."""
    return _ID.fullmatch(text) is not None


def is_like_id(text: str) -> bool:
    """Whether `text` looks like the beginning of an id: four or more hexadecimal digits, so not `bad`."""
    return _LIKE_ID.fullmatch(text) is not None


def is_name(text: str) -> bool:
    """Whether a model may be called `text`."""
    return len(text) <= LONGEST and _NAME.fullmatch(text) is not None and not is_like_id(text)


def is_file(text: str) -> bool:
    """Whether a file beside a model's weights may be called `text`."""
    return _FILE.fullmatch(text) is not None


def check(name: str) -> None:
    """Raise `Misuse`, with the reason, where `name` is not a valid name for a model."""
    if is_name(name):
        return
    if not name:
        why = "it is empty"
    elif len(name) > LONGEST:
        why = f"it has {len(name):,} characters, more than {LONGEST}"
    elif is_like_id(name):
        why = "it could be mistaken for an id"
    else:
        why = "it has characters that are not allowed in a name"
    raise Misuse(
        f'model name "{printable(name[:40])}"',
        why,
        "use letters, digits and . _ + -, starting with a letter or a digit",
    )


def make_name(text: str) -> str:
    """Turn any text, such as the names of domains, into a valid name."""
    slug = re.sub(r"[^A-Za-z0-9._+]+", "-", text).strip("-._+")[: LONGEST - 20]
    return slug if is_name(slug) else f"model-{slug}".rstrip("-")
