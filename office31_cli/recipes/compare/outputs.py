"""`office31 compare outputs`: one composite network, one choice of pairs, or separate networks?"""

from collections.abc import Sequence

from office31_cli.errors import Misuse
from office31_cli.observer import SILENT, Observer
from office31_cli.recipes.compare.results import Claim, ComparedOutputs, OutputsRow
from office31_cli.recipes.pretrain import requested
from office31_cli.workflow import selection
from office31_cli.workflow.request import DEFAULTS, Options

ALTERNATIVES = ("item+domain", "pair", "separate")


def compare_outputs(
    alternatives: Sequence[str] = ALTERNATIVES,
    *,
    seeds: Sequence[int] = (0, 1, 2),
    data: str | None = None,
    backbone: str | None = None,
    weights: str | None = None,
    options: Options = DEFAULTS,
    observer: Observer = SILENT,
) -> ComparedOutputs:
    """Train every alternative on all domains with each seed, with the same split, start and budget, and score it.

    A seed fixes all three (`options.seed` is not used). Raises `Misuse` for alternatives that do not exist and where
    nothing would be held out, before anything is loaded.
    """
    check_held_out(options)
    if not alternatives or not seeds:
        raise Misuse("compare outputs", "nothing to compare", "name at least one of --outputs and of --seeds")
    requests = [
        [
            requested(
                "compare",
                ["all"],
                data=data,
                backbone=backbone,
                weights=weights,
                options=options.afresh(outputs=alternative, seed=seed),
            )
            for seed in seeds
        ]
        for alternative in alternatives
    ]
    selection.tell_data(data, requests[0][0].data, observer)
    from office31_cli.recipes.compare import outputs_run as runs  # torch, 3 s: only now that all typed makes sense

    rows, photographs, held_out = runs.rows(requests, observer)
    return ComparedOutputs(rows, photographs, held_out, requests[0][0].backbone, _claims(rows))


def check_held_out(options: Options) -> None:
    """Raise `Misuse` where nothing would be left to compare on."""
    if options.held_out == 0:
        raise Misuse("--held-out 0", "a comparison is made on what is held out", "use a share above 0, such as 0.2")


def _claims(rows: list[OutputsRow]) -> list[Claim]:
    """What the composite is worth beside separate networks, where both were trained."""
    by_name = {row.outputs: row for row in rows}
    joint, apart = by_name.get("item+domain"), by_name.get("separate")
    if joint is None or apart is None or joint.item is None or apart.item is None:
        return []
    margin = apart.item_std
    return [
        Claim.held_against(
            "A composite shares its hidden layers: it needs about half the parameters of separate networks",
            f"{joint.parameters:,} against {apart.parameters:,}: {joint.parameters / apart.parameters:.2f} times",
            0.4 <= joint.parameters / apart.parameters <= 0.6,
        ),
        Claim.held_against(
            "and names items no worse, up to one standard deviation",
            f"{100 * joint.item:.1f} % against {100 * apart.item:.1f} %"
            + ("" if margin is None else f" with a deviation of {100 * margin:.1f}"),
            None if margin is None else joint.item >= apart.item - margin,
        ),
    ]
