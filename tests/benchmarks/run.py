"""`make bench`: every speed that is claimed, as a ratio of two things measured in one run.

These figures depend on the machine; ratios depend on it less. Needs the real photographs (`office31 download`)
or an archive of them in $OFFICE31_ARCHIVE; $OFFICE31_WEIGHTS may name SqueezeNet weights for the whole-command rows.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import torch
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
ROUNDS = 3


def main() -> None:
    """Measure, and print one table."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["OFFICE31_HOME"] = home
        archive = os.environ.get(
            "OFFICE31_ARCHIVE", str(HERE / "../../../shared/office31/domain_adaptation_images.tar.gz")
        )
        office31("download", "--from", archive)
        table = Table("what", "ours", "against", "ratio", title="speed, measured in one run")
        table.add_row("matrix product", f"{matrix_product():.0f} GFLOP/s", "-", "-")
        for backbone, steps in (("squeezenet1_0", 12), ("resnet50", 4)):
            ours, plain = throughput(backbone, Path(home) / "data/office31/amazon", steps)
            table.add_row(
                f"--train all, {backbone}", f"{ours:.1f} images/s", f"plain loop: {plain:.1f}", f"{ours / plain:.2f}"
            )
        first, second = pretrain_twice()
        table.add_row(
            "second pretrain of a backbone", f"{second:.1f} s", f"first: {first:.1f} s", f"{first / second:.1f}"
        )
        Console().print(table)


def matrix_product() -> float:
    """What the processor can do at best, in GFLOP/s: the yardstick for the other rows."""
    side = 2048
    left, right = torch.rand(side, side), torch.rand(side, side)
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        left @ right
        seconds.append(time.perf_counter() - began)
    return 2 * side**3 / min(seconds) / 1e9


def throughput(backbone: str, folder: Path, steps: int) -> tuple[float, float]:
    """Median images a second of ours and of the plain loop, in turn."""
    rates: dict[str, list[float]] = {"ours": [], "plain": []}
    for _ in range(ROUNDS):
        for how, found in rates.items():
            command = [sys.executable, str(HERE / "throughput.py"), how, backbone, str(folder), str(steps)]
            found.append(float(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    return median(rates["ours"]), median(rates["plain"])


def pretrain_twice() -> tuple[float, float]:
    """Seconds of the first and the second `pretrain` of a backbone, whole commands."""
    weights = os.environ.get("OFFICE31_WEIGHTS", str(HERE / "../../../shared/weights/squeezenet1_0-imagenet.pth"))
    chosen = ["--backbone", "squeezenet1_0", "--weights", weights]
    return tuple(office31("pretrain", "--domain", "amazon", *chosen, "--seed", seed) for seed in ("0", "1"))  # type: ignore[return-value]


def office31(*arguments: str) -> float:
    """Run a command; its seconds."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "office31_cli", *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
