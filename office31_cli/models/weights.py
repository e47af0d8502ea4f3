"""The weights that a backbone starts from: none, published ones by their name, or those of a file."""

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from office31_cli import storage
from office31_cli.models import from_torchvision
from office31_cli.models.catalogue import OWN, TIMM, is_weights_file
from office31_cli.models.preprocessing import Preprocessing
from office31_cli.models.weights_file import read_weights_file
from office31_cli.observer import SILENT, Observer

_OWN_PREPROCESSING = {
    "convnet": Preprocessing(side=56, crop=48, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25)),
    "mlp": Preprocessing(side=100, crop=100, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25)),
}


@dataclass(frozen=True)
class Weights:
    """Where a backbone starts: its tensors, None for randomly initialised ones, and the preprocessing they expect."""

    name: str
    """For a file with the beginning of its SHA-256."""
    tensors: dict[str, Tensor] | None
    preprocessing: Preprocessing


def load(backbone: str, weights: str, observer: Observer = SILENT) -> Weights:
    """The weights that `catalogue.resolve_weights` names: `none`, `Enum.MEMBER`, a name of timm's, or a path.

    Raises `Failed` where they cannot be had, `Refused` where a file is damaged or could run code.
    """
    if is_weights_file(weights):
        return _load_file(backbone, Path(weights))
    preprocessing = _preprocessing(backbone, weights)
    if weights == "none":
        return Weights("none", None, preprocessing)
    if backbone.startswith(TIMM):
        from office31_cli.models import from_timm  # an extra

        name, path = from_timm.fetch(backbone, weights, observer)
    else:
        name, path = weights, from_torchvision.fetch(weights, observer)
    return Weights(name, read_weights_file(path), preprocessing)


def _load_file(backbone: str, path: Path) -> Weights:
    sha256 = storage.sha256_file(path)
    preprocessing = _preprocessing(backbone, str(path), sha256)
    return Weights(f"{path.name}@{sha256[:12]}", read_weights_file(path), preprocessing)


def _preprocessing(backbone: str, weights: str, sha256: str | None = None) -> Preprocessing:
    """What the weights of that name, or the file of that SHA-256, were trained with."""
    if backbone in OWN:
        return _OWN_PREPROCESSING[backbone]
    if backbone.startswith(TIMM):
        from office31_cli.models import from_timm  # an extra

        return from_timm.preprocessing(backbone, weights)
    return from_torchvision.preprocessing(backbone, weights, sha256)
