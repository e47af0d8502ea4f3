"""What `benchmark` returns: a row for each method, and which of their differences are more than noise."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from statistics import mean
from typing import Any

from office31_cli.data.published import PublishedRow
from office31_cli.errors import Failed
from office31_cli.metrics.summary import mean_and_deviation
from office31_cli.observer import Observer
from office31_cli.text import join_names, pluralize, printable

SELECTION = "last epoch"
SATURATED = 0.95
"""A figure: a task on which every method reaches it no longer tells methods apart."""

ALPHA = 0.05
"""The significance level of the comparisons."""

FIGURES = ("last", "selected", "oracle")
"""Of a run: the accuracies at three epochs. Where unknown items are scored, there is the last epoch alone."""

OPEN_SET = ("os_star", "recall", "auroc")
"""What a run that unknown items are scored in has beside HOS: OS*, UNK and the area under the ROC."""


Cells = dict[tuple[str, str, int], dict[str, Any]]
"""By method, task and seed: the figures and the seconds, or why the run has `failed`."""


@dataclass(frozen=True)
class TaskItemCounts:
    """How the items of a task's source and target relate, and how many photographs the two have."""

    shared: int
    missing: int
    """Items that the target lacks."""
    unknown: int
    """Items that the source lacks."""
    source_photographs: int
    target_photographs: int


@dataclass(frozen=True)
class BenchmarkRow:
    """One method over all tasks; figures are fractions, of the benchmark's metric."""

    method: str
    tasks: dict[str, dict[str, Any]]
    """By task: mean and standard deviation over seeds of the last epoch's figure, each seed's, and the means of the
    epochs that the validator picks (`selected`) and of the best ones (`oracle`), None where the metric is HOS. There,
    each seed's `OPEN_SET` figures follow. `assumed` is the setting that each run took its target to have."""
    average: dict[str, float | None]
    """Over tasks: the mean, the standard deviation of the seeds' averages, and the other means."""
    seconds: float
    published: float | None
    """The published average of the same method, with the network that was asked for or else the one nearest to ours."""
    published_selection: str | None
    """Which epoch the published figure is of."""


@dataclass(frozen=True)
class BenchmarkResult:
    """A whole table."""

    backbone: str
    weights: str
    setting: str
    """`closed`, `partial`, `open` or `universal`: how the items of source and target relate."""
    metric: str
    """`accuracy`, or `hos` where targets show unknown items."""
    item_sets: dict[str, TaskItemCounts]
    """By task."""
    selection: str
    validator: str
    seeds: list[int]
    photographs: dict[str, int]
    """By domain."""
    seconds: float
    rows: list[BenchmarkRow]
    published: list[PublishedRow]
    saturated: list[str]
    """The tasks on which every method reaches `SATURATED`."""
    comparisons: list[dict[str, Any]]
    """Of each pair of methods the mean difference over tasks and seeds, and the p-value of a paired sign-flip test,
    raised by Holm for the number of pairs; none where a single seed shows no noise."""

    def within_noise(self) -> set[str]:
        """The methods that are not shown to differ from the best one; none where there are too few runs to show it."""
        means = {row.method: centre for row in self.rows if (centre := row.average["mean"]) is not None}
        best = max(means, key=means.__getitem__) if means else ""
        if not self.decidable:
            return set()
        near = [each for each in self.comparisons if each["p"] > ALPHA and best in (each["method"], each["against"])]
        return {name for each in near for name in (each["method"], each["against"])} & means.keys() - {best}

    @property
    def decidable(self) -> bool:
        """Whether there are enough runs for the largest difference to be significant."""
        runs = len(self.seeds) * len(self.rows[0].tasks)
        return len(self.comparisons) * 2.0 ** (1 - runs) <= ALPHA

    def failures(self) -> dict[tuple[str, str], list[str]]:
        """By method and reason the cells that failed, as `A-W 0`."""
        cells: dict[tuple[str, str], list[str]] = {}
        for row in self.rows:
            for task, figures in row.tasks.items():
                for seed, why in figures.get("failed", {}).items():
                    cells.setdefault((row.method, why), []).append(f"{task} {seed}")
        return cells

    def check(self, observer: Observer) -> None:
        """Warn of each method's failures, and raise `Failed` if a cell failed."""
        for (method, why), cells in self.failures().items():
            observer.warn(f"{method} failed on {printable(join_names(cells))} (task and seed): {printable(why)}")
        if count := sum(map(len, self.failures().values())):
            raise Failed(
                f"{pluralize(count, 'cell')} failed",
                "the warnings say why",
                "try a smaller --lr; the same command computes what is missing",
            )

    def to_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return asdict(self)


