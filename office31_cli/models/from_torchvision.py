"""Torchvision's published weights: what they expect of photographs, and their files in torch's cache."""

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from office31_cli import storage
from office31_cli.data import transfer
from office31_cli.data.web import Limits
from office31_cli.errors import Failed, Refused
from office31_cli.models.preprocessing import Preprocessing
from office31_cli.observer import Observer
from office31_cli.text import join_names, printable

if TYPE_CHECKING:
    from torchvision.models import WeightsEnum

_LARGEST = 1 << 32
"""Bytes of the largest weights file that is fetched; torchvision's largest is 2.6 GB."""


def preprocessing(backbone: str, weights: str, sha256: str | None = None) -> Preprocessing:
    """What the weights of that name, or the file of that SHA-256, were trained with.

    Any others are taken to expect what torchvision's first weights of the backbone do.
    """
    import torchvision

    members: list[WeightsEnum] = list(torchvision.models.get_model_weights(backbone))
    fitting = [each for each in members if str(each) == weights or (sha256 and sha256.startswith(_hash(each)))]
    preset = (fitting or members)[0].transforms()
    mean, std = tuple(preset.mean), tuple(preset.std)
    return Preprocessing(max(preset.resize_size[0], preset.crop_size[0]), preset.crop_size[0], mean, std)


def fetch(weights: str, observer: Observer) -> Path:
    """The file of `Enum.MEMBER` in torch's cache, downloaded where it is not there.

    Raises `Failed` where it cannot be had, and `Refused` where its bytes do not have the hash in its name.
    """
    import torchvision

    member: WeightsEnum = torchvision.models.get_weight(weights)
    path = _cached_file(member)
    if not path.is_file():
        _download(member, path, observer)
    elif not storage.sha256_file(path).startswith(_hash(member)):
        raise Refused(printable(str(path)), f"its bytes are not those of {weights}", "remove the file")
    return path


def without_weights() -> str:
    """What to do where a backbone's weights cannot be had."""
    known = join_names(_backbones_here(), 3)
    return "give --weights PATH, or --weights none" + (
        f", or --backbone {known}, whose weights are here" if known else ""
    )


def _download(member: "WeightsEnum", path: Path, observer: Observer) -> None:
    """Bring the weights' file to `path`, if its bytes are theirs."""
    try:
        with transfer.fetch(member.url, limits=Limits(body=_LARGEST), observer=observer) as arrived:
            if not storage.sha256_file(arrived.path).startswith(_hash(member)):
                raise Refused(
                    member.url, f"what arrived are not the bytes of {member}", "try again, or give --weights PATH"
                )
            storage.make_folder(path.parent)
            with arrived.path.open("rb") as stream:
                storage.write_file(path, iter(lambda: stream.read(1 << 20), b""))
    except Failed as error:
        raise Failed(
            f"weights {member}",
            f"not in {printable(str(path.parent))} and cannot be fetched ({error.what}: {error.why})",
            without_weights(),
        ) from None


def _backbones_here() -> list[str]:
    """The backbones whose default weights are in torch's cache."""
    import torchvision

    names = torchvision.models.list_models(module=torchvision.models)
    return [name for name in names if _cached_file(torchvision.models.get_model_weights(name).DEFAULT).is_file()]


def _cached_file(member: "WeightsEnum") -> Path:
    return Path(torch.hub.get_dir()) / "checkpoints" / str(member.url).rsplit("/", 1)[-1]


def _hash(member: "WeightsEnum") -> str:
    """The beginning of its file's SHA-256, with which torchvision's file names end."""
    return _cached_file(member).stem.rsplit("-", 1)[-1]
