"""The names that `--backbone` and `--weights` take, checked without importing torch."""

from pathlib import Path

from office31_cli.errors import Failed, Misuse
from office31_cli.models.libraries import list_networks
from office31_cli.text import did_you_mean, printable

OWN = ("convnet", "mlp")
"""Backbones of ours, trained from scratch: for the drawn sample, and for the chapter's experiments."""

TIMM = "timm:"
"""What the names of timm's networks begin with."""


def list_backbones() -> tuple[str, ...]:
    """The names that `--backbone` takes beside timm's: every torchvision classifier, and our own."""
    return tuple(sorted((*OWN, *list_networks("torchvision"))))


def list_timm_backbones() -> tuple[str, ...]:
    """The names of timm's networks, `timm:` before each; none where it is not installed."""
    return tuple(f"{TIMM}{name}" for name in list_networks("timm"))


def check_backbone(name: str) -> None:
    """Raise `Misuse` with a near match where there is no such backbone, and `Failed` where timm is not installed."""
    if name.startswith(TIMM):
        if not (known := list_timm_backbones()):
            raise Failed(
                f"backbone {printable(name)}", "timm is not installed", "run: pip install 'office31-cli[timm]'"
            )
        if name not in known:
            raise Misuse(f"backbone {printable(name)}", "timm has no such network", did_you_mean(name, known))
    elif name not in OWN and name not in list_networks("torchvision"):
        raise Misuse(f"backbone {printable(name)}", "there is no such network", did_you_mean(name, list_backbones()))


def resolve_weights(backbone: str, weights: str) -> str:
    """The full form of what `--weights` names: `none`, `Enum.MEMBER`, or the path as given.

    Raises `Misuse` where the name or the path does not exist, or belongs to another backbone. Names of timm's weights
    are left as they are: it is imported to look for them.
    """
    if weights == "none" or (weights == "DEFAULT" and backbone in OWN):
        return "none"
    if is_weights_file(weights):
        return str(resolve_weights_file(weights))
    if backbone.startswith(TIMM):
        return weights
    known = list_weights(backbone)
    full = known | {name: name for name in known.values()}
    if weights not in full:
        raise Misuse(
            f"weights {printable(weights)}",
            f"{backbone} has none of that name",
            f"{did_you_mean(weights, {*full, 'none'})} (or give the path of a .safetensors or .pth file)",
        )
    return full[weights]


def is_weights_file(weights: str) -> bool:
    """Whether `--weights` names a file rather than one of torchvision's enum members."""
    return weights.endswith((".safetensors", ".pth", ".pt")) or "/" in weights


def resolve_weights_file(weights: str) -> Path:
    """The whole path of a file of weights; raises `Misuse` where there is none, or it is of another kind."""
    path = Path(weights).expanduser()
    if path.suffix not in (".safetensors", ".pth", ".pt"):
        raise Misuse(f"weights {printable(weights)}", "not a .safetensors or .pth file", "give one of those")
    if not path.is_file():
        raise Misuse(f"weights {printable(weights)}", "there is no such file", "check the path")
    return path.absolute()


def list_weights(backbone: str) -> dict[str, str]:
    """`Enum.MEMBER` by the short name of each of the backbone's torchvision weights, `DEFAULT` included."""
    return list_networks("torchvision").get(backbone, {})
