"""Networks of timm (PyTorch Image Models, Wightman 2019), which is an extra: built without their classifiers."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from office31_cli.errors import Failed, Misuse
from office31_cli.models import hub
from office31_cli.models.catalogue import TIMM, check_backbone
from office31_cli.models.from_torchvision import without_weights
from office31_cli.models.preprocessing import Preprocessing
from office31_cli.models.state_dict import load_weights
from office31_cli.observer import Observer
from office31_cli.text import did_you_mean, printable

if TYPE_CHECKING:
    from timm.models import PretrainedCfg

_FILE = "model.safetensors"
"""Of each of timm's repositories; their pickles are left alone."""


def build(backbone: str, crop: int, weights: Mapping[str, Tensor] | None = None, *, finite: bool = True) -> nn.Module:
    """The network, randomly initialised or with the given weights: images (n, 3, crop, crop) to pooled features (n, d).

    Raises `Failed` where timm is not installed or `weights` do not fit, as `load_weights` has it, and `Misuse` where
    it has no such network.
    """
    check_backbone(backbone)
    import timm

    about = _about(backbone)
    # one that has a position embedding a patch must know how many there are
    size: dict[str, Any] = {"img_size": crop} if about.fixed_input_size and crop != about.input_size[-1] else {}
    network: nn.Module = timm.create_model(backbone.removeprefix(TIMM), num_classes=0, **size)
    if weights is not None:
        classifier = about.classifier if isinstance(about.classifier, tuple) else (about.classifier,)
        left_out = tuple(f"{name}." for name in classifier if name)
        own = network.state_dict()
        kept = {key: weights[key] for key in weights if key in own or not key.startswith(left_out)}
        load_weights(network, kept, finite=finite)
    return network


def preprocessing(backbone: str, weights: str) -> Preprocessing:
    """What timm's weights of this name were trained with; others are taken to expect what its first ones do."""
    about = _about(backbone, weights)
    _, height, width = about.input_size
    if height != width:
        raise Misuse(f"backbone {backbone}", f"it looks at {width} x {height} pixels, not at squares", "choose another")
    (red, green, blue), (r, g, b) = about.mean, about.std
    return Preprocessing(max(height, math.floor(height / about.crop_pct)), height, (red, green, blue), (r, g, b))


def fetch(backbone: str, weights: str, observer: Observer) -> tuple[str, Path]:
    """The full name of timm's weights, with the beginning of their SHA-256, and their file in Hugging Face's cache.

    Raises `Misuse` where the network has no weights of that name, `Failed` where they are no safetensors file of timm's
    own or cannot be had, and `Refused` where the file is damaged.
    """
    known = _names(backbone)
    if weights not in (*known, *(["DEFAULT"] if known else [])):
        raise Misuse(
            f"weights {printable(weights)}",
            f"timm has none of that name for {backbone.removeprefix(TIMM)}",
            f"{did_you_mean(weights, [*known, 'none'])} (or give the path of a .safetensors or .pth file)",
        )
    about = _about(backbone, weights)
    full = f"{about.architecture}.{about.tag}"
    if not about.hf_hub_id or about.hf_hub_filename:
        raise Failed(f"weights {full}", "their file is not one of timm's own", "fetch it and give --weights PATH")
    try:
        path, sha256 = hub.fetch(about.hf_hub_id, _FILE, observer)
    except Failed as error:
        raise Failed(f"weights {full}", error.why, without_weights()) from None
    return f"{full}@{sha256[:12]}", path


def _about(backbone: str, weights: str = "DEFAULT") -> "PretrainedCfg":
    """What timm knows of a network, with weights of its own by their name or else the first."""
    from timm.models import get_pretrained_cfg

    name = backbone.removeprefix(TIMM)
    found = get_pretrained_cfg(f"{name}.{weights}" if weights in _names(backbone) else name)
    assert found is not None  # None is for networks that are not registered
    return found


def _names(backbone: str) -> list[str]:
    """The names of the weights that timm has for a network."""
    import timm

    found = timm.list_models(f"{backbone.removeprefix(TIMM)}.*", pretrained=True)
    return [full.rpartition(".")[2] for full in found]
