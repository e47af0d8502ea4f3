import gzip
import io
import os
import struct
import tarfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from office31_cli.data import archive
from office31_cli.data.manifest import Entry
from office31_cli.errors import Refused

CONTENT = {"a/one.jpg": b"first photograph" * 40, "a/two.jpg": bytes(range(256)), "b/one.jpg": b"another"}
ENTRIES = {
    name: Entry(*("d", *name.split("/")), bytes=len(content), width=1, height=1, sha256="")
    for name, content in CONTENT.items()
}


def read(source: Path) -> dict[str, bytes]:
    return {f"{entry.item}/{entry.file}": content for entry, content in archive.read_photographs(source, ENTRIES.get)}


def tar_of(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def tar_member(name: str, content: bytes = b"", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def zip_of(*members: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        warnings.simplefilter("ignore")  # zipfile warns of duplicate names, which are wanted here
        for name, content in members:
            packed.writestr(name, content)
    return buffer.getvalue()


TAR = tar_of(*(tar_member(name, content) for name, content in CONTENT.items()))
ZIP = zip_of(*CONTENT.items())
SOUND = {"tar": TAR, "tar.gz": gzip.compress(TAR, mtime=0), "zip": ZIP}


@pytest.fixture
def saved(tmp_path: Path) -> Callable[[bytes], Path]:
    def save(content: bytes) -> Path:
        path = tmp_path / "archive"
        path.write_bytes(content)
        return path

    return save


Saved = Callable[[bytes], Path]


@pytest.mark.parametrize("kind", SOUND)
def test_photographs_come_out_of_every_kind_of_archive(kind: str, saved: Saved) -> None:
    assert read(saved(SOUND[kind])) == CONTENT


def test_photographs_come_out_of_a_folder(tmp_path: Path) -> None:
    for name, content in CONTENT.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    (tmp_path / "README").write_text("not a photograph")
    assert read(tmp_path) == CONTENT


def test_what_is_no_photograph_is_left_out(saved: Saved) -> None:
    extra = [("README.md", b"hello"), ("__MACOSX/a/._one.jpg", b"x"), (".DS_Store", b"y"), ("a/", b"")]
    assert read(saved(zip_of(*extra, *CONTENT.items()))) == CONTENT
    members = [tar_member(name, content) for name, content in [*extra[:3], *CONTENT.items()]]
    assert read(saved(tar_of(tar_member("a", type=tarfile.DIRTYPE), *members))) == CONTENT


@pytest.mark.parametrize("pack", [lambda *m: tar_of(*(tar_member(*x) for x in m)), zip_of], ids=["tar", "zip"])
def test_no_more_than_the_manifest_says_and_one_byte_is_read(pack: Callable[..., bytes], saved: Saved) -> None:
    size = ENTRIES["b/one.jpg"].bytes
    assert read(saved(pack(("b/one.jpg", bytes(5000))))) == {"b/one.jpg": bytes(size + 1)}


HOSTILE_NAMES = ["../x", "a/../../x", "/abs", "..\\x", "a\\b", "C:/x", "c:x", "a/.."]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
@pytest.mark.fault(16)
def test_a_name_that_points_outside_is_refused(name: str, saved: Saved) -> None:
    with pytest.raises(Refused, match="points outside"):
        read(saved(tar_of(tar_member(name, b"x"))))
    with pytest.raises(Refused, match="points outside"):
        read(saved(zip_of((name, b"x"))))


def test_a_name_with_a_nul_is_refused(saved: Saved) -> None:
    with pytest.raises(Refused, match=r"a\\x00b points outside"):
        read(saved(zip_of(("aXb", b"x")).replace(b"aXb", b"a\0b")))


def test_a_name_cannot_steer_the_terminal(saved: Saved) -> None:
    with pytest.raises(Refused) as refusal:
        read(saved(tar_of(tar_member("../\x1b[31m", b"x"))))
    assert "\x1b" not in str(refusal.value)
    assert r"\x1b[31m" in str(refusal.value)


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, b"S"]
)
@pytest.mark.fault(17, 19)
def test_a_tar_with_anything_but_files_and_folders_is_refused(kind: bytes, saved: Saved) -> None:
    link = tar_member("a/one.jpg", type=kind, linkname="/etc/passwd")
    with pytest.raises(Refused):
        read(saved(tar_of(tar_member("b/one.jpg", CONTENT["b/one.jpg"]), link)))


@pytest.mark.fault(18)
def test_a_chain_of_links_longer_than_a_path_can_be_is_refused(saved: Saved) -> None:
    step = "d" * 247
    chain = []
    for depth, letter in enumerate("abcdefghijklmnop"):
        here = "/".join([step] * depth)
        chain += [
            tar_member(f"{here}/{step}".lstrip("/"), type=tarfile.DIRTYPE),
            tar_member(f"{here}/{letter}".lstrip("/"), type=tarfile.SYMTYPE, linkname=step),
        ]
    with pytest.raises(Refused, match="link"):
        read(saved(tar_of(*chain)))


@pytest.mark.fault(17)
def test_a_zip_with_a_link_is_refused(saved: Saved) -> None:
    info = zipfile.ZipInfo("a/one.jpg")
    info.create_system, info.external_attr = 3, 0o120777 << 16
    with pytest.raises(Refused, match="link"):
        read(saved(zip_of((info, b"/etc/passwd"))))


@pytest.mark.parametrize("make", [lambda path: path.symlink_to("/etc/passwd"), os.mkfifo], ids=["link", "fifo"])
def test_a_folder_with_anything_but_files_and_folders_is_refused(make: Callable[[Path], None], tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    make(tmp_path / "a" / "one.jpg")
    with pytest.raises(Refused, match=r"a/one\.jpg is not a regular file"):
        read(tmp_path)


def test_a_folder_with_a_loop_is_refused(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(".")
    with pytest.raises(Refused, match="loop"):
        read(tmp_path)


def with_size(size: bytes, kind: bytes = b"0") -> bytes:
    """A tar header whose size field is these 12 bytes."""
    header = bytearray(tar_member("a/one.jpg")[0].tobuf())
    header[124:136], header[156:157], header[148:156] = size, kind, b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


@pytest.mark.parametrize("kind", [b"0", b"x", b"g", b"L", b"K", b"5", b"S"])
@pytest.mark.parametrize(
    "size", [b"\xff" * 11 + b"\0", b"\xff" * 10 + b"\xfc\0", b"\x80" + b"\x7f" * 11], ids=["-256", "-1024", "huge"]
)
@pytest.mark.fault(20)
def test_a_tar_with_an_impossible_size_ends_at_once(size: bytes, kind: bytes, saved: Saved) -> None:
    try:
        found = read(saved(with_size(size, kind) + TAR))
    except Refused:
        found = {}
    assert found.items() <= CONTENT.items()


@pytest.mark.fault(20)
def test_a_negative_size_is_refused(saved: Saved) -> None:
    with pytest.raises(Refused, match="-256"):
        read(saved(with_size(b"\xff" * 11 + b"\0") * 4))


def test_headers_nested_without_end_are_refused(saved: Saved) -> None:
    with pytest.raises(Refused):
        read(saved(with_size(b"00000000000\0", b"L") * 3000 + TAR))


def test_a_header_longer_than_all_photographs_is_not_read_into_memory(saved: Saved) -> None:
    long_name = with_size(b"%011o\0" % (1 << 26), b"L")
    bomb = gzip.compress(long_name + bytes(1 << 26), 1)
    with pytest.raises(Refused, match=f"{archive.MAX_INDEX_BYTES:,}"):
        read(saved(bomb))


@pytest.mark.fault(21)
def test_a_tar_that_unpacks_to_too_much_is_refused(saved: Saved, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_BYTES", 1 << 20)
    zeros = tar_of(*(tar_member(f"{number}.bin", bytes(1 << 18)) for number in range(8)))
    with pytest.raises(Refused, match="unpacks to more"):
        read(saved(gzip.compress(zeros)))
    with pytest.raises(Refused, match="unpacks to more"):
        read(saved(gzip.compress(TAR + bytes(1 << 21))))


def test_a_single_file_that_is_too_large_is_refused(saved: Saved) -> None:
    with pytest.raises(Refused, match="claims"):
        read(saved(with_size(b"%011o\0" % (archive.MAX_FILE_BYTES + 1)) + bytes(1024)))


@pytest.mark.fault(21)
def test_a_zip_that_says_it_unpacks_to_too_much_is_refused(saved: Saved, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_BYTES", 1 << 20)
    with pytest.raises(Refused, match="unpacks to more"):
        read(saved(zip_of(*((f"{number}.bin", bytes(1 << 18)) for number in range(8)))))


def test_too_many_files_are_refused(saved: Saved, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_FILES", 2)
    (tmp_path / "folder").mkdir()
    for name in "xyz":
        (tmp_path / "folder" / name).touch()
    for source in [*map(saved, SOUND.values()), tmp_path / "folder"]:
        with pytest.raises(Refused, match="more than 2 files"):
            read(source)


def test_a_zip_whose_list_is_too_long_is_refused(saved: Saved, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_INDEX_BYTES", 1 << 16)
    with pytest.raises(Refused, match="list of members"):
        read(saved(zip_of(*((f"{number:0100}", b"") for number in range(500)))))


@pytest.mark.fault(21)
def test_a_zip_whose_files_overlap_is_refused(saved: Saved) -> None:
    content = bytearray(zip_of(("a/one.jpg", b"x" * 50), ("a/two.jpg", b"x" * 50)))
    second = content.rindex(b"PK\x01\x02")
    struct.pack_into("<L", content, second + 42, 10)  # where its local header is said to be
    with pytest.raises(Refused, match="overlaps"):
        read(saved(bytes(content)))


def test_a_zip_that_lies_about_a_size_is_refused_or_cut(saved: Saved) -> None:
    content = bytearray(zip_of(("b/one.jpg", bytes(5000))))
    struct.pack_into("<L", content, content.rindex(b"PK\x01\x02") + 24, 7)
    with pytest.raises(Refused, match="damaged"):
        read(saved(bytes(content)))


@pytest.mark.parametrize("flag", [0x1, 0x41, 0x2000])
@pytest.mark.fault(23)
def test_an_encrypted_zip_is_refused(flag: int, saved: Saved) -> None:
    content = bytearray(ZIP)
    struct.pack_into("<H", content, content.index(b"PK\x01\x02") + 8, flag)
    with pytest.raises(Refused, match="encrypted"):
        read(saved(bytes(content)))


@pytest.mark.parametrize(
    "names",
    [("a/one.jpg", "a/one.jpg"), ("a/one.jpg", "A/One.JPG"), ("a/one.jpg", "./a//one.jpg"), ("\xe9", "e\u0301")],
)
@pytest.mark.fault(22)
def test_two_files_of_one_name_are_refused(names: tuple[str, str], saved: Saved) -> None:
    with pytest.raises(Refused, match="two files are named"):
        read(saved(tar_of(*(tar_member(name, b"x") for name in names))))
    with pytest.raises(Refused, match="two files are named"):
        read(saved(zip_of(*((name, b"x") for name in names))))


@pytest.mark.parametrize("kind", ["tar.gz", "zip"])
@pytest.mark.parametrize("kept", [0.3, 0.9, 0.99])
@pytest.mark.fault(23)
def test_a_truncated_archive_is_refused(kind: str, kept: float, saved: Saved) -> None:
    content = SOUND[kind]
    with pytest.raises(Refused, match="damaged"):
        read(saved(content[: int(kept * len(content))]))


def test_a_checksum_that_is_wrong_at_the_very_end_is_noticed(saved: Saved) -> None:
    content = bytearray(SOUND["tar.gz"])
    content[-8] ^= 1
    with pytest.raises(Refused, match="CRC"):
        read(saved(bytes(content)))


@pytest.mark.parametrize("content", [b"", b"hello", b"<html>" * 200, bytes(3000)])
def test_what_is_no_archive_gives_no_photographs(content: bytes, saved: Saved) -> None:
    try:
        assert read(saved(content)) == {}
    except Refused as refusal:
        assert "damaged" in str(refusal)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(sorted(SOUND)),
    edits=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=8)), max_size=6),
    kept=st.floats(0, 1),
)
def test_no_damage_leads_to_anything_but_a_refusal(
    kind: str, edits: list[tuple[float, bytes]], kept: float, saved: Saved
) -> None:
    content = bytearray(SOUND[kind])
    for place, replacement in edits:
        start = int(place * len(content))
        content[start : start + len(replacement)] = replacement
    try:
        found = read(saved(bytes(content[: 1 + int(kept * len(content))])))
    except Refused:
        return
    assert found.keys() <= CONTENT.keys()


@pytest.mark.parametrize("kind", [*SOUND, "folder"])
def test_an_archive_may_hold_six_times_what_is_expected_of_it(
    kind: str, saved: Saved, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MAX_FILES", 1)
    monkeypatch.setattr(archive, "MAX_BYTES", 1)
    if kind == "folder":
        for name, content in CONTENT.items():
            (tmp_path / "folder" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "folder" / name).write_bytes(content)
    source = tmp_path / "folder" if kind == "folder" else saved(SOUND[kind])
    with pytest.raises(Refused, match="more than"):
        read(source)
    expected = {"files": len(CONTENT), "size": 4096}
    assert len(list(archive.read_photographs(source, ENTRIES.get, **expected))) == len(CONTENT)
