"""`office31 download`."""

from typing import Annotated

import typer

from office31_cli.cli import options
from office31_cli.errors import Misuse


def download(
    origin: Annotated[
        str | None,
        typer.Option("--from", help="An archive, a folder or a URL, in place of the public mirrors."),
    ] = None,
    sample: Annotated[bool, typer.Option("--sample", help="Draw a small stand-in; needs no network.")] = False,
    verify: Annotated[bool, typer.Option("--verify", help="Only check again what is here.")] = False,
    as_json: options.AsJson = False,
) -> None:
    """Bring Office-31 here, every photograph checked by its SHA-256.

    Example: office31 download --from domain_adaptation_images.tar.gz
    """
    from office31_cli.recipes.download import download as recipe
    from office31_cli.recipes.download import draw_sample, verify_sample
    from office31_cli.recipes.download import verify as check
    from office31_cli.render.console import Reporter
    from office31_cli.render.download import render_download

    if origin is not None and (sample or verify):
        raise Misuse("download", "--from brings something, --sample and --verify do not need it", "give one of them")
    reporter = Reporter(as_json=as_json)
    if sample:
        result = verify_sample() if verify else draw_sample(observer=reporter)
    elif verify:
        result = check(observer=reporter)
    else:
        result = recipe(origin, observer=reporter)
    reporter.show(result, render_download(result))
