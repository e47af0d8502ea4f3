"""A headless Chromium, driven through a pipe: what a page asks for, says, shows and measures."""

import base64
import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOUND = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)

_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-extensions", "--disable-background-networking", "--disable-component-update",
    "--hide-scrollbars", "--remote-debugging-pipe",
)  # fmt: skip


_START = (
    "import os, sys\nfor place in (1, 2): os.dup2(int(sys.argv[place]), place + 2)\nos.execv(sys.argv[3], sys.argv[3:])"
)
"""Becomes the browser, which reads what it is to do from file 3 and answers into file 4."""


def _out_of_the_way(descriptor: int) -> int:
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(descriptor)
    return moved


@dataclass
class Page:
    """One tab, in which nothing was opened yet."""

    send: Any
    events: list[dict[str, Any]] = field(default_factory=list)

    def open(self, path: Path, width: int = 1280, *, dark: bool = False) -> None:
        """Load a file and wait until all of it is there."""
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        self.send("Emulation.setDeviceMetricsOverride", **metrics)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])
        self.events.clear()
        self.send("Page.navigate", url=path.absolute().as_uri())
        while not self.of("Page.loadEventFired"):
            self.send("Runtime.evaluate", expression="0")

    def of(self, method: str) -> list[dict[str, Any]]:
        """What was reported so."""
        return [event["params"] for event in self.events if event["method"] == method]

    def requests(self) -> list[str]:
        """All that was asked for, whether or not it was let through."""
        return [event["request"]["url"] for event in self.of("Network.requestWillBeSent")]

    def complaints(self) -> list[str]:
        """What the console, the log and dialogs said."""
        told = [event["entry"]["text"] for event in self.of("Log.entryAdded")]
        told += [json.dumps(event["args"]) for event in self.of("Runtime.consoleAPICalled")]
        told += [json.dumps(event) for event in self.of("Runtime.exceptionThrown")]
        return told + [event["message"] for event in self.of("Page.javascriptDialogOpening")]

    def ask(self, expression: str) -> Any:
        """The value of an expression in the page."""
        told = self.send("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def picture(self, path: Path) -> None:
        """Write what the whole page looks like as a PNG."""
        told = self.send("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(told["data"]))


@contextmanager
def browsing(profile: Path) -> Iterator[Page]:
    """A tab of a browser that runs as long as the context lasts, with its files in `profile`."""
    assert FOUND is not None
    theirs_in, ours_out = map(_out_of_the_way, os.pipe())
    ours_in, theirs_out = map(_out_of_the_way, os.pipe())
    words = [FOUND, *_FLAGS, f"--user-data-dir={profile}", "about:blank"]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # for the socket that it leaves behind
        run = subprocess.Popen(
            [sys.executable, "-c", _START, str(theirs_in), str(theirs_out), *words],
            pass_fds=(theirs_in, theirs_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"TMPDIR": folder},
        )
        os.close(theirs_in)
        os.close(theirs_out)
        try:
            with os.fdopen(ours_in, "rb") as answers, os.fdopen(ours_out, "wb", buffering=0) as orders:
                yield _tab(answers, orders)
        finally:
            run.terminate()
            run.wait(30)


def _tab(answers: Any, orders: Any) -> Page:
    number = 0
    session: dict[str, str] = {}
    pending = b""

    def told() -> dict[str, Any]:
        nonlocal pending
        while b"\0" not in pending:
            block = answers.read1(1 << 16)
            assert block, "the browser has gone"
            pending += block
        message, _, pending = pending.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found

    def send(method: str, **parameters: Any) -> dict[str, Any]:
        nonlocal number
        number += 1
        orders.write(json.dumps({"id": number, "method": method, "params": parameters, **session}).encode() + b"\0")
        while True:
            message = told()
            if message.get("id") == number:
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result
            if "method" in message:
                page.events.append(message)

    page = Page(send)
    target = next(each for each in send("Target.getTargets")["targetInfos"] if each["type"] == "page")
    session["sessionId"] = send("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
    for domain in ("Page", "Network", "Log", "Runtime"):
        send(f"{domain}.enable")
    return page
