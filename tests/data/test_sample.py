import dataclasses
import io
import itertools
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from office31_cli import storage
from office31_cli.data.drawing import cameras, symbols
from office31_cli.data.folder import open_folder
from office31_cli.data.sets import sample
from office31_cli.errors import Refused
from office31_cli.observer import SILENT, Observer, SilentObserver
from office31_cli.recipes.download import DownloadResult, download


class Listening(SilentObserver):
    def __init__(self) -> None:
        self.heard: list[str] = []

    def say(self, message: str) -> None:
        self.heard.append(message)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two pictures of four items a domain, so that drawing takes no time."""
    quick = {name: dataclasses.replace(camera, photographs=2) for name, camera in cameras.CAMERAS.items()}
    monkeypatch.setattr(cameras, "CAMERAS", quick)
    monkeypatch.setattr(sample.Set, "items", lambda _: ("bike", "mug", "pen", "phone"))


def draw_sample(observer: Observer = SILENT) -> DownloadResult:
    return download(data_set="sample", observer=observer)


def drawn(root: Path, seed: int = 0) -> dict[str, bytes]:
    sample.Set(seed).draw(root)
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*.jpg")}


def seen_by(camera: str) -> np.ndarray:
    """One picture of each symbol by that camera, (31, side, side, 3)."""
    pictures = []
    for number, symbol in enumerate(symbols.draw_distinct_symbols(31, seed=0)):
        content = cameras.take_photograph(symbol, cameras.CAMERAS[camera], np.random.default_rng(number))
        pictures.append(np.asarray(Image.open(io.BytesIO(content)), dtype=np.float64))
    return np.stack(pictures)


def noise(picture: np.ndarray) -> float:
    """The median distance of a pixel from its neighbourhood's median."""
    smooth = Image.fromarray(picture.astype(np.uint8)).filter(ImageFilter.MedianFilter(5))
    return float(np.median(np.abs(picture - np.asarray(smooth))))


def test_it_has_office_31s_domains_and_items_and_says_what_there_is(home: Path) -> None:
    result = draw_sample().to_json()
    assert result.pop("seconds") > 0
    assert result == {
        "dataset": "sample",
        "root": str(home / "data" / "sample"),
        "domains": {"amazon": 930, "dslr": 310, "webcam": 434},
        "photographs": 1674,
        "items": 31,
        "verified": True,
    }
    found = open_folder(home / "data" / "sample")
    assert found.domains == ("amazon", "dslr", "webcam")
    assert len(found.items) == 31
    assert {"back_pack", "mug", "trash_can"} <= set(found.items)
    assert {name: len(found.photographs(name)) for name in found.domains} == result["domains"]


@pytest.mark.usefixtures("few")
def test_a_seed_fixes_every_byte(tmp_path: Path) -> None:
    first, again, other = drawn(tmp_path / "a"), drawn(tmp_path / "b"), drawn(tmp_path / "c", seed=1)
    assert len(first) == 3 * 4 * 2
    assert first == again
    assert first.keys() == other.keys()
    assert all(first[name] != other[name] for name in first)


@pytest.mark.usefixtures("few")
def test_every_picture_is_another(tmp_path: Path) -> None:
    assert len(set(drawn(tmp_path / "a").values())) == 3 * 4 * 2


@pytest.mark.parametrize("seed", range(5))
def test_no_two_symbols_look_alike(seed: int) -> None:
    looks = [symbols.appearance(symbol) for symbol in symbols.draw_distinct_symbols(31, seed)]
    assert min(np.abs(a - b).mean() for a, b in itertools.combinations(looks, 2)) > symbols.UNLIKE


def test_the_cameras_see_differently() -> None:
    amazon, dslr, webcam = seen_by("amazon"), seen_by("dslr"), seen_by("webcam")
    assert dslr.shape[1] > amazon.shape[1] > webcam.shape[1]

    def corners(pictures: np.ndarray) -> np.ndarray:
        return pictures[:, :8, :8].mean((1, 2))

    assert corners(amazon).mean() > 240  # white
    assert corners(dslr).mean() < 225  # a desk
    assert corners(dslr).std(0).mean() > 2 * corners(amazon).std(0).mean()
    red, _, blue = corners(webcam).mean(0)
    assert blue - red > 15  # tinted
    assert np.median([noise(picture) for picture in webcam]) > 3 * np.median([noise(picture) for picture in dslr])


@pytest.mark.usefixtures("few")
def test_one_that_is_there_is_kept(home: Path) -> None:
    draw_sample()
    root = home / "data" / "sample"
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    listening = Listening()
    assert draw_sample(observer=listening).verified
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before
    assert listening.heard == [f"the sample is there already: {root}"]


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("harm", ["altered", "missing", "extra", "linked", "manifest"])
def test_one_that_was_changed_is_refused_and_left_alone(home: Path, harm: str) -> None:
    draw_sample()
    root = home / "data" / "sample"
    picture = root / "amazon" / "mug" / "frame_0001.jpg"
    if harm == "altered":
        picture.write_bytes(picture.read_bytes()[:-1])
    elif harm == "missing":
        picture.unlink()
    elif harm == "extra":
        picture.with_name("mine.jpg").write_bytes(b"mine")
    elif harm == "linked":
        picture.with_name("mine.jpg").symlink_to(picture)
    else:
        (root / sample.MANIFEST).write_bytes(b"[" * 100_000)
    left = sorted(root.rglob("*"))
    with pytest.raises(Refused, match="move it away"):
        draw_sample()
    assert sorted(root.rglob("*")) == left


@pytest.mark.usefixtures("few")
def test_one_of_another_seed_is_refused() -> None:
    sample.Set(seed=1).bring(None)
    with pytest.raises(Refused, match="seed 0"):
        draw_sample()


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("operation", ["mkdir", "create", "rename"])
def test_a_crash_leaves_none_and_the_next_run_clears_up(
    home: Path, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    def die(name: str, path: Path) -> None:
        in_sample = "sample" in path.as_posix().removeprefix(str(home))
        if name == operation and in_sample and (name != "create" or "webcam" in path.parts):
            raise KeyboardInterrupt

    with monkeypatch.context() as crash:
        crash.setattr(storage, "before_operation", die)
        crash.setattr(storage, "remove_folder", lambda path: None)  # as if killed: nothing is tidied
        crash.setattr(storage.os, "getpid", lambda: 999_999_999)  # by a process that is gone
        with pytest.raises(KeyboardInterrupt):
            draw_sample()
    assert not (home / "data" / "sample").exists()
    assert draw_sample().verified
    assert [path.name for path in (home / "data").iterdir()] == ["sample"]


@pytest.mark.usefixtures("few")
def test_of_two_that_draw_at_once_the_first_stays(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = home / "data" / "sample"

    def another_is_faster(name: str, path: Path) -> None:
        if name == "rename" and path == root and not root.exists():
            drawn(root)

    monkeypatch.setattr(storage, "before_operation", another_is_faster)
    assert draw_sample().verified
    assert [path.name for path in root.parent.iterdir()] == ["sample"]
