"""Where a network is cut in two: a frozen part, run once for each photograph, and a part that is trained."""

from dataclasses import dataclass

import torch
from torch import fx, nn
from torch.fx.passes.split_module import split_module

from office31_cli.models.backbones import last_stage
from office31_cli.models.network import Network


@dataclass(frozen=True)
class Cut:
    """`trained(frozen(images))` are the network's logits; the parts share its parameters.

    `name` says where the cut is; `frozen` is None where everything is trained.
    """

    name: str
    frozen: nn.Module | None
    trained: nn.Module


def cut(network: Network, train: str) -> Cut:
    """Cut for `--train`: `head` freezes the backbone, `last` all of it but its last stage, `all` nothing.

    Parameters of the frozen part no longer ask for gradients; its batch norms keep their statistics.
    """
    network.requires_grad_(True)
    if train == "all":
        return Cut("pixels", None, network)
    if train == "head":
        return Cut("features", _freeze(network.backbone), network.head)
    below, stage = _split(network.backbone)
    return Cut("last-stage", _freeze(below), nn.Sequential(stage, network.head))


def _freeze(module: nn.Module) -> nn.Module:
    return module.eval().requires_grad_(False)


def _split(backbone: nn.Module) -> tuple[nn.Module, nn.Module]:
    """The backbone below its last stage, and the last stage with what follows it."""
    stage = tuple(last_stage(backbone))
    traced = fx.symbolic_trace(backbone)
    in_stage: set[fx.Node] = set()
    for node in traced.graph.nodes:
        target = str(node.target)
        owns = node.op in ("call_module", "get_attr") and any(f"{target}.".startswith(f"{name}.") for name in stage)
        if owns or any(source in in_stage for source in node.all_input_nodes):
            in_stage.add(node)
    halves = split_module(traced, backbone, lambda node: int(node in in_stage))
    return halves.get_submodule("submod_0"), halves.get_submodule("submod_1")


def frozen_shape(frozen: nn.Module, crop: int) -> tuple[int, ...]:
    """The shape of what the frozen part makes of one crop x crop image, without the batch."""
    with torch.no_grad():
        return tuple(frozen(torch.zeros(1, 3, crop, crop)).shape[1:])
