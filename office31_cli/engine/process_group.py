"""The process group that trains one model: how its processes join, wait for each other, and leave."""

import contextlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch.distributed.distributed_c10d import Store
from torch.distributed.rendezvous import rendezvous

from office31_cli import processes
from office31_cli.engine.batches import BatchShard
from office31_cli.engine.checkpoints import Checkpoints, ReadOnlyCheckpoints
from office31_cli.engine.device import choose_device
from office31_cli.errors import Failed
from office31_cli.observer import Observer

Made = TypeVar("Made")

_PATIENCE = timedelta(days=7)
"""How long processes wait for the first one, which may be computing features. One that dies is noticed at once."""


@contextlib.contextmanager
def join(device: str) -> Iterator[None]:
    """Join the other processes that torchrun started, if there are any, and leave the group at the end.

    The first that fails reports its error; the others end as well, in silence.
    """
    if processes.count() == 1:
        yield
        return
    chosen = choose_device(device)
    cuda = chosen.type == "cuda"
    if cuda:
        torch.cuda.set_device(chosen)
    store: Store | None = None
    try:
        with _report_lost_process():
            store, rank, size = next(rendezvous("env://"))
            dist.init_process_group(
                "nccl" if cuda else "gloo",
                store=store,
                rank=rank,
                world_size=size,
                timeout=_PATIENCE,
                device_id=chosen if cuda else None,
            )
            yield
            dist.barrier()
    except BaseException:
        processes.set_silent(not _failed_first(store))
        raise  # and leave the group as it is: nobody would answer a farewell
    dist.destroy_process_group()


def process_count() -> int:
    """The number of processes that share each step of a training."""
    return dist.get_world_size() if _is_distributed() else 1


def local_shard() -> BatchShard:
    """The shard of each batch that is this process's."""
    return BatchShard(dist.get_rank(), dist.get_world_size()) if _is_distributed() else BatchShard()


def run_in_turn(make: Callable[[], Made]) -> Made:
    """What `make` returns; the first process calls it before the others, which then find its work in the cache."""
    if not _is_distributed():
        return make()
    if dist.get_rank() == 0:
        made = make()
        dist.barrier()
        return made
    dist.barrier()
    return make()


def run_on_first(make: Callable[[], Made]) -> Made:
    """What `make` returns in the first process, which alone calls it; the others receive it."""
    if not _is_distributed():
        return make()
    made: list[Any] = [make() if dist.get_rank() == 0 else None]
    dist.broadcast_object_list(made)
    found: Made = made[0]
    return found


def open_checkpoints(run: dict[str, Any], observer: Observer) -> Checkpoints:
    """The checkpoints of a run: the first process stores them, all restore them."""
    return (Checkpoints if local_shard().index == 0 else ReadOnlyCheckpoints)(run, observer)


def _is_distributed() -> bool:
    return dist.is_available() and dist.is_initialized()


@contextlib.contextmanager
def _report_lost_process() -> Iterator[None]:
    """Raise `Failed` where another process does not answer, which is no fault of the program."""
    try:
        yield
    except RuntimeError as error:
        if not isinstance(error, dist.DistError) and "gloo" not in str(error).lower():
            raise
        raise Failed(
            "training", "another of its processes has ended or cannot be reached", "run the same command again to go on"
        ) from error


def _failed_first(store: Store | None) -> bool:
    """Whether no other process has failed before; where the store cannot be asked, none has."""
    with contextlib.suppress(RuntimeError):
        return store is None or store.add("office31/failures", 1) == 1
    return True
