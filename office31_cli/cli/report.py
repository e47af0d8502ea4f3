"""`office31 report` and `office31 figures`."""

from pathlib import Path
from typing import Annotated

import typer

from office31_cli.cli import completion, options
from office31_cli.cli.completion import complete_one
from office31_cli.errors import Misuse

Word = Annotated[
    str | None,
    typer.Argument(
        metavar="MODEL",
        help="A stored model's name or id; --model does the same.",
        show_default="the newest",
        autocompletion=complete_one(completion.list_models),
    ),
]
Compare = Annotated[
    str | None,
    typer.Option(
        "--compare",
        help="Another stored model, on the same photographs.",
        show_default="what the model was made from",
        autocompletion=complete_one(completion.list_models),
    ),
]
Embedding = Annotated[
    str | None,
    typer.Option(
        "--embedding", help="How features become points: tsne or pca.", show_default="tsne where scikit-learn is here"
    ),
]


def report(
    word: Word = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="The page to write.")] = Path("report.html"),
    compare: Compare = None,
    split: options.Split = None,
    embedding: Embedding = None,
    model: options.Model = None,
    data: options.Data = None,
    device: options.Device = "auto",
    overwrite: options.Overwrite = False,
    skip_bad: options.SkipBad = False,
    as_json: options.AsJson = False,
) -> None:
    """Show all that there is about a model on one HTML page.

    It needs no network and runs no script; it holds small copies of some photographs.

    Example: office31 report -o page.html
    """
    from office31_cli import storage
    from office31_cli.recipes.report.command import report as recipe
    from office31_cli.render.console import Reporter
    from office31_cli.render.report import render_saved_report

    reporter = Reporter(as_json=as_json)
    storage.check_place(out, overwrite=overwrite)
    made = recipe(
        _model(word, model),
        split=split,
        compare=compare,
        data=data,
        embedding=embedding,
        device=device,
        skip_bad=skip_bad,
        observer=reporter,
    )
    saved = made.save(out, overwrite=overwrite)
    reporter.show(saved, render_saved_report(saved))


def figures(
    word: Word = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder to write them to.")] = Path("figures"),
    compare: Compare = None,
    split: options.Split = None,
    embedding: Embedding = None,
    model: options.Model = None,
    data: options.Data = None,
    device: options.Device = "auto",
    overwrite: options.Overwrite = False,
    skip_bad: options.SkipBad = False,
    as_json: options.AsJson = False,
) -> None:
    """Write the report's figures for a paper, each as PNG and SVG.

    Example: office31 figures --out figures
    """
    from office31_cli.recipes.report.command import figures as recipe
    from office31_cli.recipes.report.figures import check_figures
    from office31_cli.render.console import Reporter
    from office31_cli.render.report import render_saved_report

    reporter = Reporter(as_json=as_json)
    check_figures(out, overwrite=overwrite)
    made = recipe(
        _model(word, model),
        split=split,
        compare=compare,
        data=data,
        embedding=embedding,
        device=device,
        skip_bad=skip_bad,
        observer=reporter,
    )
    saved = made.save(out, overwrite=overwrite)
    reporter.show(saved, render_saved_report(saved))


def _model(word: str | None, option: str | None) -> str | None:
    if word is not None and option is not None:
        raise Misuse("MODEL and --model", "the model is named twice", "leave one of them out")
    return option if word is None else word
