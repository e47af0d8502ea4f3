import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from office31_cli.data import prefetch
from office31_cli.data.picture_files import PictureFile
from office31_cli.data.pixels import Pixels, decode
from office31_cli.data.prefetch import decode_ahead
from office31_cli.errors import Failed
from tests.helpers.small_data import draw


def drawn(root: Path, count: int) -> list[PictureFile]:
    return [PictureFile(draw(root / f"{number}.png", (number, 7 * number, 90))) for number in range(count)]


@pytest.mark.parametrize("most", [0, 1, 5, 100])
def test_pictures_come_decoded_and_in_order(tmp_path: Path, most: int) -> None:
    pictures = drawn(tmp_path, 12)
    found = list(decode_ahead(pictures, 8, most))
    assert [path for path, _ in found] == [each.path for each in pictures]
    for path, pixels in found:
        assert isinstance(pixels, np.ndarray)
        assert np.array_equal(pixels, decode(path, 8))


def test_what_cannot_be_read_keeps_its_place(tmp_path: Path) -> None:
    first, last = drawn(tmp_path, 2)
    (tmp_path / "text.jpg").write_text("no picture")
    pictures = [
        first,
        PictureFile(tmp_path / "text.jpg"),
        PictureFile(tmp_path, "locked"),
        PictureFile(tmp_path / "gone.jpg"),
        last,
    ]
    found = [pixels for _, pixels in decode_ahead(pictures, 8, 3)]
    assert isinstance(found[0], np.ndarray)
    assert isinstance(found[-1], np.ndarray)
    whys = [error.why for error in found if isinstance(error, Failed)]
    assert whys == [
        "cannot be read: it is no picture in a known format",
        "cannot be read: locked",
        "cannot be read: No such file or directory",
    ]


def test_no_more_than_was_said_is_read_ahead(tmp_path: Path) -> None:
    """However slow whoever asks for them is: memory does not grow with the number of pictures."""
    asked: list[int] = []

    def counted() -> Iterator[PictureFile]:
        for number, found in enumerate(drawn(tmp_path, 30)):
            asked.append(number)
            yield found

    for place, _ in enumerate(decode_ahead(counted(), 8, 4)):
        assert len(asked) <= place + 5


def test_the_network_does_not_wait_for_the_next_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one is looked at, those after it are decoded."""
    all_decoded = threading.Event()
    left = list(range(4))

    def decode_and_tell(path: Path, side: int) -> Pixels:
        left.pop()
        if not left:
            all_decoded.set()
        return np.zeros((side, side, 3), dtype=np.uint8)

    monkeypatch.setattr(prefetch, "decode", decode_and_tell)
    pictures = decode_ahead(drawn(tmp_path, 4), 8, 3)
    next(pictures)
    assert all_decoded.wait(60)


def test_who_stops_early_leaves_no_thread_behind(tmp_path: Path) -> None:
    before = threading.active_count()
    pictures = decode_ahead(drawn(tmp_path, 20), 8, 10)
    next(pictures)
    pictures.close()
    assert threading.active_count() == before
