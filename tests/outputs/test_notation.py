"""What is written after `--outputs`, and what it means."""

import importlib
import math
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from office31_cli import outputs
from office31_cli.data import columns
from office31_cli.data.data_set import DataSet, Listing
from office31_cli.errors import Misuse
from office31_cli.outputs.base import Output
from office31_cli.outputs.choice import Kind as Choice
from office31_cli.outputs.composite import Composite
from office31_cli.outputs.notation import format_outputs, parse
from office31_cli.outputs.number import Kind as Number
from office31_cli.outputs.pair import Kind as Pair
from office31_cli.outputs.yes_no import Kind as YesNo
from office31_cli.text import printable
from tests.helpers.mixed_outputs import apart, joined

NO_FILES = Listing(Path("no-such-folder"), (), ())

DATA = DataSet("things", Path("no-such-folder"), dict.fromkeys(("amazon", "phone"), NO_FILES), ("mug", "pen"))
"""A folder without a `labels.csv`: what it offers is known without a look at it."""

ITEM = Choice(name="item", labels=("mug", "pen"))
DOMAIN = Choice(name="domain", labels=("amazon", "phone"))
WEB = YesNo(name="web")
MEGAPIXELS = Number(name="megapixels")
PAIR = Pair(name="pair", domains=DOMAIN.labels, items=ITEM.labels)


def read(text: str) -> Composite:
    return parse(text, partial(columns.get_column, DATA))


@pytest.mark.parametrize(
    ("text", "composite"),
    [
        ("item", joined(ITEM)),
        ("item+domain", joined(ITEM, DOMAIN)),
        ("domain+item", joined(DOMAIN, ITEM)),
        ("item+0.5*domain", joined(ITEM, DOMAIN.with_weight(0.5))),
        ("2*item+1e-3*megapixels", joined(ITEM.with_weight(2.0), MEGAPIXELS.with_weight(0.001))),
        ("1*item", joined(ITEM)),
        ("item/domain", apart(ITEM, DOMAIN)),
        ("separate", apart(ITEM, DOMAIN)),
        ("domain/item", apart(DOMAIN, ITEM)),
        ("item+web/domain+megapixels", Composite(((ITEM, WEB), (DOMAIN, MEGAPIXELS)))),
        ("pair", joined(PAIR)),
        ("3*pair+web", joined(PAIR.with_weight(3.0), WEB)),
        ("pair/web", apart(PAIR, WEB)),
        (" item + 0.5 * domain / web ", Composite(((ITEM, DOMAIN.with_weight(0.5)), (WEB,)))),
        ("\titem\n", joined(ITEM)),
        (" separate ", apart(ITEM, DOMAIN)),
    ],
)
def test_what_is_meant(text: str, composite: Composite) -> None:
    assert read(text) == composite


def test_only_the_networks_and_outputs_that_are_asked_for_are_made() -> None:
    assert [len(network) for network in read("item+web/domain").networks] == [2, 1]
    assert read("item+web/domain").width == 2 + 1 + 2
    assert read("pair").width == 4
    assert set(read("pair").columns) == {"domain", "item"}


# ---- there and back

weights = st.just(1.0) | st.floats(min_value=0, exclude_min=True, allow_infinity=False)


@st.composite
def composites(draw: st.DrawFn) -> Composite:
    """Any of what the data set offers, in any order, in any number of networks, with any weights."""
    about_item = draw(st.sampled_from([(ITEM,), (ITEM, DOMAIN), (PAIR,)]))
    others = draw(st.lists(st.sampled_from([WEB, MEGAPIXELS]), unique=True))
    outputs: list[Output] = [*about_item, *others]
    outputs = [output.with_weight(draw(weights)) for output in draw(st.permutations(outputs))]
    networks: list[list[Output]] = [[outputs[0]]]
    for output in outputs[1:]:
        networks.append([output]) if draw(st.booleans()) else networks[-1].append(output)
    return Composite(tuple(map(tuple, networks)))


@given(composites())
def test_what_is_written_is_read_as_what_it_was(composite: Composite) -> None:
    assert read(format_outputs(composite)) == composite


@given(composites())
def test_spaces_mean_nothing(composite: Composite) -> None:
    text = format_outputs(composite)
    assume("e+" not in text)
    for sign in "+*/":
        text = text.replace(sign, f" {sign}\t")
    assert read(text) == composite


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("item", "item"),
        ("item/domain", "separate"),
        ("separate", "separate"),
        ("domain/item", "domain/item"),
        ("item+0.50*domain", "item+0.5*domain"),
        ("item + 1.0 * domain", "item+domain"),
        ("2*item/domain", "2*item/domain"),
        ("0.1*item+0.30000000000000004*domain", "0.1*item+0.30000000000000004*domain"),
        ("pair", "pair"),
    ],
)
def test_it_is_written_as_briefly_as_can_be(text: str, short: str) -> None:
    assert format_outputs(read(text)) == short


@pytest.mark.parametrize("weight", [1e6, 123456789.0, 1e20, 1.7e308, 1e-5, 5e-324])
def test_a_weight_of_any_size_can_be_read_back(weight: float) -> None:
    composite = joined(ITEM, DOMAIN.with_weight(weight))
    assert read(format_outputs(composite)) == composite


# ---- what means nothing

