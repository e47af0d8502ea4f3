"""A report that can be written: as one HTML page, and as figures for a paper."""

import os
from dataclasses import dataclass
from pathlib import Path

from office31_cli import storage
from office31_cli.recipes.report import figures
from office31_cli.recipes.report.results import ReportContents, SavedReport


@dataclass(frozen=True, eq=False)
class Report(ReportContents):
    """All that a report shows of a model, with what writes it."""

    def to_html(self) -> str:
        """The page: it needs no network and runs no script."""
        from office31_cli.recipes.report.html.page import render_page  # jinja2, 0.1 s

        return render_page(self)

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> SavedReport:
        """Write the page; raises `Misuse` where that cannot be, or unless `overwrite` where a file is there."""
        place = Path(path)
        storage.check_place(place, overwrite=overwrite)
        storage.write_file(place, self.to_html().encode())
        return SavedReport(self, [place])

    def save_figures(self, folder: str | os.PathLike[str], *, overwrite: bool = False) -> SavedReport:
        """Write all figures that there are, each as PNG and SVG.

        Raises `Failed` where matplotlib is not installed, and `Misuse` as `save` does.
        """
        place = Path(folder)
        figures.check_figures(place, overwrite=overwrite)
        return SavedReport(self, figures.write_figures(self, place))


@dataclass(frozen=True, eq=False)
class Figures:
    """The figures of a report."""

    report: Report

    def save(self, folder: str | os.PathLike[str], *, overwrite: bool = False) -> SavedReport:
        """Write all figures that there are, each as PNG and SVG: see `Report.save_figures`."""
        return self.report.save_figures(folder, overwrite=overwrite)
