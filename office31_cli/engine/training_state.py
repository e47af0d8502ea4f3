"""The state of a training between two epochs, as named tensors and a few plain values, and back."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.amp import GradScaler
from torch.optim import Optimizer

from office31_cli.models.state_dict import misfits

_MODULE, _OPTIMIZER = "module.", "optimizer."
"""How the names of the module's tensors begin, and those of the optimizer's."""

Groups = list[dict[str, Any]]
"""An optimizer's parameter groups, as its `state_dict` has them."""


@dataclass(frozen=True)
class TrainingState:
    """All that a training changes: the module with everything trained in it, its optimizer, and the loss scaler."""

    module: nn.Module
    optimizer: Optimizer
    scaler: GradScaler

    def tensors(self) -> dict[str, Tensor]:
        """The tensors of the module and of the optimizer by name.

        Those of the module are copies: a weight with two names is one tensor, which safetensors would refuse.
        """
        module = {
            f"{_MODULE}{name}": value.clone(memory_format=torch.contiguous_format)
            for name, value in self.module.state_dict().items()
        }
        moments = {
            f"{_OPTIMIZER}{number}.{name}": torch.as_tensor(value).contiguous()
            for number, values in self.optimizer.state_dict()["state"].items()
            for name, value in values.items()
            if value is not None
        }
        return module | moments

    def values(self) -> dict[str, Any]:
        """What is no tensor, as JSON can hold it: the optimizer's groups and the scaler."""
        return {"groups": self.optimizer.state_dict()["param_groups"], "scaler": self.scaler.state_dict()}

    def load(self, tensors: dict[str, Tensor], values: dict[str, Any], *, own_groups: bool = False) -> None:
        """Take over what `tensors` and `values` returned; with `own_groups` keep learning rates and weight decay."""
        self.module.load_state_dict(_starting_with(_MODULE, tensors))
        groups = self.optimizer.state_dict()["param_groups"] if own_groups else values["groups"]
        _load_optimizer(self.optimizer, _starting_with(_OPTIMIZER, tensors), groups)
        if values["scaler"]:  # empty where it was off
            self.scaler.load_state_dict(values["scaler"])

    def module_misfits(self, tensors: dict[str, Tensor]) -> list[str]:
        """In words, which of the module's tensors are missing, unknown, or of another shape."""
        return misfits(self.module.state_dict(), _starting_with(_MODULE, tensors))

    def misfits(self, tensors: dict[str, Tensor], values: dict[str, Any]) -> list[str]:
        """As `module_misfits`; and whether the optimizer is of another kind, or of other groups of weights."""
        faults = self.module_misfits(tensors)
        if not faults and not self._optimizer_fits(_starting_with(_OPTIMIZER, tensors), values["groups"]):
            faults = ["its optimizer is of another kind, or has other groups of weights"]
        return faults

    def _optimizer_fits(self, moments: dict[str, Tensor], groups: Groups) -> bool:
        """Whether an optimizer with these groups keeps what this one does, of the same weights in the same order."""
        ours = self.optimizer.param_groups
        outlines = [[(len(group["params"]), sorted(group)) for group in each] for each in (groups, ours)]
        if outlines[0] != outlines[1]:
            return False
        shapes = [value.shape for group in ours for value in group["params"]]
        numbered = ((int(name.split(".")[0]), value) for name, value in moments.items())
        return all(value.dim() == 0 or value.shape == shapes[number] for number, value in numbered)


def _starting_with(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names begin so, by the rest of their names."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _load_optimizer(optimizer: Optimizer, moments: dict[str, Tensor], groups: Groups) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in moments.items():
        number, name = key.split(".", 1)
        state.setdefault(int(number), {})[name] = value
    optimizer.load_state_dict({"state": state, "param_groups": groups})
    for parameter, values in optimizer.state.items():
        for name, value in values.items():
            if value.shape == parameter.shape:  # in the parameter's memory order, as if the run had never stopped
                values[name] = torch.empty_like(parameter).copy_(value)
