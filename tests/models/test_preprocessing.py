import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torchvision.transforms import v2

from office31_cli.models.preprocessing import Preprocessing

SMALL = Preprocessing(side=20, crop=16)
FULL_WINDOW = [1.0, 0.5, 0.5, 0.5, 0.9]
"""All of the area, square, in the middle, not mirrored."""


def photographs(count: int, side: int) -> Tensor:
    return torch.randint(256, (count, side, side, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def normalised(preprocessing: Preprocessing, images: Tensor) -> Tensor:
    """By torchvision; images (n, 3, h, w) in [0, 255]."""
    return v2.Normalize(preprocessing.mean, preprocessing.std)(images.float() / 255)


@pytest.mark.parametrize(("side", "crop"), [(20, 16), (256, 224), (7, 7), (342, 299)])
def test_the_centre_is_torchvisions(side: int, crop: int) -> None:
    preprocessing = Preprocessing(side, crop, mean=(0.1, 0.5, 0.9), std=(0.2, 0.3, 0.4))
    pixels = photographs(2, side)
    # torchvision rounds half a pixel to the even number, and we always down
    margin = (side - crop) // 2
    cut = v2.functional.crop(pixels.permute(0, 3, 1, 2), margin, margin, crop, crop)
    torch.testing.assert_close(preprocessing.centre_crop(pixels), normalised(preprocessing, cut), rtol=1e-5, atol=1e-5)
    if (side - crop) % 2 == 0:
        assert torch.equal(cut, v2.CenterCrop(crop)(pixels.permute(0, 3, 1, 2)))


def test_the_pixels_themselves_are_left_alone() -> None:
    pixels = photographs(2, 20)
    before = pixels.clone()
    SMALL.centre_crop(pixels)
    SMALL.augment(pixels, np.full((2, 5), 0.3))
    assert torch.equal(pixels, before)


def test_the_full_window_is_a_plain_resize() -> None:
    pixels = photographs(3, 20)
    resized = F.interpolate(pixels.permute(0, 3, 1, 2).float(), size=(16, 16), mode="bilinear", align_corners=False)
    seen = SMALL.augment(pixels, np.array([FULL_WINDOW] * 3))
    torch.testing.assert_close(seen, normalised(SMALL, resized), rtol=1e-3, atol=1e-3)


def test_mirrored_below_a_half() -> None:
    pixels = photographs(1, 20)
    draws = np.array([[0.4, 0.7, 0.2, 0.8, 0.5]])
    upright = SMALL.augment(pixels, draws)
    draws[0, 4] = 0.49
    torch.testing.assert_close(SMALL.augment(pixels, draws), upright.flip(3), rtol=1e-3, atol=1e-3)


@given(st.tuples(*[st.floats(0, 1, exclude_max=True)] * 5))
def test_a_window_covers_eight_to_a_hundred_percent_within_the_photograph(draws: tuple[float, ...]) -> None:
    """Seen on photographs whose red is the column and whose green is the row."""
    side, crop = 64, 8
    ramp = torch.arange(side, dtype=torch.uint8)
    pixels = torch.zeros(1, side, side, 3, dtype=torch.uint8)
    pixels[0, :, :, 0], pixels[0, :, :, 1] = ramp, ramp[:, None]
    plain = Preprocessing(side, crop, mean=(0.0, 0.0, 0.0), std=(1 / 255, 1 / 255, 1 / 255))
    columns, rows, _ = plain.augment(pixels, np.array([draws]))[0]
    # between the second sample and the last but one lie five of the window's eight columns, clear of the border
    width = abs(float(columns[0, -2] - columns[0, 1])) / 5 * crop / side
    height = float(rows[-2, 0] - rows[1, 0]) / 5 * crop / side
    assert 0.08 - 0.002 <= width * height <= 1 + 0.002
    assert 3 / 4 - 0.01 <= width / height <= 4 / 3 + 0.01
    assert max(width, height) <= 1.002
    assert (columns[0, 0] > columns[0, -1]) == (draws[4] < 0.5)
    for seen, share in ((columns[0], width), (rows[:, 0], height)):
        middle, half = float(seen[[0, -1]].mean()) + 0.5, share * side / 2
        assert middle - half >= -0.2
        assert middle + half <= side + 0.2


def test_a_photographs_view_does_not_depend_on_its_batch() -> None:
    pixels, draws = photographs(4, 20), np.random.default_rng(0).random((4, 5))
    together = SMALL.augment(pixels, draws)
    for place in range(4):
        assert torch.equal(SMALL.augment(pixels[[place]], draws[[place]])[0], together[place])
    assert torch.equal(SMALL.augment(pixels.flip(0), draws[::-1].copy()), together.flip(0))


def test_the_first_cached_view_is_the_centre_and_the_second_its_mirror_image() -> None:
    pixels = photographs(3, 20)
    for draws in (np.zeros((3, 8)), np.random.default_rng(0).random((3, 8))):
        assert torch.equal(SMALL.make_view(0, pixels, draws), SMALL.centre_crop(pixels))
        assert torch.equal(SMALL.make_view(1, pixels, draws), SMALL.centre_crop(pixels).flip(3))


PLAIN = [*FULL_WINDOW, 0.5, 0.5, 0.5]
"""The window above, no lighter nor darker, with as much contrast and colour as there is."""


def test_a_further_view_is_a_window_in_other_colours() -> None:
    pixels = photographs(3, 20)
    resized = F.interpolate(pixels.permute(0, 3, 1, 2).float(), size=(16, 16), mode="bilinear", align_corners=False)
    seen = SMALL.make_view(2, pixels, np.array([PLAIN] * 3))
    torch.testing.assert_close(seen, normalised(SMALL, resized), rtol=1e-3, atol=1e-3)
    assert torch.equal(
        seen, SMALL.make_view(7, pixels, np.array([PLAIN] * 3))
    )  # the number means nothing but other draws


@pytest.mark.parametrize(("place", "draw", "factor"), [(5, 0.0, 0.6), (5, 0.25, 0.8), (6, 1.0, 1.4), (7, 0.75, 1.2)])
def test_brightness_contrast_and_colour(place: int, draw: float, factor: float) -> None:
    """Of one light and one dark picture of a single colour each, halfway across."""
    left, right = np.array([120.0, 90.0, 60.0]), np.array([60.0, 75.0, 90.0])
    pixels = torch.empty(1, 16, 16, 3, dtype=torch.uint8)
    pixels[:, :, :8], pixels[:, :, 8:] = torch.from_numpy(left).byte(), torch.from_numpy(right).byte()
    draws = np.array([PLAIN])
    draws[0, place] = draw
    mean = (left.mean() + right.mean()) / 2
    changed = {
        5: lambda colour: colour * factor,
        6: lambda colour: mean + (colour - mean) * factor,
        7: lambda colour: colour.mean() + (colour - colour.mean()) * factor,
    }[place]
    seen = Preprocessing(16, 16, mean=(0.0, 0.0, 0.0), std=(1 / 255, 1 / 255, 1 / 255)).make_view(3, pixels, draws)[0]
    for column, colour in ((0, left), (-1, right)):
        np.testing.assert_allclose(seen[:, 8, column], changed(colour), atol=0.01)


@given(st.tuples(*[st.floats(0, 1, exclude_max=True)] * 8))
def test_a_cached_view_stays_in_range_covers_a_third_and_depends_on_its_own_draws(draws: tuple[float, ...]) -> None:
    plain = Preprocessing(20, 16, mean=(0.0, 0.0, 0.0), std=(1 / 255, 1 / 255, 1 / 255))
    pixels, others = photographs(3, 20), np.random.default_rng(0).random((3, 8))
    others[1] = draws
    seen = plain.make_view(2, pixels, others)
    assert seen.shape == (3, 3, 16, 16)
    assert 0 <= float(seen.min()) <= float(seen.max()) <= 255.001
    assert torch.equal(seen[1], plain.make_view(2, pixels[[1]], np.array([draws]))[0])
    ramp = torch.arange(20, dtype=torch.uint8)[:, None, None].expand(1, 20, 20, 3).contiguous()
    ramp[..., 0] = torch.arange(20)
    whole = np.array([[*draws[:5], 0.5, 0.5, 0.5]])
    columns, rows, _ = plain.make_view(2, ramp, whole)[0]
    width = abs(float(columns[0, -3] - columns[0, 2])) / 11 * 16 / 20
    height = abs(float(rows[-3, 0] - rows[2, 0])) / 11 * 16 / 20
    assert width * height >= 0.3 - 0.02


def test_both_views_lie_channels_last() -> None:
    pixels = photographs(2, 20)
    for images in (SMALL.centre_crop(pixels), SMALL.augment(pixels, np.full((2, 5), 0.3))):
        assert images.shape == (2, 3, 16, 16)
        assert images.dtype == torch.float32
        assert images.is_contiguous(memory_format=torch.channels_last)


@given(
    st.integers(1, 4096), st.integers(1, 4096), st.tuples(*[st.floats(-2, 2)] * 3), st.tuples(*[st.floats(0.1, 2)] * 3)
)
def test_json_there_and_back(
    one: int, other: int, mean: tuple[float, float, float], std: tuple[float, float, float]
) -> None:
    preprocessing = Preprocessing(max(one, other), min(one, other), mean, std)
    assert Preprocessing.from_json(json.loads(json.dumps(preprocessing.to_json()))) == preprocessing


@pytest.mark.parametrize(
    "change",
    [{"crop": 21}, {"crop": 0}, {"side": 5000}, {"side": "large"}, {"mean": [0.5]}, {"std": None}, {"mean": "abc"}],
)
def test_stored_nonsense_is_not_built(change: dict[str, object]) -> None:
    with pytest.raises((TypeError, ValueError)):
        Preprocessing.from_json({**SMALL.to_json(), **change})
