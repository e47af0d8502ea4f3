"""Tensors by name: loaded into a network all or none, compared with one, and hashed."""

import hashlib
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from office31_cli.errors import Failed
from office31_cli.text import join_names, printable


def load_weights(
    network: nn.Module, weights: Mapping[str, Tensor], except_for: tuple[str, ...] = (), *, finite: bool = True
) -> None:
    """Copy `weights` into the network, all but the keys that begin with one of `except_for`.

    Raises `Failed` naming keys that are missing, unknown, of another shape, or, where they are to be `finite`, hold
    values that are not.
    """
    own = {key: value for key, value in network.state_dict().items() if not key.startswith(except_for)}
    given = {key: value for key, value in weights.items() if not key.startswith(except_for)}
    faults = misfits(own, given)
    todo = "check --weights and --backbone"
    if finite and (wrong := not_finite({key: given[key] for key in own if key in given})):
        faults += [f"{key} holds values that are not finite" for key in wrong]
        todo += ", or take them as they are: office31 pretrain --allow-nonfinite"
    if faults:
        raise Failed("weights", f"they do not fit: {printable(join_names(faults, 3))}", todo)
    network.load_state_dict(dict(given), strict=False)


def misfits(own: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> list[str]:
    """In words, each tensor of a network that is not among those given, and each of these that does not fit it."""
    faults = [f"{key} is missing" for key in own if key not in given and not key.endswith("num_batches_tracked")]
    faults += [f"{key} is unknown" for key in given if key not in own]
    both = [key for key in own if key in given and own[key].shape != given[key].shape]
    return faults + [f"{key} has shape {tuple(given[key].shape)} instead of {tuple(own[key].shape)}" for key in both]


def not_finite(tensors: Mapping[str, Tensor]) -> list[str]:
    """The keys of tensors with a NaN or an infinity, in the single precision of a network."""
    return [key for key, value in tensors.items() if not bool(torch.isfinite(value.float()).all())]


def hash_tensors(tensors: dict[str, Tensor]) -> str:
    """A SHA-256 over names, shapes and values: equal when and only when the networks compute the same."""
    total = hashlib.sha256()
    for name in sorted(tensors):
        value = tensors[name].detach().cpu().contiguous()
        total.update(f"{name}{tuple(value.shape)}{value.dtype}".encode())
        total.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return total.hexdigest()
