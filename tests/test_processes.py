import os
import subprocess
import sys

import pytest

from office31_cli import processes

_COUNT = """
import os
first = min(os.sched_getaffinity(0))
os.sched_setaffinity(0, [first])
from office31_cli.processes import cores
print(cores())
"""


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="processes are bound to cores on Linux only")
def test_only_the_cores_that_the_process_may_use_count() -> None:
    """As under taskset, Slurm or docker --cpuset-cpus, whatever else the machine has."""
    done = subprocess.run([sys.executable, "-c", _COUNT], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"
    assert processes.cores() == len(os.sched_getaffinity(0))


def test_the_mask_counts_and_not_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5, 7}, raising=False)
    assert processes.cores() == 3


@pytest.mark.parametrize(("told", "cores"), [(8, 8), (None, 1)])
def test_where_there_is_no_mask_the_machine_counts(
    told: int | None, cores: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: told)
    assert processes.cores() == cores
