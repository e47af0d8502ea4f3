"""Features of many dimensions on a plane, so that people can look at them."""

from collections.abc import Sequence
from importlib.util import find_spec

import numpy as np

from office31_cli.errors import Failed, Misuse
from office31_cli.outputs.base import FloatArray
from office31_cli.text import did_you_mean, printable

KINDS = {"pca": "principal components", "tsne": "t-SNE"}
"""What `--embedding` takes, and how it is called."""

FEWEST = 10
"""Rows below which none is made: there would be nothing to see."""

_DIRECTIONS = 50
"""Principal directions in which neighbours are looked for; what lies beyond is mostly noise."""


def check_kind(name: str | None) -> str:
    """The embedding to make: unless told otherwise `tsne` where scikit-learn is here, else `pca`. Imports neither.

    Raises `Misuse` where there is none of that name, and `Failed` where scikit-learn is needed and not here.
    """
    here = find_spec("sklearn") is not None
    if name is None:
        return "tsne" if here else "pca"
    if name not in KINDS:
        raise Misuse(f"--embedding {printable(name)}", "there is none of that name", did_you_mean(name, KINDS))
    if name == "tsne" and not here:
        raise Failed("--embedding tsne", "scikit-learn is not installed", "run: pip install 'office31-cli[plots]'")
    return name


def embed(kind: str, parts: Sequence[FloatArray]) -> list[FloatArray]:
    """Parts (n, d) of one space on one plane: each (n, 2), in [0, 1], with one scale for both axes.

    Lengths are left out: they follow contrast and resolution. `pca` is the plane in which the rows differ most. `tsne`
    keeps neighbours together (van der Maaten and Hinton 2008): groups mean something, the distances between them do
    not. It starts from the former, so the same rows give the same picture. Needs `FEWEST` rows, else ValueError.
    """
    rows = np.concatenate(parts)
    if len(rows) < FEWEST:
        raise ValueError(f"an embedding of {len(rows)} rows")
    principal = _principal(normalize(rows))
    plane = principal[:, :2] if kind == "pca" else _neighbours(principal)
    return np.split(_fitted(plane), np.cumsum([len(part) for part in parts])[:-1])


def normalize(rows: FloatArray) -> FloatArray:
    """The directions of rows (n, d); a row of zeros stays one."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    directions: FloatArray = rows / np.where(lengths > 0, lengths, 1)
    return directions


def _principal(rows: FloatArray) -> FloatArray:
    """Coordinates (n, k), k >= 2, along the principal directions, the largest coefficient of each positive."""
    left, scales, right = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
    signs = np.sign(right[np.arange(len(right)), np.abs(right).argmax(axis=1)])
    found: FloatArray = (left * scales * signs)[:, :_DIRECTIONS]
    return np.pad(found, ((0, 0), (0, max(0, 2 - found.shape[1]))))


def _neighbours(principal: FloatArray) -> FloatArray:
    from sklearn.manifold import TSNE

    start = principal[:, :2] * (1e-4 / max(float(principal[:, 0].std()), 1e-12))
    perplexity = min(30.0, (len(principal) - 1) / 3)
    made = TSNE(init=start, perplexity=perplexity, random_state=0).fit_transform(principal)
    return np.asarray(made, dtype=np.float64)


def _fitted(plane: FloatArray) -> FloatArray:
    """The plane moved and scaled into the unit square, its middle in the square's."""
    low, high = plane.min(axis=0), plane.max(axis=0)
    fitted: FloatArray = 0.5 + (plane - (low + high) / 2) / max(float((high - low).max()), 1e-12)
    return fitted
