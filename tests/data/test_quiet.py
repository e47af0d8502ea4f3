import io
import logging
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import pytest
from PIL import Image

from office31_cli.data import pixels
from office31_cli.data.quiet import silence_pillow

_STATE = """
import logging, warnings, numpy, PIL.Image
before = list(warnings.filters)
from office31_cli.data import pixels
print(warnings.filters == before, logging.getLogger("PIL").handlers)
"""


def warn(module: str = "PIL.TiffImagePlugin") -> None:
    warnings.warn_explicit("odd metadata", UserWarning, "file.py", 1, module=module)


def test_importing_the_decoder_changes_nothing_of_the_program_that_imports_it() -> None:
    done = subprocess.run([sys.executable, "-c", _STATE], capture_output=True, text=True, check=True)
    assert done.stdout == "True []\n"


def test_pillow_is_silent_within_and_all_is_as_before_afterwards(capfd: pytest.CaptureFixture[str]) -> None:
    logger = logging.getLogger("PIL")
    with warnings.catch_warnings(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        before, handlers = list(warnings.filters), list(logger.handlers)
        warn()
        with silence_pillow():
            warn()
            warn("office31_cli.data.pixels")
            assert len(logger.handlers) == len(handlers) + 1
        assert (list(warnings.filters), logger.handlers) == (before, handlers)
        warn()
    assert [str(each.message) for each in caught] == ["odd metadata"] * 3


def test_the_last_of_several_threads_gives_it_back() -> None:
    entered, leave, left = threading.Event(), threading.Event(), threading.Event()

    def decode() -> None:
        with silence_pillow():
            entered.set()
            leave.wait(10)
        left.set()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        before = list(warnings.filters)
        thread = threading.Thread(target=decode)
        with silence_pillow():
            thread.start()
            assert entered.wait(10)
        warn()  # the other thread still decodes
        leave.set()
        assert left.wait(10)
        thread.join()
        assert list(warnings.filters) == before
        with pytest.raises(UserWarning, match="odd metadata"):
            warn()


def test_a_picture_that_cannot_be_read_gives_it_back_too(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    before = list(warnings.filters)
    with pytest.raises(pixels.Failed):
        pixels.decode(tmp_path / "text.png", 8)
    assert list(warnings.filters) == before


def test_filters_that_were_restored_meanwhile_are_left_alone(tmp_path: Path) -> None:
    before = list(warnings.filters)
    context = warnings.catch_warnings()
    context.__enter__()
    silence = silence_pillow()
    silence.__enter__()
    context.__exit__(None, None, None)
    silence.__exit__(None, None, None)
    assert list(warnings.filters) == before


def test_a_picture_with_odd_metadata_is_decoded_where_warnings_are_errors(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[271] = "maker of cameras"
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "JPEG", exif=exif)
    content = buffer.getvalue().replace(b"\x00\x00\x00\x11", b"\x00\xff\xff\x11", 1)  # a text of 16 million bytes
    (tmp_path / "a.jpg").write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="Skipping tag 271"), Image.open(tmp_path / "a.jpg") as picture:
            picture.getexif()
        assert pixels.decode(tmp_path / "a.jpg", 4).shape == (4, 4, 3)
