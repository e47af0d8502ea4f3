"""`office31 finetune`."""

from typing import Annotated

import typer

from office31_cli.cli import options
from office31_cli.errors import Misuse
from office31_cli.text import printable


def finetune(
    target: Annotated[str, typer.Option("--target", help="The domain whose labels to learn from.")],
    model: options.Model = None,
    data: options.Data = None,
    strategy: Annotated[str, typer.Option("--strategy", help="full or linear.")] = "full",
    labels: Annotated[str, typer.Option("--labels", help="all of the training part, or a number an item.")] = "all",
    outputs: options.Outputs = None,
    train: options.Train = None,
    epochs: options.Epochs = None,
    lr: options.LearningRate = None,
    optimizer: options.Optimizer = "nesterov",
    batch_size: options.BatchSize = 64,
    held_out: options.HeldOut = 0.2,
    seed: options.Seed = 0,
    device: options.Device = "auto",
    name: options.Name = None,
    resume: options.Resume = False,
    skip_bad: options.SkipBad = False,
    as_json: options.AsJson = False,
) -> None:
    """Go on from a stored network with labels of the target.

    Example: office31 finetune --target dslr --labels 3
    """
    from office31_cli.recipes.finetune import finetune as recipe
    from office31_cli.recipes.request import Options
    from office31_cli.report.console import Reporter
    from office31_cli.report.training import trained_table

    reporter = Reporter(as_json=as_json)
    chosen = Options(
        outputs=outputs,
        train=train,
        epochs=epochs,
        lr=lr,
        optimizer=optimizer,
        batch_size=batch_size,
        held_out=held_out,
        seed=seed,
        device=device,
        name=name,
        resume=resume,
        skip_bad=skip_bad,
    )
    result = recipe(
        target,
        model=model,
        data=data,
        strategy=strategy,
        labels=_number(labels),
        options=chosen,
        observer=reporter,
    )
    reporter.show(result, trained_table(result))


def _number(labels: str) -> int | None:
    if labels == "all":
        return None
    if not (labels.isascii() and labels.isdigit() and len(labels) < 10):
        raise Misuse(f"--labels {printable(labels)}", "not a number", "use all, or a number of labels an item")
    return int(labels)
