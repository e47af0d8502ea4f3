"""What can be asked of a photograph: the files in `data/columns`, and a folder's own `labels.csv`."""

import csv
import importlib
import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from office31_cli import outputs
from office31_cli.data import columns
from office31_cli.data.columns import labels_csv
from office31_cli.data.columns.base import values_or_nan
from office31_cli.data.data_set import DataSet
from office31_cli.data.folder import open_folder
from office31_cli.errors import Failed, Misuse
from office31_cli.outputs.composite import Composite
from office31_cli.outputs.notation import parse
from tests.helpers.small_data import draw, lay_out

PACKAGE = Path(columns.__file__).parent
NO_COLUMNS = {"__init__", "base", "labels_csv"}


@pytest.fixture
def things(tmp_path: Path) -> DataSet:
    """Two pictures of two items in two domains, one of them with an `images` level."""
    folders = ("phone/images/mug", "phone/images/pen", "shop/mug", "shop/pen")
    return open_folder(lay_out(tmp_path / "things", *folders))


def values(data: DataSet, name: str, domain: str) -> list[float]:
    return columns.get_column(data, name).values(data.photographs(domain)).tolist()


# ---- what follows from the data set itself


def test_every_file_is_a_column_that_is_found_and_offered(tmp_path: Path) -> None:
    data = open_folder(lay_out(tmp_path / "things", "amazon/mug", "phone/mug"))
    files = {path.stem for path in PACKAGE.glob("*.py")} - NO_COLUMNS
    assert files == {"domain", "item", "megapixels", "web"}
    for name in files:
        assert columns.get_column(data, name).name == name
    with pytest.raises(Misuse) as caught:
        columns.get_column(data, "zzzzzz")
    assert str(caught.value) == (
        "output zzzzzz: things offers none; known: domain, item, megapixels, pair, separate, web"
    )


@pytest.mark.parametrize("name", sorted(NO_COLUMNS))
def test_what_is_no_column_is_none(things: DataSet, name: str) -> None:
    assert columns.find_column(things, name) is None


def test_the_item_and_the_domain_are_the_folders(things: DataSet) -> None:
    item, domain = columns.get_column(things, "item"), columns.get_column(things, "domain")
    assert (item.kind, item.labels) == ("choice", ("mug", "pen"))
    assert (domain.kind, domain.labels) == ("choice", ("phone", "shop"))
    for place, name in enumerate(("phone", "shop")):
        assert values(things, "item", name) == [0, 0, 1, 1]
        assert values(things, "domain", name) == [place] * 4


def test_an_unlabelled_domain_has_no_item_and_all_else(things: DataSet) -> None:
    data = open_folder(lay_out(things.root, "heap/images"))
    heap, item = data.photographs("heap"), columns.get_column(data, "item")
    with pytest.raises(Misuse, match="domain heap: none of its pictures has a label"):
        item.values(heap)
    assert item.known_mask(heap).tolist() == [False, False]
    assert np.isnan(values_or_nan(item, heap)).tolist() == [True, True]
    assert values(data, "domain", "heap") == [0, 0]
    assert values(data, "megapixels", "heap") == [12 * 10 / 1e6] * 2


def test_a_part_of_a_domain_has_the_values_of_that_part(things: DataSet) -> None:
    part = things.photographs("shop").subset(np.array([False, True, True, False]))
    assert columns.get_column(things, "item").values(part).tolist() == [0, 1]
    assert columns.get_column(things, "domain").values(part).tolist() == [1, 1]
    assert len(columns.get_column(things, "megapixels").values(part)) == 2


def test_only_amazon_is_a_web_shop(tmp_path: Path, things: DataSet) -> None:
    office = open_folder(lay_out(tmp_path / "office", "amazon/mug", "webcam/mug"))
    assert columns.get_column(office, "web").kind == "yes/no"
    assert values(office, "web", "amazon") == [1, 1]
    assert values(office, "web", "webcam") == [0, 0]
    assert columns.find_column(things, "web") is None
    with pytest.raises(Misuse, match="output web: things offers none"):
        columns.get_column(things, "web")


