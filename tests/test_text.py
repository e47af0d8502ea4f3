import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from office31_cli.text import did_you_mean, format_duration, join_names, pluralize, printable, text_width


@given(st.text(st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp", "L", "S"])))
@pytest.mark.fault(76)
def test_nothing_that_steers_a_terminal_gets_through(text: str) -> None:
    shown = printable(text)
    assert not any(character in shown for character in "\n\r\t\x1b\x7f\x9b\u202e\u2028")
    shown.encode()


@pytest.mark.parametrize("text", ["back_pack", "café [red] 'x'", "カメラ", "a b", ""])
def test_what_is_merely_unusual_is_left_alone(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a\nb", r"a\nb"), ("\x1b[2J", r"\x1b[2J"), ("\u202egpj", r"\u202egpj"), (os.fsdecode(b"caf\xe9"), r"caf\udce9")],
)
@pytest.mark.fault(76)
def test_what_steers_is_shown_by_its_number(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_a_near_match_or_all_there_are() -> None:
    assert did_you_mean("webcm", ["amazon", "webcam"]) == "did you mean webcam?"
    assert did_you_mean("alexnt", ["AlexNet", "DeiT-B"]) == "did you mean AlexNet?"
    assert did_you_mean("x", ["b", "a"]) == "known: a, b"
    assert did_you_mean("x", []) == "there are none yet"
    assert did_you_mean("x", [f"{number:02}" for number in range(13)]).endswith("10, 11, ...")


@pytest.mark.parametrize(
    ("word", "suggested"),
    [
        ("mmc", "mcc"),  # one letter changed; mcd is two away
        ("mc", "mcc or mcd"),
        ("mcdd", "mcd or mdd"),
        ("dnan", "dan or dann"),  # a letter too many, or two swapped
        ("BMN", "bnm"),
        ("tnet", "tent"),
    ],
)
def test_the_nearest_is_suggested_and_all_that_are_as_near(word: str, suggested: str) -> None:
    known = ["adabn", "bnm", "cdan", "dan", "dann", "mcc", "mcd", "mdd", "tent"]
    assert did_you_mean(word, known) == f"did you mean {suggested}?"


def test_suggestions_are_printable() -> None:
    assert did_you_mean("cam\x1b", ["cam\x1bs"]) == r"did you mean cam\x1bs?"
    assert did_you_mean("zzz", ["cam\x1bs"]) == r"known: cam\x1bs"


def test_counts_and_lists() -> None:
    assert [pluralize(number, "item") for number in (0, 1, 4110)] == ["0 items", "1 item", "4,110 items"]
    assert join_names("ab") == "a, b"
    assert join_names("abcdefg") == "a, b, c, d, e and 2 more"


def test_wide_characters_take_two_columns() -> None:
    assert [text_width(text) for text in ("", "mug", "vélo", "カメラ", "a カ")] == [0, 3, 4, 6, 4]


def test_a_duration_is_never_nothing_and_grows_coarser() -> None:
    told = {0: "less than 1 s", 0.4: "less than 1 s", 8.4: "8 s", 99: "99 s", 282: "4.7 min", 3600: "60 min"}
    assert {seconds: format_duration(seconds) for seconds in told} == told
    assert format_duration(12600) == "3.5 h"
