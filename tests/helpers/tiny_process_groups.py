"""Several processes on this machine that join as torchrun's do, for work that takes milliseconds."""

import os
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any

import torch
import torch.distributed as dist

from office31_cli.engine import process_group

Work = Callable[..., Any]


class ProcessGroupPool:
    """Runs the same work in so many processes; what it returns must be picklable."""

    def __init__(self, pool: Executor) -> None:
        self._pool = pool

    def __call__(self, count: int, work: Work, *arguments: object) -> list[Any]:
        port = _free_port()
        futures = [self._pool.submit(_joined, rank, count, port, work, arguments) for rank in range(count)]
        return [future.result(timeout=120) for future in futures]


@contextmanager
def processes(most: int) -> Iterator[ProcessGroupPool]:
    context = get_context("forkserver")
    context.set_forkserver_preload(["office31_cli.engine.process_group"])  # and torch, once for all of them
    with ProcessPoolExecutor(most, mp_context=context) as pool:
        yield ProcessGroupPool(pool)


def _joined(rank: int, count: int, port: int, work: Work, arguments: tuple[object, ...]) -> Any:
    torch.set_num_threads(1)
    told = {"RANK": rank, "WORLD_SIZE": count, "LOCAL_RANK": rank, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    os.environ |= {name: str(value) for name, value in told.items()}
    try:
        with process_group.join("cpu"):
            return work(*arguments)
    finally:
        if dist.is_initialized():  # after a failure, when a command would end
            dist.destroy_process_group()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
