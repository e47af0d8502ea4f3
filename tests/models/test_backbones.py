from collections.abc import Callable
from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torchvision.models.regnet import BlockParams

from office31_cli.errors import Failed
from office31_cli.models.backbones import build_backbone, feature_width, head_name, last_stage
from office31_cli.models.state_dict import load_weights

CLASSIFIERS = torchvision.models.list_models(module=torchvision.models)
PUBLISHED_WIDTHS = {
    "alexnet": 4096,
    "convnext_tiny": 768,
    "densenet121": 1024,
    "efficientnet_b0": 1280,
    "googlenet": 1024,
    "inception_v3": 2048,
    "mobilenet_v2": 1280,
    "regnet_y_400mf": 440,
    "resnet18": 512,
    "resnet50": 2048,
    "squeezenet1_1": 1000 + 512,
    "swin_t": 768,
    "vgg16": 4096,
    "vit_b_16": 768,
}


@pytest.fixture
def meta(monkeypatch: pytest.MonkeyPatch) -> torch.device:
    """Tensors with shapes and no memory. A RegNet computes its widths with tensors: these few stay real."""
    computed: Callable[..., BlockParams] = BlockParams.from_init_params

    def from_init_params(*arguments: Any, **options: Any) -> BlockParams:
        with torch.device("cpu"):
            return computed(*arguments, **options)

    monkeypatch.setattr(BlockParams, "from_init_params", from_init_params)
    return torch.device("meta")


def weights_in(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_every_classifier_gives_features_and_a_last_stage(name: str, meta: torch.device) -> None:
    with meta:
        backbone = build_backbone(name, 224).eval()
        features = backbone(torch.zeros(2, 3, 224, 224))
    assert features.ndim == 2
    assert len(features) == 2
    assert features.shape[1] == PUBLISHED_WIDTHS.get(name, features.shape[1]) >= 300
    stage = [backbone.get_submodule(module) for module in last_stage(backbone)]
    assert 0.1 <= sum(map(weights_in, stage)) / weights_in(backbone) <= 0.95


@pytest.mark.parametrize("name", ["googlenet", "inception_v3", "mobilenet_v2", "resnet18"])
def test_features_are_what_the_last_layer_is_given(name: str) -> None:
    torch.manual_seed(0)
    options = {"transform_input": True, "aux_logits": False, "init_weights": False}
    options = options if name in ("googlenet", "inception_v3") else {}
    whole = torchvision.models.get_model(name, weights=None, **options).eval()
    backbone = build_backbone(name, 96, whole.state_dict()).eval()
    images = torch.randn(2, 3, 96, 96)
    with torch.no_grad():
        last = head_name(whole)
        assert last is not None
        logits = whole.get_submodule(last)(backbone(images))
        torch.testing.assert_close(logits, whole(images), rtol=1e-4, atol=1e-4)


def test_squeezenets_features_are_its_class_scores_and_its_channels_peaks() -> None:
    torch.manual_seed(0)
    whole = torchvision.models.squeezenet1_1().eval()
    backbone = build_backbone("squeezenet1_1", 96, whole.state_dict()).eval()
    images = torch.randn(2, 3, 96, 96)
    with torch.no_grad():
        classes, peaks = backbone(images).split([1000, 512], 1)
        for seen, expected in ((classes, whole(images)), (peaks, whole.features(images).flatten(2).max(2).values)):
            torch.testing.assert_close(seen, expected / expected.norm(dim=1, keepdim=True), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "stage"),
    [
        ("resnet50", ["layer4"]),
        ("squeezenet1_0", ["features.12"]),
        ("densenet121", ["features.denseblock4", "features.norm5"]),
    ],
)
def test_the_last_stage_is_the_one_that_papers_mean(name: str, stage: list[str], meta: torch.device) -> None:
    with meta:
        assert last_stage(build_backbone(name, 224)) == stage


@pytest.mark.parametrize(
    ("name", "crop", "width"), [("convnet", 16, 128), ("mlp", 100, 32), ("squeezenet1_1", 32, 1512)]
)
def test_feature_width_leaves_the_mode_as_it_was(name: str, crop: int, width: int) -> None:
    backbone = build_backbone(name, crop).train()
    before = {key: value.clone() for key, value in backbone.state_dict().items()}
    assert feature_width(backbone, crop) == width
    assert backbone.training
    for key, value in backbone.state_dict().items():
        assert torch.equal(value, before[key])


@pytest.fixture
def tensors() -> dict[str, Tensor]:
    return build_backbone("convnet", 16).state_dict()


def test_weights_that_fit_are_loaded(tensors: dict[str, Tensor]) -> None:
    network = build_backbone("convnet", 16, tensors)
    for key, value in network.state_dict().items():
        assert torch.equal(value, tensors[key])


def test_the_classifiers_own_outputs_may_have_any_shape_or_be_absent() -> None:
    given = torchvision.models.mobilenet_v3_small(num_classes=7).state_dict()
    build_backbone("mobilenet_v3_small", 32, given)
    without = {key: value for key, value in given.items() if not key.startswith("classifier.3.")}
    build_backbone("mobilenet_v3_small", 32, without)


def test_squeezenets_classifier_is_part_of_its_features_and_must_be_there() -> None:
    given = torchvision.models.squeezenet1_1(num_classes=7).state_dict()
    with pytest.raises(Failed, match=r"classifier.1.weight has shape \(7, 512, 1, 1\) instead of \(1000, 512, 1, 1\)"):
        build_backbone("squeezenet1_1", 32, given)
    with pytest.raises(Failed, match=r"classifier.1.weight is missing"):
        build_backbone("squeezenet1_1", 32, {key: value for key, value in given.items() if "classifier" not in key})


def test_batch_counters_may_be_missing_as_in_old_files(tensors: dict[str, Tensor]) -> None:
    build_backbone("convnet", 16, {key: value for key, value in tensors.items() if "num_batches" not in key})


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda t: t.pop("1.0.weight"), "1.0.weight is missing"),
        (lambda t: t.update(extra=torch.zeros(1)), "extra is unknown"),
        (lambda t: t.update({"0.1.bias": torch.zeros(31)}), r"0.1.bias has shape \(31,\) instead of \(32,\)"),
        (lambda t: t["0.1.bias"].__setitem__(3, torch.nan), "0.1.bias holds values that are not finite"),
        (lambda t: t["0.1.bias"].__setitem__(3, -torch.inf), "0.1.bias holds values that are not finite"),
        (lambda t: t.update({"0.1.bias": torch.full((32,), 1e300, dtype=torch.float64)}), "not finite"),
    ],
)
@pytest.mark.fault(68)
def test_weights_that_do_not_fit_are_named(
    tensors: dict[str, Tensor], change: Callable[[dict[str, Tensor]], object], fault: str
) -> None:
    change(tensors)
    with pytest.raises(Failed, match=fault) as raised:
        build_backbone("convnet", 16, tensors)
    assert raised.value.exit_code == 1
    assert "\n" not in str(raised.value)


def test_many_faults_make_one_short_line(tensors: dict[str, Tensor]) -> None:
    with pytest.raises(Failed, match=r"and 1[0-9] more") as raised:
        load_weights(build_backbone("convnet", 16), {f"\x1bx{key}": value for key, value in list(tensors.items())[:3]})
    assert "\x1b" not in str(raised.value)
