import argparse
import hashlib
import io
import os
import pickle
import random
import re
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
import torchvision
from torch import Tensor
from torch.torch_version import TorchVersion

from office31_cli import storage
from office31_cli.errors import Failed, Office31Error, Refused
from office31_cli.models import weights
from office31_cli.models.backbones import build_backbone
from office31_cli.models.state_dict import hash_tensors
from office31_cli.models.weights_file import read_weights_file


@pytest.fixture
def tensors() -> dict[str, Tensor]:
    torch.manual_seed(0)
    return build_backbone("convnet", 16).state_dict()


def equal(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(value, second[key]) for key, value in first.items())


def test_safetensors_and_pth_load_alike(tensors: dict[str, Tensor], tmp_path: Path) -> None:
    safetensors.torch.save_file(tensors, tmp_path / "w.safetensors")
    torch.save(tensors, tmp_path / "w.pth")
    torch.save(tensors, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    for name in ("w.safetensors", "w.pth", "old.pt"):
        loaded = weights.load("convnet", str(tmp_path / name))
        assert equal(loaded.tensors or {}, tensors)
        digest = hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
        assert loaded.name == f"{name}@{digest[:12]}"


def test_none_means_no_tensors() -> None:
    assert weights.load("resnet18", "none").tensors is None


@pytest.mark.parametrize(("name", "crop"), [("resnet50", 224), ("inception_v3", 299), ("efficientnet_b4", 380)])
def test_a_backbone_expects_what_torchvision_trained_it_with(name: str, crop: int) -> None:
    preset = torchvision.models.get_model_weights(name).DEFAULT.transforms()
    preprocessing = weights.load(name, "none").preprocessing
    assert preprocessing.crop == preset.crop_size[0] == crop
    assert preprocessing.side >= crop
    assert (list(preprocessing.mean), list(preprocessing.std)) == (preset.mean, preset.std)


class Malicious:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.marker}",)