def test_megapixels_are_those_of_the_file(tmp_path: Path) -> None:
    root = tmp_path / "things"
    draw(root / "shop" / "mug" / "a_small.png")
    large = Image.new("RGB", (1500, 800))
    large.save(root / "shop" / "mug" / "b_large.jpg")
    turned = Image.Exif()
    turned[274] = 6  # lies on its side
    large.save(root / "shop" / "mug" / "c_turned.jpg", exif=turned)
    data = open_folder(root)
    assert columns.get_column(data, "megapixels").kind == "number"
    assert values(data, "megapixels", "shop") == pytest.approx([0.00012, 1.2, 1.2])


def test_the_megapixels_of_what_is_no_picture_are_not_made_up(tmp_path: Path) -> None:
    picture = draw(tmp_path / "things" / "shop" / "mug" / "a.png")
    picture.write_bytes(b"no picture")
    with pytest.raises(Failed, match=r"a\.png"):
        values(open_folder(tmp_path / "things"), "megapixels", "shop")


# ---- a file more


@pytest.fixture
def add(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[ModuleType, str, str], None]]:
    """Put one more file into a package, as far as that package knows."""
    added: list[tuple[ModuleType, str]] = []

    def add(package: ModuleType, name: str, text: str) -> None:
        folder = tmp_path / "added" / package.__name__
        folder.mkdir(parents=True)
        (folder / f"{name}.py").write_text(text)
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
        importlib.invalidate_caches()
        added.append((package, name))

    yield add
    for package, name in added:
        sys.modules.pop(f"{package.__name__}.{name}", None)
        vars(package).pop(name, None)


BYTES = """
import numpy as np
from office31_cli.data.columns import base

class Column(base.DerivedColumn):
    kind = "number"

    def values(self, photographs):
        return np.array([float((photographs.root / name).stat().st_size) for name in photographs.files])
"""


def test_a_file_more_is_a_column_more(things: DataSet, add: Callable[[ModuleType, str, str], None]) -> None:
    assert columns.find_column(things, "bytes") is None
    add(columns, "bytes", BYTES)
    assert values(things, "bytes", "shop") == [
        (things.root / "shop" / item / f"frame_{number}.png").stat().st_size
        for item in ("mug", "pen")
        for number in (0, 1)
    ]
    assert [output.kind for output in parse("item+bytes", partial(columns.get_column, things)).outputs] == [
        "choice",
        "number",
    ]
    with pytest.raises(Misuse, match=r"did you mean bytes\?"):
        columns.get_column(things, "byts")
    state(things, "file,bytes\nshop/mug/frame_0.png,1\n")
    with pytest.raises(Misuse, match="column bytes, row 1: the name is taken"):
        columns.get_column(things, "colour")


ANGLE = """
import math
from typing import ClassVar
from dataclasses import dataclass
from office31_cli.outputs import base

@dataclass(frozen=True, kw_only=True)
class Kind(base.Output):
    kind: ClassVar[str] = "angle"
    breadth: ClassVar[int] = -1
    headline: ClassVar[str] = "cosine"
    unbounded: ClassVar[tuple[str, ...]] = ("cosine",)
    width: ClassVar[int] = 2

    @classmethod
    def for_column(cls, name, labels):
        return cls(name=name)

    def loss(self, raw, targets):
        return ((raw[:, 0] - targets.cos()) ** 2 + (raw[:, 1] - targets.sin()) ** 2).mean()

    def decode(self, raw):
        return {self.name: raw[:, 1].atan2(raw[:, 0])}

    def score(self, answer, actual):
        import numpy as np
        return {"cosine": float(np.cos(answer - actual).mean())}

    @classmethod
    def accepts(cls, texts):
        return all(text.endswith("°") for text in texts)

    @classmethod
    def parse_column(cls, texts):
        numbers = []
        for place, text in enumerate(texts):
            if not text.endswith("°"):
                raise base.Unreadable(place, "is no angle")
            numbers.append(math.radians(float(text[:-1])))
        return numbers, ()
"""


