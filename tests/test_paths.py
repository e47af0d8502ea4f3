from pathlib import Path

import pytest

from office31_cli import paths
from office31_cli.errors import Failed


def places() -> set[Path]:
    return {paths.data_sets(), paths.registry(), paths.runs(), paths.cache_home()}


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's home with nothing else set."""
    for name in ("OFFICE31_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_everything_lies_below_the_chosen_home(home: Path) -> None:
    assert places() == {home / "data", home / "registry", home / "runs", home / "cache"}


@pytest.mark.parametrize(("chosen", "below"), [("~/o", "o"), ("o", "o"), ("", ".local/share/office31")])
def test_the_chosen_home_may_be_relative(user: Path, monkeypatch: pytest.MonkeyPatch, chosen: str, below: str) -> None:
    monkeypatch.chdir(user)
    monkeypatch.setenv("OFFICE31_HOME", chosen)
    assert paths.data_home() == user / below


def test_else_the_xdg_folders_hold_it(user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert paths.data_home() == user / ".local/share/office31"
    assert paths.cache_home() == user / ".cache/office31"
    monkeypatch.setenv("XDG_DATA_HOME", "/big")
    monkeypatch.setenv("XDG_CACHE_HOME", "not/absolute")
    assert paths.data_home() == Path("/big/office31")
    assert paths.cache_home() == user / ".cache/office31"


def test_a_home_that_nobody_has_is_told(user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFICE31_HOME", "~nobody-of-that-name/o")
    with pytest.raises(Failed, match=r"no home folder: .*; set OFFICE31_HOME to an absolute path"):
        paths.data_home()


def test_asking_makes_nothing(home: Path) -> None:
    places()
    assert not home.exists()
