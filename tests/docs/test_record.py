from pathlib import Path

import pytest

from tests.docs.record import lay_out, rerun


def test_the_home_of_a_recording_is_told_as_anyones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFICE31_HOME", "/somewhere/else")
    printed = "".join(rerun("$ echo $OFFICE31_HOME/data $OFFICE31_HOME/cache/features\n", tmp_path))
    assert printed.splitlines()[1:] == ["~/.local/share/office31/data ~/.cache/office31/features"]


def test_commands_are_run_again_and_what_they_print_takes_the_place_of_what_they_printed(tmp_path: Path) -> None:
    given, scratch = tmp_path / "given", tmp_path / "scratch"
    (given / "desk").mkdir(parents=True)
    (given / "desk" / "mug.jpg").write_text("a mug")
    (given / "weights.pth").write_text("numbers")
    scratch.mkdir()
    lay_out(given, scratch)
    old = "$ cat weights.pth \\\n    desk/mug.jpg\nbefore\n$ echo after; echo unheard >&2\n$ true\nmore\n"
    new = "$ cat weights.pth \\\n    desk/mug.jpg\nnumbersa mug\n$ echo after; echo unheard >&2\nafter\n$ true\n"
    assert "".join(rerun(old, scratch)) == new
    assert not (scratch / "desk").is_symlink()
