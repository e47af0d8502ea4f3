"""The page's drawings say what the numbers say, and no text becomes markup."""

from math import nan
from xml.etree.ElementTree import Element, fromstring

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from office31_cli.metrics.calibration import reliability_bins
from office31_cli.recipes.report.html import words
from office31_cli.recipes.report.html.confusion import draw_confusion
from office31_cli.recipes.report.html.curves import draw_curves
from office31_cli.recipes.report.html.embedding import draw_points
from office31_cli.recipes.report.html.items import draw_bars
from office31_cli.recipes.report.html.lineage import draw_tree
from office31_cli.recipes.report.html.reliability import draw_reliability
from office31_cli.recipes.report.html.svg import drawing, element
from office31_cli.recipes.report.results import DomainPoints, FamilyMember, ItemRow, ModelEmbedding, Reliability
from office31_cli.text import printable

HOSTILE = "</text><script>alert(1)</script><text x='\"&amp;"


def told(root: Element, tag: str) -> list[str]:
    return ["".join(each.itertext()) for each in root.iter(tag)]


@given(st.text())
def test_any_text_comes_back_as_text(text: str) -> None:
    root = fromstring(drawing(10, 10, text, [element("text", text, class_=text)]))
    assert [each.tag for each in root.iter()] == ["svg", "text"]
    shown = printable(text)
    assert (root.attrib["aria-label"], root[0].text or "", root[0].attrib["class"]) == (shown, shown, shown)


def test_curves_end_where_the_values_end_and_break_where_there_is_none() -> None:
    root = fromstring(draw_curves("both", {"up": [0, 1], HOSTILE: [1, nan, 0.5]}, "{:g}".format, marked=1))
    first, second = (path.attrib["d"] for path in root.iter("path") if "curve" in path.attrib["class"])
    assert first.count("L") == 1
    assert second.count("M") == 2  # once at the beginning, once behind the gap
    assert told(root, "title")[:2] == ["up, epoch 1: 0", "up, epoch 2: 1"]
    assert len(told(root, "title")) == 4
    assert root.find(".//script") is None


@pytest.mark.parametrize("values", [[nan], [3.0], [0.0, 0.0], []])
def test_curves_of_next_to_nothing_can_be_drawn(values: list[float]) -> None:
    assert "NaN" not in draw_curves("c", {"loss": values or [nan]}, "{:g}".format).upper()


def test_bars_are_as_long_as_the_accuracies_and_marks_stand_at_the_others() -> None:
    root = fromstring(draw_bars("b", [ItemRow("mug", 4, 1.0, 0.5), ItemRow(HOSTILE, 2, 0.5, None)]))
    widths = [float(rect.attrib["width"]) for rect in root.iter("rect") if rect.attrib["class"] == "bar"]
    assert widths[0] == pytest.approx(2 * widths[1])
    (mark,) = [path.attrib["d"] for path in root.iter("path") if path.attrib["class"] == "mark"]
    left = next(float(rect.attrib["x"]) for rect in root.iter("rect") if rect.attrib["class"] == "bar")
    assert float(mark[1:].split()[0]) == pytest.approx(left + widths[1], abs=0.1)
    assert "100 % (+50)" in told(root, "text")
    assert "50 %" in told(root, "text")


def test_every_square_holds_its_count() -> None:
    matrix = np.array([[3, 1, 0], [0, 2, 0], [0, 0, 0]])
    root = fromstring(draw_confusion("c", matrix, ("mug", HOSTILE, "pen")))
    assert [text for text in told(root, "text") if text.isdigit()] == ["3", "1", "2"]
    assert told(root, "title")[:2] == ["3 of 4 mug taken for mug", f"1 of 4 mug taken for {HOSTILE}"]
    kinds = [rect.attrib["class"] for rect in root.iter("rect") if "fill-opacity" in rect.attrib]
    assert kinds == ["right", "wrong", "right"]


def test_every_photograph_is_a_point_and_every_mistake_a_cross() -> None:
    source = DomainPoints("shop", np.full((4, 2), 0.5), np.array([0, 0, 1, 1]), np.array([True, True, True, False]))
    target = DomainPoints("phone", np.full((3, 2), 0.2), np.array([0, 1, 1]), np.array([True, False, False]))
    root = fromstring(draw_points("p", ModelEmbedding("m", target, source, None), ("mug", HOSTILE)))
    drawn = {path.attrib["class"].split()[0]: 0 for path in root.iter("path")}
    for path in root.iter("path"):
        drawn[path.attrib["class"].split()[0]] += path.attrib["d"].count("M")
    assert drawn == {"round": 4, "square": 1, "cross": 2}
    assert f"{HOSTILE}, phone, classified wrongly" in told(root, "title")


def test_a_target_without_labels_has_neither_crosses_nor_names() -> None:
    target = DomainPoints("heap", np.full((3, 2), 0.2), None, None)
    root = fromstring(draw_points("p", ModelEmbedding("m", target, None, None), ("mug",)))
    (path,) = root.iter("path")
    assert path.attrib["d"].count("M") == 3
    assert told(root, "text") == []


def test_names_do_not_lie_on_each_other() -> None:
    places = np.array([[0.5, 0.5], [0.51, 0.5], [0.5, 0.51], [0.52, 0.52]])
    target = DomainPoints("phone", places, np.arange(4), np.ones(4, dtype=np.bool_))
    root = fromstring(draw_points("p", ModelEmbedding("m", target, None, None), ("mug", "pen", "bike", "phone")))
    heights = sorted(float(text.attrib["y"]) for text in root.iter("text"))
    assert min(np.diff(heights)) >= 11


def test_a_reliability_bar_is_as_high_as_its_accuracy() -> None:
    probabilities = np.array([[0.75, 0.25]] * 4 + [[0.05, 0.95]] * 2)
    row = Reliability("m", reliability_bins(probabilities, np.array([0, 0, 0, 1, 1, 1]), 10), 0.1, None, None, 0)
    root = fromstring(draw_reliability("b", row))
    first, second = (float(rect.attrib["height"]) for rect in root.iter("rect") if rect.attrib["class"] == "bar")
    assert first == pytest.approx(0.75 * second, abs=0.1)


def test_each_model_hangs_on_the_one_that_it_was_made_from() -> None:
    family = [
        FamilyMember(0, "root", "removed", None, "ancestor", 0),
        FamilyMember(1, HOSTILE, "missing", None, "", 0),
        FamilyMember(1, "this", "missing", None, "this", 0),
        FamilyMember(1, "", "left out", None, "", 3),
    ]
    root = fromstring(draw_tree("t", family))
    assert len([path for path in root.iter("path") if path.attrib["class"] == "branch"]) == 6
    assert "3 other models" in told(root, "text")
    assert [group.attrib["class"] for group in root.iter("g")] == ["ancestor", "beside", "this", "beside"]


@given(st.lists(st.text(min_size=1), min_size=1))
def test_a_command_is_pasted_as_it_was_meant(arguments: list[str]) -> None:
    import shlex

    assert shlex.split("\n".join(words.format_command(["office31", *arguments]))) == ["office31", *arguments]


def test_only_certainty_is_told_as_certainty() -> None:
    assert [words.format_confidence(share).replace("\xa0", " ") for share in (0.5, 0.9996, 1)] == [
        "50.0 %",
        "over 99.9 %",
        "100.0 %",
    ]
