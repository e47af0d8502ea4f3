"""Move an image classifier from one camera to another.

Each command of the command line is a function here, with the same defaults: `office31_cli.pretrain(["amazon"])` does
what `office31 pretrain --domain amazon` does, and returns what `--json` prints as a dataclass.
"""

import importlib
from typing import TYPE_CHECKING, Any

from office31_cli._version import __version__

if TYPE_CHECKING:
    from office31_cli import errors
    from office31_cli.data.catalogue import open_data
    from office31_cli.engine.settings import Refinements
    from office31_cli.recipes.adapt import adapt
    from office31_cli.recipes.benchmark.command import benchmark, estimate_benchmark, run_benchmark
    from office31_cli.recipes.benchmark.plan import BenchmarkPlan, plan_benchmark
    from office31_cli.recipes.benchmark.results import BenchmarkEstimate, BenchmarkResult
    from office31_cli.recipes.compare.chapter import compare_chapter
    from office31_cli.recipes.compare.labels import compare_labels
    from office31_cli.recipes.compare.labels_results import LabelsComparison
    from office31_cli.recipes.compare.optimizers import compare_landscape, compare_optimizers
    from office31_cli.recipes.compare.outputs import compare_outputs
    from office31_cli.recipes.compare.results import (
        ChapterComparison,
        Landscape,
        OptimizersComparison,
        OutputsComparison,
    )
    from office31_cli.recipes.doctor.command import doctor
    from office31_cli.recipes.doctor.results import Examination
    from office31_cli.recipes.download import DownloadResult, download, verify_download
    from office31_cli.recipes.evaluate import evaluate
    from office31_cli.recipes.finetune import finetune
    from office31_cli.recipes.listing import Listing, list_methods, list_strategies
    from office31_cli.recipes.models.export import export
    from office31_cli.recipes.models.import_model import import_model
    from office31_cli.recipes.models.results import ExportResult
    from office31_cli.recipes.models.rows import ModelRow
    from office31_cli.recipes.predict.command import predict
    from office31_cli.recipes.predict.results import Prediction, Predictions
    from office31_cli.recipes.pretrain import pretrain
    from office31_cli.recipes.report.command import figures, report
    from office31_cli.recipes.report.report import Figures, Report
    from office31_cli.recipes.report.results import SavedReport
    from office31_cli.recipes.tune import TuneResult, tune
    from office31_cli.registry import Registry
    from office31_cli.results import AdaptResult, Evaluation, FinetuneResult, TrainingResult
    from office31_cli.workflow.request import Options

__all__ = [
    "AdaptResult",
    "BenchmarkEstimate",
    "BenchmarkPlan",
    "BenchmarkResult",
    "ChapterComparison",
    "DownloadResult",
    "Evaluation",
    "Examination",
    "ExportResult",
    "Figures",
    "FinetuneResult",
    "LabelsComparison",
    "Landscape",
    "Listing",
    "ModelRow",
    "OptimizersComparison",
    "Options",
    "OutputsComparison",
    "Prediction",
    "Predictions",
    "Refinements",
    "Registry",
    "Report",
    "SavedReport",
    "TrainingResult",
    "TuneResult",
    "__version__",
    "adapt",
    "benchmark",
    "compare_chapter",
    "compare_labels",
    "compare_landscape",
    "compare_optimizers",
    "compare_outputs",
    "doctor",
    "download",
    "errors",
    "estimate_benchmark",
    "evaluate",
    "export",
    "figures",
    "finetune",
    "import_model",
    "list_methods",
    "list_strategies",
    "open_data",
    "plan_benchmark",
    "predict",
    "pretrain",
    "report",
    "run_benchmark",
    "tune",
    "verify_download",
]

_HOME = {
    "AdaptResult": "results",
    "BenchmarkEstimate": "recipes.benchmark.results",
    "BenchmarkPlan": "recipes.benchmark.plan",
    "BenchmarkResult": "recipes.benchmark.results",
    "ChapterComparison": "recipes.compare.results",
    "DownloadResult": "recipes.download",
    "Evaluation": "results",
    "Examination": "recipes.doctor.results",
    "ExportResult": "recipes.models.results",
    "Figures": "recipes.report.report",
    "FinetuneResult": "results",
    "LabelsComparison": "recipes.compare.labels_results",
    "Landscape": "recipes.compare.results",
    "Listing": "recipes.listing",
    "ModelRow": "recipes.models.rows",
    "OptimizersComparison": "recipes.compare.results",
    "Options": "workflow.request",
    "OutputsComparison": "recipes.compare.results",
    "Prediction": "recipes.predict.results",
    "Predictions": "recipes.predict.results",
    "Refinements": "engine.settings",
    "Registry": "registry",
    "Report": "recipes.report.report",
    "SavedReport": "recipes.report.results",
    "TrainingResult": "results",
    "TuneResult": "recipes.tune",
    "adapt": "recipes.adapt",
    "benchmark": "recipes.benchmark.command",
    "compare_chapter": "recipes.compare.chapter",
    "compare_labels": "recipes.compare.labels",
    "compare_landscape": "recipes.compare.optimizers",
    "compare_optimizers": "recipes.compare.optimizers",
    "compare_outputs": "recipes.compare.outputs",
    "doctor": "recipes.doctor.command",
    "download": "recipes.download",
    "estimate_benchmark": "recipes.benchmark.command",
    "evaluate": "recipes.evaluate",
    "export": "recipes.models.export",
    "figures": "recipes.report.command",
    "finetune": "recipes.finetune",
    "import_model": "recipes.models.import_model",
    "list_methods": "recipes.listing",
    "list_strategies": "recipes.listing",
    "open_data": "data.catalogue",
    "plan_benchmark": "recipes.benchmark.plan",
    "predict": "recipes.predict.command",
    "pretrain": "recipes.pretrain",
    "report": "recipes.report.command",
    "run_benchmark": "recipes.benchmark.command",
    "tune": "recipes.tune",
    "verify_download": "recipes.download",
}
"""The module below this package that each name comes from; `errors` is one itself."""


def __getattr__(name: str) -> Any:
    """Import a name when it is first asked for: `import office31_cli` waits for neither torch nor numpy."""
    if name == "errors":
        return importlib.import_module("office31_cli.errors")
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"office31_cli.{_HOME[name]}"), name)
    globals()[name] = value  # so that it is looked for once
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
