"""Photographs that are there more than once: byte for byte, or the same picture in another size, quality or colour."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from office31_cli.data.cache import CachedArray
from office31_cli.data.photographs import IntArray, Photographs

ALIKE = 20
"""Of a hash's 255 bits, how many may differ between near duplicates.

Looked at by eye on Office-31: up to 20 every pair was one photograph in another size, quality or colour, or the next
frame of the same still object; from 24 on there were different bicycles of one shape.
"""

_THUMBNAIL, _FREQUENCIES, _BLOCK = 32, 16, 64
_FLAT = 1.0
"""Grey levels, of 255: a picture whose thumbnail varies less shows nothing that could be compared."""

Bits = npt.NDArray[np.bool_]


@dataclass(frozen=True, order=True)
class Place:
    """Where a photograph lies: a path below its domain."""

    domain: str
    file: str


Group = tuple[Place, ...]
"""Two places or more of what is the same, in order."""


def find_identical(parts: Iterable[Photographs]) -> list[Group]:
    """The groups of byte-identical photographs, within a domain and across them."""
    places: dict[str, list[Place]] = defaultdict(list)
    for part in parts:
        for file, digest in zip(part.files, part.digests, strict=True):
            places[digest].append(Place(part.domain, file))
    return sorted(tuple(sorted(group)) for group in places.values() if len(group) > 1)


def find_near_duplicates(parts: Sequence[Photographs], hashes: Sequence[Bits], most: int = ALIKE) -> list[Group]:
    """The groups of near duplicates: photographs linked by hashes (n, bits) of which at most `most` bits differ.

    Byte-identical photographs count as one, by the first of its places; a photograph without a hash, whose bits are
    all false, is like no other.
    """
    first: dict[str, tuple[Place, npt.NDArray[Any]]] = {}
    for part, bits in zip(parts, hashes, strict=True):
        for file, digest, row in zip(part.files, part.digests, bits, strict=True):
            if row.any():
                first.setdefault(digest, (Place(part.domain, file), row))
    if not first:
        return []
    places, rows = zip(*first.values(), strict=True)
    groups: dict[int, list[Place]] = defaultdict(list)
    for place, root in zip(places, _link_groups(np.stack(rows), most).tolist(), strict=True):
        groups[root].append(place)
    return sorted(tuple(sorted(group)) for group in groups.values() if len(group) > 1)


def hash_pictures(pixels: CachedArray, rows: IntArray) -> Bits:
    """Perceptual hashes (n, 255) of photographs (n, side, side, 3), much alike whatever their size and quality.

    A bit says whether one of the lowest 16 x 16 frequencies of a grey thumbnail's discrete cosine transform, but for
    the mean, lies above their median (Zauner 2010, with four times as many). All false where there is only one tone.
    """
    side = pixels.shape[1]
    matrix = _cosine_transform() @ _averaging_matrix(side)
    hashes = np.zeros((len(rows), _FREQUENCIES**2 - 1), dtype=np.bool_)
    for start in range(0, len(rows), _BLOCK):
        block = slice(start, start + _BLOCK)
        lines = pixels.rows(rows[block]).reshape(-1, side, 3 * side).astype(np.float32)
        grey = (matrix @ lines).reshape(len(lines), _FREQUENCIES, side, 3).mean(3)
        spectra = (grey @ matrix.T).reshape(len(lines), -1)[:, 1:]
        structured = np.linalg.norm(spectra, axis=1, keepdims=True) > _FLAT * _THUMBNAIL
        hashes[block] = (spectra > np.median(spectra, axis=1, keepdims=True)) & structured
    return hashes


def _cosine_transform() -> npt.NDArray[np.float32]:
    """The lowest frequencies of the orthonormal cosine transform, (16, 32)."""
    place, frequency = np.arange(_THUMBNAIL), np.arange(_FREQUENCIES)[:, None]
    waves = np.cos(np.pi * (2 * place + 1) * frequency / (2 * _THUMBNAIL)) * np.sqrt(2 / _THUMBNAIL)
    waves[0] /= np.sqrt(2)
    lowest: npt.NDArray[np.float32] = waves.astype(np.float32)
    return lowest


def _averaging_matrix(side: int) -> npt.NDArray[np.float32]:
    """From `side` pixels to the means (32, side) of as many equal stretches, which may begin within a pixel."""
    edges = np.linspace(0, side, _THUMBNAIL + 1)
    pixel = np.arange(side)
    overlap = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    shares: npt.NDArray[np.float32] = (overlap.clip(0) * _THUMBNAIL / side).astype(np.float32)
    return shares


def _link_groups(bits: Bits, most: int) -> IntArray:
    """For each row (n,) the first row that it is linked to by rows of which at most `most` bits differ."""
    signs = np.where(bits, np.float32(1), np.float32(-1))
    roots = np.arange(len(bits))
    least = bits.shape[1] - 2 * most
    for start in range(0, len(bits), _BLOCK):
        # A product of signs is the number of bits that agree less the number of those that differ.
        ones, others = np.nonzero(signs[start : start + _BLOCK] @ signs.T >= least)
        for one, other in zip((start + ones).tolist(), others.tolist(), strict=True):
            if one < other:
                low, high = sorted((_find_root(roots, one), _find_root(roots, other)))
                roots[high] = low
    return np.array([_find_root(roots, place) for place in range(len(roots))])


def _find_root(roots: IntArray, place: int) -> int:
    while roots[place] != place:
        place = int(roots[place])
    return place