def test_a_file_more_is_a_kind_more(things: DataSet, add: Callable[[ModuleType, str, str], None]) -> None:
    rows = ["shop/mug/frame_0.png,90°,0°", "shop/mug/frame_1.png,180°,0°"]
    state(things, "\n".join(["file,facing:angle,tilt", *rows]))
    with pytest.raises(Misuse, match="column facing, row 1: there is no kind 'angle'"):
        columns.get_column(things, "facing")
    add(outputs, "angle", ANGLE)
    assert "angle" in outputs.kinds()
    assert columns.get_column(things, "facing").kind == columns.get_column(things, "tilt").kind == "angle"
    composite = parse("item+0.5*facing", partial(columns.get_column, things))
    assert (composite.width, composite.columns) == (4, ("item", "facing"))
    mugs = things.photographs("shop").subset(np.array([True, True, False, False]))
    told = {name: columns.get_column(things, name).values(mugs) for name in composite.columns}
    np.testing.assert_allclose(told["facing"], [np.pi / 2, np.pi])
    raw = torch.tensor([[0.0, 0.0, 0.0, 1.0], [0.0, 0.0, -1.0, 0.0]])
    losses = composite.losses(raw, torch.from_numpy(composite.targets(told)).float())
    assert losses["facing"].item() == pytest.approx(0, abs=1e-6)
    assert composite.scores(raw.numpy(), told)["facing"] == {"kind": "angle", "cosine": pytest.approx(1)}
    assert Composite.from_json(json.loads(json.dumps(composite.to_json()))) == composite
    state(things, "\n".join(["file,facing:angle", *(row.rpartition(",")[0] for row in rows)]).replace("180°", "south"))
    with pytest.raises(Misuse, match="column facing, row 3: 'south' is no angle"):
        columns.get_column(things, "facing")


# ---- labels.csv


def state(data: DataSet, content: str | bytes) -> Path:
    """Write the folder's labels.csv."""
    path = data.root / "labels.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


FILES = (
    *(f"phone/images/{item}/frame_{number}.png" for item in ("mug", "pen") for number in (0, 1)),
    *(f"shop/{item}/frame_{number}.png" for item in ("mug", "pen") for number in (0, 1)),
)
"""The photographs of `things` in their order."""


def table(header: str, *rows: str) -> str:
    """A labels.csv with a row for each of the first photographs."""
    return "\n".join([header, *(f"{file},{row}" for file, row in zip(FILES, rows, strict=False)), ""])


def test_each_column_is_of_its_kind(things: DataSet) -> None:
    header = "file,colour,scratched,grams,code:choice,rank:number,new:yes/no"
    state(things, table(header, "red,no,310,1,0,1", "blue,yes,20.5,0,1,0", "red,YES,-3e1,1,1,TRUE"))
    found = {name: columns.get_column(things, name) for name in ("colour", "scratched", "grams", "code", "rank", "new")}
    assert {name: (column.kind, column.labels) for name, column in found.items()} == {
        "colour": ("choice", ("blue", "red")),
        "scratched": ("yes/no", ()),
        "grams": ("number", ()),
        "code": ("choice", ("0", "1")),
        "rank": ("number", ()),
        "new": ("yes/no", ()),
    }
    first = things.photographs("phone").subset(np.array([True, True, True, False]))
    assert {name: column.values(first).tolist() for name, column in found.items()} == {
        "colour": [1, 0, 1],
        "scratched": [0, 1, 1],
        "grams": [310, 20.5, -30],
        "code": [1, 0, 1],
        "rank": [0, 1, 1],
        "new": [1, 0, 1],
    }


