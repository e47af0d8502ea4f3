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
    torch.testing.assert_close(preprocessing.centre(pixels), normalised(preprocessing, cut), rtol=1e-5, atol=1e-5)
    if (side - crop) % 2 == 0:
        assert torch.equal(cut, v2.CenterCrop(crop)(pixels.permute(0, 3, 1, 2)))


def test_the_pixels_themselves_are_left_alone() -> None:
    pixels = photographs(2, 20)
    before = pixels.clone()
    SMALL.centre(pixels)
    SMALL.augmented(pixels, np.full((2, 5), 0.3))
    assert torch.equal(pixels, before)


def test_the_full_window_is_a_plain_resize() -> None:
    pixels = photographs(3, 20)
    resized = F.interpolate(pixels.permute(0, 3, 1, 2).float(), size=(16, 16), mode="bilinear", align_corners=False)
    seen = SMALL.augmented(pixels, np.array([FULL_WINDOW] * 3))
    torch.testing.assert_close(seen, normalised(SMALL, resized), rtol=1e-3, atol=1e-3)


def test_mirrored_below_a_half() -> None:
    pixels = photographs(1, 20)
    draws = np.array([[0.4, 0.7, 0.2, 0.8, 0.5]])
    upright = SMALL.augmented(pixels, draws)
    draws[0, 4] = 0.49
    torch.testing.assert_close(SMALL.augmented(pixels, draws), upright.flip(3), rtol=1e-3, atol=1e-3)


@given(st.tuples(*[st.floats(0, 1, exclude_max=True)] * 5))
def test_a_window_covers_eight_to_a_hundred_percent_within_the_photograph(draws: tuple[float, ...]) -> None:
    """Seen on photographs whose red is the column and whose green is the row."""
    side, crop = 64, 8
    ramp = torch.arange(side, dtype=torch.uint8)
    pixels = torch.zeros(1, side, side, 3, dtype=torch.uint8)
    pixels[0, :, :, 0], pixels[0, :, :, 1] = ramp, ramp[:, None]
    plain = Preprocessing(side, crop, mean=(0.0, 0.0, 0.0), std=(1 / 255, 1 / 255, 1 / 255))
    columns, rows, _ = plain.augmented(pixels, np.array([draws]))[0]
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
    together = SMALL.augmented(pixels, draws)
    for place in range(4):
        assert torch.equal(SMALL.augmented(pixels[[place]], draws[[place]])[0], together[place])
    assert torch.equal(SMALL.augmented(pixels.flip(0), draws[::-1].copy()), together.flip(0))


def test_both_views_lie_channels_last() -> None:
    pixels = photographs(2, 20)
    for images in (SMALL.centre(pixels), SMALL.augmented(pixels, np.full((2, 5), 0.3))):
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
