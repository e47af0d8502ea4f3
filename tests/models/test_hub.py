"""Files of the Hugging Face hub, from a hub on this machine: mirrors, tokens, offline mode, and what goes wrong."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from office31_cli.errors import Failed, Refused
from office31_cli.models import hub
from office31_cli.observer import SILENT, Advance, SilentObserver
from tests.helpers.small_hub import NOBODY, SmallHub, serving, use

NAME = "model.safetensors"
CONTENT = bytes(range(256)) * 5_000


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallHub]:
    """A hub with one file, which is the one that the library asks; its cache is empty."""
    with serving() as small:
        small.files[f"zoo/net/{NAME}"] = CONTENT
        use(small.url, tmp_path / "hub", monkeypatch)
        yield small


class Counting(SilentObserver):
    """Counts the units of all that is tracked."""

    def __init__(self) -> None:
        self.total = self.done = 0

    @contextmanager
    def track(self, label: str, total: int, done: int = 0) -> Iterator[Advance]:
        self.total += total

        def advance(units: int) -> None:
            self.done += units

        yield advance


def test_a_file_is_brought_once_and_its_progress_told(small: SmallHub, capfd: pytest.CaptureFixture[str]) -> None:
    observer = Counting()
    path, sha256 = hub.fetch("zoo/net", NAME, observer)
    assert path.read_bytes() == CONTENT
    assert sha256 == small.sha256(f"zoo/net/{NAME}")
    assert (observer.total, observer.done) == (len(CONTENT), len(CONTENT))
    asked = len(small.requests)
    assert hub.fetch("zoo/net", NAME, observer) == (path, sha256)
    assert len(small.requests) == asked
    assert capfd.readouterr() == ("", "")


def test_nothing_but_that_file_is_asked_for(small: SmallHub) -> None:
    """A repository's pickles are left where they are, even if it has nothing else."""
    small.files = {"zoo/net/pytorch_model.bin": b"pickle"}
    with pytest.raises(Failed, match="cannot be fetched"):
        hub.fetch("zoo/net", NAME, SILENT)
    assert {path for _, path, _ in small.requests} == {f"/zoo/net/resolve/main/{NAME}"}


@pytest.mark.parametrize(
    ("status", "code", "why"),
    [
        (401, "RepoNotFound", "Repository Not Found"),
        (403, "GatedRepo", "is restricted|gated repo"),
        (404, "EntryNotFound", "Entry Not Found"),
        (500, "", "Server Error"),
    ],
)
def test_a_refusal_is_one_line(small: SmallHub, status: int, code: str, why: str) -> None:
    small.status = status, code
    with pytest.raises(Failed, match=why) as raised:
        hub.fetch("zoo/net", NAME, SILENT)
    assert "\n" not in str(raised.value)


def test_where_nobody_answers_that_is_said_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(NOBODY, tmp_path, monkeypatch)
    began = time.monotonic()
    with pytest.raises(Failed, match=r"^zoo/net: not in .* and cannot be fetched \(.*refused.*\); check the network"):
        hub.fetch("zoo/net", NAME, SILENT)
    assert time.monotonic() - began < 10


def test_bytes_that_are_not_those_of_the_hub_are_refused(small: SmallHub) -> None:
    path, _ = hub.fetch("zoo/net", NAME, SILENT)
    path.resolve().write_bytes(CONTENT[:-1] + b"\0")
    with pytest.raises(Refused, match=r"its bytes are not those of zoo/net; remove .*/blobs/"):
        hub.fetch("zoo/net", NAME, SILENT)


def test_bytes_that_are_not_what_the_hub_promised_are_refused(small: SmallHub) -> None:
    small.promised[f"zoo/net/{NAME}"] = 64 * "a"
    with pytest.raises(Refused, match="its bytes are not those of zoo/net"):
        hub.fetch("zoo/net", NAME, SILENT)


def test_the_users_settings_for_the_hub_hold(small: SmallHub, tmp_path: Path) -> None:
    """HF_ENDPOINT is asked, with HF_TOKEN, and HF_HOME holds what came; with HF_HUB_OFFLINE nothing is asked."""
    code = "from office31_cli.models import hub; from office31_cli.observer import SILENT\n"
    code += f"print(hub.fetch('zoo/net', {NAME!r}, SILENT)[0])"

    def run(**settings: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"HF_HOME": str(tmp_path / "hf"), "HF_ENDPOINT": small.url} | settings
        return subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
        )

    offline = run(HF_HUB_OFFLINE="1")
    assert "offline mode is enabled" in offline.stderr.splitlines()[-1]
    assert small.requests == []
    brought = run(HF_TOKEN="hf_secret")
    assert brought.returncode == 0, brought.stderr
    assert Path(brought.stdout.strip()).is_relative_to(tmp_path / "hf")
    assert {token for _, path, token in small.requests if path.endswith(NAME)} == {"Bearer hf_secret"}
    asked = len(small.requests)
    assert run(HF_HUB_OFFLINE="1").stdout == brought.stdout
    assert len(small.requests) == asked
