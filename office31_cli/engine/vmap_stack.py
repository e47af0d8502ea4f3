"""Modules of the same shape computed as one, where each is too small to keep a processor busy."""

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

Kind = TypeVar("Kind", bound=nn.Module)


class VmapStack(nn.Module, Generic[Kind]):
    """The modules' tensors stacked, (runs, ...), so that their matrix products are one batched product.

    The weights of linear layers are stored transposed, (runs, in, out): the product then leaves their gradients in
    the memory order that the optimizer needs, and they are not copied.
    """

    def __init__(self, modules: Sequence[Kind]) -> None:
        super().__init__()
        self._modules_apart = list(modules)  # a plain list: their own tensors are not trained
        together = {
            name: torch.stack([dict(each.named_parameters())[name].detach() for each in modules])
            for name, _ in modules[0].named_parameters()
        }
        for name, asked in modules[0].named_parameters():
            stored = together[name].mT.contiguous() if asked.dim() == 2 else together[name]
            self.register_parameter(_key(name), nn.Parameter(stored, asked.requires_grad))
        for name, _ in modules[0].named_buffers():
            self.register_buffer(_key(name), torch.stack([each.get_buffer(name) for each in modules]))

    def forward(self, arguments: tuple[Any, ...], *batch: Tensor) -> Any:
        """Each run's output for its part of the batch (runs, ...), stacked; all get the same `arguments`."""
        template = self._modules_apart[0]

        def one(tensors: dict[str, Tensor], *part: Tensor) -> Any:
            # A module that has two names is swapped, and put back, by one of them: torch's tying would do it twice.
            return functional_call(template, tensors, (*arguments, *part), tie_weights=False)

        return vmap(one)(self._by_name(), *batch)

    def write_back(self) -> list[Kind]:
        """The modules themselves, with the stacked tensors copied into theirs."""
        stacked = self._by_name()
        with torch.no_grad():
            for run, module in enumerate(self._modules_apart):
                for name, tensor in (*module.named_parameters(), *module.named_buffers()):
                    tensor.copy_(stacked[name][run])
        return self._modules_apart

    def train(self, mode: bool = True) -> "VmapStack[Kind]":
        """Set training mode, for the modules too."""
        super().train(mode)
        self._modules_apart[0].train(mode)
        return self

    def _by_name(self) -> dict[str, Tensor]:
        template = self._modules_apart[0]
        parameters = {name: self.get_parameter(_key(name)) for name, _ in template.named_parameters()}
        found = {name: value.mT if value.dim() == 3 else value for name, value in parameters.items()}
        return found | {name: self.get_buffer(_key(name)) for name, _ in template.named_buffers()}


def _key(name: str) -> str:
    return name.replace(".", "/")
