"""A network: a backbone, a bottleneck and outputs; or several of them side by side, each with outputs of its own."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from office31_cli.models.backbones import blocks, build_backbone, feature_width
from office31_cli.outputs.base import Output
from office31_cli.outputs.composite import Composite

BOTTLENECK = 256
"""The bottleneck's width in the field's usual protocol."""

_FEATURE_NORM = 20.0
_SMALLEST_LENGTH = 1e-12
"""Features that are all zero stay so."""


@dataclass(frozen=True)
class Architecture:
    """All that is needed to build a network, weights apart."""

    backbone: str
    bottleneck: int
    """The features that the last layer is given; 0 for a network without one, whose last layer is given the backbone's
    own, as in torchvision's classifiers."""
    crop: int
    outputs: Composite
    cosine: bool = False
    """Whether the last layer weighs directions alone: features of one length, and no biases."""

    def to_json(self) -> dict[str, Any]:
        """As stored in a model's card."""
        return {
            "backbone": self.backbone,
            "bottleneck": self.bottleneck,
            "crop": self.crop,
            "outputs": self.outputs.to_json(),
        } | ({"cosine": True} if self.cosine else {})

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Architecture":
        """The inverse of `to_json`; raises KeyError, TypeError or ValueError where `stored` is something else."""
        numbers = {key: int(stored[key]) for key in ("bottleneck", "crop")}
        outputs = Composite.from_json(stored["outputs"])
        return cls(
            backbone=str(stored["backbone"]), **numbers, outputs=outputs, cosine=bool(stored.get("cosine", False))
        )


class UnitFeatures(nn.Module):
    """Scales every feature vector (n, d) to length 20.

    Only the direction of a pooled feature says what is on a photograph; its length follows contrast and
    resolution, which differ between cameras.
    """

    def forward(self, features: Tensor) -> Tensor:
        """Features (n, d) to (n, d)."""
        lengths = torch.linalg.vector_norm(features, dim=1, keepdim=True)
        unit: Tensor = features * (_FEATURE_NORM / lengths.clamp_min(_SMALLEST_LENGTH))
        return unit


class Network(nn.Module):
    """Images (n, 3, h, w) to raw outputs (n, width), as `architecture.outputs` decodes them."""

    def __init__(self, architecture: Architecture, backbones: Sequence[nn.Module] | None = None) -> None:
        super().__init__()
        self.architecture = architecture
        groups = architecture.outputs.networks
        backbones = backbones or [build_backbone(architecture.backbone, architecture.crop) for _ in groups]
        width = feature_width(backbones[0], architecture.crop)
        self.backbones = nn.ModuleList(backbones)
        self.heads = nn.ModuleList(
            Head(width, architecture.bottleneck, sum(output.width for output in outputs), cosine=architecture.cosine)
            for outputs in groups
        )

    def forward(self, images: Tensor) -> Tensor:
        """The raw outputs (n, width) of all networks side by side."""
        pairs = zip(self.backbones, self.heads, strict=True)
        return torch.cat([head(backbone(images)) for backbone, head in pairs], 1)

    def last_layers(self) -> list[nn.Linear]:
        """Of each of the networks side by side, the layer that makes its outputs' numbers."""
        return [head.outputs for head in self._heads()]

    def bottlenecks(self) -> list[nn.Sequential]:
        """Of each network what lies between backbone and last layer."""
        return [head.bottleneck for head in self._heads()]

    def activations(self) -> list[nn.Module]:
        """Of each network the layer of the bottleneck whose output are the features (n, d), before dropout."""
        return [module for part in self.bottlenecks() for module in part if isinstance(module, nn.ReLU | nn.Identity)]

    def _heads(self) -> list["Head"]:
        return [head for head in self.heads if isinstance(head, Head)]

    def layers(self) -> list[list[nn.Parameter]]:
        """All parameters by depth, from the outputs down: last layer, bottleneck, then the backbone's blocks.

        Networks side by side are as deep as each other. What lies in no block, as the embeddings of a vision
        transformer, belongs to the deepest.
        """
        layers = [
            [value for module in modules for value in module.parameters()]
            for modules in (self.last_layers(), self.bottlenecks())
        ]
        rows = zip(*(reversed(blocks(backbone)) for backbone in self.backbones), strict=True)
        layers += [[value for block in row for value in block.parameters()] for row in rows]
        known = {id(value) for layer in layers for value in layer}
        layers[-1] += [value for value in self.backbones.parameters() if id(value) not in known]
        return layers


