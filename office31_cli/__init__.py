"""Move an image classifier from one camera to another.

The commands are functions here, too: `office31_cli.pretrain(["amazon"])` does what `office31 pretrain --domain
amazon` does and returns what `--json` prints, as a dataclass.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from office31_cli.recipes.adapt import adapt
    from office31_cli.recipes.benchmark import benchmark, planned
    from office31_cli.recipes.compare.chapter import compare_chapter
    from office31_cli.recipes.compare.labels import compare_labels
    from office31_cli.recipes.compare.optimizers import compare_optimizers
    from office31_cli.recipes.compare.outputs import compare_outputs
    from office31_cli.recipes.doctor import doctor
    from office31_cli.recipes.download import download
    from office31_cli.recipes.evaluate import evaluate
    from office31_cli.recipes.finetune import finetune
    from office31_cli.recipes.predict import predict
    from office31_cli.recipes.pretrain import pretrain
    from office31_cli.recipes.request import Options

__version__ = "0.1.0"

__all__ = [
    "Options",
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
    **{
        name: name
        for name in ("adapt", "benchmark", "doctor", "download", "evaluate", "finetune", "predict", "pretrain")
    },
    **{f"compare_{what}": f"compare.{what}" for what in ("chapter", "labels", "optimizers", "outputs")},
    "planned": "benchmark",
    "Options": "request",
}


def __getattr__(name: str) -> Any:
    """Import a recipe when it is first asked for: `office31 --help` must not wait for numpy."""
    if name in _HOME:
        return getattr(importlib.import_module(f"office31_cli.recipes.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