@pytest.mark.parametrize("bare", [True, False])
@pytest.mark.fault(64)
def test_a_pickle_that_wants_to_run_code_is_refused_and_does_not(bare: bool, tmp_path: Path) -> None:
    path, marker = tmp_path / "w.pth", tmp_path / "marker"
    content = {"weight": torch.zeros(1), "evil": Malicious(marker)}
    if bare:
        path.write_bytes(pickle.dumps(content["evil"]))
    else:
        torch.save(content, path)
    with pytest.raises(Refused, match="could run code when read") as raised:
        read_weights_file(path)
    assert raised.value.exit_code == 3
    assert not marker.exists()


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"PK\x03\x04" + bytes(100), bytes(64)])
def test_a_file_that_is_no_weights_is_refused(content: bytes, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"w.{suffix}"
    path.write_bytes(content)
    with pytest.raises(Refused):
        read_weights_file(path)


@pytest.mark.fault(66)
def test_no_torch_is_installed_that_could_run_what_a_pickle_asks_for() -> None:
    """Before 2.10 its unpickler did so in spite of `weights_only` (CVE-2025-32434)."""
    (least,) = (need.removeprefix("torch>=") for need in requires("office31-cli") or () if re.match(r"torch\W", need))
    assert TorchVersion("2.10") <= TorchVersion(least) <= TorchVersion(torch.__version__)


@pytest.mark.parametrize(
    "stored",
    [
        [torch.zeros(1)],
        {"state_dict": {"w": 1.0}},
        {"model": {"w": torch.zeros(1), "epoch": 3}},
        {0: torch.zeros(1)},
        {"w": 1.0},
        {"w": torch.zeros(2).to_sparse()},
        {"w": torch.zeros(2, device="meta")},
        {"w": torch.zeros(2, dtype=torch.complex64)},
    ],
)
def test_anything_but_a_state_dict_of_plain_tensors_is_refused(stored: Any, tmp_path: Path) -> None:
    torch.save(stored, tmp_path / "w.pth")
    with pytest.raises(Refused, match="not a state dict of tensors"):
        read_weights_file(tmp_path / "w.pth")


@pytest.mark.fault(65)
@pytest.mark.parametrize("bare", [True, False])
def test_what_weights_only_refuses_is_read_in_no_other_way(
    bare: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An object of a harmless class, as an old training script would store: torch tells how to load it unsafely."""
    path, load, ways = tmp_path / "w.pth", torch.load, []
    content = {"weight": torch.zeros(1), "arguments": argparse.Namespace(lr=0.1)}
    if bare:
        path.write_bytes(pickle.dumps(content["arguments"]))
    else:
        torch.save(content, path)
    monkeypatch.setattr(torch, "load", lambda *given, **how: ways.append(how["weights_only"]) or load(*given, **how))
    with pytest.raises(Refused, match="safetensors"):
        read_weights_file(path)
    assert set(ways) == {True}


def written(tensors: dict[str, Tensor], form: str) -> bytes:
    if form == "safetensors":
        return safetensors.torch.save(tensors)
    buffer = io.BytesIO()
    torch.save(tensors, buffer, _use_new_zipfile_serialization=form == "zip.pth")
    return buffer.getvalue()


@pytest.mark.parametrize("form", ["safetensors", "zip.pth", "legacy.pth"])
def test_damaged_files_load_or_fail_in_one_line(form: str, tmp_path: Path) -> None:
    """However a file was cut or changed, what comes is a state dict or one of our errors, and no warning."""
    draw = random.Random(form)
    whole = written({f"layer.{number}.weight": torch.zeros(3, number + 1) for number in range(4)}, form)
    path = tmp_path / f"w.{form}"
    for _ in range(150):
        damaged = bytearray(whole[: draw.randrange(len(whole))] if draw.random() < 0.3 else whole)
        for _ in range(draw.randrange(8) if damaged else 0):
            damaged[draw.randrange(len(damaged))] = draw.randrange(256)
        path.write_bytes(damaged)
        try:
            assert isinstance(read_weights_file(path), dict)
        except Office31Error as error:
            assert "\n" not in str(error)


def test_a_truncated_file_is_refused(tensors: dict[str, Tensor], tmp_path: Path) -> None:
    for form in ("safetensors", "zip.pth", "legacy.pth"):
        whole = written(tensors, form)
        path = tmp_path / f"w.{form}"
        path.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(Refused):
            read_weights_file(path)


def test_the_digest_tells_values_shapes_and_names_apart() -> None:
    base = {"a": torch.arange(6.0), "b": torch.zeros(())}
    changed = [
        {**base, "a": torch.tensor([0.0, 1, 2, 3, 4, 5.0000005])},
        {**base, "a": base["a"].view(2, 3)},
        {**base, "a": base["a"].double()},
        {**base, "b": torch.tensor(-0.0)},
        {"a": base["a"], "c": base["b"]},
        {"a": base["a"]},
        {"a": base["b"], "b": base["a"]},
    ]
    digests = {hash_tensors(tensors) for tensors in [base, *changed]}
    assert len(digests) == 1 + len(changed)


def test_the_digest_does_not_see_order_or_memory_layout() -> None:
    images = torch.rand(2, 3, 4, 5)
    first = {"a": images, "b": torch.zeros(1)}
    second = {"b": torch.zeros(1), "a": images.contiguous(memory_format=torch.channels_last).requires_grad_()}
    assert hash_tensors(first) == hash_tensors(second)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Torch's own cache of downloaded weights, empty; a download leads to a port where nobody listens."""
    torch_home = tmp_path / "torch"
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(torch_home))
    (torch_home / "checkpoints").mkdir(parents=True)
    return torch_home / "checkpoints"


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """SqueezeNet's published weights, replaced by random ones whose name holds their true hash."""
    tensors = torchvision.models.squeezenet1_1(weights=None).state_dict()
    buffer = io.BytesIO()
    torch.save(tensors, buffer)
    name = f"squeezenet1_1-{hashlib.sha256(buffer.getvalue()).hexdigest()[:8]}.pth"
    member = torchvision.models.SqueezeNet1_1_Weights.IMAGENET1K_V1
    monkeypatch.setattr(type(member), "url", property(lambda self: f"http://127.0.0.1:9/{name}"))
    return {"name": name, "content": buffer.getvalue(), "tensors": tensors, "weights": str(member)}


def test_published_weights_come_from_torchs_cache(cache: Path, published: dict[str, Any]) -> None:
    (cache / published["name"]).write_bytes(published["content"])
    loaded = weights.load("squeezenet1_1", published["weights"])
    assert loaded.name == "SqueezeNet1_1_Weights.IMAGENET1K_V1"
    assert equal(loaded.tensors or {}, published["tensors"])


@pytest.mark.parametrize("by_path", [True, False])
def test_a_file_of_weights_is_hashed_once(
    by_path: bool, cache: Path, published: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many weights torchvision has for the backbone."""
    (path := cache / published["name"]).write_bytes(published["content"])
    hashed: list[Path] = []
    sha256_file = storage.sha256_file
    monkeypatch.setattr(storage, "sha256_file", lambda path: hashed.append(path) or sha256_file(path))
    weights.load("squeezenet1_1", str(path) if by_path else published["weights"])
    assert hashed == [path]
    if by_path:
        torch.save(torchvision.models.resnet50(weights=None).state_dict(), cache / "mine.pth")
        weights.load("resnet50", str(cache / "mine.pth"))
        assert hashed == [path, cache / "mine.pth"]


@pytest.mark.parametrize(("member", "side"), [("IMAGENET1K_V1", 256), ("IMAGENET1K_V2", 232)])
def test_a_file_of_published_weights_is_known_by_its_bytes(
    member: str, side: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save({"w": torch.zeros(1)}, path := tmp_path / "renamed.pth")
    own = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    monkeypatch.setattr(
        torchvision.models.ResNet50_Weights,
        "url",
        property(lambda self: f"http://127.0.0.1:9/resnet50-{own if self.name == member else '00000000'}.pth"),
    )
    assert weights.load("resnet50", str(path)).preprocessing.side == side


def test_a_cached_file_with_other_bytes_is_refused(cache: Path, published: dict[str, Any]) -> None:
    (cache / published["name"]).write_bytes(published["content"][:-1] + b"\x01")
    with pytest.raises(Refused, match="its bytes are not those of SqueezeNet1_1"):
        weights.load("squeezenet1_1", published["weights"])


def test_without_a_network_one_line_says_what_to_do(cache: Path, published: dict[str, Any]) -> None:
    with pytest.raises(Failed, match="cannot be fetched") as raised:
        weights.load("squeezenet1_1", published["weights"])
    line = str(raised.value)
    assert line.startswith("weights SqueezeNet1_1_Weights.IMAGENET1K_V1: not in ")
    assert line.endswith("; give --weights PATH, or --weights none")
    assert list(cache.iterdir()) == []


def test_backbones_whose_weights_are_here_are_offered(cache: Path, published: dict[str, Any]) -> None:
    (cache / "resnet18-f37072fd.pth").touch()
    with pytest.raises(Failed, match="or --backbone resnet18, whose weights are here"):
        weights.load("squeezenet1_1", published["weights"])
