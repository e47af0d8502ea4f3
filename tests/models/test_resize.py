import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from office31_cli.models.resize import PillowResize

sides = st.sampled_from([1, 2, 7, 56, 100, 224])
lengths = st.one_of(st.integers(1, 9), st.integers(1, 700))


def squashed_by_pillow(picture: np.ndarray, side: int) -> np.ndarray:
    return np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.BILINEAR))


@given(sides, lengths, lengths, st.integers(0, 3))
@settings(deadline=None, max_examples=60)
def test_every_bit_is_as_pillow_has_it(side: int, height: int, width: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    picture = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
    picture[: height // 3] = 255  # a white that would overflow where the weights do not add up to 1
    ours = PillowResize(side)(torch.from_numpy(picture)[None])
    assert ours.dtype == torch.float32
    np.testing.assert_array_equal(ours[0].numpy(), squashed_by_pillow(picture, side))


@pytest.mark.parametrize("size", [(3000, 2000), (256, 256)])
def test_a_large_picture_and_one_of_the_very_size(size: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    ours = PillowResize(256)(torch.from_numpy(picture)[None])[0].numpy()
    np.testing.assert_array_equal(ours, squashed_by_pillow(picture, 256))


def test_pictures_do_not_mix() -> None:
    pictures = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, 40, 30, 3), dtype=np.uint8))
    squash = PillowResize(16)
    assert torch.equal(squash(pictures), torch.cat([squash(picture[None]) for picture in pictures]))
