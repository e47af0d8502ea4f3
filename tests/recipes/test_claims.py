"""What `compare optimizers` says about the chapter, from figures that are made up."""

from office31_cli.recipes.compare.optimizers import judge_claims
from office31_cli.recipes.compare.results import OptimizerRow

Items = list[float | None]


def row(optimizer: str, item: float | None) -> OptimizerRow:
    adam = optimizer == "adam"
    return OptimizerRow(
        network="pixels",
        optimizer=optimizer,
        lr=0.1,
        loss=item and 1 - item,
        item=item,
        milliseconds_per_step=2.0,
        milliseconds_in_optimizer=1.5 if adam else 1.0,
        state_bytes_per_parameter=8.0 if adam else 0.0,
        memory_ratio=3.0 if adam else 1.0,
    )


def verdicts(adam: Items, sgd: Items) -> list[str]:
    """On Adam's sensitivity to the learning rate, on whether it has any, and on who gets further."""
    rows = [row("adam", item) for item in adam] + [row("sgd", item) for item in sgd]
    return [claim.verdict for claim in judge_claims(rows)][-3:]


def test_finite_runs_decide() -> None:
    assert verdicts([0.9, 0.9, 0.5], [0.2, 0.8, 0.3]) == ["borne out", "borne out", "borne out"]
    assert verdicts([0.7, 0.2], [0.8, 0.8]) == ["contradicted", "borne out", "contradicted"]
    assert verdicts([0.8, 0.8], [0.8, 0.2]) == ["borne out", "contradicted", "undecided"]


def test_a_run_that_diverged_is_never_near_the_best() -> None:
    assert verdicts([0.03, None, None], [0.03, 0.03, None]) == ["contradicted", "borne out", "undecided"]


def test_where_one_always_diverged_nothing_is_decided() -> None:
    assert verdicts([None, None], [0.8, 0.2]) == ["undecided", "undecided", "undecided"]
    assert verdicts([0.9, 0.2], [None, None]) == ["undecided", "borne out", "undecided"]
    assert verdicts([None], [None]) == ["undecided", "undecided", "undecided"]


def test_with_one_of_the_two_nothing_is_said() -> None:
    assert judge_claims([row("adam", 0.5)]) == []
