import io
import os
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from office31_cli.data import pixels
from office31_cli.data.folder import open_folder
from office31_cli.data.photographs import Photographs
from office31_cli.data.pixels import decode, decode_domain, encode_thumbnail, find_readable
from office31_cli.errors import Failed, Refused
from tests.helpers.small_data import Listener, draw, lay_out

SMOOTH = np.stack([*np.meshgrid(np.linspace(0, 255, 48), np.linspace(255, 0, 32)), np.full((32, 48), 90.0)], axis=-1)
PICTURE = Image.fromarray(SMOOTH.astype(np.uint8))
SMALL = np.asarray(PICTURE.resize((8, 8), Image.Resampling.BILINEAR))

BACK = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""How a camera that notes this EXIF orientation stores an upright scene."""


def close(result: pixels.Pixels, expected: pixels.Pixels, most: float) -> bool:
    return bool(np.abs(result.astype(float) - expected.astype(float)).mean() <= most)


def saved(path: Path, picture: Image.Image, kind: str, **options: object) -> Path:
    picture.save(path, kind, **options)
    return path


def oriented(value: int) -> Image.Exif:
    exif = Image.Exif()
    exif[274] = value
    return exif


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "PPM"])
@pytest.mark.fault(28)
def test_every_format_is_told_by_its_bytes(tmp_path: Path, kind: str) -> None:
    result = decode(saved(tmp_path / "any.jpg", PICTURE, kind), 8)
    assert (result.shape, result.dtype) == ((8, 8, 3), np.uint8)
    assert close(result, SMALL, 12 if kind == "GIF" else 4)


@pytest.mark.parametrize("mode", ["CMYK", "L", "YCbCr"])
@pytest.mark.fault(28)
def test_jpegs_of_every_colour_space_become_rgb(tmp_path: Path, mode: str) -> None:
    expected = SMALL if mode != "L" else np.asarray(Image.fromarray(SMALL).convert("L").convert("RGB"))
    assert close(decode(saved(tmp_path / "a.jpg", PICTURE.convert(mode), "JPEG"), 8), expected, 4)


@pytest.mark.fault(28)
def test_sixteen_bits_become_eight(tmp_path: Path) -> None:
    grey = (SMOOTH[..., 0] * 257).astype(np.uint16)
    expected = np.repeat(SMALL[..., :1], 3, axis=-1)
    assert close(decode(saved(tmp_path / "a.png", Image.fromarray(grey), "PNG"), 8), expected, 1)
    assert close(decode(saved(tmp_path / "a.tif", Image.fromarray(grey), "TIFF"), 8), expected, 1)


@pytest.mark.fault(28)
def test_samples_of_which_nobody_says_what_is_white_are_refused(tmp_path: Path) -> None:
    """Pillow would show a float TIFF from 0 to 1, as most are, as black."""
    path = saved(tmp_path / "a.tif", Image.fromarray(SMOOTH[..., 0].astype(np.float32) / 255), "TIFF")
    with pytest.raises(Failed, match="8 or 16 bits"):
        decode(path, 8)


def test_transparency_lies_on_white(tmp_path: Path) -> None:
    palette = PICTURE.quantize(4)
    clear = palette.getpixel((0, 0))
    result = decode(saved(tmp_path / "a.png", palette, "PNG", transparency=clear), 8)
    assert result[0, 0].tolist() == [255, 255, 255]
    assert result[-1, -1].tolist() != [255, 255, 255]
    ghost = PICTURE.convert("RGBA")
    ghost.putalpha(0)
    assert (decode(saved(tmp_path / "b.png", ghost, "PNG"), 8) == 255).all()


def test_an_animation_gives_its_first_frame(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (9, 9), colour) for colour in ((250, 0, 0), (0, 250, 0))]
    path = saved(tmp_path / "a.gif", frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert decode(path, 4)[0, 0].tolist() == [250, 0, 0]


@pytest.mark.parametrize("orientation", BACK)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.fault(28)
def test_a_picture_is_turned_upright(tmp_path: Path, kind: str, orientation: int) -> None:
    turn = BACK[orientation]
    stored = PICTURE if turn is None else PICTURE.transpose(turn)
    assert close(decode(saved(tmp_path / "a", stored, kind, exif=oriented(orientation)), 8), SMALL, 4)


def test_a_thumbnail_keeps_the_shape_and_nothing_but_the_pixels(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274], exif[270] = 6, "where it was taken"
    path = saved(tmp_path / "a.jpg", PICTURE, "JPEG", exif=exif, comment=b"by whom", quality=95)
    content = encode_thumbnail(path, 24)
    with Image.open(io.BytesIO(content)) as small:
        assert (small.format, small.size) == ("JPEG", (16, 24))  # upright, which the file is not
        assert not {"exif", "comment", "icc_profile"} & small.info.keys()
        expected = PICTURE.transpose(Image.Transpose.ROTATE_270).resize((16, 24), Image.Resampling.LANCZOS)
        assert close(np.asarray(small), np.asarray(expected), 3)
    assert b"taken" not in content
    assert b"whom" not in content


def test_a_thumbnail_of_a_small_picture_is_no_larger(tmp_path: Path) -> None:
    with Image.open(io.BytesIO(encode_thumbnail(saved(tmp_path / "a.png", PICTURE, "PNG"), 500))) as same:
        assert same.size == PICTURE.size


def test_exif_that_cannot_be_understood_does_no_harm(tmp_path: Path) -> None:
    exif = oriented(6)
    exif[256] = 3
    buffer = io.BytesIO()
    PICTURE.transpose(Image.Transpose.ROTATE_90).save(buffer, "JPEG", exif=exif)
    content = bytearray(buffer.getvalue())
    content[content.find(b"Exif") + 19] = 1  # the first tag's number is declared to be of another type
    (tmp_path / "a.jpg").write_bytes(content)
    assert close(decode(tmp_path / "a.jpg", 8), SMALL, 4)


@pytest.mark.parametrize("size", [(640, 480), (300, 900), (256, 256), (100, 80)])
def test_decoding_at_a_fraction_is_close_to_decoding_in_full(tmp_path: Path, size: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    path = saved(tmp_path / "a.jpg", Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC), "JPEG", quality=90)
    with Image.open(path) as picture:
        full = np.asarray(picture.convert("RGB").resize((64, 64), Image.Resampling.BILINEAR))
    assert close(decode(path, 64), full, 4)


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")

    size = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size + bytes([8, 2, 0, 0, 0])) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [10_001, 30_000])
@pytest.mark.parametrize("skip_bad", [False, True])
@pytest.mark.fault(27)
def test_a_picture_that_claims_too_many_pixels_is_refused_unread(tmp_path: Path, side: int, skip_bad: bool) -> None:
    root = lay_out(tmp_path / "set", "cam/cup")
    (root / "cam" / "cup" / "bomb.png").write_bytes(png_header(side, side))
    with pytest.raises(Refused, match=r"bomb\.png: claims .* pixels, where at most 100,000,000 are accepted") as caught:
        decode_domain(open_folder(root).photographs("cam"), 8, skip_bad=skip_bad)
    assert caught.value.exit_code == 3


def whole_jpeg() -> bytes:
    buffer = io.BytesIO()
    PICTURE.save(buffer, "JPEG")
    return buffer.getvalue()


BROKEN = {
    "empty": b"",
    "text": b"this is no picture\n",
    "half": whole_jpeg()[:-200],
    "head": whole_jpeg()[:30],
    "fits": b"SIMPLE  =                    T".ljust(2880),
    "html": b"<!doctype html><svg xmlns='http://www.w3.org/2000/svg'/>",
}


@pytest.mark.parametrize("kind", BROKEN)
@pytest.mark.fault(26)
def test_what_is_no_whole_picture_fails_by_name_in_one_line(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"{kind}\n.jpg"
    path.write_bytes(BROKEN[kind])
    with pytest.raises(Failed, match=rf"{kind}\\n\.jpg: cannot be read: .*; replace it, or .* --skip-bad") as caught:
        decode(path, 8)
    assert str(caught.value).isprintable()


def test_what_is_no_regular_file_is_not_opened(tmp_path: Path) -> None:
    """A FIFO that nobody writes into would keep its reader waiting for ever."""
    os.mkfifo(tmp_path / "fifo.jpg")
    for path in (tmp_path / "fifo.jpg", Path("/dev/zero"), tmp_path):
        with pytest.raises(Failed, match="cannot be read: it is no regular file; replace it"):
            decode(path, 8)


def test_a_file_that_became_a_fifo_meanwhile_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path / "a.jpg", PICTURE, "JPEG")
    regular = path.stat()
    path.unlink()
    os.mkfifo(path)
    monkeypatch.setattr(Path, "stat", lambda self: regular)
    with pytest.raises(Failed, match="cannot be read"):
        decode(path, 8)


_FOUR_AT_ONCE = """
import resource, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from office31_cli.data.pixels import decode
def peak(count):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: decode(Path(sys.argv[1]), 8), range(count)))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(peak(1), peak(4))
"""


def test_large_pictures_do_not_take_their_memory_side_by_side(tmp_path: Path) -> None:
    path = saved(tmp_path / "large.png", Image.new("RGBA", (5000, 4000), (9, 9, 9, 9)), "PNG", compress_level=1)
    done = subprocess.run([sys.executable, "-c", _FOUR_AT_ONCE, path], capture_output=True, text=True, check=True)
    one, four = map(int, done.stdout.split())
    assert four < 2.5 * one


def test_damaged_bytes_are_decoded_or_complained_about(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "PPM"):
        content = saved(tmp_path / "whole", PICTURE, kind, exif=oriented(6)).read_bytes()
        for _ in range(60):
            damaged = np.frombuffer(content, dtype=np.uint8).copy()
            places = generator.integers(0, min(len(damaged), int(generator.choice([60, 200, 10**6]))), size=3)
            damaged[places] = generator.integers(0, 256, size=3)
            (tmp_path / "damaged").write_bytes(damaged.tobytes())
            try:
                assert decode(tmp_path / "damaged", 8).shape == (8, 8, 3)
            except (Failed, Refused) as error:
                assert str(error).isprintable()


_DECODE_AND_FAIL = """
import sys
from pathlib import Path
from office31_cli.data.pixels import decode
from office31_cli.errors import Failed
for path in sys.argv[1:]:
    try:
        decode(Path(path), 8)
    except Failed as error:
        print(error)
