"""What an examination comes to, in words."""

from dataclasses import fields

import pytest

from office31_cli.recipes.doctor import machine
from office31_cli.recipes.doctor.results import DataInventory, DomainInventory, Examination, LabelIssue
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
