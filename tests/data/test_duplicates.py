"""Photographs that are there more than once: bytes decide for the same, structure for nearly the same."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from office31_cli.data.duplicates import Group, find_identical, find_near_duplicates, hash_pictures
from office31_cli.data.folder import open_folder
from office31_cli.data.photographs import Photographs
from office31_cli.data.pixels import decode_domain
from tests.helpers.small_data import draw

Change = Callable[[Image.Image], Image.Image]


def picture(seed: int, side: int = 160) -> Image.Image:
    """Some shapes, in places and colours of the seed."""
    draws = np.random.default_rng(seed)
    made = Image.new("RGB", (side, side), (235, 235, 235))
    for _ in range(7):
        x, y = np.sort(draws.uniform(0, side, (2, 2)), axis=0).T
        colour = tuple(draws.integers(0, 220, 3).tolist())
        ImageDraw.Draw(made).ellipse((x[0], y[0], x[1] + 4, y[1] + 4), fill=colour)
    return made


def saved(path: Path, image: Image.Image, quality: int = 95) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, quality=quality)


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    content = io.BytesIO()
    image.save(content, "JPEG", quality=quality)
    return Image.open(content).convert("RGB")


def groups_of(root: Path, side: int) -> list[Group]:
    parts = parts_of(root)
    return find_near_duplicates(parts, [hash_pictures(decode_domain(part, side), part.rows) for part in parts])


def parts_of(root: Path) -> list[Photographs]:
    data = open_folder(root)
    return [data.photographs(domain) for domain in data.domains]


def files(groups: list[Group]) -> list[list[str]]:
    return [[f"{place.domain}/{place.file}" for place in group] for group in groups]


def test_identical_bytes_are_found_within_a_domain_and_across(tmp_path: Path) -> None:
    for number in range(4):
        draw(tmp_path / "shop" / "mug" / f"{number}.png", (10 * number, 90, 20))
    (tmp_path / "shop" / "mug" / "again.png").write_bytes((tmp_path / "shop" / "mug" / "1.png").read_bytes())
    draw(tmp_path / "phone" / "mug" / "own.png", (200, 0, 0))
    (tmp_path / "phone" / "mug" / "theirs.png").write_bytes((tmp_path / "shop" / "mug" / "2.png").read_bytes())
    assert files(find_identical(parts_of(tmp_path))) == [
        ["phone/mug/theirs.png", "shop/mug/2.png"],
        ["shop/mug/1.png", "shop/mug/again.png"],
    ]


@pytest.mark.parametrize("side", [256, 100, 56])
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda image: image.resize((97, 97)), id="smaller"),
        pytest.param(lambda image: jpeg(image, 30), id="worse quality"),
        pytest.param(lambda image: Image.eval(image, lambda value: int(20 + 0.8 * value)), id="another contrast"),
    ],
)
def test_the_same_picture_in_another_form_is_a_near_duplicate(tmp_path: Path, change: Change, side: int) -> None:
    for seed in range(12):
        saved(tmp_path / "shop" / "mug" / f"{seed:02}.png", picture(seed))
    saved(tmp_path / "phone" / "mug" / "copy.png", change(picture(3)))
    assert files(groups_of(tmp_path, side)) == [["phone/mug/copy.png", "shop/mug/03.png"]]


def test_what_is_near_to_what_is_near_is_of_one_group_and_copies_count_once(tmp_path: Path) -> None:
    for name, image in (("a", picture(1)), ("b", jpeg(picture(1), 40)), ("c", picture(1).resize((120, 120)))):
        saved(tmp_path / "shop" / "mug" / f"{name}.png", image)
    (tmp_path / "shop" / "mug" / "z.png").write_bytes((tmp_path / "shop" / "mug" / "a.png").read_bytes())
    assert files(groups_of(tmp_path, 256)) == [[f"shop/mug/{name}.png" for name in "abc"]]


def test_blank_pictures_show_nothing_that_could_be_alike(tmp_path: Path) -> None:
    for number in range(4):
        draw(tmp_path / "shop" / "mug" / f"{number}.png", (60 * number, 30, 10))
    assert groups_of(tmp_path, 64) == []


def test_a_hash_is_that_of_the_cosine_transform_of_the_thumbnail(tmp_path: Path) -> None:
    """Written out frequency by frequency in double precision."""
    saved(tmp_path / "shop" / "mug" / "a.png", picture(5))
    (part,) = parts_of(tmp_path)
    pixels = decode_domain(part, 64)
    thumbnail = pixels.all()[0].astype(float).mean(2).reshape(32, 2, 32, 2).mean((1, 3))
    place = np.arange(32)
    waves = [np.cos(np.pi * (2 * place + 1) * frequency / 64) for frequency in range(16)]
    scale = [np.sqrt(1 / 2), *[1.0] * 15]
    spectrum = [scale[v] * scale[h] * waves[v] @ thumbnail @ waves[h] for v in range(16) for h in range(16)][1:]
    clear = np.abs(spectrum - np.median(spectrum)) > 0.1  # what rounding cannot turn
    assert clear.mean() > 0.9
    (found,) = hash_pictures(pixels, part.rows)
    assert (found[clear] == (np.array(spectrum) > np.median(spectrum))[clear]).all()
