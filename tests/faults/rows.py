"""The faults that the program must survive, by number: how each is provoked, and the right outcome.

`E1`, `E2` and `E3` are one line on stderr, no traceback, and that exit code; `I`: everything stored earlier is
byte for byte as it was. A test shows a row by `@pytest.mark.fault(ROW)`.
"""

from typing import NamedTuple


class Row(NamedTuple):
    group: str
    fault: str
    outcome: str


_GROUPS: dict[str, list[tuple[str, str]]] = {
    "Download": [
        ("the connection closes at 40 %", "tried again, then the next mirror, else E1, I"),
        ("Content-Length is too large", "tried again, then the next mirror, else E1, I"),
        ("Content-Length is too small", "the hash differs: E3"),
        ("no Content-Length, and cut short", "the hash differs: E3"),
        ("200 with a page", "said so, next mirror"),
        ("404, 500, 503", "a bounded number of attempts, every mirror named"),
        ("a redirect to file://, ftp:// or from https to http", "E3"),
        ("a redirect loop", "E1 after 5"),
        ("the right size with one byte flipped", "E3, the file is removed"),
        ("one byte a second", "E1: too slow"),
        ("accepts and never answers", "E1 within 30 s"),
        ("no network", "E1 that says how to bring the archive by hand; what is here works"),
        ("a stale or oversize part, Range ignored", "begun anew, the hash is right"),
        ("an endless body", "stopped at the cap"),
        ("eight processes whose locks do nothing", "all succeed, one valid file"),
    ],
    "Archive": [
        ("../x, /abs, ..\\x", "E3, nothing outside"),
        ("a link that leads outside", "E3"),
        ("a chain of links longer than a path can be", "E3"),
        ("a device or a FIFO", "E3"),
        ("a tar with a negative size", "E3 at once"),
        ("a zip bomb, an overlapping zip", "E3 at the cap"),
        ("duplicate names, names that differ in case", "E3"),
        ("a truncated gzip, an encrypted zip", "E3"),
        ("SIGKILL while unpacking", "the same command goes on from what is there"),
    ],
    "Data set": [
        ("a missing or empty item or domain", "E1 that lists what was expected and found"),
        ("0 bytes, a truncated JPEG, text named .jpg", "E1 that names the file; --skip-bad counts them"),
        ("a PNG that claims 30,000 x 30,000 pixels", "E3 before it is decoded"),
        ("CMYK, 16 bits, a palette, turned by EXIF, GIF and FITS renamed", "a defined result, or a refusal"),
        ("names with a newline, markup, ESC, no UTF-8, 255 bytes", "they work, and are shown escaped"),
        ("a loop of links, a link outside", "E1"),
        ("a picture removed in the middle of a run", "E1, I"),
        ("the same items in another order", "the same numbers"),
    ],
    "Cache": [
        ("a flipped byte", "noticed, made again, warned of"),
        ("a truncated file", "noticed, made again, warned of"),
        ("another photograph of the same size and time", "noticed, made again"),
        ("SIGKILL while it is made", "a part is never used"),
        ("two builders", "one result"),
        ("an older or a newer format", "made again"),
        ("a folder that may not be written", "what is there can be read"),
    ],
    "Training": [
        ("a loss that is not a number", "E1 with the step; the last good state is kept"),
        ("a learning rate of 1e30; a batch larger than the data; an item of one picture", "E1, or a defined result"),
        ("a worker is killed", "E1 or done by another, no hang"),
        ("torchrun: a rank is killed", "all end; the rerun goes on; one entry"),
        ("Ray: a worker is killed once its result is computed, or once it has arrived", "one result"),
    ],
    "Checkpoint": [
        ("SIGKILL at random instants, then again", "the hash of the uninterrupted run"),
        ("a crash at every I/O operation", "the earlier or the new one, never neither"),
        ("no space left", "E1, the earlier one loads"),
        ("the latest is truncated or flipped", "the one before it is used, and said so"),
        (
            "another configuration, data, torch, threads or world",
            "E2 that names the field; --force goes on and records it",
        ),
        ("--resume of a finished run", "0, nothing changes"),
    ],
    "Registry": [
        ("SIGKILL while publishing", "verify finds nothing"),
        ("a crash, ENOSPC or EIO at every operation", "I"),
        ("a flipped byte in each file", "verify: E3 that names it; nothing is deleted"),
        ("the names ../../x, none, 300 characters, NUL, like an id", "E2"),
        ("a beginning that several ids share", "E2 that lists them"),
        ("a newer schema", "E1: upgrade office31-cli"),
        ("broken or deeply nested JSON, NaN, a key twice", "that entry is unreadable, the others are listed"),
        ("a parent is removed", "refused; --force leaves a tombstone"),
        ("a link in place of an entry or the lock", "E3"),
    ],
    "Concurrency": [
        ("16 processes that publish 50 models each", "800 entries"),
        ("publish beside gc and list", "none is lost, none half seen"),
        ("32 processes that move one name", "one valid value"),
        ("an orphan holds the lock", "E1 with its process number"),
    ],
    "Import": [
        ("a pickle that calls os.system", "E3, and it was not called"),
        ("a pickle that weights_only refuses", "no way around"),
        ("a pickle and a torch before 2.10", "not installed: 2.14 or newer is required"),
        ("mutated safetensors", "E3, memory bounded"),
        (
            "missing, extra or misshapen weights; weights that are not numbers",
            "E1 that lists them; --allow-nonfinite takes the last",
        ),
        ("a bundle with a path, a forged parent or card", "E3"),
    ],
    "Evaluation": [
        ("other items, another domain", "E2"),
        ("an empty split", "E1, not 0 %"),
        ("another batch size", "the same predictions"),
        ("photographs that were learnt from", "said beside the score"),
    ],
    "Reports": [
        ("markup and script in names", "inert text; CSP default-src 'none'"),
        ("cells that begin with =, +, -, @ or a tab", "made inert; numbers stay"),
        ("ESC, OSC 52, C1, bidirectional marks", "shown by number, none raw when piped"),
        ("a figure that is not a number", "null"),
        ("the output exists, is a folder, cannot be written; /dev/full; | head", "an error, the old one whole; quiet"),
    ],
    "Command line and environment": [
        ("random arguments", "no traceback, a documented exit code"),
        ("no HOME, an unknown user; LANG=C, TERM=dumb, 20 columns", "a documented place or E1; it works"),
        ("folders that may not be written", "E1, I"),
        ("no space, a limit on file size, no memory", "E1, for memory with the batch size; I"),
        ("SIGINT and SIGTERM at random", "130 and 143 within 10 s, resumable; the second SIGINT at once"),
        ("the clock a year back", "order, gc and timeouts are right"),
    ],
}

ROWS = {
    number: Row(group, fault, outcome)
    for number, (group, fault, outcome) in enumerate(
        ((group, *row) for group, rows in _GROUPS.items() for row in rows), start=1
    )
}

CANNOT_HOLD: dict[int, str] = {}
"""Rows that cannot be shown on this platform, each with the reason."""
