"""Tensors from a file of weights, which is trusted in nothing: no pickle gets to run code."""

import pickle
import warnings
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from office31_cli.errors import Refused
from office31_cli.text import printable

_WRAPPERS = ("state_dict", "model_state_dict", "model")
"""The keys under which training scripts store the network beside its optimizer and their own state."""

_PREFIXES = ("module.", "_orig_mod.", "model.")
"""What `DataParallel`, `torch.compile` and Lightning put before every key."""


def read_weights_file(path: Path) -> dict[str, Tensor]:
    """The tensors of a `.safetensors` file, or of a `.pth` file read with `weights_only=True`.

    The state dict of a training script's checkpoint is looked for within it, and wrappers' prefixes are taken off its
    keys. Raises `Refused` for a damaged file, for one that holds more than tensors, and for tensors that are sparse,
    quantised, complex or not in memory.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # torch's unpickler remarks on damaged bytes before it fails
            stored: Any = load_file(path) if path.suffix == ".safetensors" else _read_pickle(path)
    except pickle.UnpicklingError:
        raise Refused(
            printable(str(path)),
            "it holds more than tensors and could run code when read",
            "get a .safetensors file, or save its state_dict() anew",
        ) from None
    except Exception as error:
        reason = printable((str(error).splitlines() or ["damaged"])[0])
        raise Refused(printable(str(path)), f"it cannot be read as weights ({reason})", "fetch it again") from None
    stored = _unwrap(stored)
    if not isinstance(stored, dict) or not all(isinstance(key, str) and _is_plain(stored[key]) for key in stored):
        raise Refused(printable(str(path)), "it is not a state dict of tensors", "save the network's state_dict()")
    return stored


def _read_pickle(path: Path) -> Any:
    return torch.load(path, map_location="cpu", weights_only=True)


def _unwrap(stored: Any) -> Any:
    """The state dict in a checkpoint, its keys without the prefixes that wrappers gave all of them."""
    inside = [stored[key] for key in _WRAPPERS if isinstance(stored.get(key), dict)] if isinstance(stored, dict) else []
    state = inside[0] if inside else stored
    if not isinstance(state, dict) or not all(isinstance(key, str) for key in state):
        return state
    for _ in _PREFIXES:  # each may be there once
        for prefix in _PREFIXES:
            if all(key.startswith(prefix) for key in state):
                state = {key.removeprefix(prefix): value for key, value in state.items()}
    return state


def _is_plain(value: Any) -> bool:
    """Whether this is a dense tensor of real numbers in memory."""
    return (
        isinstance(value, Tensor)
        and value.layout == torch.strided
        and value.device.type == "cpu"
        and not (value.is_nested or value.is_quantized or value.is_complex())
    )
