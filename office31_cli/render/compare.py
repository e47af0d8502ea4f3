"""How comparisons look."""

from collections.abc import Sequence

from rich.table import Table

from office31_cli.recipes.compare.results import (
    ChapterComparison,
    Claim,
    OptimizerRow,
    OptimizersComparison,
    OutputsComparison,
)
from office31_cli.render.console import build_cell, build_table
from office31_cli.render.sparkline import draw_sparkline
from office31_cli.text import format_spread, pluralize


def render_outputs(found: OutputsComparison) -> list[Table]:
    """The alternatives, and what they say about the chapter."""
    seeds = pluralize(len(found.rows[0].runs), "seed")
    made = build_table(
        f"outputs on {found.backbone}, {seeds}, {pluralize(found.held_out, 'photograph')} held out",
        "outputs",
        ">width",
        ">weights",
        ">item %",
        ">domain %",
        ">both %",
        "loss",
        ">s",
    )
    for row in found.rows:
        made.add_row(
            build_cell(row.outputs),
            str(row.width),
            f"{row.parameters:,}",
            format_spread(row.item, row.item_std),
            format_spread(row.domain, row.domain_std),
            format_spread(row.both, row.both_std),
            draw_sparkline(row.loss, 5),
            f"{row.seconds:.1f}",
        )
    return [made, *render_claims(found.claims)]


def render_optimizers(found: OptimizersComparison) -> list[Table]:
    """For each network the item accuracies by optimizer and rate, then cost and the best loss; and the claims."""
    made = []
    for network in dict.fromkeys(row.network for row in found.rows):
        rows = [row for row in found.rows if row.network == network]
        made.append(_build_rates_table(f"items named after {pluralize(found.epochs, 'epoch')} on {network}", rows))
    return [*made, *render_claims(found.claims)]


def _build_rates_table(title: str, rows: Sequence[OptimizerRow]) -> Table:
    rates = sorted({row.lr for row in rows})
    made = build_table(
        f"{title}, % by learning rate",
        "optimizer",
        *(f">{rate:g}" for rate in rates),
        ">loss",
        ">ms",
        ">state",
        caption="the least loss and milliseconds a step of any rate; bytes of state a parameter, and the memory with "
        "it over that of the parameters alone",
    )
    for optimizer in dict.fromkeys(row.optimizer for row in rows):
        its = [row for row in rows if row.optimizer == optimizer]
        items = {row.lr: row.item for row in its}
        losses = [row.loss for row in its if row.loss is not None]
        made.add_row(
            optimizer,
            *(_format_share(items[rate]) for rate in rates),
            f"{min(losses):.3f}" if losses else "-",
            f"{min(row.milliseconds_per_step for row in its):.2f}",
            f"{its[0].state_bytes_per_parameter:.0f} B, {its[0].memory_ratio:.0f}x",
        )
    return made


def render_chapter(found: ChapterComparison) -> list[Table]:
    """The runs beside the textbook's figures, and the claims."""
    made = build_table(
        f"the chapter's runs, {found.photographs:,} photographs learnt from, {found.held_out:,} held out",
        "hidden",
        "optimizer",
        ">epochs",
        ">domain %",
        ">item %",
        ">seconds",
        "loss",
        caption="measured here / in the textbook",
    )
    for row in found.rows:
        book = row.textbook or {}
        made.add_row(
            row.network,
            row.optimizer,
            str(row.epochs),
            f"{100 * row.domain:.1f} / {_format_share(book.get('domain'))}",
            f"{100 * row.item:.1f} / {_format_share(book.get('item'))}",
            f"{row.seconds:.0f} / {book.get('seconds', '-')}",
            draw_sparkline(row.loss, 5),
        )
    return [made, *render_claims(found.claims)]


def render_claims(claims: Sequence[Claim]) -> list[Table]:
    """What the chapter says and what was measured; no table where nothing can be said."""
    if not claims:
        return []
    made = build_table("what the chapter says", "claim", "measured", "verdict")
    for claim in claims:
        made.add_row(build_cell(claim.claim), build_cell(claim.measured), claim.verdict)
    return [made]


def _format_share(value: float | None) -> str:
    """In per cent; `-` where there is none, as after a divergence."""
    return "-" if value is None else f"{100 * value:.1f}"
