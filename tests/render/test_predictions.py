"""How predictions look, given what they are."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from office31_cli.errors import Failed
from office31_cli.outputs.choice import Kind as Choice
from office31_cli.outputs.number import Kind as Number
from office31_cli.outputs.yes_no import Kind as YesNo
from office31_cli.recipes.predict.results import Prediction, Predictions, UnreadPicture
from office31_cli.render.console import Reporter
from office31_cli.render.predict import render_predictions

ITEMS = ("mug", "=pen", "[b]bike[/b]", "cup", "desk", "lamp", "rack")
OUTPUTS = {
    "domain": Choice(name="domain", labels=("shop", "phone")),
    "boxed": YesNo(name="boxed"),
    "grams": Number(name="grams"),
}


def prediction(path: str = "a.png", item: str | None = "mug", **more: Any) -> Prediction:
    top = [("mug", 0.75), ("=pen", 0.125), ("cup", 0.0625)]
    outputs = {"domain": ("phone", 0.875), "boxed": (False, 0.625), "grams": (-1234.5, None)}
    return Prediction(
        **({"path": path, "item": item, "confidence": 0.75, "top": top, "outputs": outputs, "set": None} | more)
    )


def found(*batches: Sequence[Prediction], bad: Sequence[str] = (), **more: Any) -> Predictions:
    known = {"top": 3, "min_confidence": 0.0, "coverage": None, "calibrated_on": None} | more
    return Predictions(
        model="best",
        id="0123456789abcdef",
        items=ITEMS,
        outputs=OUTPUTS,
        pictures=sum(map(len, batches)) + len(bad),
        path_width=12,
        batches=iter(map(list, batches)),
        unreadable=[UnreadPicture(path, Failed(path, "cannot be read: it is odd", "replace it")) for path in bad],
        **known,
    )


Show = Callable[[Predictions, str], str]


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str]) -> Show:
    """What the predictions look like in a pipe."""

    def show(predictions: Predictions, form: str) -> str:
        Reporter().stream(render_predictions(predictions, form))
        return capsys.readouterr().out

    return show


def cells(text: str) -> list[list[str]]:
    """The table's head and rows, cell by cell."""
    lines = [line for line in text.splitlines() if line[:1] in "│┃"]
    return [[cell.strip() for cell in line.replace("┃", "│").split("│")[1:-1]] for line in lines]


def test_the_table_tells_everything_in_words(shown: Show) -> None:
    head, row = cells(shown(found([prediction()]), "table"))
    assert head == ["picture", "item", "confidence", "others", "domain", "boxed", "grams"]
    assert row == ["a.png", "mug", "75.0 %", "=pen 12.5 %, cup 6.2 %", "phone 87.5 %", "no 62.5 %", "-1234"]


def test_where_it_abstains_the_likeliest_is_among_the_others(shown: Show) -> None:
    _, row = cells(shown(found([prediction(item=None)], min_confidence=0.9), "table"))
    assert row[1:4] == ["unsure", "75.0 %", "mug 75.0 %, =pen 12.5 %, cup 6.2 %"]
    one = prediction(item=None, top=[("mug", 0.75)])
    _, row = cells(shown(found([one], min_confidence=0.9, top=1), "table"))
    assert row[1:4] == ["unsure", "75.0 %", "mug 75.0 %"]


def test_the_item_alone_takes_no_column_for_others(shown: Show) -> None:
    head, _ = cells(shown(found([prediction(top=[("mug", 0.75)])], top=1), "table"))
    assert head[:4] == ["picture", "item", "confidence", "domain"]


def test_sets_stand_in_place_of_the_others_with_what_they_promise(shown: Show) -> None:
    sure, torn = prediction(set=["mug"]), prediction(set=list(ITEMS))
    text = shown(found([sure, torn], coverage=0.9, calibrated_on="shop, held out"), "table")
    head, first, second = cells(text)
    assert head[3] == "prediction set"
    assert first[3] == "mug"
    assert second[3] == "mug, =pen, [b]bike[/b], cup, desk and 2 more"
    assert text.splitlines()[-1] == (
        "confidence calibrated on shop, held out; prediction sets have 90 % target coverage, "
        "guaranteed for photographs like those"
    )
    unlabelled = found([sure, torn], coverage=0.9, calibrated_on="phone, without labels", promised=False)
    assert shown(unlabelled, "table").splitlines()[-1].endswith(", no guarantee without labels")


def test_the_unreadable_follow(shown: Show) -> None:
    text = shown(found([prediction()], bad=["b\x1b.png"]), "table")
    assert text.splitlines()[0] == "best on 2 pictures"
    assert cells(text)[-1] == [r"b\x1b.png", "cannot be read: it is odd"]
    assert "1 unreadable picture" in text
    assert shown(found(bad=["b.png"]), "table").startswith("1 unreadable picture\n")


def test_csv_has_a_line_for_every_picture(shown: Show) -> None:
    told = found(
        [prediction(set=["mug", "=pen"])], [prediction("=1.png", None, set=["mug"])], bad=["c.png"], coverage=0.9
    )
    first, second, third = csv.DictReader(io.StringIO(shown(told, "csv")))
    assert first == {
        "path": "a.png",
        "item": "mug",
        "confidence": "0.75",
        "top_1": "mug",
        "top_1_confidence": "0.75",
        "top_2": "'=pen",
        "top_2_confidence": "0.125",
        "top_3": "cup",
        "top_3_confidence": "0.0625",
        "domain": "phone",
        "domain_confidence": "0.875",
        "boxed": "no",
        "boxed_confidence": "0.625",
        "grams": "-1234.5",
        "grams_confidence": "",
        "set": "mug; =pen",
        "unreadable": "",
    }
    assert (second["path"], second["item"], second["top_1"], second["set"]) == ("'=1.png", "", "mug", "mug")
    assert {name: value for name, value in third.items() if value} == {
        "path": "c.png",
        "unreadable": "cannot be read: it is odd",
    }


@pytest.mark.parametrize("coverage", [None, 0.9])
def test_json_is_what_python_returns(shown: Show, coverage: float | None) -> None:
    held = None if coverage is None else ["mug"]

    def made() -> Predictions:
        return found(
            [prediction(set=held)], [], [prediction("b\n.png", None, set=held)], bad=["c.png"], coverage=coverage
        )

    told = json.loads(shown(made(), "json"))
    assert told == json.loads(json.dumps(made().to_json()))
    assert told["pictures"][0] == {
        "path": "a.png",
        "item": "mug",
        "confidence": 0.75,
        "top": [["mug", 0.75], ["=pen", 0.125], ["cup", 0.0625]],
        "abstained": False,
        "outputs": {
            "domain": {"value": "phone", "confidence": 0.875},
            "boxed": {"value": False, "confidence": 0.625},
            "grams": {"value": -1234.5, "confidence": None},
        },
        **({} if coverage is None else {"set": ["mug"]}),
    }
    assert told["unreadable"] == [{"path": "c.png", "why": "cannot be read: it is odd"}]


def test_what_python_goes_through_comes_in_order() -> None:
    batches = [[prediction("1"), prediction("2")], [], [prediction("3")]]
    assert [each.path for each in found(*batches)] == ["1", "2", "3"]
