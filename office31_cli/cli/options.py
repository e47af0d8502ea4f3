"""Options that mean the same in every command that has them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from office31_cli.cli import completion
from office31_cli.cli.completion import complete_one
from office31_cli.errors import Misuse
from office31_cli.text import did_you_mean, printable

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        help="A stored model's name or id.",
        show_default="the newest that fits",
        autocompletion=complete_one(completion.list_models),
    ),
]
Word = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="A model's name, its id, or the first digits of that.",
        autocompletion=complete_one(completion.list_models),
    ),
]
Data = Annotated[
    str | None,
    typer.Option(
        "--data",
        help="A folder DOMAIN/ITEM/* or DOMAIN/images/ITEM/* of your own, or office31 or sample.",
        show_default="office31, else sample",
        autocompletion=complete_one(completion.list_data_sets),
    ),
]
Backbone = Annotated[
    str | None,
    typer.Option(
        "--backbone",
        help="Any torchvision classifier, timm:NAME for one of timm's, or convnet or mlp.",
        show_default="resnet50",
        autocompletion=complete_one(completion.list_backbones),
    ),
]
Weights = Annotated[
    str | None,
    typer.Option(
        "--weights",
        help="DEFAULT, none, a name such as ResNet50_Weights.IMAGENET1K_V1, or a .safetensors or .pth.",
        show_default="ResNet50_Weights.IMAGENET1K_V1",
        autocompletion=complete_one(completion.list_weights),
    ),
]
Split = Annotated[
    str | None,
    typer.Option(
        "--split",
        help="DOMAIN, DOMAIN:train, DOMAIN:test or DOMAIN:all, as for evaluate.",
        show_default="the domain that the model went on to, else the one it was trained on",
        autocompletion=complete_one(completion.list_splits),
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Leave out pictures that cannot be read.")]
Name = Annotated[
    str | None,
    typer.Option("--name", help="Store the model under this name.", show_default="made from what was done"),
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Fixes the split, the start and the order.")]
Seeds = Annotated[str, typer.Option("--seeds", help="Repetitions: each fixes a split, a start and an order.")]
Epochs = Annotated[int | None, typer.Option("--epochs", min=1, help="Passes over the labelled photographs.")]
LearningRate = Annotated[float | None, typer.Option("--lr", help="Learning rate of the newest layers.")]
Optimizer = Annotated[
    str,
    typer.Option(
        "--optimizer",
        help="sgd, momentum, nesterov, rmsprop, adam or adamw (all from torch.optim).",
        autocompletion=complete_one(completion.list_optimizers),
    ),
]
BatchSize = Annotated[int, typer.Option("--batch-size", min=2, help="Photographs a step.")]
Outputs = Annotated[
    str | None,
    typer.Option(
        "--outputs",
        help="What to answer: item, item+domain, item+0.5*domain, pair, separate; also web, megapixels, and columns "
        "of the data's labels.csv.",
        show_default="item, or what the stored model answers",
    ),
]
EpochsOfSteps = Annotated[
    int | None, typer.Option("--epochs", min=1, help="Epochs of --steps steps each.", show_default="10")
]
Steps = Annotated[int | None, typer.Option("--steps", min=1, help="Steps an epoch.", show_default="100")]
Views = Annotated[
    int | None,
    typer.Option(
        "--views",
        min=1,
        max=32,
        help="Cached views of a photograph: as it is, its mirror image, then random crops.",
        show_default="2, or what the method needs",
    ),
]
Validator = Annotated[
    str,
    typer.Option("--validator", help="What picks an epoch without target labels: bnm, entropy, im, snd or source."),
]
Tasks = Annotated[
    str | None, typer.Option("--tasks", help="Such as A-W,A-D.", show_default="every ordered pair of domains")
]
Jobs = Annotated[int | None, typer.Option("--jobs", min=1, help="Processes side by side.", show_default="one a core")]
Train = Annotated[
    str | None,
    typer.Option(
        "--train",
        help="head: on cached features of a frozen backbone; last: its last stage too; all: everything.",
        show_default="head on a CPU, all on an accelerator or without weights",
        autocompletion=complete_one(completion.list_parts_to_train),
    ),
]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:N or mps.")]
Tensorboard = Annotated[
    Path | None,
    typer.Option("--tensorboard", metavar="DIR", help="Write each epoch's figures below this folder, for TensorBoard."),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from the last epoch of the same, interrupted run.")]
Force = Annotated[
    bool,
    typer.Option("--force", help="With --resume: also from a run of other settings; no longer bit-identical."),
]
HeldOut = Annotated[
    float,
    typer.Option("--held-out", min=0.0, max=0.9, help="Share of the labelled photographs kept back for testing."),
]


def check_format(form: str, known: Sequence[str], *, as_json: bool) -> str:
    """What to print in: `--format`, or json where `--json` says so; raises `Misuse` where the two differ."""
    if form not in known:
        raise Misuse(f"--format {printable(form)}", "not one of ours", did_you_mean(form, known))
    if as_json and form not in ("table", "json"):
        raise Misuse(f"--format {form}", "it says something else than --json", "leave one of them out")
    return "json" if as_json else form


def parse_assignments(texts: Sequence[str]) -> dict[str, str]:
    """What was typed after each `--set`, by name; raises `Misuse` for no NAME=VALUE, and for a name given twice."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise Misuse(f"--set {printable(text)}", "not of the form NAME=VALUE", "write --set weight=0.5")
        if name in found:
            raise Misuse(f"--set {printable(text)}", f"{printable(name)} is set already", "leave one of them out")
        found[name] = value
    return found


def parse_words(option: str, text: str, *, empty: bool = False) -> list[str]:
    """`erm,mcc` as words, each once; empty ones are left to the recipe, or out. Raises `Misuse` where none is left."""
    found = [word for word in dict.fromkeys(word.strip() for word in text.split(",")) if word or empty]
    if not found:
        raise Misuse(f"{option} {printable(text)}", "it names nothing", "write names with commas between")
    return found


def parse_numbers(option: str, text: str) -> tuple[int, ...]:
    """`0,1,2` as numbers; raises `Misuse` where it is something else."""
    digits = parse_words(option, text, empty=True)
    if not all(word.isascii() and word.isdigit() and len(word) < 10 for word in digits):
        raise Misuse(f"{option} {printable(text)}", "not a list of numbers", f"write {option} 0,1,2")
    return tuple(dict.fromkeys(map(int, digits)))


def parse_labels(text: str, *, least: int = 1) -> int | None:
    """`3` as a number, `all` as None; raises `Misuse` where it is something else, or less than `least`."""
    if text == "all":
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Misuse(f"--labels {printable(text)}", "not a number", "use all, or a number of labels an item")
    if int(text) < least:
        raise Misuse(f"--labels {text}", "too few", f"use {least} or more, or all")
    return int(text)