WRONG: list[tuple[str, str]] = [
    ("", "no name"),
    ("   ", "no name"),
    ("item+", "no name"),
    ("+item", "no name"),
    ("item++domain", "no name"),
    ("item/", "no name"),
    ("/item", "no name"),
    ("item//domain", "no name"),
    ("+", "no name"),
    ("/", "no name"),
    ("*", "no name"),
    ("0.5*", "no name"),
    ("item+0.5*", "no name"),
    ("*item", "no weight"),
    ("item*0.5", "no weight"),
    ("-1*domain+item", "'-1' is no weight"),
    ("item+-0.5*domain", "'-0.5' is no weight"),
    ("item+nan*domain", "'nan' is no weight"),
    ("item+inf*domain", "'inf' is no weight"),
    ("item+1e999*domain", "'1e999' is no weight"),
    ("0*item", "'0' is no weight"),
    ("item+0.0*domain", "'0.0' is no weight"),
    ("item+1e-999*domain", "'1e-999' is no weight"),
    ("item+half*domain", "'half' is no weight"),
    ("item+0,5*domain", "'0,5' is no weight"),
    ("item+2*0.5*domain", "is no weight"),
    ("item+2**domain", "is no weight"),
    ("domain", "item"),
    ("domain+web", "item"),
    ("domain/web", "item"),
    ("item+item", "item is asked for twice"),
    ("item/item", "item is asked for twice"),
    ("item+0.5*item", "item is asked for twice"),
    ("pair+item", "item is asked for twice"),
    ("domain+pair", "domain is asked for twice"),
    ("pair/domain", "domain is asked for twice"),
    ("pair+pair", "is asked for twice"),
    ("item+web+domain/web", "web is asked for twice"),
    ("item+domian", "did you mean domain?"),
    ("itme", "did you mean item?"),
    ("itme+domain", "did you mean item?"),
    ("pari", "did you mean pair?"),
    ("seperate", "did you mean separate?"),
    ("item+megapixel", "did you mean megapixels?"),
    ("item+0.5*wbe", "did you mean web?"),
    ("Item", "did you mean item?"),
    ("item+colour", "known: domain, item, megapixels, pair, separate, web"),
    ("item+separate", "separate"),
    ("item+2*separate", "separate"),
    ("item,domain", "item,domain"),
    ("item domain", "item domain"),
    ("item+choice", "choice"),
    ("item+number", "number"),
    ("item+yes", "yes"),
    ("item+base", "base"),
    ("item+labels_csv", "labels_csv"),
    ("item+__init__", "__init__"),
    ("item+../item", "output .."),
    ("item+.item", ".item"),
    ("it\x1b[31mem", r"it\x1b[31mem"),
    ("item+\x00", r"\x00"),
    ("item+dom\nain", r"dom\nain"),
    ("item+\udcff", r"\udcff"),
    ("item+\u202edomain", r"\u202edomain"),
    ("item+\udcff*domain", r"\udcff"),
    ("item+🙂", "🙂"),
]


@pytest.mark.parametrize(("text", "holds"), WRONG, ids=[ascii(text) for text, _ in WRONG])
def test_what_means_nothing_is_misuse_that_says_why(text: str, holds: str) -> None:
    with pytest.raises(Misuse) as caught:
        read(text)
    message = str(caught.value)
    assert holds in message
    assert message == printable(message)
    assert caught.value.fix


@given(
    st.text()
    | st.text("item+/*. 01-e")
    | st.lists(
        st.sampled_from(["item", "domain", "pair", "web", "separate", "+", "/", "*", "0.5", "-1", " ", "nan"])
    ).map("".join)
)
def test_any_text_is_outputs_or_misuse(text: str) -> None:
    try:
        composite = read(text)
    except Misuse as error:
        assert str(error) == printable(str(error))
        return
    assert "item" in composite.columns
    assert len(set(composite.columns)) == len(composite.columns)
    assert all(0 < output.weight < math.inf for output in composite.outputs)


# ---- what a data set offers decides


@dataclass(frozen=True)
class Offered:
    kind: str
    labels: tuple[str, ...] = ()


def test_a_columns_kind_decides_what_is_learnt_of_it() -> None:
    offered = {
        "item": Offered("choice", ("mug",)),
        "colour": Offered("choice", ("blue", "red")),
        "grams": Offered("number"),
        "red pen?": Offered("yes/no"),
    }
    assert parse("item+colour/2*grams+red pen?", offered.__getitem__) == Composite(
        (
            (Choice(name="item", labels=("mug",)), Choice(name="colour", labels=("blue", "red"))),
            (Number(name="grams", weight=2.0), YesNo(name="red pen?")),
        )
    )


CORNER = """
from typing import ClassVar
from office31_cli.outputs import pair

class Kind(pair.Kind):
    kind: ClassVar[str] = "corner"
"""


def test_a_kind_is_asked_for_by_its_own_name_once_its_file_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Misuse, match="corner"):
        read("2*corner+web")
    (tmp_path / "corner.py").write_text(CORNER)
    monkeypatch.setattr(outputs, "__path__", [*outputs.__path__, str(tmp_path)])
    monkeypatch.setattr(outputs, "corner", None, raising=False)  # what the import sets is taken back afterwards
    monkeypatch.setitem(sys.modules, "office31_cli.outputs.corner", None)
    monkeypatch.delitem(sys.modules, "office31_cli.outputs.corner")
    importlib.invalidate_caches()
    composite = read("2*corner+web")
    assert [output.kind for output in composite.outputs] == ["corner", "yes/no"]
    assert (composite.width, composite.columns) == (4 + 1, ("domain", "item", "web"))
    assert format_outputs(composite) == "2*corner+web"
    assert Composite.from_json(composite.to_json()) == composite


def test_the_question_is_passed_on_where_the_data_set_has_no_answer() -> None:
    with pytest.raises(KeyError, match="domain"):
        parse("pair", {"item": Offered("choice", ("mug",))}.__getitem__)
