"""HEIF and AVIF, as phones store photographs: told by their first bytes, decoded by what is installed for them."""

import functools
import threading
from importlib.util import find_spec

from PIL import features

HEAD = 64
"""Bytes of a file that tell: its first box names the formats that it conforms to."""

_AVIF = frozenset({b"avif", b"avis"})
_HEIF = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"})

_loading = threading.Lock()


def recognise(head: bytes) -> str | None:
    """`HEIF` or `AVIF`, as Pillow calls them, by a file's first `HEAD` bytes; None for any other format."""
    if head[4:8] != b"ftyp":
        return None
    length = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[8:12], *(head[place : place + 4] for place in range(16, length, 4))}
    if brands & _AVIF:
        return "AVIF"
    return "HEIF" if brands & _HEIF else None


def load_decoder(container: str) -> bool:
    """Whether Pillow can read this format now: AVIF where it was built with that, HEIF with pillow-heif installed."""
    if container == "AVIF":
        return bool(features.check("avif"))
    with _loading:  # the first of several threads that decode
        return _register_heif()


@functools.cache
def _register_heif() -> bool:
    """Have Pillow read HEIF, the picture itself alone: thumbnails and depth maps in it could show something else."""
    if find_spec("pillow_heif") is None:
        return False
    from pillow_heif import register_heif_opener

    register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=1)
    return True
