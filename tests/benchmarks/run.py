"""`make bench`: every speed that is claimed, as a ratio of two things measured in one run.

These figures depend on the machine; ratios depend on it less. Needs the real photographs (`office31 download`)
or an archive of them in $OFFICE31_ARCHIVE; $OFFICE31_WEIGHTS may name SqueezeNet weights. Rows against other libraries
need the extra `bench`.
"""

import importlib.util
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
PHOTOGRAPHS = 512
"""Of the 4,110, all that the extraction row takes."""
STEPS, EPOCHS = 1500, 10
PASSED, ENOUGH = 0.773, 400
"""What skada reaches, and steps of ours after which the six tasks' average is above it."""
EXTRA = ("skada", "skorch", "onnxruntime", "onnx", "onnxscript")


def main() -> None:
    """Measure, and print one table."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["OFFICE31_HOME"] = home
        archive = os.environ.get(
            "OFFICE31_ARCHIVE", str(HERE / "../../../shared/office31/domain_adaptation_images.tar.gz")
        )
        office31("download", "--from", archive)
        table = Table("what", "ours", "against", "ratio", title="speed, measured in one run")
        first, second = pretrain_twice()
        table.add_row(
            "second pretrain of a backbone", f"{second:.1f} s", f"first: {first:.1f} s", f"{first / second:.1f}"
        )
        table.add_row("matrix product", f"{matrix_product():.0f} GFLOP/s", "-", "-")
        for backbone, steps in (("squeezenet1_0", 12), ("resnet50", 4)):
            ours, plain = throughput(backbone, Path(home) / "data/office31/amazon", steps)
            table.add_row(
                f"--train all, {backbone}", f"{ours:.1f} images/s", f"plain loop: {plain:.1f}", f"{ours / plain:.2f}"
            )
        if missing := [name for name in EXTRA if importlib.util.find_spec(name) is None]:
            print(f"left out, for want of {', '.join(missing)}: the rows against others; pip install -e '.[bench]'")
        else:
            extraction(table, Path(home) / "data/office31/amazon")
            adaptation(table)
        growth(table)
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
    ours, plain = in_turn("throughput", *([how, backbone, folder, steps] for how in ("ours", "plain")))
    return ours[0], plain[0]


def extraction(table: Table, folder: Path) -> None:
    """Add the row of the frozen part's pass over photographs."""
    chosen = ([how, weights(), folder, PHOTOGRAPHS] for how in ("ours", "onnxruntime"))
    ours, theirs = in_turn("extraction", *chosen)
    table.add_row(
        f"features of {PHOTOGRAPHS} photographs, squeezenet1_0",
        f"{ours[0]:.1f} images/s",
        f"onnxruntime: {theirs[0]:.1f}",
        f"{ours[0] / theirs[0]:.2f}",
    )


def adaptation(table: Table) -> None:
    """Add the rows of mcc on cached features, against skada's; seconds for six tasks, a seed."""
    one_step = [sys.executable, "-m", "tests.benchmarks.adaptation", "ours", weights(), "1", "1", "1"]
    subprocess.run(one_step, check=True, capture_output=True)  # computes the features
    alone, five, theirs, brief = in_turn(
        "adaptation",
        ["ours", weights(), 1, STEPS, EPOCHS],
        ["ours", weights(), 5, STEPS, EPOCHS],
        ["skada", weights(), 1, STEPS, EPOCHS],
        ["ours", weights(), 1, ENOUGH, 1],
    )
    against = f"skada: {theirs[0]:.1f} s, {theirs[1]:.3f}"
    for what, (seconds, accuracy) in (
        (f"mcc, six tasks, {STEPS:,} steps of 36 + 36, 1 seed", alone),
        ("the same, 5 seeds, each", five),
        (f"mcc, six tasks, until {PASSED} is passed", brief),
    ):
        reached = "" if accuracy > PASSED else " (too low)"
        table.add_row(what, f"{seconds:.1f} s, {accuracy:.3f}{reached}", against, f"{theirs[0] / seconds:.2f}")


def growth(table: Table) -> None:
    """Add the rows of what ten times as many photographs cost, each against the row above."""
    before: list[float] = []
    for count in (4_000, 40_000, 400_000):
        ((seconds, memory),) = in_turn("growth", [count], rounds=1)
        ratio = f"{seconds / before[0]:.1f} times the seconds, {memory / before[1]:.2f} the memory" if before else "-"
        table.add_row(f"a head on {count:,} photographs", f"{seconds:.1f} s, {memory:.0f} MiB", "the row above", ratio)
        before = [seconds, memory]


def in_turn(script: str, *choices: list[object], rounds: int = ROUNDS) -> list[list[float]]:
    """The medians of the numbers that the script prints for each choice of arguments, run in turn."""
    found: list[list[list[float]]] = [[] for _ in choices]
    for _ in range(rounds):
        for choice, numbers in zip(choices, found, strict=True):
            command = [sys.executable, "-m", f"tests.benchmarks.{script}", *map(str, choice)]
            printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            numbers.append([float(word) for word in printed.splitlines()[-1].split()])
    return [[median(column) for column in zip(*numbers, strict=True)] for numbers in found]


def weights() -> str:
    """Where SqueezeNet's weights are."""
    return os.environ.get("OFFICE31_WEIGHTS", str(HERE / "../../../shared/weights/squeezenet1_0-imagenet.pth"))


def pretrain_twice() -> tuple[float, float]:
    """Seconds of the first and the second `pretrain` of a backbone, whole commands."""
    chosen = ["--backbone", "squeezenet1_0", "--weights", weights()]
    return tuple(office31("pretrain", "--domain", "amazon", *chosen, "--seed", seed) for seed in ("0", "1"))  # type: ignore[return-value]


def office31(*arguments: str) -> float:
    """Run a command; its seconds."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "office31_cli", *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
