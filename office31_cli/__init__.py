"""Move an image classifier from one camera to another.

The commands are functions here, too: `office31_cli.pretrain(["amazon"])` does what `office31 pretrain --domain
amazon` does and returns what `--json` prints, as a dataclass.
"""

import importlib
from typing import TYPE_CHECKING, Any

from office31_cli._version import __version__

if TYPE_CHECKING:
    from office31_cli.recipes.adapt import adapt
    from office31_cli.recipes.benchmark.command import benchmark
    from office31_cli.recipes.benchmark.plan import planned
    from office31_cli.recipes.compare.chapter import compare_chapter
    from office31_cli.recipes.compare.labels import compare_labels
    from office31_cli.recipes.compare.optimizers import compare_optimizers
    from office31_cli.recipes.compare.outputs import compare_outputs
    from office31_cli.recipes.doctor.command import doctor
    from office31_cli.recipes.download import download
    from office31_cli.recipes.evaluate import evaluate
    from office31_cli.recipes.finetune import finetune
    from office31_cli.recipes.predict.command import predict
    from office31_cli.recipes.pretrain import pretrain
    from office31_cli.workflow.request import Options

__all__ = [
    "Options",
    "__version__",
    "adapt",
    "benchmark",
    "compare_chapter",
    "compare_labels",
    "compare_optimizers",
    "compare_outputs",
    "doctor",
    "download",
    "evaluate",
    "finetune",
    "planned",
    "predict",
    "pretrain",
]

_HOME = {
    "Options": "workflow.request",
    "adapt": "recipes.adapt",
    "benchmark": "recipes.benchmark.command",
    "compare_chapter": "recipes.compare.chapter",
    "compare_labels": "recipes.compare.labels",
    "compare_optimizers": "recipes.compare.optimizers",
    "compare_outputs": "recipes.compare.outputs",
    "doctor": "recipes.doctor.command",
    "download": "recipes.download",
    "evaluate": "recipes.evaluate",
    "finetune": "recipes.finetune",
    "planned": "recipes.benchmark.plan",
    "predict": "recipes.predict.command",
    "pretrain": "recipes.pretrain",
}
"""The module that each name comes from, below this package."""


def __getattr__(name: str) -> Any:
    """Import a recipe when it is first asked for: `office31 --help` must not wait for numpy."""
    if name in _HOME:
        return getattr(importlib.import_module(f"office31_cli.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
