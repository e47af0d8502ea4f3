"""`office31 benchmark`."""

from typing import Annotated

import typer

from office31_cli.cli import options


def benchmark(
    methods: Annotated[str, typer.Option("--methods", help="Which, with commas between.")] = "erm,mcc,auto",
    seeds: Annotated[str, typer.Option("--seeds", help="Repetitions: each fixes a start and an order.")] = "0,1,2",
    tasks: Annotated[
        str | None,
        typer.Option("--tasks", help="Such as A-W,A-D.", show_default="every ordered pair of domains"),
    ] = None,
    published: Annotated[
        str | None, typer.Option("--published", help="Published rows beside it: AlexNet, ResNet-50, ...")
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
    jobs: Annotated[
        int | None, typer.Option("--jobs", min=1, help="Processes side by side.", show_default="one a core")
    ] = None,
    device: options.Device = "auto",
    skip_bad: options.SkipBad = False,
    as_json: options.AsJson = False,
) -> None:
    """Adapt from every domain to every other by several methods.

    On cached features of a frozen backbone, with all of the source's labels and none of the target's.

    Example: office31 benchmark --methods erm,mcc --seeds 0,1,2
    """
    from office31_cli.recipes.benchmark import benchmark as recipe
    from office31_cli.recipes.request import Options
    from office31_cli.report.benchmark import benchmark_tables
    from office31_cli.report.console import Reporter

    reporter = Reporter(as_json=as_json)
    found = recipe(
        options.words("--methods", methods),
        seeds=options.numbers("--seeds", seeds),
        tasks=None if tasks is None else options.words("--tasks", tasks),
        beside=published,
        validator=validator,
        steps=steps,
        views=views,
        jobs=jobs,
        data=data,
        backbone=backbone,
        weights=weights,
        options=Options(
            epochs=epochs,
            lr=lr,
            optimizer=optimizer,
            batch_size=batch_size,
            held_out=0.0,
            device=device,
            skip_bad=skip_bad,
        ),
        observer=reporter,
    )
    reporter.show(found, *benchmark_tables(found))
    found.check()
