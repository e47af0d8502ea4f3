import subprocess
import sys
from pathlib import Path

import pytest
import torchvision

from office31_cli.errors import Misuse
from office31_cli.models import catalogue

CLASSIFIERS = torchvision.models.list_models(module=torchvision.models)


def test_the_backbones_are_torchvisions_classifiers_and_our_own() -> None:
    assert catalogue.list_backbones() == tuple(sorted([*CLASSIFIERS, "convnet", "mlp"]))


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_weights_resolve_as_torchvision_resolves_them(name: str) -> None:
    enum = torchvision.models.get_model_weights(name)
    assert catalogue.resolve_weights(name, "DEFAULT") == str(enum.DEFAULT)
    for member in enum:
        assert catalogue.resolve_weights(name, member.name) == str(member)
        assert catalogue.resolve_weights(name, str(member)) == str(member)


def test_importing_and_asking_the_catalogue_imports_no_torch() -> None:
    code = "import sys; from office31_cli.models import catalogue as c\n"
    code += "c.check_backbone('resnet50'); c.resolve_weights('resnet50', 'DEFAULT')\n"
    code += "sys.exit(bool({'torch', 'torchvision', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", ["resnet18", "convnet", "mlp", "vit_b_16"])
def test_a_known_backbone_passes(name: str) -> None:
    catalogue.check_backbone(name)


def test_an_unknown_backbone_gets_the_nearest_name() -> None:
    with pytest.raises(Misuse, match=r"backbone resnet5o: .*did you mean resnet50\?") as raised:
        catalogue.check_backbone("resnet5o")
    assert raised.value.exit_code == 2


def test_a_hostile_name_is_shown_and_not_obeyed() -> None:
    with pytest.raises(Misuse) as raised:
        catalogue.check_backbone("\x1b[2J")
    assert "\x1b" not in str(raised.value)


@pytest.mark.parametrize("backbone", ["resnet50", "convnet"])
def test_none_means_fresh_weights_for_every_backbone(backbone: str) -> None:
    assert catalogue.resolve_weights(backbone, "none") == "none"


def test_unknown_weights_get_the_nearest_name() -> None:
    with pytest.raises(Misuse, match=r"did you mean IMAGENET1K_V2\?"):
        catalogue.resolve_weights("resnet50", "IMAGENET1K_V22")


def test_another_backbones_weights_are_refused() -> None:
    with pytest.raises(Misuse, match="resnet18 has none of that name"):
        catalogue.resolve_weights("resnet18", "ResNet50_Weights.IMAGENET1K_V1")


def test_a_backbone_without_published_weights_offers_none() -> None:
    assert catalogue.resolve_weights("convnet", "DEFAULT") == "none"
    with pytest.raises(Misuse, match="known: none"):
        catalogue.resolve_weights("convnet", "IMAGENET1K_V1")


def test_a_path_is_made_absolute_where_the_file_exists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w.safetensors").touch()
    assert catalogue.resolve_weights("resnet18", "w.safetensors") == str(tmp_path / "w.safetensors")


@pytest.mark.parametrize(
    ("path", "why"), [("w.safetensors", "there is no such file"), ("./w.bin", "not a .safetensors or .pth file")]
)
def test_a_path_that_cannot_be_read_as_weights_is_misuse(path: str, why: str) -> None:
    with pytest.raises(Misuse, match=why):
        catalogue.resolve_weights("resnet18", path)
