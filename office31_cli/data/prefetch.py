"""Decodes pictures before they are asked for, on all cores and in constant memory."""

from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from office31_cli.data.picture_files import PictureFile
from office31_cli.data.pixels import Pixels, decode, unreadable_picture
from office31_cli.errors import Failed, Refused
from office31_cli.processes import cores

DecodeResult = Pixels | Failed | Refused
"""A picture's pixels (side, side, 3), or why they cannot be read."""


def decode_ahead(
    pictures: Iterable[PictureFile], side: int, ahead: int
) -> Generator[tuple[Path, DecodeResult], None, None]:
    """Yield each picture's path and pixels, as `data.pixels.decode` returns them, in order.

    Up to `ahead` pictures are decoded before they are asked for.
    """
    waiting: deque[tuple[Path, Future[DecodeResult]]] = deque()
    pool = ThreadPoolExecutor(cores())  # Pillow decodes without holding the interpreter's lock
    try:
        for picture in pictures:
            waiting.append((picture.path, pool.submit(_decode_or_fault, picture, side)))
            if len(waiting) > ahead:
                path, future = waiting.popleft()
                yield path, future.result()
        for path, future in waiting:
            yield path, future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _decode_or_fault(picture: PictureFile, side: int) -> DecodeResult:
    if picture.fault is not None:
        return unreadable_picture(picture.path, picture.fault)
    try:
        return decode(picture.path, side)
    except (Failed, Refused) as error:
        return error
