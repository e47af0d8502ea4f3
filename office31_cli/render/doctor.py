"""How an examination looks: the findings, a line each, and the tables that they come from."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath

from rich.table import Table
from rich.text import Text

from office31_cli.data.duplicates import Group
from office31_cli.recipes.doctor.machine import Machine
from office31_cli.recipes.doctor.results import (
    DataInventory,
    Distance,
    DomainInventory,
    Examination,
    Forecast,
    ItemSetForecast,
    LabelShift,
)
from office31_cli.render.console import build_facts, render_text_table
from office31_cli.text import format_duration, format_interval, format_percent, join_names, pluralize, printable
from office31_cli.text_table import TextTable

_NAMES = 3
"""Items that a finding names."""

_MOST = 5
"""Rows of a table that `--json` holds in full."""


def render_doctor(result: Examination, *, details: bool = False) -> Iterable[Table | Text]:
    """The findings; with `details` a table for each thing that was examined as well."""
    yield Text("\n".join(map(printable, list_findings(result))))
    if not details:
        yield Text("the figures behind it, the data set, the machine and the extras: --details", style="dim")
        return
    if result.forecast is not None and result.distance is not None and result.label_shift is not None:
        yield _build_forecast_table(result, result.forecast, result.distance, result.label_shift)
        yield _build_shares_table(result.label_shift)
    if result.data is not None:
        yield _build_domains_table(result.data)
        yield from _build_duplicates_tables(result.data)
        yield from _build_label_issues_tables(result.data)
    yield _build_machine_table(result.machine)
    yield _build_extras_table(result.machine)


def list_findings(result: Examination) -> Iterator[str]:
    """The findings, a line each, the most important first."""
    if result.forecast is not None:
        yield _format_forecast(result.forecast, result.item_sets)
        yield f"it takes about {format_duration(result.forecast.seconds)} here, once features are cached"
    if result.item_sets is not None:
        yield from _list_item_sets(result, result.item_sets)
    if result.label_shift is not None and (result.item_sets is None or result.item_sets.misplaced is None):
        yield _format_label_shift(result.label_shift)
    if result.data is None:
        yield "no data set is here: office31 download brings one"
    else:
        yield from _list_data_findings(result.data)
        yield _format_counts(result.data)
    yield _format_machine(result.machine)


def _format_forecast(forecast: Forecast, item_sets: ItemSetForecast | None) -> str:
    """`adapting should help: 71 -> 82 % (+7 to +15)`, in per cent and in points."""
    estimate = forecast.estimate
    low, high = estimate.gain_interval
    how = ""
    if item_sets is not None and item_sets.setting != "closed":
        how = f" with --setting {item_sets.setting}, which adapt chooses by itself"
    verdict = {
        "helps": f"adapting should help{how}",
        "hurts": f"adapting should hurt{how}",
        "hardly": f"hardly anything to gain by adapting{how}",
        "open": f"adapting{how} may {'help' if estimate.gain > 0 else 'hurt'}, which is not certain",
    }[estimate.verdict]
    before, after = 100 * estimate.before, 100 * estimate.after
    return f"{verdict}: {before:.0f} -> {after:.0f} % ({100 * low:+.0f} to {100 * high:+.0f})"


def _list_item_sets(result: Examination, item_sets: ItemSetForecast) -> Iterator[str]:
    """Which items seem to be on the target, and what that means for adapting; nothing where it seems to show all."""
    if item_sets.misplaced is not None:
        seem = "seem" if len(item_sets.shown) != 1 else "seems"
        names = f" ({join_names(item_sets.shown, _NAMES)})" if item_sets.shown else ""
        items = f"{len(item_sets.shown):,} of the {pluralize(item_sets.items, 'item')}"
        yield f"about {items} {seem} to be on {result.target}{names}"
        if item_sets.closed_loses:
            share = f"{format_percent(item_sets.misplaced)} of the photographs"
            yield f"adapting with --setting closed would lose: it would take {share} for absent items"
    if item_sets.unknown is not None:
        share = format_percent(item_sets.unknown)
        yield f"about {share} of the photographs of {result.target} seem to show none of the items"


def _format_label_shift(shift: LabelShift) -> str:
    if not shift.shown:
        return "no sign of a label shift"
    share = format_percent(shift.total_variation)
    return f"label shift: the items seem to have other shares in the target ({share}), which adapting does not expect"


def _list_data_findings(data: DataInventory) -> Iterator[str]:
    findings = []
    for name, domain in data.domains.items():
        if domain.unreadable:
            findings.append(f"{name}: {pluralize(len(domain.unreadable), 'picture')} cannot be read; use --skip-bad")
        if domain.missing:
            findings.append(f"{name}: no photograph of {join_names(domain.missing, _NAMES)}")
        if domain.unknown:
            others = f"{pluralize(sum(domain.unknown.values()), 'photograph')} of items that the source lacks"
            findings.append(f"{name}: {others} ({join_names(domain.unknown, _NAMES)})")
        if domain.doubts:
            errors = pluralize(len(domain.doubts), "suspected label error")
            findings.append(f"{name}: {errors} in {domain.photographs:,} photographs")
    for groups, what in ((data.identical, "identical photographs"), (data.near or [], "near duplicates")):
        for where, count in _count_by_domains(groups).items():
            findings.append(f"{where}: {pluralize(count, 'group')} of {what}")
    yield from findings or ["nothing wrong with the photographs"]


def _count_by_domains(groups: Sequence[Group]) -> dict[str, int]:
    """How many groups lie in a domain, or across some."""
    counts: dict[str, int] = {}
    for group in groups:
        where = " and ".join(sorted({place.domain for place in group}))
        counts[where] = counts.get(where, 0) + 1
    return counts


def _format_counts(data: DataInventory) -> str:
    """`sample: 31 items, amazon 930 photographs, webcam 434`."""
    (first, domain), *others = data.domains.items()
    counts = [f"{first} {pluralize(domain.photographs, 'photograph')}{_format_unlabelled(domain)}"]
    counts += [f"{name} {each.photographs:,}{_format_unlabelled(each)}" for name, each in others]
    return f"{data.dataset}: {pluralize(data.items, 'item')}, {', '.join(counts)}"


def _format_unlabelled(domain: DomainInventory) -> str:
    """` (20 labelled)` for a domain that is labelled in part, ` (not labelled)` for one that is not."""
    if domain.labelled == domain.photographs:
        return ""
    return f" ({domain.labelled:,} labelled)" if domain.labelled else " (not labelled)"


def _format_machine(machine: Machine) -> str:
    if machine.fault:
        return f"torch does not work: {machine.fault}"
    accelerator = machine.accelerator or "no accelerator (use --train head)"
    return f"this machine: {pluralize(machine.cores, 'core')}, {accelerator}, {machine.free_bytes / 1e9:.1f} GB free"


def _build_forecast_table(result: Examination, forecast: Forecast, distance: Distance, shift: LabelShift) -> Table:
    estimate, signs = forecast.estimate, forecast.signs
    features = format_duration(forecast.features / forecast.photographs_per_second)
    noise = format_percent(shift.noise)
    return build_facts(
        f"{result.source} to {result.target}, without a label of {result.target}",
        [
            ("network", result.model or f"a head on {result.backbone}"),
            ("before", f"{format_percent(estimate.before)}  ({format_interval(estimate.before_interval)})"),
            ("after", format_percent(estimate.after)),
            ("changed", f"{format_percent(signs.changed)} of the predictions on the target"),
            ("on the source", f"{format_percent(signs.source_accuracy)} of photographs that were held out"),
            ("A-distance", f"{distance.a_distance:.2f} of 2, within the source {distance.a_distance_within:.2f}"),
            ("squared MMD", f"{distance.mmd2:.4f}, within the source {distance.mmd2_within:.4f}"),
            ("label shift", f"{format_percent(shift.total_variation)}; up to {noise} is measured where there is none"),
            (
                "time",
                f"{format_duration(forecast.seconds)} for {forecast.method}, and at most {features} for features",
            ),
        ],
        "intervals covered nine of ten pseudo-shifts of a source, for which labels are known",
    )


def _build_shares_table(shift: LabelShift) -> Table:
    changed = sorted(shift.shares.items(), key=lambda pair: -abs(pair[1][1] - pair[1][0]))
    return render_text_table(
        TextTable(
            "items whose share seems to differ most",
            ("item", ">source", ">target, estimated"),
            [[item, format_percent(before), format_percent(after)] for item, (before, after) in changed[:_MOST]],
        )
    )


def _build_domains_table(data: DataInventory) -> Table:
    def count(entries: Sequence[object] | None) -> str:
        return "-" if entries is None else f"{len(entries):,}"

    return render_text_table(
        TextTable(
            f"{data.dataset}, {pluralize(data.items, 'item')}",
            ("domain", ">photographs", ">labelled", ">items", ">an item", ">unreadable", ">label errors"),
            [
                [
                    name,
                    f"{each.photographs:,}",
                    f"{each.labelled:,}",
                    count(each.shown),
                    _format_range(each),
                    count(each.unreadable),
                    count(each.doubts),
                ]
                for name, each in data.domains.items()
            ],
            "-: not examined",
        )
    )


def _format_range(domain: DomainInventory) -> str:
    """`12 to 98`: the photographs of the rarest and of the commonest item that the domain shows."""
    counts = [count for count in ((domain.items or {}) | (domain.unknown or {})).values() if count]
    return f"{min(counts):,} to {max(counts):,}" if counts else "-"


def _build_duplicates_tables(data: DataInventory) -> Iterator[Table]:
    for groups, what in ((data.identical, "identical photographs"), (data.near or [], "near duplicates")):
        if groups:
            largest = sorted(groups, key=lambda group: -len(group))[:_MOST]
            yield render_text_table(
                TextTable(
                    f"{what}, the largest groups first",
                    (">photographs", "where"),
                    [[f"{len(group):,}", _format_group(group)] for group in largest],
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
                    f"suspected label errors of {name}, the likeliest first",
                    ("photograph", "label", "looks like", ">margin"),
                    [[each.file, each.item, each.likelier, f"{each.margin:.2f}"] for each in domain.doubts[:_MOST]],
                    _format_rest(len(domain.doubts)),
                )
            )


def _format_rest(count: int) -> str:
    return f"{count - _MOST:,} more in --json" if count > _MOST else ""


def _build_machine_table(machine: Machine) -> Table:
    threads = "" if machine.threads is None else f", {pluralize(machine.threads, 'thread')} for torch"
    return build_facts(
        "machine",
        [
            ("office31", f"{machine.office31}, Python {machine.python}"),
            ("torch", f"{machine.torch or 'not installed'}, torchvision {machine.torchvision or 'not installed'}"),
            ("accelerator", machine.fault or machine.accelerator or "none"),
            ("cores", f"{machine.cores}{threads}"),
            ("disk", f"{machine.free_bytes / 1e9:.1f} GB free at {machine.home}"),
            ("cache", f"{machine.cache_bytes / 1e9:.1f} GB in {machine.cache}"),
        ],
    )


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
