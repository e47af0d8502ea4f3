"""Decodes photographs to 8-bit RGB: one by itself, or a whole domain once, on all cores, into a cached array."""

import io
import os
import stat
import struct
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, UnidentifiedImageError

from office31_cli.data import container_formats
from office31_cli.data.cache import CachedArray, content_key, open_cache
from office31_cli.data.photographs import BoolArray, Photographs
from office31_cli.data.quiet import silence_pillow
from office31_cli.errors import Failed, Refused
from office31_cli.observer import SILENT, Observer
from office31_cli.processes import cores
from office31_cli.text import printable

MAX_PIXELS = 100_000_000
"""A picture that claims more is refused before a byte of it is decoded."""

_LARGE = 16_000_000
"""Pixels: larger pictures are decoded one at a time, as each takes up to sixteen bytes a pixel meanwhile."""

_alone = threading.Lock()

Pixels = npt.NDArray[np.uint8]

_FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "GIF", "TIFF", "PPM")
_BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    RuntimeError,
    EOFError,
    struct.error,
)
"""What Pillow's parsers, and libheif's, raise when they trip over damaged bytes."""

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes each EXIF orientation; 1, or anything else, is upright."""

_DECODER = 1
"""Raised when decoding changes, so that arrays decoded in the older way are not used."""


def decode(path: Path, side: int) -> Pixels:
    """The photograph resized to (side, side, 3), 8-bit RGB, upright.

    The whole picture is kept and its aspect ratio is not, as the field does on Office-31. EXIF rotation is
    applied, transparency is laid on white, sixteen bits become eight, an animation gives its first frame.
    Raises `Failed` where the file is not a readable picture, `MissingDecoder` where it is HEIC or AVIF and cannot be
    read here, and `Refused` where it claims over `MAX_PIXELS`.
    """
    with _open_picture(path) as picture:
        picture.draft("RGB", (side, side))  # a JPEG can be decoded at a half, a quarter or an eighth
        with _alone if picture.width * picture.height > _LARGE else nullcontext():
            small = _to_rgb(_upright(picture)).resize((side, side), Image.Resampling.BILINEAR)
        return np.asarray(small, dtype=np.uint8)


def decode_unscaled(path: Path, side: int) -> Pixels:
    """The photograph (h, w, 3) as it is just before `decode` resizes it to `side`; raises as that does."""
    with _open_picture(path) as picture:
        picture.draft("RGB", (side, side))
        return np.asarray(_to_rgb(_upright(picture)), dtype=np.uint8)


def encode_thumbnail(path: Path, side: int) -> bytes:
    """The photograph scaled to fit into (side, side), upright, as a JPEG file's bytes; raises as `decode` does.

    It is encoded from its pixels, so nothing else that the file holds, such as where it was taken, is in it.
    """
    with _open_picture(path) as picture:
        picture.draft("RGB", (2 * side, 2 * side))
        small = _to_rgb(_upright(picture))
        small.thumbnail((side, side), Image.Resampling.LANCZOS)
        file = io.BytesIO()
        Image.fromarray(np.asarray(small)).save(file, "JPEG", quality=80, optimize=True)
        return file.getvalue()


def read_size(path: Path) -> tuple[int, int]:
    """The photograph's width and height as its header says, before EXIF turns it; raises as `decode` does."""
    with _open_picture(path) as picture:
        return picture.size


@contextmanager
def _open_picture(path: Path) -> Iterator[Image.Image]:
    try:
        with silence_pillow(), _open_regular(path) as content, _open_known_format(path, content) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise _too_large(path, f"{picture.width} x {picture.height}")
            yield picture
    except Image.DecompressionBombError:
        raise _too_large(path, "far more") from None
    except _BROKEN as error:
        unknown = isinstance(error, UnidentifiedImageError)
        reason = "it is no picture in a known format" if unknown else getattr(error, "strerror", None) or str(error)
        raise unreadable_picture(path, reason) from None


