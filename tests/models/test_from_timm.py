"""Networks of timm beside what timm itself makes of them."""

import hashlib
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file
from timm.data import resolve_data_config

from office31_cli import Options, evaluate, pretrain
from office31_cli.engine.frozen_split import split_network
from office31_cli.errors import Failed, Misuse
from office31_cli.models import catalogue, from_timm, weights
from office31_cli.models.backbones import build_backbone, feature_width, last_stage
from office31_cli.models.network import Architecture, Network
from office31_cli.registry import Registry
from tests.helpers.real_command import Command
from tests.helpers.small_hub import COMMIT, NOBODY, serving, use
from tests.helpers.small_outputs import THREE
from tests.helpers.small_training import make_things

FAMILIES = ("convnext_atto", "efficientnet_b0", "mobilenetv3_small_050", "resnet10t", "vit_tiny_patch16_224")

CROP = 64


def test_the_names_are_timms() -> None:
    assert catalogue.list_timm_backbones() == tuple(sorted(f"timm:{name}" for name in timm.list_models()))


@pytest.mark.parametrize("name", FAMILIES)
def test_features_are_what_timms_classifier_is_given(name: str) -> None:
    """Whatever the classifier's own weights: they are left out."""
    torch.manual_seed(0)
    size = {"img_size": CROP} if name.startswith("vit") else {}
    whole = timm.create_model(name, num_classes=7, **size).eval()
    backbone = build_backbone(f"timm:{name}", CROP, whole.state_dict()).eval()
    images = torch.randn(2, 3, CROP, CROP)
    with torch.no_grad():
        expected = whole.forward_head(whole.forward_features(images), pre_logits=True)
        torch.testing.assert_close(backbone(images), expected)
    assert feature_width(backbone, CROP) == whole.head_hidden_size


@pytest.mark.parametrize("name", FAMILIES)
def test_the_last_stage_is_cut_off_where_the_rest_is_frozen(name: str) -> None:
    torch.manual_seed(0)
    network = Network(Architecture(backbone=f"timm:{name}", bottleneck=8, crop=CROP, outputs=THREE)).eval()
    images = torch.randn(2, 3, CROP, CROP)
    with torch.no_grad():
        whole = network(images)
        split = split_network(network, "last")
        assert split.frozen_part is not None
        torch.testing.assert_close(split.trained_part.eval()(split.frozen_part(images)), whole)
    backbone = network.backbones[0]
    stage = sum(value.numel() for part in last_stage(backbone) for value in backbone.get_submodule(part).parameters())
    learning = sum(value.numel() for value in backbone.parameters() if value.requires_grad)
    assert stage == learning
    assert 0.1 <= stage / sum(value.numel() for value in backbone.parameters()) <= 0.8


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("resnet10t", "none"),
        ("vit_tiny_patch16_224", "none"),
        ("vit_base_patch16_clip_224", "openai"),
        ("resnet50", "a1_in1k"),
        ("convnext_base", "fb_in22k_ft_in1k_384"),
    ],
)
def test_the_preprocessing_is_timms(name: str, tag: str) -> None:
    described = timm.models.get_pretrained_cfg(name if tag == "none" else f"{name}.{tag}")
    expected = resolve_data_config({}, pretrained_cfg=described.to_dict())
    found = from_timm.preprocessing(f"timm:{name}", tag)
    assert (3, found.crop, found.crop) == expected["input_size"]
    assert (found.mean, found.std) == (expected["mean"], expected["std"])
    assert found.side == int(found.crop / expected["crop_pct"])


@pytest.mark.parametrize(
    "name", ["timm:resnet10x", "timm:hf-hub:timm/resnet10t", "timm:../resnet10t", "timm:", "timm:\x1b"]
)
def test_an_unknown_name_is_no_network(name: str) -> None:
    with pytest.raises(Misuse, match="timm has no such network") as raised:
        build_backbone(name, CROP)
    assert "\x1b" not in str(raised.value)


def test_images_that_are_no_squares_are_refused() -> None:
    with pytest.raises(Misuse, match="768 x 1024 pixels"):
        from_timm.preprocessing("timm:vit_base_patch16_sapiens2", "none")


def test_weights_of_ones_own_are_read_by_timms_keys(tmp_path: Path) -> None:
    whole = timm.create_model("resnet10t", num_classes=5)
    for suffix in ("safetensors", "pth"):
        path = tmp_path / f"mine.{suffix}"
        save_file(whole.state_dict(), path) if suffix == "safetensors" else torch.save(whole.state_dict(), path)
        loaded = weights.load("timm:resnet10t", catalogue.resolve_weights("timm:resnet10t", str(path)))
        assert loaded.name.startswith(f"mine.{suffix}@")
        backbone = build_backbone("timm:resnet10t", CROP, loaded.tensors)
        assert all(torch.equal(value, whole.state_dict()[key]) for key, value in backbone.state_dict().items())