def test_rows_may_stand_in_any_order_and_labels_are_those_of_all_domains(things: DataSet) -> None:
    colours = dict(zip(FILES, ["red", "blue", "red", "green", "pink", "pink", "red", "blue"], strict=True))
    state(things, "\n".join(["file,colour", *(f"{file},{colours[file]}" for file in reversed(FILES))]))
    assert columns.get_column(things, "colour").labels == ("blue", "green", "pink", "red")
    assert values(things, "colour", "phone") == [3, 0, 3, 1]
    assert values(things, "colour", "shop") == [2, 2, 3, 0]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda text: "\ufeff" + text, id="byte order mark"),
        pytest.param(lambda text: text.replace("\n", "\r\n"), id="line ends of Windows"),
        pytest.param(lambda text: text.rstrip("\n"), id="no last line end"),
        pytest.param(lambda text: text + "\n\n\n", id="blank lines at the end"),
        pytest.param(lambda text: text + "\r\n  \r\n", id="a line of spaces at the end"),
        pytest.param(lambda text: text.replace(",", " ,  "), id="spaces"),
        pytest.param(lambda text: text.replace("red", '"red"').replace("file,", '"file",'), id="quotes"),
        pytest.param(lambda text: text.replace("/images", ""), id="no images level"),
        pytest.param(lambda text: text.replace("colour", "colour:choice"), id="declared"),
        pytest.param(lambda text: text.replace("colour", " colour : choice "), id="declared with spaces"),
    ],
)
def test_it_may_be_written_in_many_ways(things: DataSet, change: Callable[[str], str]) -> None:
    state(things, change(table("file,colour", "red", "light blue", "red", "red")))
    assert columns.get_column(things, "colour").labels == ("light blue", "red")
    assert values(things, "colour", "phone") == [1, 0, 1, 1]


@pytest.mark.parametrize("between", ["", "images/"])
def test_an_unlabelled_domain_has_labels_of_ones_own(things: DataSet, between: str) -> None:
    data = open_folder(lay_out(things.root, "heap/images"))
    state(data, f"file,colour\nshop/mug/frame_0.png,red\nheap/{between}frame_1.png,blue\n")
    colour, heap = columns.get_column(data, "colour"), data.photographs("heap")
    assert colour.known_mask(heap).tolist() == [False, True]
    assert colour.values(heap.subset(heap.rows == 1)).tolist() == [0]
    with pytest.raises(Misuse, match=r"no value for 1 of 2 photographs of heap \(heap/frame_0\.png\)"):
        colour.values(heap)


def test_quoted_fields_hold_anything(things: DataSet) -> None:
    state(things, table("file,colour", '"red, and blue"', '"say ""red"""', '"two\nlines"', "ünï"))
    assert columns.get_column(things, "colour").labels == ("red, and blue", 'say "red"', "two\nlines", "ünï")
    assert values(things, "colour", "phone") == [0, 1, 2, 3]


visible = st.text(st.characters(exclude_categories=("Cs", "Cc"))).map(str.strip).filter(bool)


@given(labels=st.lists(visible, min_size=4, max_size=4))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_stated_is_read(things: DataSet, labels: list[str]) -> None:
    buffer = io.StringIO()
    csv.writer(buffer).writerows([["file", "colour:choice"], *zip(FILES, labels, strict=False)])
    state(things, buffer.getvalue())
    column = columns.get_column(things, "colour")
    assert column.labels == tuple(sorted(set(labels)))
    assert [column.labels[int(number)] for number in values(things, "colour", "phone")] == labels


@given(content=st.binary() | st.text().map(str.encode) | st.text('file,colour:number"\n/.01').map(str.encode))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_columns_or_misuse(things: DataSet, content: bytes) -> None:
    state(things, content)
    with pytest.raises(Misuse):
        columns.get_column(things, "no such column")


def test_without_the_file_nothing_is_stated(things: DataSet) -> None:
    assert columns.find_column(things, "colour") is None
    state(things, "file\n")
    assert columns.find_column(things, "colour") is None


def test_an_unknown_column_is_misuse_with_a_near_match(things: DataSet) -> None:
    state(things, table("file,colour,grams", "red,1"))
    with pytest.raises(Misuse, match=r"output color: things offers none; did you mean colour\?"):
        columns.get_column(things, "color")


def test_a_column_can_be_asked_for_with_others(things: DataSet) -> None:
    state(things, table("file,red hue,grams", "red,1", "blue,2"))
    composite = parse("item+red hue/2*grams", partial(columns.get_column, things))
    assert [(output.name, output.kind, output.weight) for output in composite.outputs] == [
        ("item", "choice", 1),
        ("red hue", "choice", 1),
        ("grams", "number", 2),
    ]


