"""One table in every form that other programs read: Markdown, CSV and LaTeX."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from office31_cli.text import printable

FORMATS = ("table", "markdown", "csv", "latex", "json")


@dataclass(frozen=True)
class TextTable:
    """Rows of texts below the columns' names; a column whose name starts with `>` is aligned to the right."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[str]]
    caption: str = ""

    def to_markdown(self) -> str:
        """A pipe table with a title above and the caption below it."""
        rule = ["---:" if name.startswith(">") else "---" for name in self.columns]
        lines = [self._names(), rule, *self.rows]
        drawn = "\n".join("| " + " | ".join(map(escape_markdown, line)) + " |" for line in lines)
        return "\n\n".join(
            part for part in (f"**{escape_markdown(self.title)}**", drawn, escape_markdown(self.caption)) if part
        )

    def to_csv(self) -> str:
        """The columns' names and the rows, as `format_csv` writes them."""
        return format_csv((self._names(), *self.rows)).rstrip("\n")

    def to_latex(self) -> str:
        """A `table` with the package booktabs."""
        sides = "".join("r" if name.startswith(">") else "l" for name in self.columns)
        head, *body = [" & ".join(map(_escape_latex, line)) + r" \\" for line in (self._names(), *self.rows)]
        return "\n".join(
            [
                r"\begin{table}",
                rf"\caption{{{_escape_latex(self.title)}. {_escape_latex(self.caption)}}}",
                rf"\begin{{tabular}}{{{sides}}}",
                r"\toprule",
                head,
                r"\midrule",
                *body,
                r"\bottomrule",
                r"\end{tabular}",
                r"\end{table}",
            ]
        )

    def _names(self) -> list[str]:
        return [name.removeprefix(">") for name in self.columns]


def format_csv(rows: Iterable[Sequence[str]]) -> str:
    """A line for each row (RFC 4180); what a spreadsheet would take for a formula is prefixed by '."""
    lines = io.StringIO()
    csv.writer(lines, lineterminator="\n").writerows([[escape_formula(text) for text in row] for row in rows])
    return lines.getvalue()


_FORMULAS = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
"""What begins a formula, and the wide characters that some spreadsheets read as the same."""


def escape_formula(text: str) -> str:
    """A text that no spreadsheet runs: one that is no number and begins as a formula does gets a ' before it."""
    shown = printable(text)
    if not shown.startswith(_FORMULAS) or shown == "-":
        return shown
    try:
        float(shown)
    except ValueError:
        return "'" + shown
    return shown


_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "†": r"$^\dagger$",
    "→": r"$\rightarrow$",
}


def _escape_latex(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in printable(text))


def escape_markdown(text: str) -> str:
    """Any text as it is, with nothing in it that Markdown, GitHub's included, would take for its own."""
    escaped = "".join("\\" + character if character in "\\`*_[]|<>&~" else character for character in printable(text))
    return escaped.replace("://", ":\\/\\/").replace("www.", "www\\.")
