import gzip
import hashlib
import io
import multiprocessing
import os
import shutil
import signal
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from office31_cli import paths, storage
from office31_cli.data import sets
from office31_cli.data.manifest import Entry, Manifest
from office31_cli.data.mirrors import Mirror
from office31_cli.data.web import Limits
from office31_cli.errors import Failed, Misuse, Refused
from office31_cli.observer import SilentObserver
from office31_cli.recipes.download import download, verify_download
from tests.helpers.misbehaving import endless_body, honest, run_server, send

DOMAINS = ("amazon", "dslr", "webcam")
QUICK = Limits(answer=5, attempts=2, backoff=0)
REAL = Path(__file__).parents[3] / "shared" / "office31" / "domain_adaptation_images.tar.gz"
needs_photographs = pytest.mark.skipif(not REAL.exists(), reason="the real photographs are not here")

CONTENT = {
    f"{domain}/{item}/frame_{number:04d}.jpg": hashlib.sha512(f"{domain} {item} {number}".encode()).digest() * number
    for domain in DOMAINS
    for item in ("bike", "mug")
    for number in (1, 20)
}
"""Stand-ins for the photographs: twelve small files of random bytes."""


def manifest_of(files: dict[str, bytes]) -> Manifest:
    return Manifest(
        Entry(*path.split("/"), len(content), 1, 1, hashlib.sha256(content).hexdigest())
        for path, content in files.items()
    )


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A manifest of the stand-ins instead of the real one."""
    monkeypatch.setattr(sets.load("office31"), "manifest", manifest_of(CONTENT))
    monkeypatch.setenv("no_proxy", "127.0.0.1")


class Listening(SilentObserver):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.warned: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)

    def warn(self, message: str) -> None:
        self.warned.append(message)


Files = dict[str, bytes]


def as_tar(files: Files) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def as_tar_gz(files: Files) -> bytes:
    return gzip.compress(as_tar(files), mtime=0)


def as_zip(files: Files) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return buffer.getvalue()


def wrapped(pattern: str, domain: str | None = None) -> Files:
    """The stand-ins of one domain or all, named by the pattern."""
    files = {}
    for path, content in CONTENT.items():
        its_domain, item, file = path.split("/")
        if domain in (None, its_domain):
            files[pattern.format(domain=its_domain, item=item, file=file)] = content
    return files


ORIGINAL = "{domain}/images/{item}/{file}"


def spoilt(archive: bytes) -> bytes:
    """The same with one bit of its middle flipped."""
    changed = bytearray(archive)
    changed[len(changed) // 2] ^= 1
    return bytes(changed)


def stored() -> Files:
    root = paths.data_sets() / "office31"
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def all_below_home() -> set[str]:
    """Names in the folders of data sets and of transfers: where something half-done would be."""
    folders = (paths.data_sets(), paths.cache_home() / "downloads")
    return {path.name for folder in folders if folder.is_dir() for path in folder.iterdir()}


def write(path: Path, content: bytes) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return str(path)


def write_folder(root: Path, files: Files) -> str:
    for name, content in files.items():
        write(root / name, content)
    return str(root)


@pytest.mark.usefixtures("small")
class TestFromDisk:
    @pytest.mark.parametrize("pack", [as_tar, as_tar_gz, as_zip])
    @pytest.mark.parametrize(
        "pattern", [ORIGINAL, "./" + ORIGINAL, "Office31/" + ORIGINAL, "x/y/{domain}/{item}/{file}"]
    )
    def test_any_wrapping_gives_one_clean_folder(
        self, pack: Callable[[Files], bytes], pattern: str, tmp_path: Path
    ) -> None:
        files = {"README.md": b"hello", "__MACOSX/amazon/images/bike/._frame_0001.jpg": b"x", **wrapped(pattern)}
        download(write(tmp_path / "data.bin", pack(files)))
        assert stored() == CONTENT
        assert all_below_home() == {"office31"}

    def test_it_says_what_is_there(self, tmp_path: Path) -> None:
        result = download(write(tmp_path / "all.zip", as_zip(CONTENT))).to_json()
        assert result.pop("seconds") >= 0
        assert result == {
            "dataset": "office31",
            "root": str(paths.data_sets() / "office31"),
            "domains": {"amazon": 4, "dslr": 4, "webcam": 4},
            "photographs": 12,
            "items": 2,
            "verified": True,
        }

    @pytest.mark.parametrize("prefix", ["", "{domain}/images/", "Office31/"])
    def test_a_folder_is_copied(self, prefix: str, tmp_path: Path) -> None:
        pattern = prefix + "{item}/{file}" if "domain" in prefix else prefix + ORIGINAL
        source = write_folder(tmp_path / "here", wrapped(pattern))
        download(source)
        assert stored() == CONTENT
        shutil.rmtree(source)
        assert stored() == CONTENT

    @pytest.mark.parametrize("pattern", [ORIGINAL, "images/{item}/{file}", "{item}/{file}"])
    def test_a_folder_may_hold_one_archive_a_domain(self, pattern: str, tmp_path: Path) -> None:
        for domain in DOMAINS:
            write(tmp_path / "here" / f"{domain}.zip", as_zip(wrapped(pattern, domain)))
        download(str(tmp_path / "here"))
        assert stored() == CONTENT

    def test_a_file_address_is_a_path(self, tmp_path: Path) -> None:
        path = write(tmp_path / "with space.zip", as_zip(CONTENT))
        download(Path(path).as_uri())
        assert stored() == CONTENT

    def test_missing_photographs_are_counted_and_named(self, tmp_path: Path) -> None:
        path = write(tmp_path / "amazon.zip", as_zip(wrapped("{item}/{file}", "amazon")))
        with pytest.raises(Refused, match=r"8 files missing \(dslr/bike/frame_0001.jpg, .* and 5 more\)"):
            download(path)
        assert all_below_home() == set()

    @pytest.mark.parametrize("change", [lambda content: content + b"x", lambda content: content[:-1], lambda _: b""])
    def test_altered_photographs_are_counted_and_named(self, change: Callable[[bytes], bytes], tmp_path: Path) -> None:
        files = CONTENT | {"dslr/mug/frame_0001.jpg": change(CONTENT["dslr/mug/frame_0001.jpg"])}
        with pytest.raises(Refused, match=r"1 file altered \(dslr/mug/frame_0001.jpg\)"):
            download(write(tmp_path / "all.tar", as_tar(files)))
        assert all_below_home() == set()

    @pytest.mark.parametrize("pack", [as_tar, as_tar_gz, as_zip])
    def test_a_flipped_bit_is_refused_and_the_users_own_file_stays(
        self, pack: Callable[[Files], bytes], tmp_path: Path
    ) -> None:
        content = spoilt(pack(CONTENT))
        path = write(tmp_path / "all", content)
        with pytest.raises(Refused):
            download(path)
        assert Path(path).read_bytes() == content
        assert all_below_home() == set()

    @pytest.mark.parametrize("origin", ["/nowhere", "nowhere.zip", "ftp://127.0.0.1/x.zip", "/dev/null", "a\0b"])
    def test_an_origin_that_is_none_is_wrong_usage(self, origin: str) -> None:
        with pytest.raises(Misuse):
            download(origin)
        assert all_below_home() == set()

    def test_nothing_is_done_where_all_is_there(self, tmp_path: Path) -> None:
        download(write(tmp_path / "all.zip", as_zip(CONTENT)))
        before = (paths.data_sets() / "office31").stat().st_ino
        told = Listening()
        assert download(observer=told).verified
        assert (paths.data_sets() / "office31").stat().st_ino == before
        assert "there already" in told.said[0]

    @pytest.mark.parametrize("there", ["damaged", "empty", "a file", "a link"])
    def test_what_is_damaged_is_replaced(self, there: str, tmp_path: Path) -> None:
        root = paths.data_sets() / "office31"
        if there == "damaged":
            write_folder(root, CONTENT | {"amazon/mug/frame_0001.jpg": b"", "extra.jpg": b""})
        elif there == "empty":
            root.mkdir(parents=True)
        elif there == "a file":
            write(root, b"what is this")
        else:
            root.parent.mkdir(parents=True)
            root.symlink_to(write_folder(tmp_path / "elsewhere", {"x": b""}))
        told = Listening()
        download(write(tmp_path / "all.zip", as_zip(CONTENT)), observer=told)
        assert stored() == CONTENT
        assert all_below_home() == {"office31"}
        assert "will be replaced" in told.warned[0]

    def test_what_is_damaged_stays_as_it_was_when_nothing_better_comes(self, tmp_path: Path) -> None:
        damaged = CONTENT | {"amazon/mug/frame_0001.jpg": b"precious"}
        write_folder(paths.data_sets() / "office31", damaged)
        with pytest.raises(Refused):
            download(write(tmp_path / "all.zip", spoilt(as_zip(CONTENT))))
        assert stored() == damaged


@pytest.mark.usefixtures("small")
class TestVerify:
    def test_it_confirms_what_is_right(self, tmp_path: Path) -> None:
        root = Path(write_folder(tmp_path / "there", CONTENT))
        assert verify_download(root).to_json()["photographs"] == 12

    def test_it_names_what_is_missing_altered_and_extra(self, tmp_path: Path) -> None:
        altered = CONTENT | {"dslr/mug/frame_0001.jpg": b"x" * len(CONTENT["dslr/mug/frame_0001.jpg"])}
        root = Path(write_folder(tmp_path / "there", altered | {"amazon/bike/\x1b[2J.jpg": b""}))
        (root / "webcam/bike/frame_0001.jpg").unlink()
        with pytest.raises(Refused) as refusal:
            verify_download(root)
        message = str(refusal.value)
        assert "1 file missing (webcam/bike/frame_0001.jpg)" in message
        assert "1 file altered (dslr/mug/frame_0001.jpg)" in message
        assert r"1 file not of the data set (amazon/bike/\x1b[2J.jpg)" in message

    @pytest.mark.parametrize("make", [lambda path: path.symlink_to("/dev/zero"), os.mkfifo, Path.mkdir])
    def test_what_is_no_regular_file_is_not_opened(self, make: Callable[[Path], None], tmp_path: Path) -> None:
        root = Path(write_folder(tmp_path / "there", CONTENT))
        (root / "webcam/bike/frame_0001.jpg").unlink()
        make(root / "webcam/bike/frame_0001.jpg")
        with pytest.raises(Refused, match="1 file altered"):
            verify_download(root)

    def test_where_nothing_is_it_says_what_to_do(self) -> None:
        with pytest.raises(Failed, match="run: office31 download"):
            verify_download()


@pytest.mark.usefixtures("small")
class TestFromTheWeb:
    def test_one_address(self) -> None:
        with run_server(honest(as_tar_gz(wrapped(ORIGINAL)))) as server:
            download(server.url("x.tar.gz?dl=1"), limits=QUICK)
        assert stored() == CONTENT
        assert all_below_home() == {"office31"}

    @pytest.mark.fault(1)
    def test_a_broken_transfer_is_gone_on_with(self) -> None:
        archive = as_tar_gz(CONTENT)
        with run_server(honest(archive, stop_at=len(archive) * 4 // 10), honest(archive)) as server:
            download(server.url(), limits=QUICK)
        assert stored() == CONTENT

    @pytest.mark.parametrize(
        "archive",
        [
            pytest.param(spoilt(as_tar_gz(CONTENT)), id="flipped"),
            pytest.param(as_tar_gz(CONTENT)[:-100], id="truncated"),
            pytest.param(b"\x1f\x8b not at all", id="nonsense"),
        ],
    )
    @pytest.mark.fault(4, 9)
    def test_damaged_bytes_are_refused_and_removed(self, archive: bytes) -> None:
        with run_server(send(archive, length=-1)) as server, pytest.raises(Refused) as refusal:
            download(server.url(), limits=QUICK)
        assert refusal.value.what.startswith("http://127.0.0.1")
        assert all_below_home() == set()

    @pytest.mark.fault(3)
    def test_a_length_that_is_too_small_is_refused(self) -> None:
        archive = as_tar_gz(CONTENT)
        with run_server(send(archive, length=len(archive) // 2)) as server, pytest.raises(Refused):
            download(server.url(), limits=QUICK)

    def test_an_endless_body_is_refused(self) -> None:
        with run_server(endless_body) as server, pytest.raises(Refused, match="larger than"):
            download(server.url(), limits=Limits(body=1 << 20))
        assert all_below_home() == set()

    def test_a_part_of_another_file_is_not_trusted_twice(self) -> None:
        archive, other = as_tar_gz(CONTENT), bytes(len(as_tar_gz(CONTENT)))
        with run_server(honest(other, stop_at=1000), honest(archive)) as server:
            with pytest.raises(Failed):
                download(server.url(), limits=Limits(attempts=1))
            download(server.url(), limits=QUICK)  # the server swears that both are the same file
        assert stored() == CONTENT


def mirrors(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    made = tuple(Mirror(f"mirror {place}", ((url, None),)) for place, url in enumerate(addresses, start=1))
    monkeypatch.setattr(sets.load("office31"), "mirrors", made)


NOWHERE = "http://127.0.0.1:1/x.zip"


@pytest.mark.usefixtures("small")
class TestMirrors:
    def test_the_next_mirror_is_tried(self, monkeypatch: pytest.MonkeyPatch) -> None:
        told = Listening()
        page = send(b"<html>", Content_Type="text/html")
        flipped, sound = honest(spoilt(as_zip(CONTENT))), honest(as_zip(CONTENT))
        with run_server(page) as first, run_server(flipped) as second, run_server(sound) as third:
            mirrors(monkeypatch, NOWHERE, first.url(), second.url(), third.url())
            download(observer=told, limits=QUICK)
        assert stored() == CONTENT
        assert all_below_home() == {"office31"}
        assert [message.partition(":")[0] for message in told.warned] == ["mirror 1", "mirror 2", "mirror 3"]
        assert "got HTML, not an archive" in told.warned[1]

    @pytest.mark.fault(1, 6)
    def test_when_all_fail_all_are_named_with_the_way_by_hand(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with run_server(send(b"", "404 No")) as gone, run_server(send(b"", "503 Busy")) as busy:
            mirrors(monkeypatch, NOWHERE, gone.url(), busy.url())
            with pytest.raises(Failed) as failure:
                download(limits=QUICK)
        for word in ("mirror 1", "mirror 2", "404", "mirror 3", "503", "office31 download --from FILE"):
            assert word in str(failure.value)
        assert "\n" not in str(failure.value)

    @pytest.mark.parametrize("order", [1, -1])
    def test_bad_bytes_from_any_mirror_make_it_a_refusal(self, order: int, monkeypatch: pytest.MonkeyPatch) -> None:
        with run_server(honest(spoilt(as_zip(CONTENT)))) as server:
            mirrors(monkeypatch, *[NOWHERE, server.url()][::order])
            with pytest.raises(Refused, match=r"mirror 1.*mirror 2"):
                download(limits=QUICK)
        assert all_below_home() == set()

    def test_a_redirect_out_of_the_web_makes_it_a_refusal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with run_server(send(b"", "302 Found", Location="file:///etc/passwd")) as server:
            mirrors(monkeypatch, server.url())
            with pytest.raises(Refused, match="redirects to a file address"):
                download(limits=QUICK)

    def test_domains_that_one_mirror_gave_are_not_asked_of_the_next(self, monkeypatch: pytest.MonkeyPatch) -> None:
        gone = send(b"", "404 No")
        parts = {domain: honest(as_zip(wrapped("{item}/{file}", domain))) for domain in DOMAINS}
        with run_server(parts["amazon"], gone) as first, run_server(parts["dslr"], parts["webcam"]) as second:
            both = [
                Mirror(name, tuple((server.url(domain), domain) for domain in DOMAINS))
                for name, server in (("first", first), ("second", second))
            ]
            monkeypatch.setattr(sets.load("office31"), "mirrors", tuple(both))
            download(limits=QUICK)
            assert [request.split()[1] for request in second.requests] == ["/dslr", "/webcam"]
        assert stored() == CONTENT


def in_child(work: Callable[[], object]) -> int:
    """Run `work` in a process of its own; how that ended: 0, or minus the number of a signal."""
    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


@pytest.mark.usefixtures("small")
class TestTogetherAndKilled:
    @pytest.mark.fault(15)
    def test_eight_processes_at_once_all_succeed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("fcntl.flock", lambda *_: None)
        write_folder(paths.data_sets() / "office31", {"amazon/mug/frame_0001.jpg": b"damaged"})
        with run_server(honest(as_tar_gz(CONTENT))) as server:
            url = server.url()
            fork = multiprocessing.get_context("fork")
            processes = [fork.Process(target=download, args=(url,)) for _ in range(8)]
            for process in processes:
                process.start()
            for process in processes:
                process.join()
        assert [process.exitcode for process in processes] == [0] * 8
        assert stored() == CONTENT
        assert all_below_home() == {"office31"}

    @pytest.mark.fault(24)
    def test_killed_anywhere_a_second_run_succeeds(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        source = write(tmp_path / "all.zip", as_zip(CONTENT))
        root = paths.data_sets() / "office31"
        killed = 0
        while True:
            shutil.rmtree(root, ignore_errors=True)
            if killed % 2:
                write_folder(root, {"amazon/mug/frame_0001.jpg": b"damaged"})
            countdown = [killed]

            def kill(operation: str, path: Path, left: list[int] = countdown) -> None:
                left[0] -= 1
                if left[0] < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

            with monkeypatch.context() as patched:
                patched.setattr(storage, "before_operation", kill)
                if in_child(lambda: download(source)) == 0:
                    break
            assert not root.exists() or stored() in (CONTENT, {"amazon/mug/frame_0001.jpg": b"damaged"})
            assert in_child(lambda: download(source)) == 0
            assert stored() == CONTENT
            assert all_below_home() == {"office31"}
            killed += 3  # odd and even in turn: with and without a damaged folder
        assert killed > len(CONTENT)


@pytest.mark.real
@needs_photographs
class TestTheRealPhotographs:
    @pytest.mark.fault(1)
    def test_cut_off_at_40_percent_and_served_again_they_end_verified(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        archive = REAL.read_bytes()
        with run_server(honest(archive, stop_at=len(archive) * 4 // 10), honest(archive)) as server:
            result = download(server.url(), limits=QUICK)
        assert result.domains == {"amazon": 2817, "dslr": 498, "webcam": 795}
        assert (result.photographs, result.items) == (4110, 31)
        assert verify_download().photographs == 4110

    def test_in_three_zips_they_end_verified(self, tmp_path: Path) -> None:
        (tmp_path / "here").mkdir()
        packed = {name: zipfile.ZipFile(tmp_path / "here" / f"{name}.zip", "w") for name in DOMAINS}
        with tarfile.open(REAL) as tar:
            for member in tar:
                if content := tar.extractfile(member):
                    domain, rest = member.name.split("/", 1)
                    packed[domain].writestr(rest, content.read())
        for archive in packed.values():
            archive.close()
        assert download(str(tmp_path / "here")).photographs == 4110

    def test_one_flipped_byte_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / REAL.name
        shutil.copyfile(REAL, path)
        with path.open("r+b") as stream:
            stream.seek(REAL.stat().st_size // 2)
            byte = stream.read(1)[0]
            stream.seek(-1, os.SEEK_CUR)
            stream.write(bytes([byte ^ 0xFF]))
        with pytest.raises(Refused):
            download(str(path))
        assert all_below_home() == set()
