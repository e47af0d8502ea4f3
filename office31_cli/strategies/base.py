"""What a strategy decides: which parameters learn how fast, and what is minimised beside the outputs' losses.

The files of the strategies import no torch before they compute, so that `office31 strategies` lists them in an instant.
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
"""As many photographs as a strategy gets to see before the first step."""

BACKBONE_SCALE = 0.1
"""Pre-trained layers are nearly right already; the field's usual protocol gives them a tenth of the rate."""


@dataclass(frozen=True)
class ParameterGroup:
    """Parameters that share a learning rate: `scale` times that of the newest layers."""

    parameters: "list[nn.Parameter]"
    scale: float = 1.0
    start: float = 0.0
    """The share of the training after which they begin to learn."""


def trainable_parameters(module: "nn.Module") -> "list[nn.Parameter]":
    """The module's parameters that ask for gradients."""
    return [parameter for parameter in module.parameters() if parameter.requires_grad]


def backbone_and_head_groups(network: "Network") -> list[ParameterGroup]:
    """What asks for gradients: the backbones' at a tenth of the heads' rate."""
    return [
        ParameterGroup(trainable_parameters(network.backbones), BACKBONE_SCALE),
        ParameterGroup(trainable_parameters(network.heads)),
    ]


@dataclass(frozen=True, eq=False)
class UnlabelledOutput:
    """What the network makes of m photographs of the target. There is no label in it."""

    features: "list[Tensor]"
    """By network what its last layer is fed with, (m, d)."""
    raw_outputs: "Tensor"
    """(m, width)"""


@dataclass(frozen=True, eq=False)
class StepContext:
    """One step: what the network makes of n labelled photographs, and of unlabelled ones beside them."""

    network: "Network"
    trained_part: "nn.Module"
    """Maps what the frozen part made of photographs to `answers`; it shares the network's parameters."""
    inputs: "Tensor"
    feature_maps: "list[Tensor]"
    """What the layers that the strategy `watches` made of the inputs, (n, ...) each."""
    raw_outputs: "Tensor"
    """(n, width), as the network's outputs read it."""
    targets: "Tensor"
    """(n, outputs)"""
    unlabelled: UnlabelledOutput | None
    """For a strategy that uses it."""
    extra_modules: "Mapping[str, nn.Module]"
    """What the strategy keeps beside the network."""


@dataclass(frozen=True, eq=False)
class TrainingStart:
    """What a training goes on from, before its first step."""

    network: "Network"
    trained_part: "nn.Module"
    inputs: "Tensor"
    """Those of up to `SHOWN` of the photographs to learn from, (n, ...), as seen in evaluation."""
    targets: "Tensor"
    """(n, outputs)"""
    loss: "Callable[[Tensor], Tensor]"
    """Of answers (n, width) to these photographs; a scalar."""


@dataclass(frozen=True, kw_only=True)
class Strategy(Configurable, ABC):
    """A way to go on with labels; its fields, made with `ranged`, are its hyper-parameters.

    Unless it says otherwise every layer that `--train` leaves trainable learns, the backbone at a tenth of the rate,
    and nothing is minimised but the outputs' losses.
    """

    paper: ClassVar[str] = ""
    """Who, when, where."""
    uses_unlabelled: ClassVar[bool] = False
    """Whether it learns from the target's photographs without labels, too."""
    item_only: ClassVar[bool] = False
    """Whether the network can answer nothing but the item."""
    losses_are_row_means: ClassVar[bool] = False
    """Whether all that it minimises are means over the labelled rows, which several processes can share."""
    needs_stored_item: ClassVar[bool] = False
    """Whether the stored network must answer the item by itself, as it makes use of that layer."""
    train: ClassVar[str | None] = None
    """What `--train` is unless told otherwise, where less than usual has to be left trainable: `head`."""
    weight_decay: ClassVar[float | None] = None
    """In place of the usual one."""

    def architecture(self, before: "Architecture") -> "Architecture":
        """The network to train, for a stored one."""
        return before

    def parameter_groups(self, network: "Network") -> list[ParameterGroup]:
        """The parameters to train with their learning rates; what else asks for gradients is frozen here."""
        return backbone_and_head_groups(network)

    def watched_layers(self, network: "Network") -> "Sequence[nn.Module]":
        """The layers of whose output its losses are made."""
        return ()

    def build_extra_modules(self, beginning: TrainingStart) -> "dict[str, nn.Module]":
        """What it keeps beside the network; what asks for gradients there is trained at the full rate."""
        return {}

    def losses(self, step: StepContext) -> "dict[str, Tensor]":
        """What is minimised beside the outputs' losses, by name; scalars. Computed in float32."""
        return {}


def last_stages(network: "Network") -> "list[nn.Module]":
    """The blocks of each backbone's last stage."""
    from office31_cli.models.backbones import last_stage

    return [backbone.get_submodule(name) for backbone in network.backbones for name in last_stage(backbone)]


def counterparts(layers: "Sequence[nn.Module]", module: "nn.Module", twin: "nn.Module") -> "list[nn.Module]":
    """The layers of `twin`, a copy of `module`, that stand where `layers` stand in that, as far as they do."""
    names = {id(layer): name for name, layer in module.named_modules()}
    return [twin.get_submodule(names[id(layer)]) for layer in layers if id(layer) in names]


@contextmanager
def record_outputs(layers: "Sequence[nn.Module]") -> "Iterator[list[Tensor]]":
    """Collects what the layers put out, in the order in which they are run."""
    seen: list[Tensor] = []
    hooks = [layer.register_forward_hook(lambda _, __, made: seen.append(made)) for layer in layers]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def frozen_copy(module: "nn.Module") -> "nn.Module":
    """The module as it is now, for good."""
    return copy.deepcopy(module).eval().requires_grad_(False)
