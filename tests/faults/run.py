"""`make faults`: provoke each fault many times, and write FAULTS.md.

With a number as its argument it takes that share of the counts and only prints: `python -m tests.faults.run 0.01` takes
a minute or two.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.faults.archives import escapes
from tests.faults.arguments import random_arguments
from tests.faults.figures import Figure
from tests.faults.mutated import mutated_models
from tests.faults.operations import every_operation
from tests.faults.page import page
from tests.faults.publishing import killed_while_publishing, publishers_at_once
from tests.faults.trainings import killed_and_repeated

ROOT = Path(__file__).parents[2]
SEED = 20_260_101


def main() -> None:
    """Run all campaigns one after the other, and write what came of them."""
    share = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        os.environ["OFFICE31_HOME"] = str(folder / "archives" / "home")
        archives, found = escapes(folder / "archives")
        figures = [archives, *(_told(campaign) for campaign in _campaigns(folder, share))]
    if share == 1:
        (ROOT / "FAULTS.md").write_text(page(figures, found))
    sys.exit(any(figure.failures for figure in figures))


def _campaigns(folder: Path, share: float) -> Iterator[Callable[[], Figure]]:
    def many(count: int) -> int:
        return max(1, round(share * count))

    yield lambda: killed_while_publishing(folder / "killed", many(3000), SEED)
    yield lambda: every_operation(folder / "operations")
    yield lambda: publishers_at_once(folder / "publishers", 16, many(50))
    yield lambda: killed_and_repeated(folder / "trainings", many(200), SEED)
    yield lambda: mutated_models(folder / "mutated", many(10_000), SEED)
    yield lambda: random_arguments(folder / "arguments", many(10_000), SEED)


def _told(campaign: Callable[[], Figure]) -> Figure:
    began = time.monotonic()
    figure = campaign()
    seconds = f"{time.monotonic() - began:.0f} s"
    print(f"{figure.failures:,} of {figure.count:,} {figure.what} ({seconds}) {figure.note}", flush=True)
    return figure


if __name__ == "__main__":
    main()