class Head(nn.Module):
    """Features (n, d) through a bottleneck (linear, batch norm, ReLU) to the numbers of all outputs.

    With a `bottleneck` of 0 there is none. With `cosine` what the last layer sees has a fixed length, and it has no
    biases.

    The two dropouts were chosen on amazon's held-out photographs, as they are and seen through a simulated worse
    camera (blurred, tinted, noisy, before another background): they cost one point of the former and gain seven
    of the latter. No photograph of another domain took part.
    """

    def __init__(self, features: int, bottleneck: int, width: int, *, cosine: bool = False) -> None:
        super().__init__()
        self.features = features
        self._like = partial(Head, bottleneck=bottleneck, width=width, cosine=cosine)
        self._directions: Tensor | None = None
        self.bottleneck = _bottleneck(features, bottleneck) if bottleneck else nn.Sequential(nn.Identity())
        if cosine:  # a length of 20 is a temperature of 0.05 (Saito and others 2019)
            self.bottleneck.append(UnitFeatures())
        self.outputs = nn.Linear(bottleneck or features, width, bias=not cosine)

    def reinitialised_copy(self) -> "Head":
        """A randomly initialised head of the same shape."""
        if self._directions is None:
            return self._like(self.features)
        return self._like(len(self._directions)).project_onto(self._directions)

    def project_onto(self, directions: Tensor) -> "Head":
        """The head for features projected onto orthonormal directions (d, k); its outputs are this one's in their span.

        Weights drawn for k features instead would be larger, and so train more slowly.
        """
        projected = self._like(directions.shape[1])
        projected._directions = directions
        weights = self.state_dict()
        name = next(name for name, value in weights.items() if value.dim() == 2)
        weights[name] = weights[name] @ directions.to(weights[name])
        projected.load_state_dict(weights)
        return projected

    def forward(self, features: Tensor) -> Tensor:
        """The outputs (n, width) of features (n, d), always in float32: it costs nothing, and scores depend on it."""
        with torch.autocast(features.device.type, enabled=False):
            outputs: Tensor = self.outputs(self.bottleneck(features.float()))
        return outputs


def _bottleneck(features: int, width: int) -> nn.Sequential:
    return nn.Sequential(
        UnitFeatures(),
        nn.Dropout(0.2),
        nn.Linear(features, width),
        nn.BatchNorm1d(width),
        nn.ReLU(),
        nn.Dropout(0.5),
    )


def extend_network(network: Network, architecture: Architecture) -> Network:
    """A network of another architecture with the same backbones, which starts from `network`'s weights.

    Each of its networks takes backbone and bottleneck from the one with the first output that they share, else from the
    first. Outputs in both keep their rows of the last layer, also where one now has more labels; new rows are randomly
    initialised.
    """
    if architecture == network.architecture:
        return network
    old, outputs = network.architecture.outputs, architecture.outputs
    donors = [_find_donor(group, old) for group in outputs.networks]
    extended = Network(architecture, [copy.deepcopy(network.backbones[donor]) for donor in donors])
    for head, group, donor in zip(extended.heads, outputs.networks, donors, strict=True):
        before = network.heads[donor]
        assert isinstance(head, Head)
        assert isinstance(before, Head)
        head.bottleneck.load_state_dict(before.bottleneck.state_dict())
        kept = _find_kept_rows(group, old.networks[donor])
        with torch.no_grad():
            for name, stored in before.outputs.named_parameters():
                if (fresh := getattr(head.outputs, name)) is not None:  # a cosine head has no biases
                    fresh[[*kept]] = stored[[*kept.values()]]
    return extended


def enumerate_rows(group: Sequence[Output]) -> Iterator[tuple[Output, slice]]:
    """Each output with its rows of a network's last layer."""
    start = 0
    for output in group:
        yield output, slice(start, start + output.width)
        start += output.width


def _find_kept_rows(group: Sequence[Output], earlier: Sequence[Output]) -> dict[int, int]:
    """By row of a network's last layer the row of an earlier one that it continues; new rows are not among them."""
    kept: dict[int, int] = {}
    for output, rows in enumerate_rows(group):
        for before, earlier_rows in enumerate_rows(earlier):
            continued = output.find_rows(before) or []
            kept |= {rows.start + new: earlier_rows.start + row for new, row in enumerate(continued) if row is not None}
    return kept


def _find_donor(group: Sequence[Output], old: Composite) -> int:
    """Which of the old networks a new one with the outputs of `group` starts from."""
    donors = (
        place
        for output in group
        for place, network in enumerate(old.networks)
        if any(output.find_rows(before) is not None for before in network)
    )
    return next(donors, 0)
