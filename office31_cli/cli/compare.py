"""`office31 compare`."""

from pathlib import Path
from typing import Annotated

import typer

from office31_cli.cli import completion, options
from office31_cli.cli.completion import complete_one, complete_several
from office31_cli.errors import Misuse

app = typer.Typer(
    help="The chapter's claims, put to the test.",
)


@app.callback(invoke_without_command=True)
def _compare(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command()
def outputs(
    alternatives: Annotated[
        str, typer.Option("--outputs", help="What to compare, with commas between.")
    ] = "item+domain,pair,separate",
    seeds: options.Seeds = "0,1,2",
    backbone: options.Backbone = None,
    weights: options.Weights = None,
    data: options.Data = None,
    train: options.Train = None,
    epochs: options.Epochs = None,
    lr: options.LearningRate = None,
    optimizer: options.Optimizer = "nesterov",
    batch_size: options.BatchSize = 64,
    held_out: options.HeldOut = 0.2,
    device: options.Device = "auto",
    skip_bad: options.SkipBad = False,
    as_json: options.AsJson = False,
) -> None:
    """Train joint, pair and separate outputs.

    All on all domains, with the same budget, seeds and split.

    Example: office31 compare outputs --backbone squeezenet1_0
    """
    from office31_cli.recipes.compare.outputs import compare_outputs
    from office31_cli.render.compare import render_outputs
    from office31_cli.render.console import Reporter
    from office31_cli.workflow.request import Options

    reporter = Reporter(as_json=as_json)
    found = compare_outputs(
        options.parse_words("--outputs", alternatives, empty=True),  # the notation complains of an empty one itself
        seeds=options.parse_numbers("--seeds", seeds),
        data=data,
        backbone=backbone,
        weights=weights,
        options=Options(
            train=train,
            epochs=epochs,
            lr=lr,
            optimizer=optimizer,
            batch_size=batch_size,
            held_out=held_out,
            device=device,
            skip_bad=skip_bad,
        ),
        observer=reporter,
    )
    reporter.show(found, *render_outputs(found))


@app.command()
def optimizers(
    chosen: Annotated[
        str | None,
        typer.Option(
            "--optimizers",
            help="Which, with commas between.",
            show_default="all",
            autocompletion=complete_several(completion.list_optimizers),
        ),
    ] = None,
    rates: Annotated[
        str | None,
        typer.Option("--lrs", help="Learning rates, with commas between.", show_default="1e-5,1e-4,1e-3,1e-2,1e-1"),
    ] = None,
    landscape: Annotated[
        bool,
        typer.Option("--landscape", help="Train nothing: draw ways down a curve with a shallow and a deep minimum."),
    ] = False,
    png: Annotated[
        Path | None, typer.Option("--png", help="With --landscape: write the drawings to this file, too.")
    ] = None,
    backbone: options.Backbone = None,
    weights: options.Weights = None,
    data: options.Data = None,
    epochs: Annotated[
        int | None, typer.Option("--epochs", min=1, help="Passes over the labelled photographs.", show_default="3")
    ] = None,
    batch_size: options.BatchSize = 64,
    held_out: options.HeldOut = 0.2,
    seed: options.Seed = 0,
    device: options.Device = "auto",
    skip_bad: options.SkipBad = False,
    as_json: options.AsJson = False,
) -> None:
    """Train with every optimizer and learning rate.

    On cached features of all domains, and a small network from pixels.

    Example: office31 compare optimizers --backbone squeezenet1_0
    """
    from office31_cli.recipes.compare import optimizers as recipe
    from office31_cli.render.compare import render_claims, render_optimizers
    from office31_cli.render.console import Reporter
    from office31_cli.render.landscape import render_landscape
    from office31_cli.workflow.request import Options

    reporter = Reporter(as_json=as_json)
    names = None if chosen is None else options.parse_words("--optimizers", chosen)
    speeds = recipe.parse_rates(rates)
    if landscape:
        ways = recipe.compare_landscape(names, speeds)
        if png is not None:
            ways.save_plot(png)
        reporter.show(ways, *render_landscape(ways), *render_claims(ways.claims))
        return
    if png is not None:
        raise Misuse("--png", "only the drawings of --landscape can be written", "add --landscape")
    found = recipe.compare_optimizers(
        names,
        rates=speeds,
        data=data,
        backbone=backbone,
        weights=weights,
        options=Options(
            epochs=epochs, batch_size=batch_size, held_out=held_out, seed=seed, device=device, skip_bad=skip_bad
        ),
        observer=reporter,
    )
    reporter.show(found, *render_optimizers(found))


@app.command()
def chapter(
    data: options.Data = None,
    epochs: Annotated[
        int | None,
        typer.Option("--epochs", min=1, help="Stop each run after so many.", show_default="20 and 50, as in the book"),
    ] = None,
    held_out: options.HeldOut = 0.2,
    seed: options.Seed = 0,
    device: options.Device = "auto",
    skip_bad: options.SkipBad = False,
    as_json: options.AsJson = False,
) -> None:
    """Repeat the textbook's own runs.

    Three of them, on all domains, its figures beside ours.

    Example: office31 compare chapter
    """
    from office31_cli.recipes.compare.chapter import compare_chapter
    from office31_cli.render.compare import render_chapter
    from office31_cli.render.console import Reporter
    from office31_cli.workflow.request import Options

    reporter = Reporter(as_json=as_json)
    chosen = Options(held_out=held_out, seed=seed, device=device, skip_bad=skip_bad)
    found = compare_chapter(data=data, epochs=epochs, options=chosen, observer=reporter)
    reporter.show(found, *render_chapter(found))


@app.command()
def labels(
    target: Annotated[
        str,
        typer.Option(
            "--target", help="The domain whose labels to count.", autocompletion=complete_one(completion.list_labelled)
        ),
    ],
    budgets: Annotated[
        str, typer.Option("--labels", help="Labels an item, with commas between; 0 adapts without any.")
    ] = "0,1,3,5,10,all",
    chosen: Annotated[
        str,
        typer.Option(
            "--strategies",
            help="Which, with commas between.",
            autocompletion=complete_several(completion.list_strategies),
        ),
    ] = "linear,full,mcc",
    method: Annotated[
        str,
        typer.Option(
            "--method", help="How to adapt without labels.", autocompletion=complete_one(completion.list_methods)
        ),
    ] = "mcc",
    with_source: Annotated[
        bool, typer.Option("--with-source/--target-only", help="Learn again from what the model was trained on, too.")
    ] = True,
    seeds: options.Seeds = "0,1,2,3,4",
    png: Annotated[Path | None, typer.Option("--png", help="Write the plot to this file, too.")] = None,
    model: options.Model = None,
    data: options.Data = None,
    train: options.Train = None,
    epochs: options.Epochs = None,
    lr: options.LearningRate = None,
    optimizer: options.Optimizer = "nesterov",
    batch_size: options.BatchSize = 64,
    held_out: options.HeldOut = 0.2,
    device: options.Device = "auto",
    skip_bad: options.SkipBad = False,
    as_json: options.AsJson = False,
) -> None:
    """Count what each labelled photograph buys.

    Fine-tunes a stored network with more and more labels of the target, beside adapting without any.

    Example: office31 compare labels --target dslr
    """
    from office31_cli.recipes.compare.labels import compare_labels
    from office31_cli.render.console import Reporter
    from office31_cli.render.label_budget import render_labels
    from office31_cli.workflow.pictures import check_picture
    from office31_cli.workflow.request import Options

    if png is not None:
        check_picture("--png", png)
    reporter = Reporter(as_json=as_json)
    found = compare_labels(
        target,
        budgets=[options.parse_labels(word, least=0) for word in options.parse_words("--labels", budgets)],
        strategies=options.parse_words("--strategies", chosen),
        method=method,
        with_source=with_source,
        seeds=options.parse_numbers("--seeds", seeds),
        model=model,
        data=data,
        options=Options(
            train=train,
            epochs=epochs,
            lr=lr,
            optimizer=optimizer,
            batch_size=batch_size,
            held_out=held_out,
            device=device,
            skip_bad=skip_bad,
        ),
        observer=reporter,
    )
    reporter.show(found, *render_labels(found))
    if png is not None:
        found.save_plot(png)
