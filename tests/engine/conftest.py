import pytest

from office31_cli.engine import device


@pytest.fixture
def single_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor without half precision: what is computed can be held against formulas to the last digits."""
    monkeypatch.setattr(device, "_cpu_has_bfloat16", lambda: False)