def test_what_states_nothing_is_missed_only_where_it_is_used(things: DataSet) -> None:
    state(things, table("file,colour,grams:number", "red,1", "blue,", ",3", "red,4"))
    assert columns.get_column(things, "colour").labels == ("blue", "red")
    phone = things.photographs("phone")
    assert columns.get_column(things, "colour").values(phone.subset(np.array([True, True, False, True]))).tolist() == [
        1,
        0,
        1,
    ]
    assert columns.get_column(things, "grams").values(phone.subset(np.array([True, False, True, True]))).tolist() == [
        1,
        3,
        4,
    ]


def test_photographs_without_a_value_are_named_and_counted(things: DataSet) -> None:
    state(things, table("file,colour", "red", "", "blue", ""))
    for domain, count, first in (
        ("phone", "2 of 4", "phone/mug/frame_1.png"),
        ("shop", "4 of 4", "shop/mug/frame_0.png"),
    ):
        with pytest.raises(Misuse) as caught:
            values(things, "colour", domain)
        for text in ("labels.csv: column colour", f"no value for {count} photographs of {domain}", first):
            assert text in str(caught.value)


def test_what_is_not_known_is_not_a_number(things: DataSet) -> None:
    state(things, table("file,colour", "red", "", "blue", ""))
    phone, shop = things.photographs("phone"), things.photographs("shop")
    colour, item = columns.get_column(things, "colour"), columns.get_column(things, "item")
    assert colour.known_mask(phone).tolist() == [True, False, True, False]
    np.testing.assert_array_equal(values_or_nan(colour, phone), [1, np.nan, 0, np.nan])
    assert np.isnan(values_or_nan(colour, shop)).tolist() == [True] * 4
    assert item.known_mask(phone).all()
    assert values_or_nan(item, phone).tolist() == item.values(phone).tolist()
    nothing = phone.subset(np.zeros(4, dtype=bool))
    assert len(values_or_nan(colour, nothing)) == len(values_or_nan(item, nothing)) == 0


# ---- a labels.csv that is malformed: the first row that is not as it should be is named, the header being row 1

FIRST, SECOND, THIRD = FILES[:3]

