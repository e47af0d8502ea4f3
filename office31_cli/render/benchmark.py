"""How a benchmark looks: the six-task table of the literature, in every format."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from office31_cli.recipes.benchmark.results import (
    ALPHA,
    FIGURES,
    OPEN_SET,
    SATURATED,
    BenchmarkEstimate,
    BenchmarkResult,
    BenchmarkRow,
)
from office31_cli.render.console import render_text_table
from office31_cli.text import format_duration, format_spread, pluralize
from office31_cli.text_table import TextTable

_WITHIN_NOISE = "†"


def render_benchmark(result: BenchmarkResult, *, details: bool = False) -> Iterable[RenderableType]:
    """The methods' rows, then the published ones where they were asked for; with `details` every deviation."""
    for table in build_tables(result, deviations=details):
        yield render_text_table(table)
    if not details and len(result.seeds) > 1:
        yield Text("the standard deviation of each task over seeds: --details", style="dim")


def format_benchmark(result: BenchmarkResult, form: str) -> str:
    """The same as `markdown` or `latex`; as `csv` the methods' rows alone, in fractions with all figures apart."""
    if form == "csv":
        return _build_csv_table(result).to_csv()
    tables = build_tables(result, deviations=True)
    return "\n\n".join(table.to_markdown() if form == "markdown" else table.to_latex() for table in tables)


_METRICS = {"accuracy": "accuracy", "hos": "HOS"}
_COLUMNS = {"selected": "selected", "oracle": "oracle", "os_star": "OS*", "recall": "UNK", "auroc": "area"}
"""The heads of the columns behind the average."""


def build_tables(result: BenchmarkResult, *, deviations: bool) -> Iterable[TextTable]:
    """The methods' rows, each task with or without its deviation; then the published rows, if they were asked for."""
    tasks = list(result.rows[0].tasks)
    near = result.within_noise()
    beside = _list_beside(result)
    yield TextTable(
        f"{result.backbone}, {_describe_setting(result)}, {pluralize(len(result.seeds), 'seed')}, "
        f"{result.selection}, {_METRICS[result.metric]} in %",
        (
            "method",
            *(f">{task}{'*' if task in result.saturated else ''}" for task in tasks),
            ">average",
            *(f">{_COLUMNS[name]}" for name in beside),
        ),
        [_format_row(row, tasks, beside, row.method in near, deviations) for row in result.rows],
        _format_caption(result, bool(near)),
    )
    if result.published:
        yield _build_published_table(result, tasks)


def _list_beside(result: BenchmarkResult) -> tuple[str, ...]:
    """What the average is followed by."""
    return OPEN_SET if result.metric == "hos" else FIGURES[1:]


def _describe_setting(result: BenchmarkResult) -> str:
    """`closed`, or `universal (10 items shared, 10 missing, 11 unknown)` where all tasks have as many."""
    counts = {(each.shared, each.missing, each.unknown) for each in result.item_sets.values()}
    if result.setting == "closed" or len(counts) > 1:
        return result.setting
    ((shared, missing, unknown),) = counts
    parts = [f"{pluralize(shared, 'item')} shared"]
    parts += [f"{count:,} {what}" for count, what in ((missing, "missing"), (unknown, "unknown")) if count]
    return f"{result.setting} ({', '.join(parts)})"


def render_estimate(estimate: BenchmarkEstimate) -> Table:
    """What would be computed, how long it would take, and how that comes about."""
    sizes = (
        pluralize(len(estimate.tasks), "task"),
        pluralize(len(estimate.seeds), "seed"),
        pluralize(len(estimate.methods), "method"),
    )
    there = f", {estimate.there:,} of them already computed" if estimate.there else ""
    rows = [
        [
            row.method if row.method in estimate.methods else f"{row.method}, from which others start",
            str(row.seeds),
            format_duration(row.seconds),
            format_duration(row.seeds * row.seconds),
        ]
        for row in estimate.rows
    ]
    total = ["all", "", "", format_duration(estimate.work)]
    whole = f"{' x '.join(sizes)}: {pluralize(estimate.cells, 'cell')}{there}"
    return render_text_table(
        TextTable(
            f"{whole}; estimated: {format_duration(estimate.seconds)}",
            ("method", ">seeds", ">a seed", ">together"),
            [*rows, total] if len(rows) > 1 else rows,
            _explain_estimate(estimate),
        )
    )


