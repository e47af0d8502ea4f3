"""`office31 download`."""

from pathlib import Path
from typing import Annotated

import typer

from office31_cli.cli import completion, options
from office31_cli.cli.command import Panel, command
from office31_cli.cli.completion import complete_one
from office31_cli.errors import Misuse
from office31_cli.text import printable

SAMPLE = "sample"
"""The data set that `--sample` means."""


@command(10, Panel.START)
def download(
    data_set: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA_SET",
            help="A known data set.",
            show_default="office31",
            autocompletion=complete_one(completion.list_data_sets),
        ),
    ] = None,
    origin: Annotated[
        str | None,
        typer.Option("--from", metavar="SOURCE", help="An archive, a folder or a URL, in place of the public mirrors."),
    ] = None,
    sample: Annotated[bool, typer.Option("--sample", help="Draw a small stand-in; needs no network.")] = False,
    verify: Annotated[bool, typer.Option("--verify", help="Only check again what is here.")] = False,
    as_json: options.AsJson = False,
) -> None:
    """Bring a data set here, each photograph checked by its SHA-256.

    Example: office31 download --from domain_adaptation_images.tar.gz
    """
    from office31_cli.data import sets
    from office31_cli.recipes import download as recipe
    from office31_cli.render.console import Reporter
    from office31_cli.render.download import render_download

    if origin is not None and (sample or verify):
        raise Misuse("download", "--from brings something, --sample and --verify do not need it", "give one of them")
    if sample and data_set not in (None, SAMPLE):
        raise Misuse("download", f"--sample is the data set {SAMPLE}", "leave out one of the two")
    if data_set is not None and sets.find(data_set) is None and Path(data_set).exists():
        raise Misuse(f"data set {printable(data_set)}", "a path, not the name of one", "put --from before it")
    name = SAMPLE if sample else data_set or sets.DEFAULT
    reporter = Reporter(as_json=as_json)
    if verify:
        result = recipe.verify_download(data_set=name, observer=reporter)
    else:
        result = recipe.download(origin, data_set=name, observer=reporter)
    reporter.show(result, render_download(result))