MALFORMED: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "row 1"),
    "blank": ("\n\n", "row 1"),
    "another first column": ("photo,colour\n", "row 1: the first column must be called file"),
    "no header": (f"{FIRST},red\n", "row 1"),
    "a header in capitals": ("FILE,colour\n", "row 1"),
    "semicolons": (f"file;colour\n{FIRST};red\n", "row 1"),
    "unknown kind": (
        table("file,colour:chioce", "red"),
        "column colour, row 1: there is no kind 'chioce'; did you mean choice?",
    ),
    "unknown kind of the second": (
        table("file,colour,grams:numbr", "red,1"),
        "column grams, row 1: there is no kind 'numbr'; did you mean number?",
    ),
    "empty kind": (table("file,colour:", "red"), "column colour, row 1: there is no kind ''"),
    "a kind that is no column's": (table("file,both:pair", "red"), "column both, row 1: there is no kind 'pair'"),
    "no kind of ours": (table("file,both:composite", "red"), "column both, row 1: there is no kind 'composite'"),
    "two kinds": (table("file,grams:number:choice", "1"), "column grams, row 1"),
    **{
        f"a name that is taken: {name}": (table(f"file,{name}", "1"), f"column {name}, row 1: the name is taken")
        for name in ("domain", "web", "megapixels", "pair", "separate", "choice", "number", "file")
    },
    "a taken name with a kind": (table("file,domain:number", "1"), "column domain, row 1: the name is taken"),
    "an item that is a number": (table("file,item:number", "1"), "column item, row 1: an item is a choice"),
    "an item twice": (table("file,item,item", "mug,mug"), "column item, row 1: the name is taken"),
    "a name twice": (table("file,colour,colour", "red,red"), "column colour, row 1: the name is taken"),
    "a name twice with two kinds": (table("file,a,a:choice", "1,1"), "column a, row 1: the name is taken"),
    "no name": (table("file,", "red"), "column 2, row 1"),
    "no name in the middle": (table("file,colour, ,grams", "red,1,1"), "column 3, row 1"),
    "a kind without a name": (table("file,:number", "1"), "column 2, row 1"),
    **{f"a name with {sign}": (table(f'file,"co{sign}lour"', "red"), f"column co{sign}lour, row 1") for sign in "+*/,"},
    "no number": (table("file,grams:number", "1", "2", "heavy"), "column grams, row 4: 'heavy' is not a finite number"),
    "nan": (table("file,grams:number", "1", "nan"), "column grams, row 3: 'nan' is not a finite number"),
    "inf": (table("file,grams:number", "inf"), "column grams, row 2: 'inf' is not a finite number"),
    "no number after one that is left out": (table("file,grams:number", "1", "", "?"), "column grams, row 4: '?'"),
    "neither yes nor no": (
        table("file,new:yes/no", "yes", "maybe"),
        "column new, row 3: 'maybe' is neither yes nor no",
    ),
    "the second column's": (table("file,a,new:yes/no", "x,yes", "y,2"), "column new, row 3: '2' is neither yes nor no"),
    "states nothing": (table("file,colour", "", ""), "column colour"),
    "no rows": ("file,colour\n", "column colour"),
    "too long": (table("file,colour", "red", "red,blue"), "row 3: it has 3 fields where the header has 2"),
    "too short": (table("file,colour,grams", "red,1", "red"), "row 3: it has 2 fields where the header has 3"),
    "a blank line in between": (f"file,colour\n{FIRST},red\n\n{SECOND},red\n", "row 3: it has 0 fields"),
    "unknown photograph": (
        f"file,colour\n{FIRST},red\nshop/mug/frame_9.png,red\n",
        "column file, row 3: the data set has no photograph 'shop/mug/frame_9.png'",
    ),
    "unknown item": ("file,colour\nshop/cup/frame_0.png,red\n", "column file, row 2"),
    "unknown domain": ("file,colour\nshp/mug/frame_0.png,red\n", "column file, row 2"),
    "no domain": ("file,colour\nmug/frame_0.png,red\n", "column file, row 2"),
    "name alone": ("file,colour\nframe_0.png,red\n", "column file, row 2"),
    "a path that climbs": ("file,colour\n../things/shop/mug/frame_0.png,red\n", "column file, row 2"),
    "an absolute path": ("file,colour\n/shop/mug/frame_0.png,red\n", "column file, row 2"),
    "a path through another folder": ("file,colour\nshop/pictures/mug/frame_0.png,red\n", "column file, row 2"),
    "backslashes": ("file,colour\nshop\\mug\\frame_0.png,red\n", "column file, row 2"),
    "no file": ("file,colour\n,red\n", "column file, row 2"),
    "photograph twice": (
        f"file,colour\n{FIRST},red\n{SECOND},red\n{FIRST},red\n",
        "column file, row 4: 'phone/images/mug/frame_0.png' was named in row 2 already",
    ),
    "photograph twice in two ways": (
        f"file,colour\n{FIRST},red\nphone/mug/frame_0.png,red\n",
        "column file, row 3: 'phone/mug/frame_0.png' was named in row 2 already",
    ),
    "not UTF-8": (b"file,colour\n" + FIRST.encode() + b",r\xe9d\n", "is not UTF-8"),
    "UTF-16": (table("file,colour", "red").encode("utf-16"), "is not UTF-8"),
    "a NUL in a number": (table("file,grams:number", "1", "2\0"), "column grams, row 3"),
    "a NUL in a file": (f"file,colour\n{FIRST}\0,red\n", "column file, row 2"),
    "a NUL in a name": (table("file,col\0our", "red"), "row 1"),
    "a NUL in a label": (table("file,colour", "red", "blue\0"), "row 3"),
    "nothing but NULs": (b"\0" * 64, "row 1"),
    "a quote that is not closed": (table("file,colour", "red", '"red'), "row 3"),
    "a quote that is closed early": (table("file,colour", "red", '"red"dish'), "row 3"),
    "an endless field": (table("file,colour", "red", "r" * 200_000), "row 3"),
}


