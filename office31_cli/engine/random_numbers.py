"""Random numbers without a state: each depends on its key alone.

An epoch's order, a photograph's crop and a step's dropout are therefore the same after an interruption, in another
process, and in another order of work.
"""

import hashlib

import numpy as np
import torch

from office31_cli.data.photographs import IntArray


def keyed_generator(*key: int | str) -> np.random.Generator:
    """A counter-based generator (Philox) seeded by a hash of the key."""
    digest = hashlib.sha256(repr(key).encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "little")))


def epoch_permutation(seed: int, epoch: int, count: int) -> IntArray:
    """The order (count,) in which an epoch visits its examples."""
    return keyed_generator("order", seed, epoch).permutation(count)


def cycle_places(name: str, seed: int | str, count: int, start: int, size: int) -> IntArray:
    """Places `start` to `start + size` of a sequence that goes through `count` places again and again, reshuffled."""
    if not size:
        return np.empty(0, dtype=np.int64)
    rounds = range(start // count, (start + size - 1) // count + 1)
    sequence = np.concatenate([keyed_generator("round", name, seed, number).permutation(count) for number in rounds])
    return sequence[start - rounds[0] * count :][:size]


def seed_torch(*key: int | str) -> None:
    """Fix torch's own generators (initial weights, dropout) by a key.

    `torch.manual_seed` would do the same in 2 ms, most of them spent on noting where it was called from.
    """
    number = int(keyed_generator("torch", *key).integers(2**63 - 1))
    torch.default_generator.manual_seed(number)
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.manual_seed_all(number)
    if torch.backends.mps.is_available():
        torch.mps.manual_seed(number)
