"""How an examination looks: what it comes to, a line each, then the figures."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath

from rich.table import Table
from rich.text import Text

from office31_cli.data.duplicates import Group
from office31_cli.recipes.doctor.machine import Machine
from office31_cli.recipes.doctor.results import DataInventory, Distance, Examination, Forecast, LabelShift
from office31_cli.render.console import build_cell, build_table, render_text_table
from office31_cli.text import format_duration, format_interval, format_percent, join_names, pluralize, printable
from office31_cli.text_table import TextTable

_MOST = 5
"""Rows of a table that `--json` holds in full."""


def render_doctor(found: Examination) -> Iterable[Table | Text]:
    """The verdicts first, then a table for each thing that was looked at."""
    yield Text("\n".join(map(printable, list_findings(found))))
    if found.forecast is not None and found.distance is not None and found.label_shift is not None:
        yield _build_forecast_table(found, found.forecast, found.distance, found.label_shift)
        yield _build_shares_table(found.label_shift)
    if found.data is not None:
        yield _build_domains_table(found.data)
        yield from _build_duplicates_tables(found.data)
        yield from _build_label_issues_tables(found.data)
    yield _build_machine_table(found.machine)
    yield _build_extras_table(found.machine)


def list_findings(found: Examination) -> Iterator[str]:
    """What was found, a line each, the most important first."""
    if found.forecast is not None:
        yield _format_forecast(found.forecast)
        yield f"it takes about {format_duration(found.forecast.seconds)} here, on features that are there"
    if found.label_shift is not None:
        yield _format_label_shift(found.label_shift)
    if found.data is None:
        yield "no data set is here: office31 download brings one"
    else:
        yield from _list_data_findings(found.data)
    if found.machine.fault:
        yield f"torch does not work: {found.machine.fault}"


def _format_forecast(forecast: Forecast) -> str:
    """`adapting should help: 71 -> 82 (+7 to +15)`, in per cent and in points."""
    told = forecast.estimate
    low, high = told.gain_interval
    said = {
        "helps": "adapting should help",
        "hurts": "adapting should hurt",
        "hardly": "hardly anything to gain by adapting",
        "open": f"adapting may {'help' if told.gain > 0 else 'hurt'}, which is not certain",
    }[told.verdict]
    return f"{said}: {100 * told.before:.0f} -> {100 * told.after:.0f} % ({100 * low:+.0f} to {100 * high:+.0f})"


def _format_label_shift(shift: LabelShift) -> str:
    if shift.shown:
        return (
            f"the target seems to hold other shares of the items ({format_percent(shift.total_variation)} of it), "
            "which adapting does not expect"
        )
    return "no sign that the target holds other shares of the items"


def _list_data_findings(data: DataInventory) -> Iterator[str]:
    troubles = []
    for name, domain in data.domains.items():
        if domain.unreadable:
            troubles.append(f"{name}: {pluralize(len(domain.unreadable), 'picture')} cannot be read; use --skip-bad")
        if domain.missing:
            troubles.append(f"{name}: no photograph of {join_names(domain.missing)}")
        if domain.doubts:
            troubles.append(f"{name}: {pluralize(len(domain.doubts), 'doubtful label')} of {domain.photographs:,}")
    for groups, what in ((data.identical, "identical photographs"), (data.near or [], "near duplicates")):
        for where, count in _count_by_domains(groups).items():
            troubles.append(f"{where}: {pluralize(count, 'group')} of {what}")
    yield from troubles or ["the photographs are in order"]


def _count_by_domains(groups: Sequence[Group]) -> dict[str, int]:
    """How many groups lie in a domain, or across some."""
    counts: dict[str, int] = {}
    for group in groups:
        where = " and ".join(sorted({place.domain for place in group}))
        counts[where] = counts.get(where, 0) + 1
    return counts


def _build_forecast_table(found: Examination, forecast: Forecast, distance: Distance, shift: LabelShift) -> Table:
    told, signs = forecast.estimate, forecast.signs
    network = found.model or f"a head on {found.backbone}"
    rows = [
        ("network", network),
        ("before", f"{format_percent(told.before)}  ({format_interval(told.before_interval)})"),
        ("after", format_percent(told.after)),
        ("named otherwise", f"{format_percent(signs.changed)} of the target, so no more can change"),
        ("on the source", f"{format_percent(signs.source_accuracy)} of what was not learnt from"),
        ("A-distance", f"{distance.a_distance:.2f} of 2, within the source {distance.a_distance_within:.2f}"),
        ("squared MMD", f"{distance.mmd2:.4f}, within the source {distance.mmd2_within:.4f}"),
        (
            "label shift",
            f"{format_percent(shift.total_variation)}; without any it reads up to {format_percent(shift.noise)}",
        ),
        (
            "time",
            f"{format_duration(forecast.seconds)} for {forecast.method}, and at most "
            f"{format_duration(forecast.features / forecast.photographs_per_second)} for features",
        ),
    ]
    made = build_table(
        f"{found.source} to {found.target}, without a label of {found.target}",
        "",
        "",
        caption="intervals held nine of ten pseudo-shifts of a source, for which labels are known",
    )
    made.show_header = False
    for name, value in rows:
        made.add_row(name, build_cell(value))
    return made


def _build_shares_table(shift: LabelShift) -> Table:
    changed = sorted(shift.shares.items(), key=lambda pair: -abs(pair[1][1] - pair[1][0]))
    return render_text_table(
        TextTable(
            "items whose share seems to differ most",
            ("item", ">source", ">target, estimated"),
            [[item, format_percent(before), format_percent(after)] for item, (before, after) in changed[:5]],
        )
    )


def _build_domains_table(data: DataInventory) -> Table:
    def number(found: Sequence[object] | None) -> str:
        return "-" if found is None else f"{len(found):,}"

    return render_text_table(
        TextTable(
            f"{data.dataset}, {pluralize(data.items, 'item')}",
            ("domain", ">photographs", ">an item", ">unreadable", ">doubtful labels"),
            [
                [
                    name,
                    f"{each.photographs:,}",
                    "-" if not each.items else f"{min(each.items.values()):,} to {max(each.items.values()):,}",
                    number(each.unreadable),
                    number(each.doubts),
                ]
                for name, each in data.domains.items()
            ],
            "-: not looked at",
        )
    )


def _build_duplicates_tables(data: DataInventory) -> Iterator[Table]:
    for groups, what in ((data.identical, "identical photographs"), (data.near or [], "near duplicates")):
        if groups:
            yield render_text_table(
                TextTable(
                    f"{what}, the largest groups first",
                    (">photographs", "where"),
                    [
                        [f"{len(group):,}", _format_group(group)]
                        for group in sorted(groups, key=lambda group: -len(group))[:_MOST]
                    ],
                    _format_rest(len(groups)),
                )
            )


def _format_group(group: Group) -> str:
    """`amazon/mug: 1.jpg, 2.jpg and 3 more`; whole paths where they do not lie in one folder."""
    paths = [PurePosixPath(place.domain, place.file) for place in group]
    folders = {path.parent for path in paths}
    if len(folders) > 1:
        return join_names(map(str, paths), 3)
    return f"{folders.pop()}: {join_names((path.name for path in paths), 3)}"


def _build_label_issues_tables(data: DataInventory) -> Iterator[Table]:
    for name, domain in data.domains.items():
        if domain.doubts:
            yield render_text_table(
                TextTable(
                    f"labels of {name} that look doubtful, the most doubtful first",
                    ("photograph", "label", "looks like", ">margin"),
                    [[each.file, each.item, each.likelier, f"{each.margin:.2f}"] for each in domain.doubts[:_MOST]],
                    _format_rest(len(domain.doubts)),
                )
            )


def _format_rest(count: int) -> str:
    return f"{count - _MOST:,} more in --json" if count > _MOST else ""


def _build_machine_table(machine: Machine) -> Table:
    made = build_table("machine", "", "")
    made.show_header = False
    threads = "" if machine.threads is None else f", {pluralize(machine.threads, 'thread')} for torch"
    for name, value in (
        ("office31", f"{machine.office31}, Python {machine.python}"),
        ("torch", f"{machine.torch or 'not installed'}, torchvision {machine.torchvision or 'not installed'}"),
        ("accelerator", machine.fault or machine.accelerator or "none: --train head, on cached features, is for this"),
        ("cores", f"{machine.cores}{threads}"),
        ("disk", f"{machine.free_bytes / 1e9:.1f} GB free at {machine.home}"),
        ("cache", f"{machine.cache_bytes / 1e9:.1f} GB in {machine.cache}"),
    ):
        made.add_row(name, build_cell(value))
    return made


def _build_extras_table(machine: Machine) -> Table:
    return render_text_table(
        TextTable(
            "extras",
            ("extra", "", "for"),
            [
                [name, "installed" if each.installed else "missing", each.purpose]
                for name, each in machine.extras.items()
            ],
        )
    )
