"""HEIC and AVIF: read as other pictures are, or one line that says what to install."""

import io
import random
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from office31_cli.data import container_formats, pixels
from office31_cli.data.folder import open_folder
from office31_cli.data.pixels import MissingDecoder, decode, decode_domain, encode_thumbnail, read_size
from office31_cli.errors import Failed, Refused
from tests.data.test_pixels import BACK, PICTURE, SMALL, close, oriented
from tests.helpers.small_data import lay_out

KINDS = ("HEIF", "AVIF")


@pytest.fixture(scope="module", autouse=True)
def decoders() -> None:
    pytest.importorskip("pillow_heif")
    if not features.check("avif"):
        pytest.skip("this Pillow was built without AVIF")
    assert all(map(container_formats.load_decoder, KINDS))


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As where neither decoder is installed."""
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    monkeypatch.setattr(container_formats, "find_spec", lambda name: None)
    monkeypatch.setattr(features, "check", lambda name: False)
    container_formats._register_heif.cache_clear()
    yield
    container_formats._register_heif.cache_clear()


def saved(path: Path, kind: str, picture: Image.Image = PICTURE, orientation: int = 1) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, kind, exif=oriented(orientation).tobytes(), quality=90)
    return path


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("orientation", BACK)
def test_it_is_read_upright_whatever_it_is_called(tmp_path: Path, kind: str, orientation: int) -> None:
    turn = BACK[orientation]
    path = saved(tmp_path / "a.jpg", kind, PICTURE if turn is None else PICTURE.transpose(turn), orientation)
    assert container_formats.recognise(path.read_bytes()[: container_formats.HEAD]) == kind
    assert close(decode(path, 8), SMALL, 4)


@pytest.mark.parametrize("kind", KINDS)
def test_size_thumbnail_and_transparency(tmp_path: Path, kind: str) -> None:
    path = saved(tmp_path / "a", kind)
    assert read_size(path) == PICTURE.size
    with Image.open(io.BytesIO(encode_thumbnail(path, 24))) as small:
        assert small.size == (24, 16)
    ghost = PICTURE.convert("RGBA")
    ghost.putalpha(0)
    assert (decode(saved(tmp_path / "b", kind, ghost), 8) == 255).all()


def test_a_film_is_no_picture(tmp_path: Path) -> None:
    assert container_formats.recognise(b"\0\0\0\x1cftypisom\0\0\2\0isomiso2avc1mp41") is None
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x1cftypisom\0\0\2\0isomiso2avc1mp41" + bytes(100))
    with pytest.raises(Failed, match="it is no picture in a known format"):
        decode(tmp_path / "a.heic", 8)


def claiming(path: Path, width: int, height: int) -> Path:
    """The HEIF file with another size in its header than its pixels have."""
    content = bytearray(path.read_bytes())
    place = content.find(b"ispe") + 8
    content[place : place + 8] = struct.pack(">II", width, height)
    path.write_bytes(content)
    return path


@pytest.mark.fault(27)
def test_a_claim_of_too_many_pixels_is_refused_unread(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="claims 20000 x 6000 pixels, where at most 100,000,000 are accepted"):
        decode(claiming(saved(tmp_path / "a.heic", "HEIF", Image.new("RGB", (512, 512))), 20_000, 6_000), 8)
    large = Image.new("RGB", (2_048, 2_048))
    with pytest.raises(Failed, match="cannot be read"):  # which would hold more than it claims
        decode(claiming(saved(tmp_path / "b.heic", "HEIF", large), 64, 64), 8)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.fault(26)
def test_damaged_bytes_are_one_line(tmp_path: Path, kind: str) -> None:
    whole, chance = saved(tmp_path / "a", kind).read_bytes(), random.Random(0)
    for _ in range(150):
        damaged = bytearray(whole[: chance.choice((len(whole), chance.randrange(len(whole))))])
        for _ in range(chance.choice((1, 8, 30))):
            if damaged:
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        (tmp_path / "b").write_bytes(damaged)
        try:
            assert decode(tmp_path / "b", 8).shape == (8, 8, 3)
        except (Failed, Refused) as error:
            assert str(error).isprintable()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("skip_bad", [False, True])
@pytest.mark.usefixtures("without")
def test_without_the_decoder_it_is_never_skipped(tmp_path: Path, kind: str, skip_bad: bool) -> None:
    saved_with = {"HEIF": "heic", "AVIF": "avif"}
    root = lay_out(tmp_path / "set", "cam/cup")
    path = saved(root / "cam" / "cup" / f"a.{saved_with[kind]}", kind)
    photographs = open_folder(root).photographs("cam")
    assert len(photographs) == 3
    with pytest.raises(MissingDecoder) as caught:
        decode_domain(photographs, 8, skip_bad=skip_bad).all()
    assert str(caught.value) == (
        f"{path}: it is in the format {kind}, whose decoder is not installed; run: pip install 'office31-cli[heif]'"
    )


def test_with_the_decoder_a_domain_is_read_whole(tmp_path: Path) -> None:
    root = lay_out(tmp_path / "set", "cam/cup")
    for name, kind in (("a.HEIC", "HEIF"), ("b.heif", "HEIF"), ("c.avif", "AVIF")):
        saved(root / "cam" / "cup" / name, kind)
    decoded = decode_domain(open_folder(root).photographs("cam"), 8).all()
    assert [close(row, SMALL, 4) for row in decoded] == [True, True, True, False, False]
    assert np.asarray(decoded).shape == (5, 8, 8, 3)


def test_an_embedded_thumbnail_is_not_what_is_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "a.heic"
    Image.new("RGB", (640, 480), (200, 0, 0)).save(path, "HEIF", thumbnails=[320])
    picture = pixels.decode(path, 8)
    assert abs(int(picture[0, 0, 0]) - 200) < 8
