import pytest
from hypothesis import given
from hypothesis import strategies as st

from office31_cli.errors import Misuse
from office31_cli.registry import names


@pytest.mark.parametrize(
    "name", ["", "../../x", "a/b", "x" * 300, "a\0b", "deadbeef", "CAFE", "0123456789abcdef", ".x", "-x", "a b", "é"]
)
@pytest.mark.fault(54)
def test_a_name_that_could_leave_its_folder_or_pass_for_an_id_is_misuse(name: str) -> None:
    with pytest.raises(Misuse, match="model name"):
        names.check(name)


@pytest.mark.parametrize("name", ["amazon-head", "A_1.b+c", "x" * 100, "31-items", "bad"])
def test_an_ordinary_name_is_taken(name: str) -> None:
    names.check(name)


@given(st.text())
def test_a_valid_name_can_be_made_from_any_text(text: str) -> None:
    names.check(names.make_name(text) + "-12345")
    names.check(names.make_name(text))


@given(st.text())
def test_the_message_never_holds_a_control_character(text: str) -> None:
    with pytest.raises(Misuse) as caught:
        names.check(text + "\x1b")
    assert "\x1b" not in str(caught.value)
