"""How a data set that arrived looks."""

from rich.table import Table

from office31_cli.recipes.download import DownloadResult
from office31_cli.render.console import cell, table


def download_table(result: DownloadResult) -> Table:
    """The domains and their photographs."""
    made = table(
        f"{result.dataset}: {result.photographs:,} photographs of {result.items} items, verified",
        "domain",
        ">photographs",
        caption=str(result.root),
    )
    for domain, photographs in result.domains.items():
        made.add_row(cell(domain), f"{photographs:,}")
    return made
