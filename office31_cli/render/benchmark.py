"""How a benchmark looks: the six-task table of the literature, in every format."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.table import Table

from office31_cli.recipes.benchmark.results import ALPHA, SATURATED, BenchmarkEstimate, BenchmarkResult, BenchmarkRow
from office31_cli.render.console import render_text_table
from office31_cli.text import format_duration, format_spread, pluralize
from office31_cli.text_table import TextTable

_WITHIN_NOISE = "†"


def render_benchmark(found: BenchmarkResult) -> Iterable[Table]:
    """The methods' rows, then the published ones where they were asked for."""
    for grid in build_tables(found):
        yield render_text_table(grid)


def format_benchmark(found: BenchmarkResult, form: str) -> str:
    """The same as `markdown` or `latex`; as `csv` the methods' rows alone, in fractions with all figures apart."""
    if form == "csv":
        return _build_csv_table(found).to_csv()
    return "\n\n".join(grid.to_markdown() if form == "markdown" else grid.to_latex() for grid in build_tables(found))


def build_tables(found: BenchmarkResult) -> Iterable[TextTable]:
    """The methods' rows, then the published ones where they were asked for."""
    tasks = list(found.rows[0].tasks)
    near = found.within_noise()
    yield TextTable(
        f"{found.backbone}, {pluralize(len(found.seeds), 'seed')}, {found.selection}, %",
        (
            "method",
            *(f">{task}{'*' if task in found.saturated else ''}" for task in tasks),
            ">average",
            ">picked",
            ">oracle",
        ),
        [_format_row(row, tasks, row.method in near) for row in found.rows],
        _format_caption(found, bool(near)),
    )
    if found.published:
        yield _build_published_table(found, tasks)


def render_estimate(found: BenchmarkEstimate) -> Table:
    """What would be computed, how long it would take, and how that comes about."""
    sizes = (
        pluralize(len(found.tasks), "task"),
        pluralize(len(found.seeds), "seed"),
        pluralize(len(found.methods), "method"),
    )
    there = f", {found.there:,} of them there already" if found.there else ""
    rows = [
        [
            row.method if row.method in found.methods else f"{row.method}, which others go on from",
            str(row.seeds),
            format_duration(row.seconds),
            format_duration(row.seeds * row.seconds),
        ]
        for row in found.rows
    ]
    total = ["all", "", "", format_duration(found.work)]
    whole = f"{' x '.join(sizes)}: {pluralize(found.cells, 'cell')}{there}"
    return render_text_table(
        TextTable(
            f"{whole}; estimated: {format_duration(found.seconds)}",
            ("method", ">seeds", ">a seed", ">together"),
            [*rows, total] if len(rows) > 1 else rows,
            _explain_estimate(found),
        )
    )


def _explain_estimate(found: BenchmarkEstimate) -> str:
    """How the total comes from the rows, and what is not in it."""
    where = "of this machine" + (", as no Ray cluster is running," if found.on == "ray" else "")
    if found.cluster:
        where = "of the cluster, if they are as fast as this machine's,"
    if found.jobs > 1:
        told = f"{found.jobs} processes {where} share {format_duration(found.work)} of work, the last is done after "
        told += format_duration(found.seconds)
    else:
        told = f"one process {where} does them one after the other"
    views, rate = found.views, found.photographs_per_second
    left = f"at most {views:,} (photographs x views) at about {rate:.0f} a second: {format_duration(views / rate)}"
    return (
        f"a seed: a training on all tasks, by one process; {told}; "
        f"not counted: the start, and features that no earlier run has left, {left}"
    )


def _format_row(row: BenchmarkRow, tasks: Iterable[str], near: bool) -> list[str]:
    return [
        row.method,
        *(_format_seeds(row.tasks[task]) for task in tasks),
        _format_seeds(row.average) + (_WITHIN_NOISE if near else ""),
        format_spread(row.average["selected"], None),
        format_spread(row.average["oracle"], None),
    ]


def _format_caption(found: BenchmarkResult, near: bool) -> str:
    told = [
        f"scored after the {found.selection} on all of the target, with all of the source's labels and none of the "
        "target's",
        f"picked: the average at the epochs that {found.validator} picks without labels",
        "oracle: at the best ones, which only labels tell",
    ]
    if found.saturated:
        told.append(f"*: saturated, as every method names {100 * SATURATED:.0f} % or more")
    if near:
        told.append(
            f"{_WITHIN_NOISE}: not shown to differ from the best (paired sign-flip test over tasks and seeds, Holm, "
            f"{ALPHA})"
        )
    elif found.comparisons and not found.decidable:
        told.append("too few runs to tell methods apart from the noise of seeds")
    return "; ".join(told)


def _format_seeds(figures: Mapping[str, Any]) -> str:
    """`82.8 ±0.5`, which a narrow terminal may break at the space."""
    failed = figures.get("failed", {})
    if figures["mean"] is None:
        return "failed" if failed else "-"
    shown = format_spread(figures["mean"], figures["std"]).replace("±", " ±")
    return f"{shown} ({len(failed)} failed)" if failed else shown


def _build_csv_table(found: BenchmarkResult) -> TextTable:
    tasks = list(found.rows[0].tasks)
    names = [name for task in (*tasks, "average") for name in (task, f"{task} std")]
    rows = []
    for row in found.rows:
        each = [*(row.tasks[task] for task in tasks), row.average]
        numbers = [figures[name] for figures in each for name in ("mean", "std")]
        numbers += [row.average["selected"], row.average["oracle"]]
        failed = sum(len(figures.get("failed", {})) for figures in row.tasks.values())
        rows.append(
            [
                row.method,
                *("" if number is None else f"{number:.4f}" for number in numbers),
                f"{row.seconds:.1f}",
                str(failed),
            ]
        )
    return TextTable("", ("method", *names, "picked", "oracle", "seconds", "failed"), rows)


def _build_published_table(found: BenchmarkResult, tasks: list[str]) -> TextTable:
    return TextTable(
        f"published with {found.published[0].backbone}, %",
        ("method", *(f">{task}" for task in tasks), ">average", "epoch", "source"),
        [
            [
                row.method,
                *(format_spread(row.tasks.get(task), None) for task in tasks),
                format_spread(row.average, None),
                row.selection,
                row.source,
            ]
            for row in found.published
        ],
        "as others reported it, on Office-31",
    )
