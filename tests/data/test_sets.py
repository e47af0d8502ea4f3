"""A file more in data/sets is a data set more, with all that the program does for Office-31."""

import importlib
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from office31_cli.data import sets
from office31_cli.data.catalogue import location, open_data
from office31_cli.data.manifest import Manifest
from office31_cli.errors import Failed, Misuse, Refused
from office31_cli.observer import SilentObserver
from office31_cli.recipes.benchmark.plan import find_published_rows
from office31_cli.recipes.download import download, verify_download
from tests.helpers.misbehaving import honest, run_server
from tests.helpers.small_data import lay_out

THINGS = """
from office31_cli.data.mirrors import Mirror
from office31_cli.data.sets.base import ArchivedDataSet

class Set(ArchivedDataSet):
    title = "Many things"
    licence = "under CC BY 4.0"
    licence_name = "cc-by-4.0"
    citation = "A. Author, 2031"
    mirrors = (Mirror("the author's page", (("http://127.0.0.1:1/things.zip", None),)),)
"""

PUBLISHED = """method,backbone,Ph-Sh,Sh-Ph,average,selection,source
Source only,ResNet-50,40.0,60.0,50.0,last iteration,the author
DANN,AlexNet,41.0,61.0,51.0,unknown,the author
"""

DOMAINS = {"phone": 4, "shop": 4}


class Listening(SilentObserver):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)


@pytest.fixture
def original(tmp_path: Path) -> Path:
    return lay_out(tmp_path / "original", "phone/mug", "phone/pen", "shop/mug", "shop/pen")


@pytest.fixture
def folder(tmp_path: Path, original: Path) -> Path:
    """Where the files of the data set `many-things` lie."""
    folder = tmp_path / "added"
    folder.mkdir()
    (folder / "many_things.py").write_text(THINGS)
    Manifest.scan(original).write(folder / "many_things.csv.gz")
    (folder / "many_things-published.csv").write_text(PUBLISHED)
    return folder


@pytest.fixture
def things(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[sets.KnownDataSet]:
    monkeypatch.setattr(sets, "__path__", [*sets.__path__, str(folder)])
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    importlib.invalidate_caches()
    yield sets.load("many-things")
    sets.load.cache_clear()
    sys.modules.pop(f"{sets.__name__}.many_things")
    vars(sets).pop("many_things")


@pytest.fixture
def archive(tmp_path: Path, original: Path) -> Path:
    path = tmp_path / "things.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for picture in sorted(original.rglob("*.png")):
            packed.write(picture, f"things-v2/{picture.relative_to(original)}")
    return path


@pytest.mark.usefixtures("things")
def test_it_stands_after_the_default_and_before_the_drawn() -> None:
    assert sets.names() == ("office31", "many-things", "sample")


def test_it_is_brought_from_its_mirrors_checked_and_opened(
    things: sets.KnownDataSet, archive: Path, original: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Failed, match=r"run: office31 download many-things$"):
        open_data("many-things")
    listening = Listening()
    with run_server(honest(archive.read_bytes())) as server:
        mirror = type(things).mirrors[0]
        monkeypatch.setattr(things, "mirrors", (type(mirror)("here", ((server.url("things.zip"), None),)),))
        result = download(data_set="many-things", observer=listening).to_json()
    assert result.pop("seconds") >= 0
    assert result == {
        "dataset": "many-things",
        "root": str(things.root),
        "domains": DOMAINS,
        "photographs": 8,
        "items": 2,
        "verified": True,
    }
    assert listening.said == ["Many things is under CC BY 4.0; cite A. Author, 2031"]
    assert verify_download(data_set="many-things").photographs == 8
    data = open_data("many-things")
    assert (data.name, data.domains, data.items, location(data)) == (
        "many-things",
        ("phone", "shop"),
        ("mug", "pen"),
        "many-things",
    )
    assert data.photographs("shop").digests == open_data(str(original)).photographs("shop").digests
    lay_out(sets.load("sample").root, "amazon/cup")
    assert open_data(None) == data


def test_what_is_wrong_is_refused_with_its_own_command(
    things: sets.KnownDataSet, archive: Path, original: Path
) -> None:
    with pytest.raises(Failed, match=r"by other means and run: office31 download many-things --from FILE$"):
        download(data_set="many-things")
    assert not things.root.exists()
    with pytest.raises(Failed, match=r"or give a file: office31 download many-things --from FILE$"):
        download("http://127.0.0.1:1/x.zip", data_set="many-things")
    (original / "phone" / "pen" / "frame_1.png").write_bytes(b"another picture")
    with pytest.raises(Refused, match=r"1 file altered \(phone/pen/frame_1.png\)"):
        download(str(original), data_set="many-things")
    download(str(archive), data_set="many-things")
    (things.root / "phone" / "pen" / "frame_1.png").unlink()
    with pytest.raises(Refused, match=r"1 file missing .*; replace the folder with: office31 download many-things$"):
        verify_download(data_set="many-things")


def test_published_figures_stand_beside_the_very_photographs_whatever_the_folder(
    things: sets.KnownDataSet, original: Path
) -> None:
    data = open_data(str(original))
    digests = {domain: data.photographs(domain).digests for domain in data.domains}
    assert sets.find_published(digests) is things
    rows = find_published_rows(data, data.domains, "resnet-50")
    assert [(row.name, row.tasks, row.average) for row in rows] == [("erm", {"Ph-Sh": 0.4, "Sh-Ph": 0.6}, 0.5)]
    assert sets.find_published(digests | {"shop": digests["shop"][1:]}) is None
    assert find_published_rows(data, data.domains, "DeiT-B") == []


@pytest.mark.usefixtures("things")
def test_a_slip_is_told_with_a_near_match() -> None:
    with pytest.raises(Misuse, match=r"did you mean many-things\?"):
        open_data("many-thing")
    with pytest.raises(Misuse, match=r"data set many-thigns: there is none of that name; did you mean many-things\?"):
        download(data_set="many-thigns")


def test_every_known_data_set_says_what_there_is_and_what_brings_it() -> None:
    for name in sets.names():
        known = sets.load(name)
        assert known.name == name
        assert known.title
        assert known.command.startswith("office31 download")
        assert min(known.photographs().values()) > 0
        assert list(known.items()) == sorted(known.items())
        for row in known.published:
            assert all(0 < accuracy <= 1 for accuracy in (*row.tasks.values(), row.average))


def test_a_set_is_found_by_its_name_and_nothing_else_is() -> None:
    assert sets.find("sample") is sets.load("sample")
    for other in ("Sample", "base", "", None, 3, ["sample"]):
        assert sets.find(other) is None
