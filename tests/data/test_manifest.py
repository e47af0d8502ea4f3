import csv
import hashlib
from pathlib import Path

import pytest

from office31_cli.data import sets
from office31_cli.data.manifest import Entry, Manifest
from tests.helpers.small_data import lay_out

SHARED = Path(__file__).parents[3] / "shared" / "office31" / "manifest.csv"
OFFICE31 = Path(sets.__file__).with_name("office31.csv.gz")
MANIFEST = Manifest.read(OFFICE31)
ENTRY = MANIFEST.entries["amazon/back_pack/frame_0001.jpg"]


def test_the_data_set_has_4110_photographs_of_31_items_in_three_domains() -> None:
    assert len(MANIFEST.entries) == 4110
    assert dict(MANIFEST.domains) == {"amazon": 2817, "dslr": 498, "webcam": 795}
    assert list(MANIFEST.domains) == sorted(MANIFEST.domains)
    assert sets.load("office31").photographs() == MANIFEST.domains
    assert len(MANIFEST.items) == len(set(MANIFEST.items)) == 31


def test_every_domain_has_every_item() -> None:
    assert len({(entry.domain, entry.item) for entry in MANIFEST.entries.values()}) == 3 * 31


def test_every_row_is_well_formed() -> None:
    for path, entry in MANIFEST.entries.items():
        assert path == f"{entry.domain}/{entry.item}/{entry.file}"
        assert len(bytes.fromhex(entry.sha256)) == 32
        assert min(entry.bytes, entry.width, entry.height) > 0


def test_a_domain_is_whole_whatever_the_order_and_not_with_one_photograph_less_more_or_twice() -> None:
    digests = [entry.sha256 for entry in MANIFEST.entries.values() if entry.domain == "dslr"]
    assert MANIFEST.is_whole("dslr", reversed(digests))
    for others in (digests[1:], [*digests, ENTRY.sha256], [*digests, digests[0]], [*digests[1:], digests[1]]):
        assert not MANIFEST.is_whole("dslr", others)
    assert not MANIFEST.is_whole("webcam", digests)
    assert not MANIFEST.is_whole("heap", [])


@pytest.mark.real
@pytest.mark.skipif(not SHARED.exists(), reason="the original manifest is not here")
def test_it_says_what_the_original_manifest_says() -> None:
    with SHARED.open(newline="") as stream:
        rows = {row["path"].replace("/images/", "/"): row for row in csv.DictReader(stream)}
    assert rows.keys() == MANIFEST.entries.keys()
    for path, entry in MANIFEST.entries.items():
        row = rows[path]
        assert (str(entry.bytes), str(entry.width), str(entry.height), entry.sha256) == (
            row["bytes"],
            row["width"],
            row["height"],
            row["sha256"],
        )


@pytest.mark.parametrize(
    ("name", "domain"),
    [
        ("amazon/images/back_pack/frame_0001.jpg", None),
        ("./amazon/images/back_pack/frame_0001.jpg", None),
        ("Office31/amazon/images/back_pack/frame_0001.jpg", None),
        ("amazon/back_pack/frame_0001.jpg", None),
        ("a/b/c/amazon/back_pack/frame_0001.jpg", "dslr"),
        ("images/back_pack/frame_0001.jpg", "amazon"),
        ("back_pack/frame_0001.jpg", "amazon"),
        ("amazon_full/images/back_pack/frame_0001.jpg", "amazon"),
    ],
)
def test_a_photograph_is_found_in_any_wrapping(name: str, domain: str | None) -> None:
    assert MANIFEST.find_entry(name, domain) == ENTRY


@pytest.mark.parametrize(
    "name",
    [
        "",
        "frame_0001.jpg",
        "images/frame_0001.jpg",
        "back_pack/frame_0001.jpg",
        "amazon/README.md",
        "amazon/images/back_pack",
        "amazon/images/back_pack/frame_9999.jpg",
        "amazon/images/back_pack/.DS_Store",
        "__MACOSX/amazon/images/back_pack/._frame_0001.jpg",
        "amazon/images/back_pack/frame_0001.jpg/x",
    ],
)
def test_anything_else_is_no_photograph(name: str) -> None:
    assert MANIFEST.find_entry(name) is None


def test_what_is_scanned_is_written_and_read_again(tmp_path: Path) -> None:
    root = lay_out(tmp_path / "things", "shop/mug", "phone/images/mug")
    scanned = Manifest.scan(root)
    content = (root / "phone/images/mug/frame_1.png").read_bytes()
    expected = Entry("phone", "mug", "frame_1.png", len(content), 12, 10, hashlib.sha256(content).hexdigest())
    assert scanned.entries["phone/mug/frame_1.png"] == expected
    assert (scanned.domains, scanned.items) == ({"phone": 2, "shop": 2}, ("mug",))
    scanned.write(tmp_path / "things.csv.gz")
    assert Manifest.read(tmp_path / "things.csv.gz").entries == scanned.entries


def test_the_manifest_in_the_package_is_as_it_would_be_written_today(tmp_path: Path) -> None:
    MANIFEST.write(tmp_path / "again.csv.gz")
    assert (tmp_path / "again.csv.gz").read_bytes() == OFFICE31.read_bytes()
