"""Pictures decoded ahead of whoever asks for them, on all cores and in constant memory."""

from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from office31_cli.data.picture_files import PictureFile
from office31_cli.data.pixels import Pixels, decode, unreadable_picture
from office31_cli.errors import Failed, Refused
from office31_cli.processes import cores

DecodeResult = Pixels | Failed | Refused
"""A picture's pixels (side, side, 3), or what keeps them from being read."""


def decode_ahead(
    pictures: Iterable[PictureFile], side: int, ahead: int
) -> Generator[tuple[Path, DecodeResult], None, None]:
    """Each picture as `data.pixels.decode` has it, in order; up to `ahead` are decoded before they are asked for."""
    waiting: deque[tuple[Path, Future[DecodeResult]]] = deque()
    pool = ThreadPoolExecutor(cores())  # Pillow decodes without holding the interpreter's lock
    try:
        for found in pictures:
            waiting.append((found.path, pool.submit(_decoded, found, side)))
            if len(waiting) > ahead:
                path, future = waiting.popleft()
                yield path, future.result()
        for path, future in waiting:
            yield path, future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _decoded(found: PictureFile, side: int) -> DecodeResult:
    if found.why is not None:
        return unreadable_picture(found.path, found.why)
    try:
        return decode(found.path, side)
    except (Failed, Refused) as error:
        return error