def _explain_estimate(estimate: BenchmarkEstimate) -> str:
    """How the total comes from the rows, and what is not in it."""
    where = "of this machine" + (", as no Ray cluster is running," if estimate.on == "ray" else "")
    if estimate.cluster:
        where = "of the cluster, if they are as fast as this machine's,"
    if estimate.jobs > 1:
        work, seconds = format_duration(estimate.work), format_duration(estimate.seconds)
        share = f"{estimate.jobs} processes {where} share {work} of work, the last is done after {seconds}"
    else:
        share = f"one process {where} does them one after the other"
    views, rate = estimate.views, estimate.photographs_per_second
    features = f"at most {views:,} (photographs x views) at about {rate:.0f} a second: {format_duration(views / rate)}"
    return (
        f"a seed: a training on all tasks, by one process; {share}; "
        f"not counted: the start, and features that are not cached yet, {features}"
    )


def _format_row(
    row: BenchmarkRow, tasks: Iterable[str], beside: Iterable[str], near: bool, deviations: bool
) -> list[str]:
    return [
        row.method,
        *(_format_seeds(row.tasks[task], deviations) for task in tasks),
        _format_seeds(row.average, True) + (_WITHIN_NOISE if near else ""),
        *(format_spread(row.average[name], None) for name in beside),
    ]


def _format_caption(result: BenchmarkResult, near: bool) -> str:
    parts = [
        f"scored after the {result.selection} on all of the target, with all of the source's labels and none of the "
        "target's",
        *(_explain_open_set() if result.metric == "hos" else _explain_epochs(result)),
    ]
    if result.saturated:
        parts.append(f"*: saturated, as every method reaches {100 * SATURATED:.0f} % or more")
    if near:
        parts.append(
            f"{_WITHIN_NOISE}: not shown to differ from the best (paired sign-flip test over tasks and seeds, Holm, "
            f"{ALPHA})"
        )
    elif result.comparisons and not result.decidable:
        parts.append("too few runs to tell methods apart from the noise of seeds")
    return "; ".join(parts)


def _explain_epochs(result: BenchmarkResult) -> list[str]:
    return [
        f"selected: the average at the epochs that {result.validator} selects without labels",
        "oracle: at the best ones, which only labels tell",
    ]


def _explain_open_set() -> list[str]:
    return [
        "HOS: the harmonic mean of OS* (accuracy on items of the source, each weighing the same) and UNK (unknown "
        "photographs called unknown)",
        "area: under the ROC of unknown against known",
    ]


def _format_seeds(figures: Mapping[str, Any], deviation: bool) -> str:
    """`82.8 ±0.5`, which a narrow terminal may break at the space."""
    failed = figures.get("failed", {})
    if figures["mean"] is None:
        return "failed" if failed else "-"
    mean = format_spread(figures["mean"], figures["std"] if deviation else None).replace("±", " ±")
    return f"{mean} ({len(failed)} failed)" if failed else mean


def _build_csv_table(result: BenchmarkResult) -> TextTable:
    tasks = list(result.rows[0].tasks)
    names = [name for task in (*tasks, "average") for name in (task, f"{task} std")]
    rows = []
    for row in result.rows:
        each = [*(row.tasks[task] for task in tasks), row.average]
        numbers = [figures[name] for figures in each for name in ("mean", "std")]
        numbers += [row.average[name] for name in _list_beside(result)]
        failed = sum(len(figures.get("failed", {})) for figures in row.tasks.values())
        rows.append(
            [
                row.method,
                *("" if number is None else f"{number:.4f}" for number in numbers),
                f"{row.seconds:.1f}",
                str(failed),
            ]
        )
    beside = OPEN_SET if result.metric == "hos" else ("picked", "oracle")
    return TextTable("", ("method", *names, *beside, "seconds", "failed"), rows)


def _build_published_table(result: BenchmarkResult, tasks: list[str]) -> TextTable:
    return TextTable(
        f"published with {result.published[0].backbone}, {result.setting}, {_METRICS[result.metric]} in %",
        ("method", *(f">{task}" for task in tasks), ">average", "epoch", "source"),
        [
            [
                row.method,
                *(format_spread(row.tasks.get(task), None) for task in tasks),
                format_spread(row.average, None),
                row.selection,
                row.source,
            ]
            for row in result.published
        ],
        "as others reported it, on Office-31",
    )