"""


def test_libraries_below_say_nothing_of_damaged_pictures(tmp_path: Path) -> None:
    lzw = bytearray(saved(tmp_path / "lzw.tif", PICTURE, "TIFF", compression="tiff_lzw").read_bytes())
    lzw[20:200] = bytes(180)
    (tmp_path / "lzw.tif").write_bytes(lzw)
    samples = bytearray(saved(tmp_path / "samples.tif", PICTURE, "TIFF").read_bytes())
    place = samples.index(bytes([21, 1, 3, 0, 1, 0, 0, 0]))  # tag 277, SamplesPerPixel
    samples[place + 8] = 99
    (tmp_path / "samples.tif").write_bytes(samples)
    words = [sys.executable, "-c", _DECODE_AND_FAIL, tmp_path / "lzw.tif", tmp_path / "samples.tif"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.count("cannot be read") == 2
    assert done.stderr == ""


def test_odd_metadata_print_nothing(tmp_path: Path) -> None:
    exif = oriented(1)
    exif[271] = "maker of cameras"
    buffer = io.BytesIO()
    PICTURE.save(buffer, "JPEG", exif=exif)
    content = buffer.getvalue().replace(b"\x00\x00\x00\x11", b"\x00\xff\xff\x11", 1)  # a text of 16 million bytes
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    script = f"from pathlib import Path; from office31_cli.data import pixels; pixels.decode(Path({str(path)!r}), 8)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")


def mixed(root: Path) -> Photographs:
    """Four pictures, the second unreadable, the third truly black."""
    cup = root / "cam" / "cup"
    draw(cup / "a.png")
    (cup / "b.png").write_text("no picture")
    draw(cup / "c.png", (0, 0, 0))
    draw(cup / "d.png", (9, 9, 9))
    return open_folder(root).photographs("cam")


def test_an_unreadable_picture_stops_the_work(tmp_path: Path) -> None:
    with pytest.raises(Failed, match=r"b\.png: cannot be read"):
        decode_domain(mixed(tmp_path / "set"), 8)


@pytest.mark.fault(26)
def test_unreadable_pictures_are_left_out_and_black_ones_are_not(tmp_path: Path) -> None:
    photographs = mixed(tmp_path / "set")
    array = decode_domain(photographs, 8, skip_bad=True)
    assert array.shape == (4, 8, 8, 3)
    mask = find_readable(array, photographs)
    assert mask.tolist() == [True, False, True, True]
    assert array.rows(photographs.subset(mask).rows)[:, 0, 0].tolist() == [[200, 100, 50], [0, 0, 0], [9, 9, 9]]


def test_pictures_are_decoded_once_for_each_side(tmp_path: Path) -> None:
    photographs, listener = open_folder(lay_out(tmp_path / "set", "cam/cup")).photographs("cam"), Listener()
    for side in (8, 8, 9):
        assert decode_domain(photographs, side, observer=listener).all().shape == (2, side, side, 3)
    assert listener.tracked == [(2, 0, 2)] * 2


def test_an_edited_picture_is_decoded_again(tmp_path: Path) -> None:
    root = lay_out(tmp_path / "set", "cam/cup")
    before = decode_domain(open_folder(root).photographs("cam"), 8).all()
    draw(root / "cam" / "cup" / "frame_1.png", (1, 2, 3))
    after = decode_domain(open_folder(root).photographs("cam"), 8).all()
    assert np.array_equal(before[0], after[0])
    assert after[1, 0, 0].tolist() == [1, 2, 3]


def test_a_damaged_row_is_decoded_again(tmp_path: Path) -> None:
    photographs, listener = open_folder(lay_out(tmp_path / "set", "cam/cup")).photographs("cam"), Listener()
    array = decode_domain(photographs, 8, observer=listener)
    truth = array.all()
    with (array.folder / "rows.bin").open("r+b") as stream:
        stream.write(b"\xff\xfe")
    assert np.array_equal(array.all(), truth)
    assert len(listener.warned) == 1
