"""Where a training starts: fresh outputs on a backbone, or a stored network."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from torch import Tensor

from office31_cli.engine.random_numbers import seed_torch
from office31_cli.models import weights
from office31_cli.models.backbones import build_backbone
from office31_cli.models.network import BOTTLENECK, Architecture, Network, extend_network
from office31_cli.models.preprocessing import Preprocessing
from office31_cli.models.state_dict import not_finite
from office31_cli.models.stored import load_network
from office31_cli.observer import Observer
from office31_cli.outputs.composite import Composite
from office31_cli.text import join_names, printable
from office31_cli.workflow.request import Request


@dataclass(frozen=True, eq=False)
class StartingWeights:
    """Weights by their resolved name, and what photographs go through before a network that has them."""

    request: Request
    weights_name: str
    preprocessing: Preprocessing
    parent: Network | None
    tensors: dict[str, Tensor] | None

    @classmethod
    def load(cls, request: Request, observer: Observer) -> "StartingWeights":
        """Load what the request starts from; raises `Failed` or `Refused` where that cannot be had."""
        if request.parent is not None:
            parent, preprocessing = load_network(request.parent)
            return cls(request, request.weights, preprocessing, parent, None)
        loaded = weights.load(request.backbone, request.weights, observer)
        if request.allow_nonfinite and (wrong := not_finite(loaded.tensors or {})):
            told = f"{join_names(wrong)} of {loaded.name}: values that are not finite are taken as they are"
            observer.warn(printable(told))
        return cls(request, loaded.name, loaded.preprocessing, None, loaded.tensors)

    def build_network(
        self, outputs: Composite, change: Callable[[Architecture], Architecture] = lambda same: same
    ) -> Network:
        """The network before training, a stored one's architecture with a `change`.

        What is new in it is drawn by the request's seed.
        """
        seed_torch("initial weights", self.request.options.seed)
        if self.parent is not None:
            return extend_network(self.parent, change(replace(self.parent.architecture, outputs=outputs)))
        backbone, crop = self.request.backbone, self.preprocessing.crop
        architecture = Architecture(backbone=backbone, bottleneck=BOTTLENECK, crop=crop, outputs=outputs)
        finite = not self.request.allow_nonfinite
        backbones = [build_backbone(backbone, crop, self.tensors, finite=finite) for _ in outputs.networks]
        return Network(architecture, backbones)
