import json

import pytest
import torch
from small_outputs import THREE
from torch import nn

from office31_cli.models.network import Architecture, Head, Network, UnitFeatures

TINY = Architecture(backbone="convnet", bottleneck=8, outputs=THREE, crop=16)


def test_images_become_one_logit_an_item() -> None:
    network = Network(TINY)
    assert network(torch.rand(2, 3, 16, 16)).shape == (2, 3)
    assert network.heads[0].outputs.in_features == 8


def test_a_backbone_that_is_given_is_used() -> None:
    backbone = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    assert Network(TINY, [backbone]).heads[0](torch.rand(2, 3)).shape == (2, 3)


def test_only_a_features_direction_counts() -> None:
    features = torch.rand(4, 6) + 0.1
    scaled = UnitFeatures()(features)
    torch.testing.assert_close(scaled.norm(dim=1), torch.full((4,), 20.0))
    torch.testing.assert_close(UnitFeatures()(features * 7), scaled)
    torch.testing.assert_close(scaled / scaled[:, :1], features / features[:, :1])


def test_a_feature_vector_of_zeros_stays_finite() -> None:
    assert torch.isfinite(Head(6, 8, 3).eval()(torch.zeros(1, 6))).all()


def test_the_head_is_the_protocols() -> None:
    """linear, batch norm, ReLU, linear, by hand."""
    torch.manual_seed(0)
    head = Head(6, 8, 3).eval()
    features = torch.randn(5, 6)
    _, _, linear, norm, _, _ = head.bottleneck
    unit = 20 * features / features.norm(dim=1, keepdim=True)
    hidden = (unit @ linear.weight.T + linear.bias - norm.running_mean) / (norm.running_var + norm.eps).sqrt()
    expected = hidden.clamp(min=0) @ head.outputs.weight.T + head.outputs.bias
    torch.testing.assert_close(head(features), expected)


def test_an_architecture_goes_through_json() -> None:
    assert Architecture.from_json(json.loads(json.dumps(TINY.to_json()))) == TINY


@pytest.mark.parametrize("stored", [{}, {**TINY.to_json(), "outputs": "many"}, {**TINY.to_json(), "crop": None}])
def test_a_stored_architecture_that_is_none_is_an_error(stored: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        Architecture.from_json(stored)
