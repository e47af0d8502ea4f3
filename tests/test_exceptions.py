import errno
import os

import pytest

from office31_cli.errors import Failed, Misuse, Office31Error, Refused, Terminated, from_os_error


@pytest.mark.parametrize(("kind", "code"), [(Failed, 1), (Misuse, 2), (Refused, 3)])
def test_an_error_is_one_line_with_an_exit_code(kind: type[Office31Error], code: int) -> None:
    error = kind("what", "why", "fix")
    assert str(error) == "what: why; fix"
    assert error.exit_code == code


def test_termination_passes_every_handler_of_errors() -> None:
    assert not issubclass(Terminated, Exception)


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "free some space, or set OFFICE31_HOME"),
        (errno.EACCES, "change its permissions"),
        (errno.EROFS, "set OFFICE31_HOME to a folder that you can write to"),
        (errno.EFBIG, "ulimit -f"),
        (errno.ENOENT, "check the path"),
    ],
)
def test_the_system_s_complaint_comes_with_advice(number: int, advice: str) -> None:
    error = from_os_error(OSError(number, os.strerror(number), "/some/file"))
    assert isinstance(error, Failed)
    assert error.what == "/some/file"
    assert error.why == os.strerror(number).lower()
    assert advice in error.fix


def test_a_complaint_without_number_or_file() -> None:
    assert str(from_os_error(OSError("odd"))).startswith("the operating system: odd; ")
    assert "timeouterror" in str(from_os_error(TimeoutError()))