class MissingDecoder(Failed):
    """A picture in a format whose decoder is not installed, which is never left out as one that is damaged."""


def _open_known_format(path: Path, content: BinaryIO) -> Image.Image:
    container = container_formats.recognise(content.read(container_formats.HEAD))
    content.seek(0)
    if container is None:
        return Image.open(content, formats=_FORMATS)
    if not container_formats.load_decoder(container):
        raise MissingDecoder(
            printable(str(path)),
            f"it is in the format {container}, whose decoder is not installed",
            "run: pip install 'office31-cli[heif]'",
        )
    return Image.open(content, formats=(container,))


def unreadable_picture(path: Path, reason: str) -> Failed:
    """The error for a picture that cannot be read."""
    return Failed(
        printable(str(path)),
        f"cannot be read: {printable(reason)}",
        "replace it, or leave unreadable pictures out with --skip-bad",
    )


def _open_regular(path: Path) -> BinaryIO:
    """The file's bytes. A FIFO would keep its reader waiting for ever, and a device may do anything when opened."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError("it is no regular file")
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")  # should it be a FIFO by now


def _too_large(path: Path, claim: str) -> Refused:
    return Refused(
        printable(str(path)),
        f"claims {claim} pixels, where at most {MAX_PIXELS:,} are accepted",
        "remove it, or make it smaller",
    )


def _upright(picture: Image.Image) -> Image.Image:
    """The picture turned as its EXIF says (`ImageOps.exif_transpose` fails where it cannot rewrite the EXIF too)."""
    picture.load()  # a PNG may have its EXIF after the pixels
    turn = _UPRIGHT.get(picture.getexif().get(ExifTags.Base.Orientation, 1))
    return picture if turn is None else picture.transpose(turn)


def _to_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I;16") or picture.mode == "I":
        samples: npt.NDArray[Any] = np.asarray(picture).astype(np.int64)
        return Image.fromarray((samples.clip(0, 65535) >> 8).astype(np.uint8)).convert("RGB")
    if picture.mode == "F":  # which Pillow would take for 0 to 255: in 0 to 1, as most are, they would be black
        raise ValueError("its samples are 32-bit floats, of which nobody says what is white: save it with 8 or 16 bits")
    if picture.has_transparency_data:
        rgba = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return picture.convert("RGB")


def decode_domain(
    photographs: Photographs, side: int, *, skip_bad: bool = False, observer: Observer = SILENT
) -> CachedArray:
    """All photographs of a domain as a cached array of shape (n, side, side, 3), 8-bit RGB.

    Takes the whole domain, not a subset. A picture that cannot be decoded raises as `decode` does, or with
    `skip_bad` becomes a black row, which `find_readable` recognises: so every other row keeps its place.
    """

    def row(index: int) -> Pixels:
        try:
            return decode(photographs.root / photographs.files[index], side)
        except Failed as error:
            if not skip_bad or isinstance(error, MissingDecoder):
                raise
            return np.zeros((side, side, 3), dtype=np.uint8)

    def compute(start: int, stop: int) -> Pixels:
        return np.stack(list(pool.map(row, range(start, stop))))

    key = content_key(pixels=photographs.content, side=side, decoder=_DECODER, skip_bad=skip_bad)
    shape = (len(photographs), side, side, 3)
    pool = ThreadPoolExecutor(cores())  # Pillow decodes without holding the interpreter's lock
    return open_cache(
        "pixels", key, shape, np.uint8, compute, label=f"decoding {photographs.domain}", observer=observer
    )


def find_readable(pixels: CachedArray, photographs: Photographs) -> BoolArray:
    """A mask (n,) of a domain's photographs that could be decoded; only wholly black rows are decoded once more."""
    mask = np.ones(len(photographs), dtype=np.bool_)
    for index in pixels.blank_rows().tolist():
        try:
            decode(photographs.root / photographs.files[index], side=8)
        except MissingDecoder:
            raise
        except Failed:
            mask[index] = False
    return mask
