"""Weights from where they lie: torchvision's by their enum names, or a file of one's own."""

import pickle
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from office31_cli import storage
from office31_cli.data.transfer import fetch
from office31_cli.data.web import Limits
from office31_cli.errors import Failed, Refused
from office31_cli.models.catalogue import OWN, TIMM, is_weights_file
from office31_cli.models.preprocessing import Preprocessing
from office31_cli.observer import SILENT, Observer
from office31_cli.text import join_names, printable

if TYPE_CHECKING:
    from torchvision.models import WeightsEnum

_OWN_PREPROCESSING = {
    "convnet": Preprocessing(side=56, crop=48, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25)),
    "mlp": Preprocessing(side=100, crop=100, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25)),
}

_WRAPPERS = ("state_dict", "model_state_dict", "model")
"""Under what training scripts put the network beside its optimizer and their own affairs."""

_PREFIXES = ("module.", "_orig_mod.", "model.")
"""What `DataParallel`, `torch.compile` and Lightning put before every key."""

_LARGEST = 1 << 32
"""Bytes of the largest weights file that is fetched; torchvision's largest is 2.6 GB."""


@dataclass(frozen=True)
class Weights:
    """A backbone's starting point: the tensors (None: fresh ones), where they came from, what they expect."""

    name: str
    tensors: dict[str, Tensor] | None
    preprocessing: Preprocessing


def load(backbone: str, weights: str, observer: Observer = SILENT) -> Weights:
    """Fetch the weights that `catalogue.resolve_weights` resolved: `none`, `Enum.MEMBER`, a name of timm's, or a path.

    Raises `Failed` where they cannot be had, `Refused` where a file is damaged or wants to run code.
    """
    preprocessing = _preprocessing(backbone, weights)
    if weights == "none":
        return Weights("none", None, preprocessing)
    if is_weights_file(weights):
        return _of_file(Path(weights).name, Path(weights), preprocessing)
    if backbone.startswith(TIMM):
        return _of_file(*_from_timm(backbone, weights, observer), preprocessing)
    return Weights(weights, _fetch(weights, observer), preprocessing)


def _of_file(name: str, path: Path, preprocessing: Preprocessing) -> Weights:
    """Weights whose name says which bytes they are."""
    return Weights(f"{name}@{storage.sha256_file(path)[:12]}", read_weights_file(path), preprocessing)


def read_weights_file(path: Path) -> dict[str, Tensor]:
    """The tensors of a `.safetensors` file, or of a `.pth` file without running what a pickle may ask for.

    Those of a training script's checkpoint are found within it, and named as the network itself names them.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # torch's unpickler remarks on damaged bytes before it fails
            stored: Any = load_file(path) if path.suffix == ".safetensors" else _read_pickle(path)
    except pickle.UnpicklingError:
        raise Refused(
            printable(str(path)),
            "it holds more than tensors and could run code when read",
            "get a .safetensors file, or save its state_dict() anew",
        ) from None
    except Exception as error:
        reason = printable((str(error).splitlines() or ["damaged"])[0])
        raise Refused(printable(str(path)), f"it cannot be read as weights ({reason})", "fetch it again") from None
    stored = _unwrapped(stored)
    if not isinstance(stored, dict) or not all(isinstance(key, str) and _plain(stored[key]) for key in stored):
        raise Refused(printable(str(path)), "it is not a state dict of tensors", "save the network's state_dict()")
    return stored


def _unwrapped(stored: Any) -> Any:
    """The state dict in a checkpoint, its keys without the prefixes that wrappers gave all of them."""
    inside = [stored[key] for key in _WRAPPERS if isinstance(stored.get(key), dict)] if isinstance(stored, dict) else []
    found = inside[0] if inside else stored
    if not isinstance(found, dict) or not all(isinstance(key, str) for key in found):
        return found
    for _ in _PREFIXES:  # each may be there once
        for prefix in _PREFIXES:
            if all(key.startswith(prefix) for key in found):
                found = {key.removeprefix(prefix): value for key, value in found.items()}
    return found


def _read_pickle(path: Path) -> Any:
    return torch.load(path, map_location="cpu", weights_only=True)


def _plain(value: Any) -> bool:
    """Whether this is a dense tensor of real numbers that are here."""
    return (
        isinstance(value, Tensor)
        and value.layout == torch.strided
        and value.device.type == "cpu"
        and not (value.is_nested or value.is_quantized or value.is_complex())
    )


def _preprocessing(backbone: str, weights: str) -> Preprocessing:
    """What the weights were trained with; others are taken to expect what torchvision's first ones do."""
    if backbone in OWN:
        return _OWN_PREPROCESSING[backbone]
    if backbone.startswith(TIMM):
        from office31_cli.models import from_timm  # an extra

        return from_timm.preprocessing(backbone, weights)
    import torchvision

    known: list[WeightsEnum] = list(torchvision.models.get_model_weights(backbone))
    named = [member for member in known if str(member) == weights or _is_file_of(member, weights)]
    preset = (named or known)[0].transforms()
    mean, std = tuple(preset.mean), tuple(preset.std)
    return Preprocessing(max(preset.resize_size[0], preset.crop_size[0]), preset.crop_size[0], mean, std)


