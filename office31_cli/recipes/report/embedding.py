"""Features of many dimensions on a plane: principal components or t-SNE."""

from collections.abc import Sequence
from importlib.util import find_spec

import numpy as np

from office31_cli.errors import Failed, Misuse
from office31_cli.outputs.base import FloatArray
from office31_cli.text import did_you_mean, printable

KINDS = {"pca": "principal components", "tsne": "t-SNE"}
"""What `--embedding` takes, with the name in words."""

FEWEST = 10
"""The fewest rows that are embedded."""

_DIRECTIONS = 50
"""Principal directions that t-SNE searches for neighbours; what lies beyond is mostly noise."""


def choose_kind(name: str | None) -> str:
    """The kind of embedding: the named one, else `tsne` where scikit-learn is installed, else `pca`. Imports neither.

    Raises `Misuse` for an unknown name, and `Failed` where scikit-learn is needed and not installed.
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
    """Embed the rows of several parts (n, d) together on one plane: each part (n, 2), in [0, 1], both axes to scale.

    Rows are scaled to length 1: lengths follow contrast and resolution. `pca` keeps the plane of largest variance.
    `tsne` keeps neighbours together (van der Maaten and Hinton 2008): groups mean something, distances between them do
    not; it starts from the former, so the same rows give the same picture. Fewer than `FEWEST` rows are a ValueError.
    """
    rows = np.concatenate(parts)
    if len(rows) < FEWEST:
        raise ValueError(f"an embedding of {len(rows)} rows")
    principal = _project(normalize(rows))
    plane = principal[:, :2] if kind == "pca" else _run_tsne(principal)
    return np.split(_fit_to_square(plane), np.cumsum([len(part) for part in parts])[:-1])


def normalize(rows: FloatArray) -> FloatArray:
    """Rows (n, d) scaled to length 1; a row of zeros stays zero."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    directions: FloatArray = rows / np.where(lengths > 0, lengths, 1)
    return directions


def _project(rows: FloatArray) -> FloatArray:
    """Coordinates (n, k), k >= 2, along the principal directions, the largest coefficient of each positive."""
    left, scales, right = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
    signs = np.sign(right[np.arange(len(right)), np.abs(right).argmax(axis=1)])
    coordinates: FloatArray = (left * scales * signs)[:, :_DIRECTIONS]
    return np.pad(coordinates, ((0, 0), (0, max(0, 2 - coordinates.shape[1]))))


def _run_tsne(principal: FloatArray) -> FloatArray:
    from sklearn.manifold import TSNE

    start = principal[:, :2] * (1e-4 / max(float(principal[:, 0].std()), 1e-12))
    perplexity = min(30.0, (len(principal) - 1) / 3)
    made = TSNE(init=start, perplexity=perplexity, random_state=0).fit_transform(principal)
    return np.asarray(made, dtype=np.float64)


def _fit_to_square(plane: FloatArray) -> FloatArray:
    """Points (n, 2) moved and scaled into the unit square, centred."""
    low, high = plane.min(axis=0), plane.max(axis=0)
    fitted: FloatArray = 0.5 + (plane - (low + high) / 2) / max(float((high - low).max()), 1e-12)
    return fitted