@pytest.mark.parametrize(("content", "holds"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_file_is_misuse_that_names_column_and_row(tmp_path: Path, content: str | bytes, holds: str) -> None:
    folders = ("phone/images/mug", "phone/images/pen", "shop/mug", "shop/pen")
    data = open_folder(lay_out(tmp_path / "things", *folders))
    path = state(data, content)
    with pytest.raises(Misuse) as caught:
        columns.get_column(data, "colour")
    message = str(caught.value)
    assert caught.value.what.startswith(str(path))
    assert holds in message
    assert message.isprintable()
    assert caught.value.fix


def test_what_could_steer_the_terminal_is_shown_by_number(things: DataSet) -> None:
    for content in ("file,a\x1b[31m:b\x1b[31m\n", table("file,grams:number", "\x1b[31m"), "file,a\nshop/\x1b[31m,b\n"):
        state(things, content)
        with pytest.raises(Misuse) as caught:
            columns.get_column(things, "colour")
        assert r"\x1b[31m" in str(caught.value)
        assert "\x1b" not in str(caught.value)


def test_only_what_is_asked_of_the_file_needs_it_to_be_sound(things: DataSet) -> None:
    state(things, "nonsense")
    assert columns.get_column(things, "item").labels == ("mug", "pen")


@pytest.mark.parametrize("kind", ["folder", "link", "link to nowhere", "queue"])
def test_only_a_regular_file_is_read(things: DataSet, tmp_path: Path, kind: str) -> None:
    path = things.root / "labels.csv"
    if kind == "folder":
        path.mkdir()
    elif kind == "queue":
        os.mkfifo(path)
    else:
        target = tmp_path / "elsewhere.csv"
        path.symlink_to(target)
        if kind == "link":
            target.write_text(table("file,colour", "red"))
    with pytest.raises(Misuse, match=r"labels\.csv: it is no regular file"):
        columns.get_column(things, "colour")


def test_a_file_of_absurd_size_is_not_read(things: DataSet) -> None:
    path = state(things, table("file,colour", "red"))
    os.truncate(path, (1 << 28) + 1)  # a hole: it takes no space
    with pytest.raises(Misuse, match=r"labels\.csv: it is larger than 268,435,456 bytes"):
        columns.get_column(things, "colour")


@pytest.fixture
def opened(things: DataSet, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The paths that were read whole since, a `labels.csv` each time that it was parsed."""
    paths: list[Path] = []
    read_bytes = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: paths.append(path) or read_bytes(path))
    return paths


def test_the_file_is_parsed_once_for_as_long_as_it_stays_as_it_is(
    things: DataSet, opened: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labels_csv, "_JUST_NOW", 0)
    state(things, table("file,colour,grams", "red,1", "blue,2"))
    for name in ("colour", "grams", "colour"):
        assert columns.get_column(things, name).name == name
        assert columns.find_column(things, "no such column") is None
    again = open_folder(things.root)
    assert columns.get_column(again, "grams").kind == "number"
    assert opened == [things.root / "labels.csv"]
    state(things, table("file,colour,grams", "red,1", "green,x"))
    assert columns.get_column(things, "colour").labels == ("green", "red")
    assert columns.get_column(things, "grams").kind == "choice"
    assert opened == [things.root / "labels.csv"] * 2
    (things.root / "labels.csv").unlink()
    assert columns.find_column(things, "colour") is None


def test_a_file_that_was_written_just_now_is_not_trusted_to_stay(things: DataSet, opened: list[Path]) -> None:
    state(things, table("file,colour", "red"))
    for _ in range(2):
        assert columns.get_column(things, "colour").labels == ("red",)
    assert len(opened) == 2


def test_what_is_malformed_is_refused_every_time(things: DataSet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labels_csv, "_JUST_NOW", 0)
    state(things, table("file,colour", "red,blue"))
    for _ in range(2):
        with pytest.raises(Misuse, match="row 2: it has 3 fields"):
            columns.get_column(things, "colour")
