"""What is said of items that have few labelled photographs, or a single one."""

from pathlib import Path

import pytest

from office31_cli.data.data_set import DataSet, Listing
from office31_cli.workflow.request import Options, Request
from office31_cli.workflow.uneven_items import report_single_photographs, warn_of_rare_items
from tests.helpers.small_data import Listener
from tests.helpers.small_outputs import choosing

ADVICE = "--class-weights balanced gives every item the same weight in the loss"


def listing(counts: dict[str, int]) -> Listing:
    labels = [item for item, count in counts.items() for _ in range(count)]
    return Listing(Path("nowhere"), tuple(f"{place}.png" for place in range(len(labels))), tuple(labels))


def request(*domains: dict[str, int], balance: str = "none", share: float = 0.2, predicts: str = "") -> Request:
    listings = {f"d{place}": listing(counts) for place, counts in enumerate(domains)}
    data = DataSet.of("things", Path("nowhere"), listings)
    return Request(
        command="pretrain",
        data=data.numbered(predicts.split()) if predicts else data,
        domains=tuple(listings),
        backbone="convnet",
        weights="none",
        parent=None,
        outputs=choosing("a"),
        suggested_name="x",
        options=Options(class_weights=balance),
        held_out=share,
    )


def warnings(asked: Request) -> list[str]:
    listener = Listener()
    warn_of_rare_items(asked, listener)
    return listener.warned


def told(asked: Request) -> list[str]:
    listener = Listener()
    report_single_photographs(asked, asked.domains, listener)
    return listener.said


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"mug": 5, "pen": 249}, []),
        ({"mug": 5, "pen": 250}, [f"few labelled photographs of 1 item: mug (5), beside 250 of pen; {ADVICE}"]),
        ({"mug": 4, "pen": 7}, [f"few labelled photographs of 1 item: mug (4), beside 7 of pen; {ADVICE}"]),
        ({"mug": 4, "pen": 4}, ["few labelled photographs of 2 items: mug (4), pen (4)"]),  # weights change nothing
        (
            {"a": 4, "b": 2, "c": 3, "d": 1, "e": 1_500},
            [f"few labelled photographs of 4 items: d (1), b (2), c (3) and 1 more, beside 1,500 of e; {ADVICE}"],
        ),
    ],
)
def test_items_with_under_five_photographs_or_a_fiftieth_of_the_commonests_are_rare(
    counts: dict[str, int], expected: list[str]
) -> None:
    assert warnings(request(counts)) == expected


def test_the_domains_that_are_trained_on_count_together_and_unknown_items_do_not() -> None:
    assert warnings(request({"mug": 3, "pen": 9}, {"mug": 2, "pen": 9})) == []
    assert warnings(request({"mug": 1, "pen": 9}, predicts="pen cup")) == []


@pytest.mark.parametrize("balance", ["balanced", "sampler"])
def test_who_has_chosen_class_weights_is_not_told_of_them(balance: str) -> None:
    assert warnings(request({"mug": 1, "pen": 9}, balance=balance)) == []


def test_a_single_photograph_is_trained_on_and_that_is_said_of_each_domain() -> None:
    asked = request({"mug": 1, "pen": 9, "cup": 1, "pan": 1, "bag": 1}, {"mug": 1, "pen": 2}, {"pen": 2})
    assert told(asked) == [
        "d0: items with a single labelled photograph are trained on and not held out: bag, cup, mug and 1 more",
        "d1: items with a single labelled photograph are trained on and not held out: mug",
    ]
    assert told(request({"mug": 1, "pen": 9}, share=0)) == []