def _fetch(weights: str, observer: Observer) -> dict[str, Tensor]:
    """Torchvision's weights from torch's cache, brought there where they are not; their name tells their hash."""
    import torchvision

    chosen = torchvision.models.get_weight(weights)
    path = _cache() / _file_name(chosen)
    if not path.is_file():
        _download(weights, chosen.url, path, observer, lambda arrived: _is_file_of(chosen, str(arrived)))
    if not _is_file_of(chosen, str(path)):
        raise Refused(printable(str(path)), f"its bytes are not those of {weights}", "remove the file")
    return read_weights_file(path)


def _from_timm(backbone: str, weights: str, observer: Observer) -> tuple[str, Path]:
    """The full name of timm's weights and their file: its hub's if that has it here, else in torch's cache."""
    from office31_cli.models import from_timm

    name, url, here = from_timm.published(backbone, weights)
    path = here or _cache() / f"{name}.safetensors"
    if not path.is_file():
        _download(name, url, path, observer, lambda arrived: True)  # nothing tells what its bytes should be
    return name, path


def _is_file_of(chosen: "WeightsEnum", path: str) -> bool:
    """Whether a file holds torchvision's weights: their file names end in the beginning of their SHA-256."""
    wanted = Path(_file_name(chosen)).stem.rsplit("-", 1)[-1]
    return is_weights_file(path) and storage.sha256_file(Path(path)).startswith(wanted)


def _download(weights: str, url: str, path: Path, observer: Observer, right: Callable[[Path], bool]) -> None:
    """Bring a file to `path`, if its bytes are `right`."""
    try:
        with fetch(url, limits=Limits(body=_LARGEST), observer=observer) as arrived:
            if not right(arrived.path):
                raise Refused(url, f"what arrived are not the bytes of {weights}", "try again, or give --weights PATH")
            storage.make_folder(path.parent)
            with arrived.path.open("rb") as stream:
                storage.write_file(path, iter(lambda: stream.read(1 << 20), b""))
    except Failed as error:
        here = _backbones_here()
        other = f", or --backbone {join_names(here, 3)}, whose weights are here" if here else ""
        raise Failed(
            f"weights {weights}",
            f"not in {printable(str(path.parent))} and cannot be fetched ({error.what}: {error.why})",
            f"give --weights PATH, or --weights none{other}",
        ) from None


def _backbones_here() -> list[str]:
    """The backbones whose default weights lie in torch's cache."""
    import torchvision

    names = torchvision.models.list_models(module=torchvision.models)
    defaults = {name: torchvision.models.get_model_weights(name).DEFAULT for name in names}
    return [name for name, chosen in defaults.items() if (_cache() / _file_name(chosen)).is_file()]


def _cache() -> Path:
    return Path(torch.hub.get_dir()) / "checkpoints"


def _file_name(chosen: "WeightsEnum") -> str:
    return str(chosen.url).rsplit("/", 1)[-1]
