from dataclasses import replace

import pytest

from office31_cli.metrics.setting import FEWEST_PHOTOGRAPHS, SettingEvidence, decide_setting

CLOSED = SettingEvidence(
    photographs=500, source_accuracy=0.9, apart_share=0.4, uncertain=0.5, apart=0.1, items=0.9, missing=2
)


def test_unknown_items_show_in_what_is_apart_and_missing_ones_in_the_shares() -> None:
    unknown, missing = {"uncertain": 0.8, "apart": 0.3}, {"items": 0.4}
    assert decide_setting(CLOSED) == "closed"
    assert decide_setting(replace(CLOSED, **missing)) == "partial"  # type: ignore[arg-type]
    assert decide_setting(replace(CLOSED, **unknown)) == "open"  # type: ignore[arg-type]
    assert decide_setting(replace(CLOSED, **unknown, **missing)) == "universal"  # type: ignore[arg-type]


def test_either_sign_alone_is_less_than_both() -> None:
    surer = [
        CLOSED,
        replace(CLOSED, apart=0.2),
        replace(CLOSED, apart=0.2, uncertain=0.8),
        replace(CLOSED, apart=0.4, uncertain=0.8),
    ]
    probabilities = [each.unknown_probability for each in surer]
    assert probabilities == sorted(probabilities)
    assert 0 < probabilities[0] < 0.5 < probabilities[-1] < 1


@pytest.mark.parametrize("count", [2, FEWEST_PHOTOGRAPHS - 1])
def test_of_a_few_photographs_nothing_is_decided(count: int) -> None:
    assert decide_setting(replace(CLOSED, photographs=count, items=0.1, uncertain=1.0, apart=1.0)) == "closed"


def test_heads_that_do_not_know_the_source_decide_nothing() -> None:
    assert decide_setting(replace(CLOSED, source_accuracy=0.6, items=0.1, uncertain=1.0, apart=1.0)) == "closed"
