"""Backbones: any torchvision classifier without its last layer, and two of our own."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from office31_cli.errors import Failed
from office31_cli.models.catalogue import OWN, TIMM
from office31_cli.models.state_dict import load_weights

_AUXILIARY = ("AuxLogits.", "aux1.", "aux2.")
"""Heads that two old networks carry for their first training only."""

LAST_STAGE_SHARE = 0.1
"""The last stage is the shortest run of final blocks that holds at least this share of the weights."""

_ONE_BLOCK = 0.8
"""A module that holds more than this share of the weights is the trunk itself, and is looked into."""


def build_backbone(
    name: str, crop: int, weights: Mapping[str, Tensor] | None = None, *, finite: bool = True
) -> nn.Module:
    """The network `name`, randomly initialised or with the given weights: images (n, 3, crop, crop) to features (n, d).

    What is cut off is the last layer alone: its input are the features, as in the published tables
    (2,048 for ResNet-50, 4,096 for AlexNet). SqueezeNet has no linear layer and keeps its last convolution: see
    `ClassesAndPeaks`. Raises `Failed` where `weights` do not fit or, with `finite`, hold values that are
    not finite, and as `catalogue.check_backbone` does.
    """
    if name.startswith(TIMM):
        from office31_cli.models import from_timm  # an extra

        return from_timm.build(name, crop, weights, finite=finite)
    if name in OWN:
        own = _OWN[name]()
        if weights is not None:
            load_weights(own, weights, finite=finite)
        return own
    import torchvision  # 1 s: only where a network is needed

    network: nn.Module = torchvision.models.get_model(name, weights=None, **_options(name, crop))
    head = head_name(network)
    if weights is not None:
        load_weights(network, weights, except_for=((f"{head}.",) if head else ()) + _AUXILIARY, finite=finite)
    if head:
        network.set_submodule(head, nn.Identity())
    else:
        network.classifier = ClassesAndPeaks(network.get_submodule("classifier.1"))
    return network


def last_layer(backbone: nn.Module, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The `weight` (K, d) and `bias` (K,) of the layer that the backbone, which has these weights, is without.

    Raises `Failed` where they hold no such layer.
    """
    known = backbone.state_dict()
    rest = {key: value for key, value in weights.items() if key not in known and not key.startswith(_AUXILIARY)}
    layer = {key.rpartition(".")[2]: value for key, value in rest.items()}
    if layer.keys() != {"weight", "bias"} or layer["weight"].dim() != 2 or len(layer["bias"]) != len(layer["weight"]):
        raise Failed("weights", "they hold no last layer with weights and biases", "save the whole classifier's")
    return layer


def _options(name: str, crop: int) -> dict[str, Any]:
    if name in ("googlenet", "inception_v3"):
        # Random weights would take half a minute to draw; the auxiliary heads serve their first training only;
        # the published weights expect images that the network itself scales to [-1, 1].
        return {"init_weights": False, "aux_logits": False, "transform_input": True}
    # A vision transformer has one position embedding a patch: it must know how many there are.
    return {"image_size": crop} if name.startswith("vit_") else {}


def head_name(network: nn.Module) -> str | None:
    """The dotted name of a classifier's last linear layer; None where it has none, as SqueezeNet."""
    linear = [name for name, module in network.named_modules() if isinstance(module, nn.Linear)]
    return linear[-1] if linear else None


def feature_width(backbone: nn.Module, crop: int) -> int:
    """The number of features d that the backbone makes of a crop x crop image; raises `Failed` for maps of them."""
    training = backbone.training
    with torch.no_grad():
        shape = backbone.eval()(torch.zeros(1, 3, crop, crop)).shape
    backbone.train(training)
    if len(shape) != 2:
        raise Failed("backbone", f"its features are maps {tuple(shape[1:])}, not vectors", "choose another --backbone")
    return int(shape[1])


def last_stage(backbone: nn.Module) -> list[str]:
    """The dotted names of the modules of the last stage, in order.

    Found by weight and not by name, so that it fits any network: `layer4` of a ResNet, `fire9` of SqueezeNet,
    the last dense block with its normalisation, the last two layers of a vision transformer. What SqueezeNet keeps of
    its classifier follows the stage and is no part of it.
    """
    total = _trunk(backbone)
    stage: list[str] = []
    share = 0.0
    for name, block in reversed(list(_blocks(backbone, "", total))):
        if isinstance(block, ClassesAndPeaks):
            continue
        stage.append(name)
        share += _weights(block) / total
        if share >= LAST_STAGE_SHARE:
            break
    return stage[::-1]


def blocks(backbone: nn.Module) -> list[nn.Module]:
    """The blocks with weights that the backbone is made of, from the images up."""
    return [block for _, block in _blocks(backbone, "", _trunk(backbone))]


def _trunk(backbone: nn.Module) -> int:
    """The weights of the backbone but for what SqueezeNet keeps of its classifier."""
    return sum(_weights(child) for child in backbone.children() if not isinstance(child, ClassesAndPeaks))


def _blocks(module: nn.Module, prefix: str, total: int) -> Iterator[tuple[str, nn.Module]]:
    for name, child in module.named_children():
        weights = _weights(child)
        if weights > _ONE_BLOCK * total and any(True for _ in child.children()):
            yield from _blocks(child, f"{prefix}{name}.", total)
        elif weights:
            yield f"{prefix}{name}", child


def _weights(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


class ClassesAndPeaks(nn.Module):
    """SqueezeNet's maps (n, 512, h, w) to features (n, 1000 + 512): each class map's mean, each channel's peak.

    A class map is rectified before it is pooled, so its mean is no linear function of the channels' means. On amazon's
    held-out set these classify items as well as the channels' means do, and they transfer better to other cameras.
    """

    def __init__(self, classes: nn.Module) -> None:
        super().__init__()
        self.classes = classes

    def forward(self, maps: Tensor) -> Tensor:
        """Both parts have length 1."""
        means = F.relu(self.classes(maps)).mean((2, 3), dtype=torch.float32)
        return torch.cat([F.normalize(means), F.normalize(maps.amax((2, 3)).float())], 1)


class ConvNet(nn.Sequential):
    """Three 3 x 3 convolutions of 32, 64 and 128 channels, each halved by pooling: 128 features."""

    def __init__(self) -> None:
        stages = [self._stage(3, 32), self._stage(32, 64), self._stage(64, 128)]
        super().__init__(*stages, nn.AdaptiveAvgPool2d(1), nn.Flatten())

    @staticmethod
    def _stage(channels: int, width: int) -> nn.Sequential:
        convolution = nn.Conv2d(channels, width, 3, padding=1, bias=False)
        return nn.Sequential(convolution, nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2))


class MLP(nn.Sequential):
    """The chapter's network: 100 x 100 colour pixels through hidden layers of 64 and 32."""

    def __init__(self) -> None:
        super().__init__(nn.Flatten(), nn.Linear(3 * 100 * 100, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU())


_OWN = {"convnet": ConvNet, "mlp": MLP}
