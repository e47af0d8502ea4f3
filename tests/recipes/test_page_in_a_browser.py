"""The page as a reader has it: it runs nothing, asks for nothing, whatever things are called, and fits every screen."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from office31_cli.recipes.report.command import report
from office31_cli.recipes.report.figures import write_figures
from tests.helpers import browser
from tests.helpers.browser import Page
from tests.helpers.hostile_things import SHOWN, hostile_model, hostile_things

pytestmark = pytest.mark.skipif(browser.FOUND is None, reason="no chromium is installed")

_RUNS = "[...document.querySelectorAll('*')].filter(e => [...e.attributes].some(a => a.name.startsWith('on'))).length"
_TAGS = "[...new Set([...document.querySelectorAll('*')].map(e => e.localName))]"
_ADDRESSES = "[...document.querySelectorAll('[src],[href]')].map(e => e.getAttribute('src') || e.getAttribute('href'))"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The page of a model whose every name is hostile, and a folder of its figures."""
    root = tmp_path_factory.mktemp("hostile")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("OFFICE31_HOME", str(root / "home"))
        hostile_things(root / "things")
        found = report(hostile_model(root / "things").id, compare="first")
        found.save(root / "page.html")
        write_figures(found, root / "figures")
    yield root


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser.browsing(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("dark", [False, True])
def test_nothing_runs_nothing_is_asked_for_and_nothing_overflows(
    tab: Page, written: Path, width: int, dark: bool
) -> None:
    path = written / "page.html"
    tab.open(path, width, dark=dark)
    assert tab.complaints() == []
    assert {address for address in tab.requests() if not address.startswith("data:image/jpeg;")} == {path.as_uri()}
    assert tab.ask("document.documentElement.scrollWidth") == width
    assert tab.ask("[...document.images].every(i => i.complete && i.naturalWidth > 0)")


@pytest.mark.fault(74)
def test_names_are_text_and_nothing_else(tab: Page, written: Path) -> None:
    tab.open(written / "page.html")
    assert tab.ask(_RUNS) == 0
    assert not set(tab.ask(_TAGS)) & {"script", "iframe", "object", "embed", "form", "base", "image", "foreignObject"}
    assert tab.ask("document.querySelectorAll('style').length") == 1
    assert all(address.startswith(("#", "data:")) for address in tab.ask(_ADDRESSES))
    text = tab.ask("document.body.textContent")
    assert [name for name in SHOWN if name not in text] == []
    assert r"\u202e" in text
    assert "\u202e" not in text


def test_every_figure_is_there_with_words_for_those_who_cannot_see_it(tab: Page, written: Path) -> None:
    tab.open(written / "page.html")
    pictures = tab.ask("[...document.querySelectorAll('figure svg')].map(s => [s.getAttribute('role'), s.ariaLabel])")
    assert len(pictures) >= 9
    assert all(role == "img" and label for role, label in pictures)
    sizes = (
        "[...document.querySelectorAll('figure svg')].map(s => s.getBoundingClientRect()).map(r => [r.width, r.height])"
    )
    assert all(min(size) > 20 for size in tab.ask(sizes))
    assert tab.ask("[...document.images].every(i => i.alt)")
    levels = tab.ask("[...document.querySelectorAll('h1,h2,h3')].map(h => +h.localName[1])")
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert tab.ask("document.querySelectorAll('details table').length") >= 5


def test_the_theme_follows_the_reader(tab: Page, written: Path) -> None:
    grounds = []
    for dark in (False, True):
        tab.open(written / "page.html", dark=dark)
        grounds.append(tab.ask("getComputedStyle(document.body).backgroundColor"))
    assert grounds == ["rgb(255, 255, 255)", "rgb(20, 24, 29)"]


def test_an_item_can_be_picked_out_without_a_script(tab: Page, written: Path) -> None:
    tab.open(written / "page.html")
    shown = "[...document.querySelectorAll('.embedding .row path')].filter(p => +getComputedStyle(p).opacity === 1)"
    everything = tab.ask(f"{shown}.length")
    tab.ask("document.querySelector('select').selectedIndex = 3")
    assert 0 < tab.ask(f"{shown}.length") < everything
    assert tab.ask(f"{shown}.every(p => p.classList.contains('i2'))")


def test_a_drawing_for_a_paper_runs_nothing_either(tab: Page, written: Path) -> None:
    for path in sorted((written / "figures").glob("*.svg")):
        tab.open(path)
        assert tab.complaints() == []
        assert tab.requests() == [path.as_uri()]
        assert tab.ask(_RUNS) == 0
        assert "script" not in tab.ask(_TAGS)
