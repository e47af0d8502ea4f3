"""How the comparisons of outputs, of optimizers and with the textbook look."""

from collections.abc import Iterable, Sequence

from rich.console import RenderableType
from rich.table import Table

from office31_cli.recipes.compare.results import (
    ChapterComparison,
    Claim,
    OptimizerRow,
    OptimizersComparison,
    OutputsComparison,
)
from office31_cli.render.console import build_cell, build_facts, build_table
from office31_cli.render.sparkline import draw_sparkline
from office31_cli.text import format_spread, pluralize


def render_outputs(result: OutputsComparison) -> Iterable[RenderableType]:
    """A row for each way to predict, then the chapter's claims."""
    seeds = pluralize(len(result.rows[0].runs), "seed")
    table = build_table(
        f"outputs on {result.backbone}, {seeds}, {pluralize(result.held_out, 'photograph')} held out",
        "outputs",
        ">width",
        ">weights",
        ">item %",
        ">domain %",
        ">both %",
        "loss",
        ">s",
    )
    for row in result.rows:
        table.add_row(
            build_cell(row.outputs),
            str(row.width),
            f"{row.parameters:,}",
            format_spread(row.item, row.item_std),
            format_spread(row.domain, row.domain_std),
            format_spread(row.both, row.both_std),
            draw_sparkline(row.loss, 5),
            f"{row.seconds:.1f}",
        )
    yield table
    yield from render_claims(result.claims)


def render_optimizers(result: OptimizersComparison, *, details: bool = False) -> Iterable[RenderableType]:
    """For each network the item accuracies by optimizer and rate, then cost and the lowest loss; and the claims.

    With `details` the claims come with what was measured.
    """
    networks = list(dict.fromkeys(row.network for row in result.rows))
    for network in networks:
        rows = [row for row in result.rows if row.network == network]
        title = f"item accuracy after {pluralize(result.epochs, 'epoch')} on {network}, % by learning rate"
        yield _build_rates_table(title, rows, last=network == networks[-1])
    yield from render_claims(result.claims, details=details)


def _build_rates_table(title: str, rows: Sequence[OptimizerRow], *, last: bool) -> Table:
    rates = sorted({row.lr for row in rows})
    table = build_table(
        title,
        "optimizer",
        *(f">{rate:g}" for rate in rates),
        ">loss",
        ">ms",
        ">state",
        caption="the lowest loss and milliseconds a step of any rate; bytes of state a parameter, and the memory with "
        "it over that of the parameters alone"
        if last
        else None,
    )
    for optimizer in dict.fromkeys(row.optimizer for row in rows):
        its = [row for row in rows if row.optimizer == optimizer]
        items = {row.lr: row.item for row in its}
        losses = [row.loss for row in its if row.loss is not None]
        table.add_row(
            optimizer,
            *(_format_share(items[rate]) for rate in rates),
            f"{min(losses):.3f}" if losses else "-",
            f"{min(row.milliseconds_per_step for row in its):.2f}",
            f"{its[0].state_bytes_per_parameter:.0f} B, {its[0].memory_ratio:.0f}x",
        )
    return table


def render_chapter(result: ChapterComparison) -> Iterable[RenderableType]:
    """The runs beside the textbook's figures, then its claims."""
    table = build_table(
        f"the chapter's runs, trained on {result.photographs:,} photographs, {result.held_out:,} held out",
        "hidden",
        "optimizer",
        ">epochs",
        ">domain %",
        ">item %",
        ">seconds",
        "loss",
        caption="measured here / in the textbook",
    )
    for row in result.rows:
        book = row.textbook or {}
        table.add_row(
            row.network,
            row.optimizer,
            str(row.epochs),
            f"{100 * row.domain:.1f} / {_format_share(book.get('domain'))}",
            f"{100 * row.item:.1f} / {_format_share(book.get('item'))}",
            f"{row.seconds:.0f} / {book.get('seconds', '-')}",
            draw_sparkline(row.loss, 5),
        )
    yield table
    yield from render_claims(result.claims)


def render_claims(claims: Sequence[Claim], *, details: bool = True) -> Iterable[RenderableType]:
    """What the chapter says and the verdicts, with `details` what was measured as well; nothing without claims."""
    if not claims:
        return
    title = "what the chapter says"
    if not details:
        yield build_facts(title, ((claim.verdict, claim.claim) for claim in claims), "what was measured: --details")
        return
    table = build_table(title, "claim", "measured", "verdict")
    for claim in claims:
        table.add_row(build_cell(claim.claim), build_cell(claim.measured), claim.verdict)
    yield table


def _format_share(value: float | None) -> str:
    """In per cent; `-` where there is none, as after a divergence."""
    return "-" if value is None else f"{100 * value:.1f}"
