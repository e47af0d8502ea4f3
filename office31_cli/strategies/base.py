"""What a fine-tuning strategy defines: parameter groups with their learning rates, and losses beside the outputs'.

The files of the strategies import torch only get_nested functions, so that `office31 strategies` lists them at once.
"""

import copy
from abc import ABC
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from office31_cli.hyperparameters import Configurable

if TYPE_CHECKING:
    from torch import Tensor, nn

    from office31_cli.models.network import Architecture, Network

START_SAMPLE = 512
"""The most photographs that a strategy is given before the first step."""

BACKBONE_SCALE = 0.1
"""The learning rate of pre-trained layers, as a share of the new ones': a tenth in the field's usual protocol."""


@dataclass(frozen=True)
class ParameterGroup:
    """Parameters with the same learning rate: `scale` times that of the new layers."""

    parameters: "list[nn.Parameter]"
    scale: float = 1.0
    start: float = 0.0
    """The share of the training after which they are trained."""


def trainable_parameters(module: "nn.Module") -> "list[nn.Parameter]":
    """The module's parameters with `requires_grad`."""
    return [parameter for parameter in module.parameters() if parameter.requires_grad]


def backbone_and_head_groups(network: "Network") -> list[ParameterGroup]:
    """The parameters with `requires_grad`: the backbones' at a tenth of the heads' learning rate."""
    return [
        ParameterGroup(trainable_parameters(network.backbones), BACKBONE_SCALE),
        ParameterGroup(trainable_parameters(network.heads)),
    ]


@dataclass(frozen=True, eq=False)
class UnlabelledOutput:
    """The network's output for m photographs of the target, which have no labels."""

    features: "list[Tensor]"
    """The inputs (m, d) of each network's last layer."""
    raw_outputs: "Tensor"
    """(m, width)"""


@dataclass(frozen=True, eq=False)
class StepContext:
    """A step: the network's output for n labelled photographs, and for unlabelled ones beside them."""

    network: "Network"
    trained_part: "nn.Module"
    """Maps the frozen part's output to `raw_outputs`; it shares the network's parameters."""
    inputs: "Tensor"
    feature_maps: "list[Tensor]"
    """The outputs (n, ...) of `watched_layers` for these inputs, in the order in which the layers ran."""
    raw_outputs: "Tensor"
    """The network's output (n, width)."""
    targets: "Tensor"
    """(n, outputs)"""
    unlabelled: UnlabelledOutput | None
    """None unless the strategy `uses_unlabelled`."""
    extra_modules: "Mapping[str, nn.Module]"
    """Those of `build_extra_modules`."""


@dataclass(frozen=True, eq=False)
class TrainingStart:
    """The network before the first step, and a sample of the training set."""

    network: "Network"
    trained_part: "nn.Module"
    inputs: "Tensor"
    """Inputs (n, ...) of up to `START_SAMPLE` training photographs, in evaluation views."""
    targets: "Tensor"
    """(n, outputs)"""
    loss: "Callable[[Tensor], Tensor]"
    """The loss, a scalar, of raw outputs (n, width) for these photographs."""


@dataclass(frozen=True, kw_only=True)
class Strategy(Configurable, ABC):
    """A fine-tuning strategy; its fields, made with `hyperparameter`, are its hyper-parameters.

    By default every layer that `--train` leaves trainable is trained, the backbone at a tenth of the learning rate,
    and only the outputs' losses are minimised.
    """

    paper: ClassVar[str] = ""
    """Authors, year, and where it was published."""
    uses_unlabelled: ClassVar[bool] = False
    """Whether it trains on the target's unlabelled photographs, too."""
    item_only: ClassVar[bool] = False
    """Whether the network can have no output but the item."""
    losses_are_row_means: ClassVar[bool] = False
    """Whether all its losses are means over the labelled rows, so that several processes can share a batch."""
    needs_stored_item: ClassVar[bool] = False
    """Whether it uses the stored network's last layer of the item, so that there must be one."""
    train: ClassVar[str | None] = None
    """The default of `--train`, where it is not the usual one."""
    weight_decay: ClassVar[float | None] = None
    """The weight decay, where it is not the usual one."""

    def architecture(self, before: "Architecture") -> "Architecture":
        """The architecture to train, for that of the stored network."""
        return before

    def parameter_groups(self, network: "Network") -> list[ParameterGroup]:
        """The parameters to train, in groups by learning rate; the others' `requires_grad` is switched off here."""
        return backbone_and_head_groups(network)

    def watched_layers(self, network: "Network") -> "Sequence[nn.Module]":
        """The layers whose outputs its losses need."""
        return ()

    def build_extra_modules(self, start: TrainingStart) -> "dict[str, nn.Module]":
        """Modules beside the network, not stored with it; what has `requires_grad` is trained at the full rate."""
        return {}

    def losses(self, step: StepContext) -> "dict[str, Tensor]":
        """The losses to minimise beside the outputs', by name; scalars, computed in float32."""
        return {}


def last_stages(network: "Network") -> "list[nn.Module]":
    """The blocks of each backbone's last stage."""
    from office31_cli.models.backbones import last_stage

    return [backbone.get_submodule(name) for backbone in network.backbones for name in last_stage(backbone)]


def counterparts(layers: "Sequence[nn.Module]", module: "nn.Module", twin: "nn.Module") -> "list[nn.Module]":
    """The layers of `twin`, a copy of `module`, that correspond to those of `layers` that are in `module`."""
    names = {id(layer): name for name, layer in module.named_modules()}
    return [twin.get_submodule(names[id(layer)]) for layer in layers if id(layer) in names]


@contextmanager
def record_outputs(layers: "Sequence[nn.Module]") -> "Iterator[list[Tensor]]":
    """Yields a list to which the layers' outputs are appended, in the order in which they run."""
    outputs: list[Tensor] = []
    hooks = [layer.register_forward_hook(lambda _, __, output: outputs.append(output)) for layer in layers]
    try:
        yield outputs
    finally:
        for hook in hooks:
            hook.remove()


def frozen_copy(module: "nn.Module") -> "nn.Module":
    """A copy of the module in evaluation mode, whose parameters have `requires_grad` off."""
    return copy.deepcopy(module).eval().requires_grad_(False)