def test_weights_of_another_network_are_named() -> None:
    with pytest.raises(Failed, match=r"they do not fit: .* is unknown"):
        build_backbone("timm:resnet10t", CROP, timm.create_model("resnet14t").state_dict())


class TestPublished:
    @pytest.fixture(autouse=True)
    def hub(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """The cache of a hub that does not answer."""
        use(NOBODY, tmp_path / "hub", monkeypatch)
        monkeypatch.setenv("TORCH_HOME", str(tmp_path))
        return tmp_path / "hub"

    def test_without_network_one_line_says_what_to_do(self, tmp_path: Path) -> None:
        with pytest.raises(Failed, match=r"^weights resnet10t\.c3_in1k: not in .*; give --weights PATH") as raised:
            weights.load("timm:resnet10t", "DEFAULT")
        assert "\n" not in str(raised.value)
        (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
        (tmp_path / "hub" / "checkpoints" / "resnet18-f37072fd.pth").touch()
        with pytest.raises(Failed, match="or --weights none, or --backbone resnet18, whose weights are here"):
            weights.load("timm:resnet10t", "DEFAULT")

    def test_what_was_brought_before_is_taken(self, hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        use(NOBODY, hub, monkeypatch, offline=True)
        tensors = timm.create_model("resnet18").state_dict()
        repository = hub / "models--timm--resnet18.a2_in1k"
        for folder in ("refs", f"snapshots/{COMMIT}"):
            (repository / folder).mkdir(parents=True)
        (repository / "refs" / "main").write_text(COMMIT)
        save_file(tensors, path := repository / "snapshots" / COMMIT / "model.safetensors")
        loaded = weights.load("timm:resnet18", "a2_in1k")
        assert loaded.name == f"resnet18.a2_in1k@{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"
        assert loaded.tensors is not None
        assert torch.equal(loaded.tensors["conv1.weight"], tensors["conv1.weight"])

    def test_weights_are_brought_from_the_hub(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        whole = timm.create_model("resnet10t")
        save_file(whole.state_dict(), tmp_path / "w.safetensors")
        with serving() as small:
            use(small.url, tmp_path / "hub", monkeypatch)
            small.files["timm/resnet10t.c3_in1k/model.safetensors"] = (tmp_path / "w.safetensors").read_bytes()
            loaded = weights.load("timm:resnet10t", "DEFAULT")
        backbone = build_backbone("timm:resnet10t", CROP, loaded.tensors)
        assert all(torch.equal(value, whole.state_dict()[key]) for key, value in backbone.state_dict().items())

    def test_a_name_that_timm_does_not_have_gets_the_nearest(self) -> None:
        with pytest.raises(Misuse, match=r"did you mean a1_in1k\?"):
            weights.load("timm:resnet18", "a1_in1l")
        with pytest.raises(Misuse, match="timm has none of that name for botnet50ts_256"):
            weights.load("timm:botnet50ts_256", "DEFAULT")


@pytest.mark.parametrize("train", ["head", "last", "all"])
def test_what_is_trained_is_stored_and_read_again(tmp_path: Path, home: Path, train: str) -> None:
    things = make_things(tmp_path / "things", "shop")
    options = Options(epochs=1, batch_size=12, train=train)
    name = "timm:mobilenetv3_small_050"
    model = pretrain(["shop"], data=str(things), backbone=name, weights="none", options=options)
    assert (model.backbone, model.weights) == (name, "none")
    stored = Registry().find(model.id).card
    assert stored.environment["timm"] == timm.__version__
    assert evaluate("shop:test", model=model.id, data=str(things)).accuracy == model.validation["item"]
    if train == "head":
        line = ("evaluate", "--split", "shop", "--model", model.id)
        code, out, err = Command(home)(*line, prelude="import sys; sys.modules['timm'] = None")
        assert (code, out) == (1, "")
        assert err == f"error: backbone {name}: timm is not installed; run: pip install 'office31-cli[timm]'\n"


def test_wrong_usage_is_told_without_waiting_for_torch(home: Path, tmp_path: Path) -> None:
    make_things(tmp_path / "things", "shop")
    line = ("pretrain", "--domain", "shop", "--data", tmp_path / "things", "--backbone")
    without = "import sys; sys.modules['torch'] = None"
    code, _, err = Command(home)(*line, "timm:resnet10x", prelude=without)
    assert code == 2
    assert err.startswith("error: backbone timm:resnet10x: timm has no such network; did you mean ")
    assert "timm:resnet10t" in err
    code, _, err = Command(home)(*line, "timm:resnet10t", prelude=f"{without}; sys.modules['timm'] = None")
    assert (code, err) == (
        1,
        "error: backbone timm:resnet10t: timm is not installed; run: pip install 'office31-cli[timm]'\n",
    )
