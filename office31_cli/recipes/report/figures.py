"""The report's figures for a paper, drawn by matplotlib: small, plain, and the same bytes for the same model."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from office31_cli import storage
from office31_cli.recipes.report import palette
from office31_cli.text import printable, shorten
from office31_cli.workflow.plots import new_figure, write_picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from office31_cli.recipes.report.results import ModelEmbedding, ReportContents

KINDS = ("png", "svg")

_DPI = 300
_WIDTH = 6.5
"""Inches between the margins of a page."""

_STYLE: Any = {
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": palette.LIGHT["line"],
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.2,
    "legend.frameon": False,
    "text.parse_math": False,  # a name may hold a dollar sign
}


def check_matplotlib() -> None:
    """Raise `Failed` where matplotlib is not installed."""
    new_figure("figures", 1, 1)


def check_figures(folder: Path, *, overwrite: bool) -> None:
    """Raise `Failed` without matplotlib, and `Misuse` where a figure could not be written or is there already."""
    check_matplotlib()
    if not folder.is_dir():
        storage.check_place(folder, overwrite=False)
        return
    for name in _DRAWN:
        for kind in KINDS:
            storage.check_place(folder / f"{name}.{kind}", overwrite=overwrite)


def write_figures(report: "ReportContents", folder: Path) -> list[Path]:
    """Draw all that there is to draw, each as a PNG and an SVG, and return the paths."""
    from matplotlib import rc_context

    storage.make_folder(folder)
    written = []
    with rc_context(_STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # an item's name in letters that the font lacks
        for name, draw in _DRAWN.items():
            if (figure := draw(report)) is None:
                continue
            for kind in KINDS:
                written.append(folder / f"{name}.{kind}")
                write_picture(figure, written[-1], _DPI)
    return written


def _curves(report: "ReportContents") -> "Figure | None":
    """Losses, accuracies and the validator that picks an epoch."""
    from matplotlib.ticker import MaxNLocator

    noted = report.curves
    judged = {noted.judge: noted.validators[noted.judge]} if noted.judge in noted.validators else {}
    rows = [
        ("loss", noted.losses),
        ("accuracy on", noted.accuracies),
        ("validator", judged),
    ]
    there = [(title, series) for title, series in rows if series]
    if not there:
        return None
    figure = new_figure("figures", _WIDTH, 2.2)
    for axes, (title, series) in zip(_side_by_side(figure, len(there)), there, strict=True):
        for (name, values), hue in zip(series.items(), _hues(len(series)), strict=True):
            axes.plot(range(1, len(values) + 1), values, color=hue, label=printable(name))
            if noted.picked and title != "loss" and noted.picked <= len(values):
                axes.plot(
                    [noted.picked], values[noted.picked - 1 : noted.picked], "o", color=hue, markerfacecolor="white"
                )
        alone = title != "loss" and len(series) == 1
        axes.set(xlabel="epoch", ylabel=f"{title} {printable(next(iter(series)))}" if alone else title)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        if not alone:
            axes.legend()
    return figure


def _side_by_side(figure: "Figure", count: int) -> "list[Axes]":
    axes: list[Axes] = [*figure.subplots(1, count, squeeze=False)[0]]
    return axes


def _hues(count: int) -> list[str]:
    return [palette.LIGHT[palette.SERIES[place % len(palette.SERIES)]] for place in range(count)]


def _items(report: "ReportContents") -> "Figure | None":
    """Each item's accuracy, worst first; the other model's as a mark."""
    if not report.per_item:
        return None
    rows = report.per_item
    figure = new_figure("figures", _WIDTH / 2, 0.6 + 0.15 * len(rows))
    axes = figure.subplots()
    axes.barh(range(len(rows)), [row.accuracy for row in rows], 0.6, color=palette.LIGHT["blue"])
    axes.set_yticks(range(len(rows)), [printable(row.item) for row in rows], fontsize=7)
    axes.grid(visible=False, axis="y")
    known = [(row.other, place) for place, row in enumerate(rows) if row.other is not None]
    if report.other is not None and known:
        others, places = zip(*known, strict=True)
        axes.plot(
            others, places, "|", color=palette.LIGHT["ink"], markersize=6, label=printable(report.other.entry.name)
        )
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1))
    axes.set(xlim=(0, 1), ylim=(len(rows) - 0.4, -0.6), xlabel="accuracy")
    return figure


def _confusion(report: "ReportContents") -> "Figure | None":
    """Shares of each row; the counts are written into the squares."""
    if report.confusion is None:
        return None
    counts = report.confusion
    shares = counts / counts.sum(1, keepdims=True).clip(1)
    side = max(3.0, 0.9 + 0.19 * len(counts))
    figure = new_figure("figures", side, side)
    axes = figure.subplots()
    axes.pcolormesh(shares, cmap="Blues", vmin=0, vmax=1)
    axes.grid(visible=False)
    for row, column in zip(*(places.tolist() for places in counts.nonzero()), strict=True):
        shade = "white" if shares[row, column] > 0.5 else "black"
        told = str(counts[row, column])
        axes.text(column + 0.5, row + 0.5, told, ha="center", va="center", fontsize=5, color=shade)
    names, middles = [printable(item) for item in report.items], [place + 0.5 for place in range(len(counts))]
    axes.set_xticks(middles, names, rotation=90, fontsize=6)
    axes.set_yticks(middles, names, fontsize=6)
    axes.set(xlabel="predicted", ylabel="item", ylim=(len(counts), 0), aspect="equal")
    return figure


def _embedding(report: "ReportContents") -> "Figure | None":
    """Source and target of each model, on the same scale where they share a plane."""
    if report.embedding is None:
        return None
    panels = report.embedding.panels
    figure = new_figure("figures", _WIDTH, 0.6 + _WIDTH / len(panels))
    for axes, panel in zip(_side_by_side(figure, len(panels)), panels, strict=True):
        for cloud, look in _clouds(panel):
            axes.plot(*cloud.T, **look)
        axes.set(
            xlim=(-0.02, 1.02), ylim=(1.02, -0.02), xticks=[], yticks=[], aspect="equal", title=printable(panel.model)
        )
        axes.spines[:].set_visible(True)
    handles, labels = figure.axes[-1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure


def _clouds(panel: "ModelEmbedding") -> list[tuple[Any, dict[str, Any]]]:
    """Points (n, 2) with how they are drawn; those classified wrongly last, so that they lie on top."""
    plain: dict[str, Any] = {"linestyle": "none", "markeredgewidth": 0}
    made = []
    if panel.source is not None:
        look = {"marker": "o", "markersize": 2, "color": palette.LIGHT["blue"], "alpha": 0.5}
        made.append((panel.source.points, plain | look | {"label": printable(panel.source.domain)}))
    target, domain = panel.target, printable(panel.target.domain)
    look = plain | {"marker": "s", "markersize": 2, "color": palette.LIGHT["vermillion"], "label": domain}
    mark = {"linestyle": "none", "markersize": 3, "markeredgewidth": 0.8, "color": palette.LIGHT["ink"]}
    wrong, unknown, rest = target.groups
    made.append((target.points[rest], look))
    if target.right is not None:
        made.append((target.points[wrong], mark | {"marker": "x", "label": f"{domain}, classified wrongly"}))
    if unknown.any():
        label = f"{domain}, none of the model's items"
        made.append((target.points[unknown], mark | {"marker": "+", "label": label}))
    return made


def _reliability(report: "ReportContents") -> "Figure | None":
    """Accuracy over confidence."""
    if not report.reliability:
        return None
    rows = report.reliability
    figure = new_figure("figures", 0.4 + 2 * len(rows), 2.5)
    for axes, row in zip(_side_by_side(figure, len(rows)), rows, strict=True):
        middles, widths = zip(*(((each.low + each.high) / 2, each.high - each.low) for each in row.bins), strict=True)
        axes.bar(middles, [each.accuracy for each in row.bins], widths, color=palette.LIGHT["blue"], edgecolor="white")
        axes.plot([0, 1], [0, 1], "--", color=palette.LIGHT["grey"], linewidth=0.8)
        at = "as it is" if row.temperature is None else f"at temperature {row.temperature:.2f}"
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="confidence", ylabel="accuracy", aspect="equal")
        axes.set_title(f"{shorten(row.model, 32)}\n{at}: ECE {100 * row.ece:.1f} %", fontsize=6)
    return figure


_DRAWN: "dict[str, Callable[[ReportContents], Figure | None]]" = {
    "curves": _curves,
    "items": _items,
    "confusion": _confusion,
    "embedding": _embedding,
    "reliability": _reliability,
}
"""The figures by the names of their files."""
