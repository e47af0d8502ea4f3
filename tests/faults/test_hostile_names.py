"""The real commands over a data set whose every name is an attack: it is shown, and does nothing."""

import csv
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.read_page import Read
from tests.helpers.real_command import Command
from tests.helpers.small_data import draw

SHOP = "[red]\x1b[2J<script>alert(1)<\n=1\u202e\udcff"
PHONE = "=cmd|' C'!A0"
ITEMS = (
    "[bold]a[blink]\u2066gnp\x9b31m",
    "<img src=x onerror=alert(2)>",
    "\x1b]8;;http:example.org\x07link\x1b]8;;\x07",
    "=HYPERLINK(1)\udcff",
    "two\nlines\r\x1b[8m\x1b]52;c;AAAA\x07",
)
FILE = "@SUM(1)[red]\x1b[2J\t<b>\u202e\udcff\n.png"

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
"""All that a table's colours need."""


@pytest.fixture(scope="module")
def things(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two domains of these items, with four pictures each."""
    root = tmp_path_factory.mktemp("hostile") / "[blink]things\x1b[5m"
    for first, domain in enumerate((SHOP, PHONE)):
        for second, item in enumerate(ITEMS):
            for third in range(4):
                drawn = draw(root.parent / "drawn.png", (90 * first, 40 * second, 50 * third))
                (root / domain / item).mkdir(parents=True, exist_ok=True)
                shutil.copy(drawn, root / domain / item / f"{third}{FILE}")
    shutil.copy(drawn, root.parent / FILE)
    return root


@pytest.fixture(scope="module")
def run(things: Path) -> Iterator[Command]:
    """The command where the pictures are, with a model that was trained on them, as a terminal shows it."""
    command = Command(things.parent / "home")
    settings = ("--backbone", "convnet", "--weights", "none", "--epochs", "2", "--batch-size", "8", "--name", "model")
    shown = command.seen("pretrain", "--domain", SHOP, "--data", things, *settings, columns=200)
    check_inert(shown)
    assert visible(SHOP) in _COLOUR.sub("", shown)
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(things.parent)  # so that a path can begin as a formula does
        yield command


def visible(name: str) -> str:
    """A name as it is to be shown: what steers by its number, all else letter by letter."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in name)


def check_inert(shown: str) -> None:
    """Nothing but colours steers; nothing of a name is interpreted."""
    without = _COLOUR.sub("", shown)
    assert not [each for each in without if each != "\n" and not each.isprintable()], without
    assert "\x1b[5m" not in shown  # `blink`, which no table of ours asks for


@pytest.mark.fault(29, 76)
@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("models", "list"), (SHOP,)),
        (("models", "tree"), (SHOP,)),
        (("models", "show", "model"), (SHOP, *ITEMS)),
        (("evaluate", "--split", PHONE, "--confusion"), (SHOP, PHONE, *ITEMS)),
        (("predict", FILE, "--top", "5"), (FILE, *ITEMS)),
    ],
)
def test_a_terminal_shows_names_and_does_not_obey_them(
    run: Command, words: tuple[str, ...], names: tuple[str, ...]
) -> None:
    shown = run.seen(*words, columns=1000)
    check_inert(shown)
    plain = _COLOUR.sub("", shown)
    assert [name for name in names if visible(name) not in plain] == []


@pytest.mark.fault(76)
def test_an_error_is_one_line_whatever_it_names(run: Command) -> None:
    code, out, err = run("evaluate", "--split", f"{SHOP}x", "--model", "model")
    assert (code, out, err.count("\n")) == (2, "", 1)
    check_inert(err)
    assert visible(f"{SHOP}x") in err


@pytest.mark.fault(75)
def test_no_cell_is_a_formula_and_every_row_is_one_line(run: Command) -> None:
    code, out, err = run("predict", FILE, "--top", "5", "--format", "csv")
    assert code == 0, err
    check_inert(out)
    head, row = csv.reader(out.splitlines())
    cells = dict(zip(head, row, strict=True))
    assert cells["path"] == "'" + visible(FILE)
    named = {cells[f"top_{place}"] for place in range(1, 6)}
    assert named == {"'" * name.startswith("=") + visible(name) for name in ITEMS}


@pytest.mark.fault(29, 76)
def test_json_holds_the_very_names_in_plain_ascii(run: Command) -> None:
    code, out, err = run("evaluate", "--split", PHONE, "--confusion", "--json")
    assert code == 0, err
    assert out.isascii()
    check_inert(out)
    told = json.loads(out)
    assert (told["split"], set(told["per_item"])) == (f"{PHONE}:all", set(ITEMS))


@pytest.mark.fault(74)
def test_a_page_holds_names_as_text_alone(run: Command, things: Path) -> None:
    page = things.parent / "page.html"
    check_inert(run.seen("report", "model", "--split", PHONE, "-o", str(page)))
    read = Read(page.read_bytes())
    assert read.policy.startswith("default-src 'none'")
    assert not read.tags & {"script", "iframe", "object", "embed", "form", "base"}
    assert all(address.startswith(("#", "data:,", "data:image/jpeg;base64,")) for address in read.addresses)
    assert [name for name in (SHOP, PHONE, *ITEMS) if visible(name) not in read.text] == []
    check_inert(read.text.replace("\xa0", " "))
