from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep every test out of the user's own data and models."""
    monkeypatch.setenv("OFFICE31_HOME", str(tmp_path / "home"))
    return tmp_path / "home"
