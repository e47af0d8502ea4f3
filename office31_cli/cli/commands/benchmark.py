"""`office31 benchmark`."""

from pathlib import Path
from typing import Annotated

import typer

from office31_cli.cli import completion, options, values
from office31_cli.cli.command import Panel, command
from office31_cli.cli.completion import complete_one, complete_several
from office31_cli.cli.help import DATA, OUTPUT, TRAINING
from office31_cli.errors import Misuse


@command(10, Panel.COMPARE)
def benchmark(
    methods: Annotated[
        str,
        typer.Option(
            "--methods",
            metavar="NAMES",
            help="Adaptation methods, with commas between; office31 methods lists them.",
            autocompletion=complete_several(completion.list_methods),
        ),
    ] = "erm,mcc,auto",
    seeds: Annotated[
        str,
        typer.Option(
            "--seeds",
            metavar="N,N,...",
            help="One repetition each; a seed fixes initial weights and order.",
            rich_help_panel=TRAINING,
        ),
    ] = "0,1,2",
    tasks: options.Tasks = None,
    setting: Annotated[
        str | None,
        typer.Option(
            "--setting",
            metavar="SETTING",
            help="Which items source and target hold: closed, partial, open or universal; the last two are scored by "
            "HOS.",
            show_default="those they have; closed if these are the same",
            autocompletion=complete_one(completion.list_settings),
            rich_help_panel=DATA,
        ),
    ] = None,
    source_items: Annotated[
        Path | None,
        typer.Option(
            "--source-items",
            metavar="FILE",
            help="The items of the sources, one a line; with --target-items, in place of --setting.",
            show_default="all",
            rich_help_panel=DATA,
        ),
    ] = None,
    target_items: Annotated[
        Path | None,
        typer.Option(
            "--target-items",
            metavar="FILE",
            help="The items of the targets, one a line.",
            show_default="all",
            rich_help_panel=DATA,
        ),
    ] = None,
    published: Annotated[
        str | None,
        typer.Option(
            "--published",
            metavar="NETWORK",
            help="Rows that others published on Office-31 beside ours: AlexNet, ...",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    validator: options.Validator = "im",
    backbone: options.Backbone = None,
    weights: options.Weights = None,
    data: options.Data = None,
    epochs: options.EpochsOfSteps = None,
    steps: options.Steps = None,
    views: options.Views = None,
    lr: options.LearningRate = None,
    optimizer: options.Optimizer = "nesterov",
    batch_size: options.BatchSize = 64,
    jobs: options.Jobs = None,
    on: Annotated[
        str,
        typer.Option(
            "--on",
            metavar="WHERE",
            help="here, or ray: on the nodes of a cluster (RAY_ADDRESS).",
            rich_help_panel=TRAINING,
        ),
    ] = "here",
    device: options.Device = "auto",
    skip_bad: options.SkipBad = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be computed, and an estimate of how long it takes here.")
    ] = False,
    form: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="table, markdown, csv, latex or json.",
            autocompletion=complete_one(completion.list_formats),
            rich_help_panel=OUTPUT,
        ),
    ] = "table",
    details: options.Details = False,
    as_json: options.AsJson = False,
) -> None:
    """Compare adaptation methods on every pair of domains.

    On cached features of a frozen backbone, with all of the source's labels and none of the target's. Stopped, the
    same command continues.

    Example: office31 benchmark --methods erm,mcc --seeds 0,1,2
    """
    from office31_cli.recipes.benchmark.command import estimate_benchmark, run_benchmark
    from office31_cli.recipes.benchmark.plan import plan_benchmark
    from office31_cli.render.benchmark import format_benchmark, render_benchmark, render_estimate
    from office31_cli.render.console import Reporter
    from office31_cli.text_table import FORMATS
    from office31_cli.workflow.request import Options

    form = values.check_format(form, FORMATS, as_json=as_json)
    if dry_run and form not in ("table", "json"):
        raise Misuse(f"--format {form}", "--dry-run prints a table or JSON", "leave one of them out")
    reporter = Reporter(as_json=form == "json")
    plan = plan_benchmark(
        values.parse_words("--methods", methods),
        seeds=values.parse_numbers("--seeds", seeds),
        tasks=None if tasks is None else values.parse_words("--tasks", tasks),
        validator=validator,
        steps=steps,
        views=views,
        jobs=jobs,
        on=on,
        setting=setting,
        source_items=values.read_items("--source-items", source_items),
        target_items=values.read_items("--target-items", target_items),
        published=published,
        data=data,
        backbone=backbone,
        weights=weights,
        options=Options(
            epochs=epochs,
            lr=lr,
            optimizer=optimizer,
            batch_size=batch_size,
            device=device,
            skip_bad=skip_bad,
        ),
        observer=reporter,
    )
    if dry_run:
        estimate = estimate_benchmark(plan, observer=reporter)
        reporter.show(estimate, render_estimate(estimate))
        return
    found = run_benchmark(plan, observer=reporter)
    shown = render_benchmark(found, details=details) if form in ("table", "json") else [format_benchmark(found, form)]
    reporter.show(found, *shown)
    found.check(reporter)
