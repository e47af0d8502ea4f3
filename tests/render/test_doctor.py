"""What an examination comes to, in words."""

from dataclasses import fields

import pytest

from office31_cli.metrics.forecast import ForecastInputs, GainForecast
from office31_cli.recipes.doctor import machine
from office31_cli.recipes.doctor.results import (
    DataInventory,
    DomainInventory,
    Examination,
    Forecast,
    ItemSetForecast,
    LabelIssue,
)
from office31_cli.render.doctor import list_findings


@pytest.mark.parametrize(
    ("count", "told"),
    [(1, "1 suspected label error in 30 photographs"), (2, "2 suspected label errors in 30 photographs")],
)
def test_suspected_label_errors_are_counted(count: int, told: str) -> None:
    doubts = [LabelIssue(f"mug/{number}.jpg", "mug", "pen", 0.9) for number in range(count)]
    shop = DomainInventory(
        photographs=30, labelled=30, items={"mug": 30}, missing=[], unknown={}, unreadable=[], doubts=doubts
    )
    data = DataInventory("things", "/things", 1, {"shop": shop}, identical=[], near=[])
    nothing = dict.fromkeys(field.name for field in fields(Examination))
    found = Examination(**nothing | {"machine": machine.inspect_machine(), "data": data, "seconds": 1.0})
    assert f"shop: {told}" in list_findings(found)


GAIN = GainForecast(before=0.6, before_interval=(0.5, 0.7), after=0.8, gain=0.2, gain_interval=(0.1, 0.3))


def findings(item_sets: ItemSetForecast) -> list[str]:
    """What is said of a camera, of its items and of adapting to it."""
    forecast = Forecast("auto", GAIN, ForecastInputs(0.9, 0.3, 0.8, 0.1, 0.1), 60.0, 100, 10.0)
    nothing = dict.fromkeys(field.name for field in fields(Examination))
    examined = {"machine": machine.inspect_machine(), "target": "camera", "item_sets": item_sets, "forecast": forecast}
    return list(list_findings(Examination(**nothing | examined)))


def test_a_target_that_shows_all_items_is_not_spoken_of() -> None:
    lines = findings(ItemSetForecast("closed", {}, 3, ["bike", "mug", "pen"], None, None))
    assert lines[0].startswith("adapting should help: 60 -> 80 %")
    assert not any("seem" in line or "--setting" in line for line in lines)


def test_absent_items_are_told_and_what_adapting_to_all_of_them_would_do() -> None:
    lines = findings(ItemSetForecast("partial", {}, 12, ["mug", "pen", "bike"], None, 0.26))
    assert (
        lines[0]
        == "adapting should help with --setting partial, which adapt chooses by itself: 60 -> 80 % (+10 to +30)"
    )
    assert "about 3 of the 12 items seem to be on camera (mug, pen, bike)" in lines
    assert (
        "adapting with --setting closed would lose: it would take 26.0 % of the photographs for absent items" in lines
    )
    few = findings(ItemSetForecast("partial", {}, 12, ["mug", "pen", "bike"], None, 0.01))
    assert not any("would lose" in line for line in few)


def test_unknown_items_are_told_by_their_share() -> None:
    lines = findings(ItemSetForecast("open", {}, 3, ["bike", "mug", "pen"], 0.4, None))
    assert "about 40.0 % of the photographs of camera seem to show none of the items" in lines
