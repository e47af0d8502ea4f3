"""A network: a backbone, a bottleneck and outputs."""

from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from office31_cli.models.backbones import build_backbone, feature_width

BOTTLENECK = 256
"""The bottleneck's width in the field's usual protocol."""

_FEATURE_NORM = 20.0


@dataclass(frozen=True)
class Architecture:
    """All that is needed to build a network, weights apart."""

    backbone: str
    bottleneck: int
    items: int
    crop: int

    def to_json(self) -> dict[str, Any]:
        """As stored in a model's card."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Architecture":
        """The inverse of `to_json`; raises KeyError, TypeError or ValueError where `stored` is something else."""
        numbers = {key: int(stored[key]) for key in ("bottleneck", "items", "crop")}
        return cls(backbone=str(stored["backbone"]), **numbers)


class UnitFeatures(nn.Module):
    """Scales every feature vector (n, d) to length 20.

    Only the direction of a pooled feature says what is on a photograph; its length follows contrast and
    resolution, which differ between cameras.
    """

    def forward(self, features: Tensor) -> Tensor:
        """Features (n, d) to (n, d)."""
        return F.normalize(features) * _FEATURE_NORM


class Network(nn.Module):
    """Images (n, 3, h, w) to one logit an item (n, items)."""

    def __init__(self, architecture: Architecture, backbone: nn.Module | None = None) -> None:
        super().__init__()
        self.architecture = architecture
        self.backbone = backbone if backbone is not None else build_backbone(architecture.backbone, architecture.crop)
        self.head = Head(feature_width(self.backbone, architecture.crop), architecture)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (n, items)."""
        logits: Tensor = self.head(self.backbone(images))
        return logits


class Head(nn.Module):
    """Features (n, d) through a bottleneck (linear, batch norm, ReLU) to one logit an item.

    The two dropouts were chosen on amazon's held-out photographs, as they are and seen through a simulated worse
    camera (blurred, tinted, noisy, before another background): they cost one point of the former and gain seven
    of the latter. No photograph of another domain took part.
    """

    def __init__(self, width: int, architecture: Architecture) -> None:
        super().__init__()
        bottleneck = architecture.bottleneck
        self.bottleneck = nn.Sequential(
            UnitFeatures(),
            nn.Dropout(0.2),
            nn.Linear(width, bottleneck),
            nn.BatchNorm1d(bottleneck),
            nn.ReLU(),
            nn.Dropout(0.5),
        )
        self.outputs = nn.Linear(bottleneck, architecture.items)

    def forward(self, features: Tensor) -> Tensor:
        """Logits (n, items) of features (n, d), always in float32: it costs nothing here, and scores depend on it."""
        with torch.autocast(features.device.type, enabled=False):
            logits: Tensor = self.outputs(self.bottleneck(features.float()))
        return logits
