"""CSV as people write it: any quoting and line ends, with a byte order mark or without."""

import csv
import io
from collections.abc import Iterator

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""Some editors begin a file in UTF-8 with it."""


class NotCsv(ValueError):
    """A text that is not CSV from its row number `row` on, which begins on `line`; both count from 1."""

    def __init__(self, row: int, line: int, why: str) -> None:
        super().__init__(why)
        self.row, self.line = row, line


def decode(content: bytes, errors: str = "strict") -> str:
    """The text of a file in UTF-8, without a byte order mark; raises UnicodeDecodeError for other bytes."""
    return content.removeprefix(BYTE_ORDER_MARK).decode("utf-8", errors)


def parse_rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each row's fields, with the line that it begins on; a blank line has none. Raises `NotCsv`."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    row = line = 1
    while True:
        try:
            fields = next(reader, None)
        except csv.Error as error:
            raise NotCsv(row, line, str(error)) from None
        if fields is None:
            return
        yield line, fields
        row, line = row + 1, reader.line_num + 1


def is_blank(fields: list[str]) -> bool:
    """Whether a row comes from a line that holds nothing, or nothing but spaces."""
    return len(fields) <= 1 and not any(field.strip() for field in fields)
