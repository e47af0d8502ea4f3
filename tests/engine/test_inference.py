"""A network answers pictures as they come as it does by way of cached features."""

import numpy as np
import pytest
import torch

from office31_cli.engine.inference import build_predictor
from office31_cli.models.network import Architecture, Network
from office31_cli.models.preprocessing import Preprocessing
from office31_cli.outputs.composite import Composite
from tests.helpers.mixed_outputs import DOMAIN, GRAMS, ITEM, apart, joined

PREPROCESSING = Preprocessing(side=40, crop=32)
PIXELS = np.random.default_rng(0).integers(0, 256, (5, 40, 40, 3), dtype=np.uint8)


@pytest.mark.parametrize("outputs", [joined(ITEM, GRAMS), apart(ITEM, DOMAIN)], ids=["joined", "apart"])
def test_it_answers_as_the_network_does_to_centre_crops(outputs: Composite) -> None:
    torch.manual_seed(0)
    network = Network(Architecture("convnet", 8, 32, outputs))
    cpu = torch.device("cpu")
    found = build_predictor(network, PREPROCESSING, cpu)(PIXELS)
    assert (found.shape, found.dtype) == ((5, outputs.width), np.float64)
    crops = torch.from_numpy(PIXELS[:, 4:36, 4:36]).permute(0, 3, 1, 2) / 255
    mean, std = (torch.tensor(each).view(3, 1, 1) for each in (PREPROCESSING.mean, PREPROCESSING.std))
    with torch.inference_mode():
        expected = network.eval()((crops - mean) / std).numpy()
    assert np.abs(found - expected).max() < 0.05 * np.abs(expected).max()  # bfloat16 has 8 bits


def test_a_picture_s_answer_does_not_depend_on_those_beside_it() -> None:
    torch.manual_seed(0)
    answer = build_predictor(Network(Architecture("convnet", 8, 32, joined(ITEM))), PREPROCESSING, torch.device("cpu"))
    one_by_one = np.concatenate([answer(PIXELS[place : place + 1]) for place in range(5)])
    assert np.allclose(answer(PIXELS), one_by_one, atol=1e-2)
    assert np.abs(one_by_one[0] - one_by_one[1]).max() > 1e-2
