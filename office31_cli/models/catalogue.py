"""Which backbones and weights there are, read from torchvision's source without importing it (3 s)."""

import functools
import importlib.util
import re
from pathlib import Path

from office31_cli.errors import Misuse
from office31_cli.text import did_you_mean, printable

OWN = ("convnet", "mlp")
"""Backbones of ours, trained from scratch: for the drawn sample, and for the chapter's experiments."""

_REGISTERED = re.compile(r"^@register_model\(\)\n(?:@.*\n(?:[ \t].*\n|\)\n)*)*def (\w+)\(", re.MULTILINE)
_WEIGHTS = re.compile(r"^class (\w+_Weights)\(WeightsEnum\):\n((?:[ \t].*\n|\n)+)", re.MULTILINE)
_MEMBER = re.compile(r"^    (\w+) = (Weights\(|\w+$)", re.MULTILINE)


def backbones() -> tuple[str, ...]:
    """The names that `--backbone` takes: every torchvision classifier, and our own."""
    return tuple(sorted((*OWN, *_torchvision()[0])))


def check_backbone(name: str) -> None:
    """Raise `Misuse` with a near match where there is no such backbone."""
    if name not in backbones():
        raise Misuse(f"backbone {printable(name)}", "there is no such network", did_you_mean(name, backbones()))


def check_weights(backbone: str, weights: str) -> str:
    """The full form of what `--weights` names: `none`, `Enum.MEMBER`, or the path as given.

    Raises `Misuse` where the name or the path does not exist, or belongs to another backbone.
    """
    if weights == "none" or (weights == "DEFAULT" and backbone in OWN):
        return "none"
    if is_path(weights):
        return str(_check_path(weights))
    known = weights_of(backbone)
    full = known | {name: name for name in known.values()}
    if weights not in full:
        raise Misuse(
            f"weights {printable(weights)}",
            f"{backbone} has none of that name",
            f"{did_you_mean(weights, {*full, 'none'})} (or give the path of a .safetensors or .pth file)",
        )
    return full[weights]


def is_path(weights: str) -> bool:
    """Whether `--weights` names a file rather than one of torchvision's enum members."""
    return weights.endswith((".safetensors", ".pth", ".pt")) or "/" in weights


def _check_path(weights: str) -> Path:
    path = Path(weights).expanduser()
    if path.suffix not in (".safetensors", ".pth", ".pt"):
        raise Misuse(f"weights {printable(weights)}", "not a .safetensors or .pth file", "give one of those")
    if not path.is_file():
        raise Misuse(f"weights {printable(weights)}", "there is no such file", "check the path")
    return path.absolute()


def weights_of(backbone: str) -> dict[str, str]:
    """`Enum.MEMBER` by the short name of each of the backbone's weights, `DEFAULT` included."""
    wanted = f"{backbone}_weights".lower()
    for enum, members in _torchvision()[1].items():
        if enum.lower() == wanted:
            return {short: f"{enum}.{target}" for short, target in members.items()}
    return {}


@functools.cache
def _torchvision() -> tuple[list[str], dict[str, dict[str, str]]]:
    """The registered classifiers, and the members of every weights enum with the member that each stands for."""
    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None:
        return [], {}
    names: list[str] = []
    enums: dict[str, dict[str, str]] = {}
    for source in sorted((Path(spec.origin).parent / "models").glob("*.py")):
        text = source.read_text(encoding="utf-8")
        names += _REGISTERED.findall(text)
        for enum, body in _WEIGHTS.findall(text):
            members = _MEMBER.findall(body)
            enums[enum] = {name: name if value == "Weights(" else value for name, value in members}
    return names, enums
