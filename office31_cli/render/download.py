"""How a downloaded data set looks."""

from rich.table import Table

from office31_cli.recipes.download import DownloadResult
from office31_cli.render.console import build_cell, build_table


def render_download(result: DownloadResult) -> Table:
    """The domains and their photographs."""
    table = build_table(
        f"{result.dataset}: {result.photographs:,} photographs of {result.items} items, verified",
        "domain",
        ">photographs",
        caption=str(result.root),
    )
    for domain, photographs in result.domains.items():
        table.add_row(build_cell(domain), f"{photographs:,}")
    return table
