from pathlib import Path

from tests.docs.record import lay_out, rerun


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