@dataclass(frozen=True)
class EstimateRow:
    """The time that a method takes."""

    method: str
    """`erm` as well, even if not asked for, where a source-free method starts from its networks."""
    seeds: int
    """With how many seeds it is still to be trained."""
    seconds: float
    """For one seed on all tasks, in one process."""


@dataclass(frozen=True)
class BenchmarkEstimate:
    """What a benchmark would compute, and about how long that would take."""

    tasks: dict[str, list[str]]
    """Source and target by the task's name."""
    seeds: list[int]
    cells: int
    there: int
    """Cells that an interrupted run has computed."""
    jobs: int
    """Processes at once."""
    on: str
    """`here` or `ray`, as asked for."""
    cluster: bool
    """Whether the processes are those that a running Ray cluster has room for, not this machine's."""
    rows: list[EstimateRow]
    methods: dict[str, float]
    """By method the seconds of one process for the cells that are left."""
    seconds: float
    """Until the last job is done."""
    views: int
    """Views of photographs whose features are computed first, unless they are cached."""
    photographs_per_second: float
    """The speed of the frozen part."""

    @property
    def work(self) -> float:
        """The seconds that one process would take for all that is left."""
        return sum(row.seeds * row.seconds for row in self.rows)

    def to_json(self) -> dict[str, Any]:
        """The object that `--dry-run --json` prints."""
        return asdict(self)


def build_row(
    method: str,
    tasks: Iterable[str],
    seeds: Sequence[int],
    cells: Cells,
    known: PublishedRow | None,
    beside: Sequence[str] = (),
) -> BenchmarkRow:
    """A method's row from its cells, beside the published row `known`; `beside` names the figures that follow each."""
    by_task: dict[str, dict[str, Any]] = {}
    for task in tasks:
        runs = [cells[method, task, seed] for seed in seeds]
        centre, spread = mean_and_deviation([run.get("last") for run in runs])
        others = {name: mean_and_deviation([run.get(name) for run in runs])[0] for name in FIGURES[1:]}
        failed = {str(seed): run["failed"] for seed, run in zip(seeds, runs, strict=True) if "failed" in run}
        figures = {"mean": centre, "std": spread, "runs": [run.get("last") for run in runs], **others}
        figures |= {name: [run.get(name) for run in runs] for name in (*beside, "assumed")}
        by_task[task] = figures | ({"failed": failed} if failed else {})
    by_seed = {
        name: [_average([cells[method, task, seed].get(name) for task in by_task]) for seed in seeds]
        for name in (*FIGURES, *beside)
    }
    centre, spread = mean_and_deviation(by_seed["last"])
    rules = {name: mean_and_deviation(by_seed[name])[0] for name in (*FIGURES[1:], *beside)}
    seconds = sum(cells[method, task, seed].get("seconds", 0.0) for task in by_task for seed in seeds)
    whole = {"mean": centre, "std": spread, **rules}
    theirs = (known.average, known.selection) if known else (None, None)
    return BenchmarkRow(method, by_task, whole, round(seconds, 3), *theirs)


def compare_methods(
    methods: Sequence[str], tasks: Iterable[str], seeds: Sequence[int], cells: Cells
) -> list[dict[str, Any]]:
    """For each pair of methods the mean difference and the p-value of a paired sign-flip test, corrected by Holm."""
    from office31_cli.metrics.significance import holm, sign_flip_test  # numpy, 0.1 s

    comparisons = []
    for method, against in combinations(methods, 2) if len(seeds) > 1 else ():
        pairs = (
            tuple(cells[name, task, seed].get("last") for name in (method, against)) for task in tasks for seed in seeds
        )
        if differences := [first - second for first, second in pairs if first is not None and second is not None]:
            comparison = {"method": method, "against": against, "difference": mean(differences)}
            comparisons.append(comparison | {"p": sign_flip_test(differences)})
    corrected = holm([each["p"] for each in comparisons])
    return [each | {"p": p} for each, p in zip(comparisons, corrected, strict=True)]


def _average(tasks: Sequence[float | None]) -> float | None:
    """The mean over tasks; None where one of them is missing, as it would be another figure without it."""
    known = [each for each in tasks if each is not None]
    return mean(known) if len(known) == len(tasks) else None
