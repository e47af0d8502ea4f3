import subprocess
import sys

import pytest


def peak_memory(count: int) -> float:
    """MiB of a process that trains on the features of so many photographs."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.growth", str(count)], capture_output=True, text=True, check=True
    )
    return float(ran.stdout.split()[1])


@pytest.mark.slow
def test_memory_stays_flat_as_the_photographs_become_ten_times_as_many() -> None:
    assert peak_memory(200_000) < 1.2 * peak_memory(20_000)
