"""Splits a network in two: a frozen part, run once for each photograph, and a part that is trained."""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, fx, nn

from office31_cli.errors import Failed
from office31_cli.models.backbones import last_stage
from office31_cli.models.network import Network
from office31_cli.models.state_dict import hash_tensors


@dataclass(frozen=True)
class FrozenSplit:
    """`trained_part(frozen_part(images))` is the network's output; the parts share its parameters.

    `name` says what the trained part is fed with: `features`, `last-stage` or `pixels`. `frozen_part` is None where
    everything is trained. `stages` are the trained layers below the head, for each of the networks side by side.
    """

    name: str
    frozen_part: nn.Module | None
    trained_part: nn.Module
    stages: tuple[nn.Module, ...]


def split_network(network: Network, train: str) -> FrozenSplit:
    """Split for `--train`: `head` freezes the backbone, `last` all of it but its last stage, `all` nothing.

    The frozen part is in evaluation mode, and its parameters have `requires_grad` off.
    """
    network.requires_grad_(True)
    if train == "all":
        return FrozenSplit("pixels", None, network, tuple(network.backbones))
    if train == "head":
        no_stages = tuple(nn.Identity() for _ in network.heads)
        return FrozenSplit("features", *_join_side_by_side(list(network.backbones), list(network.heads)), no_stages)
    pairs = [_split_below_last_stage(backbone) for backbone in network.backbones]
    below, stages = zip(*pairs, strict=True)
    upper = [nn.Sequential(stage, head) for stage, head in zip(stages, network.heads, strict=True)]
    return FrozenSplit("last-stage", *_join_side_by_side(below, upper), stages)


def _join_side_by_side(frozen: Sequence[nn.Module], trained: Sequence[nn.Module]) -> tuple[nn.Module, nn.Module]:
    """Networks side by side as one; where their frozen parts are equal, one runs for all of them."""
    for module in frozen:
        _freeze(module)
    if len({hash_tensors(module.state_dict()) for module in frozen} if len(frozen) > 1 else frozen) == 1:
        return frozen[0], _Above(trained, apart=False)
    return _Below(frozen), _Above(trained, apart=True)


class _Below(nn.ModuleList):
    """Frozen parts that differ: their outputs (n, c, ...) concatenated along the channels, (n, parts * c, ...).

    The class's name is in the key of cached features.
    """

    def forward(self, images: Tensor) -> Tensor:
        return torch.cat([module(images) for module in self], 1)


class _Above(nn.Module):
    """Trained parts, each fed with the whole input, or, where the frozen parts are `apart`, with its channels."""

    def __init__(self, parts: Sequence[nn.Module], *, apart: bool) -> None:
        super().__init__()
        self.parts, self._apart = nn.ModuleList(parts), apart

    def forward(self, given: Tensor) -> Tensor:
        shares = given.chunk(len(self.parts), 1) if self._apart else [given] * len(self.parts)
        return torch.cat([part(share) for part, share in zip(self.parts, shares, strict=True)], 1)


def _freeze(module: nn.Module) -> nn.Module:
    return module.eval().requires_grad_(False)


class _CoarseTracer(fx.Tracer):
    """Traces a network as coarsely as possible: only modules that contain a block of the stage are traced into.

    The others stay modules, so that their dropout still follows their training mode.
    """

    def __init__(self, stage: list[str]) -> None:
        super().__init__()
        self._stage = stage

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Whether a module is one step of the graph."""
        return not any(block.startswith(f"{module_qualified_name}.") for block in self._stage)


def _split_below_last_stage(backbone: nn.Module) -> tuple[nn.Module, nn.Module]:
    """The backbone below its last stage, and the last stage with all that follows it.

    Raises `Failed` for a network that branches on its images' sizes, or passes several tensors to its last stage.
    """
    stage = last_stage(backbone)
    nodes = _needed_nodes(backbone, stage)
    above: set[fx.Node] = set()
    for node in nodes:
        if node.target in stage or any(source in above for source in node.all_input_nodes):
            above.add(node)
    borders = {source for node in above for source in node.all_input_nodes if source.op != "get_attr"} - above
    if len(borders) != 1:
        raise _cannot_split()
    (border,) = borders
    lower, upper = fx.Graph(), fx.Graph()
    lower_copies: dict[fx.Node, fx.Node] = {}
    upper_copies = {border: upper.placeholder("activations")}
    for node in nodes:  # a parameter by itself, such as a class token, goes where it is used
        sides = {user in above for user in node.users} if node.op == "get_attr" else {node in above}
        if False in sides:
            lower_copies[node] = lower.node_copy(node, lower_copies.__getitem__)
        if True in sides:
            upper_copies[node] = upper.node_copy(node, upper_copies.__getitem__)
    lower.output(lower_copies[border])
    return fx.GraphModule(backbone, lower), fx.GraphModule(backbone, upper)


def _needed_nodes(backbone: nn.Module, stage: list[str]) -> list[fx.Node]:
    """The graph's nodes that lead from the images to the features, in order; other arguments have their defaults."""
    parameters = inspect.signature(backbone.forward).parameters.values()
    defaults = {each.name: each.default for each in parameters if each.default is not inspect.Parameter.empty}
    try:
        nodes = list(_CoarseTracer(stage).trace(backbone, defaults).nodes)
    except Exception as error:  # whatever a network does that cannot be traced
        raise _cannot_split() from error
    needed: set[fx.Node] = set()
    for node in reversed(nodes):
        if node.op == "output" or any(user in needed for user in node.users):
            needed.add(node)
    return [node for node in nodes if node in needed]


def _cannot_split() -> Failed:
    return Failed("--train last", "this network cannot be split below its last stage", "use --train head, or all")


def frozen_output_shape(frozen: nn.Module, crop: int) -> tuple[int, ...]:
    """The shape of the frozen part's output for one image of `crop` x `crop` pixels, without the batch."""
    return tuple(_run_on_zeros(frozen, crop).shape[1:])


def largest_activation(frozen: nn.Module, crop: int) -> int:
    """The bytes of the largest tensor that a layer of the frozen part puts out for one image, in float32."""
    sizes: list[int] = []

    def note(layer: nn.Module, inputs: object, output: object) -> None:
        if isinstance(output, Tensor):
            sizes.append(4 * output.numel())

    hooks = [module.register_forward_hook(note) for module in frozen.modules()]
    try:
        _run_on_zeros(frozen, crop)
    finally:
        for hook in hooks:
            hook.remove()
    return max(sizes)


def _run_on_zeros(frozen: nn.Module, crop: int) -> Tensor:
    device = next(frozen.parameters()).device
    with torch.no_grad():
        output: Tensor = frozen(torch.zeros(1, 3, crop, crop, device=device))
    return output
