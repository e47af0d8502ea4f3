import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from office31_cli.text_table import TextTable, escape_formula

GRID = TextTable("50 % & more", ("method", ">A-W*"), [["mcc_1", "82.8 ±0.5†"], ["=1+1", "-"]], "a caption")


def test_markdown_has_a_rule_and_escapes() -> None:
    lines = TextTable("t", ("a|b", ">n"), [["<b>*x*", "1"]]).to_markdown().splitlines()
    assert lines == ["**t**", "", r"| a\|b | n |", "| --- | ---: |", r"| \<b\>\*x\* | 1 |"]


def test_latex_escapes_what_it_would_run() -> None:
    drawn = GRID.to_latex()
    for text in (
        r"50 \% \& more. a caption",
        r"mcc\_1 & 82.8 $\pm$0.5$^\dagger$ \\",
        r"\begin{tabular}{lr}",
        "=1+1 & - ",
    ):
        assert text in drawn


@pytest.mark.fault(75)
def test_csv_reads_back_and_holds_no_formula() -> None:
    assert list(csv.reader(io.StringIO(GRID.to_csv()))) == [["method", "A-W*"], ["mcc_1", "82.8 ±0.5†"], ["'=1+1", "-"]]


@given(st.text(min_size=1))
@pytest.mark.fault(75)
def test_no_text_begins_as_a_formula_does(text: str) -> None:
    shown = escape_formula(text)
    assert shown == "-" or not shown.startswith(("=", "@"))
    if shown.startswith(("+", "-")) and shown != "-":
        float(shown)


@pytest.mark.fault(75)
def test_numbers_stay_numbers() -> None:
    assert [escape_formula(text) for text in ("-1.5", "+2", "-", "0.83", "-x")] == ["-1.5", "+2", "-", "0.83", "'-x"]
    assert [escape_formula(text) for text in ("\uff1dx", "\uff0d1", "\t=1")] == ["'\uff1dx", "'\uff0d1", r"\t=1"]
