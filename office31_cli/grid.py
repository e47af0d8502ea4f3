"""One table in every form that other programs read: Markdown, CSV and LaTeX."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from office31_cli.text import printable

FORMATS = ("table", "markdown", "csv", "latex", "json")


@dataclass(frozen=True)
class Grid:
    """Rows of texts below the columns' names; a column whose name starts with `>` is aligned to the right."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[str]]
    caption: str = ""

    def markdown(self) -> str:
        """A pipe table with a title above and the caption below it."""
        rule = ["---:" if name.startswith(">") else "---" for name in self.columns]
        lines = [self._names(), rule, *self.rows]
        drawn = "\n".join("| " + " | ".join(map(in_markdown, line)) + " |" for line in lines)
        return "\n\n".join(
            part for part in (f"**{in_markdown(self.title)}**", drawn, in_markdown(self.caption)) if part
        )

    def csv(self) -> str:
        """The columns' names and the rows, as `csv_lines` has them."""
        return csv_lines((self._names(), *self.rows)).rstrip("\n")

    def latex(self) -> str:
        """A `table` with the package booktabs."""
        sides = "".join("r" if name.startswith(">") else "l" for name in self.columns)
        head, *body = [" & ".join(map(_in_latex, line)) + r" \\" for line in (self._names(), *self.rows)]
        return "\n".join(
            [
                r"\begin{table}",
                rf"\caption{{{_in_latex(self.title)}. {_in_latex(self.caption)}}}",
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


def csv_lines(rows: Iterable[Sequence[str]]) -> str:
    """A line for each row (RFC 4180); what a spreadsheet would take for a formula is prefixed by '."""
    lines = io.StringIO()
    csv.writer(lines, lineterminator="\n").writerows([[inert(text) for text in row] for row in rows])
    return lines.getvalue()


_FORMULAS = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
"""What begins a formula, and the wide characters that some spreadsheets read as the same."""


def inert(text: str) -> str:
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


def _in_latex(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in printable(text))


def in_markdown(text: str) -> str:
    """Any text as it is, with nothing in it that Markdown, GitHub's included, would take for its own."""
    escaped = "".join("\\" + character if character in "\\`*_[]|<>&~" else character for character in printable(text))
    return escaped.replace("://", ":\\/\\/").replace("www.", "www\\.")
