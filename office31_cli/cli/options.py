"""Options that mean the same in every command that has them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from office31_cli.cli import completion
from office31_cli.cli.completion import complete_one
from office31_cli.cli.help import DATA, MODEL, OUTPUT, TRAINING
from office31_cli.engine.settings import EPOCHS, HELD_OUT_SHARE, LEARNING_RATES, MOST_HELD_OUT


def _list_defaults(defaults: Mapping[str, float]) -> str:
    """`0.03 for momentum and nesterov, 0.0003 for rmsprop`: defaults that depend on another option."""
    names: dict[float, list[str]] = {}
    for name, value in defaults.items():
        names.setdefault(value, []).append(name)
    return ", ".join(f"{value:g} for {' and '.join(each)}" for value, each in names.items())


AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.", rich_help_panel=OUTPUT)]
Details = Annotated[bool, typer.Option("--details", help="Print the tables as well; --json always holds everything.")]
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="NAME",
        help="A stored model's name or id.",
        show_default="the newest that fits",
        autocompletion=complete_one(completion.list_models),
        rich_help_panel=MODEL,
    ),
]
ModelArgument = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="A model's name, its id, or the first digits of that.",
        autocompletion=complete_one(completion.list_models),
    ),
]
NewestModelArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="MODEL",
        help="A stored model's name or id; --model does the same.",
        show_default="the newest",
        autocompletion=complete_one(completion.list_models),
    ),
]
ComparedModel = Annotated[
    str | None,
    typer.Option(
        "--compare",
        metavar="NAME",
        help="Another stored model, on the same photographs.",
        show_default="what the model was made from",
        autocompletion=complete_one(completion.list_models),
    ),
]
Embedding = Annotated[
    str | None,
    typer.Option(
        "--embedding",
        metavar="KIND",
        help="How features become points: tsne or pca.",
        show_default="tsne where scikit-learn is installed",
    ),
]
Data = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="DATA",
        help="office31, sample, a folder of your own that holds DOMAIN/ITEM/, ITEM/ or train/ITEM/ and test/ITEM/, or "
        "an index (.csv or .jsonl); where no labels are needed, DOMAIN/ may hold the pictures themselves.",
        show_default="office31, else sample",
        autocompletion=complete_one(completion.list_data_sets),
        rich_help_panel=DATA,
    ),
]
Backbone = Annotated[
    str | None,
    typer.Option(
        "--backbone",
        metavar="NAME",
        help="Any torchvision classifier, timm:NAME for one of timm's, or convnet or mlp.",
        show_default="resnet50, on the sample convnet",
        autocompletion=complete_one(completion.list_backbones),
        rich_help_panel=MODEL,
    ),
]
Weights = Annotated[
    str | None,
    typer.Option(
        "--weights",
        metavar="WEIGHTS",
        help="DEFAULT, none, a name such as ResNet50_Weights.IMAGENET1K_V1, or a .safetensors or .pth file.",
        show_default="ResNet50_Weights.IMAGENET1K_V1, on the sample none",
        autocompletion=complete_one(completion.list_weights),
        rich_help_panel=MODEL,
    ),
]
Split = Annotated[
    str | None,
    typer.Option(
        "--split",
        metavar="SPLIT",
        help="DOMAIN, DOMAIN:train, DOMAIN:test or DOMAIN:all, as for evaluate.",
        show_default="the model's target, else the domain it was trained on",
        autocompletion=complete_one(completion.list_splits),
    ),
]
NewItems = Annotated[
    bool,
    typer.Option(
        "--new-items", help="Items in the file of --labels-from that look like typing errors are meant as they are."
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is there.", rich_help_panel=OUTPUT)]
SkipBad = Annotated[
    bool, typer.Option("--skip-bad", help="Leave out pictures that cannot be read.", rich_help_panel=DATA)
]
Name = Annotated[
    str | None,
    typer.Option(
        "--name",
        metavar="NAME",
        help="Store the model under this name.",
        show_default="made from domain, method and backbone",
        rich_help_panel=OUTPUT,
    ),
]
Seed = Annotated[
    int,
    typer.Option(
        "--seed",
        metavar="N",
        min=0,
        help="Fixes the split, the initial weights and the order of the photographs.",
        rich_help_panel=TRAINING,
    ),
]
Seeds = Annotated[
    str,
    typer.Option(
        "--seeds",
        metavar="N,N,...",
        help="One repetition each; a seed fixes split, initial weights and order.",
        rich_help_panel=TRAINING,
    ),
]
Epochs = Annotated[
    int | None,
    typer.Option(
        "--epochs",
        metavar="N",
        min=1,
        help="Passes over the labelled photographs.",
        show_default=_list_defaults(EPOCHS),
        rich_help_panel=TRAINING,
    ),
]
LearningRate = Annotated[
    float | None,
    typer.Option(
        "--lr",
        metavar="RATE",
        help="Learning rate of the newest layers.",
        show_default=_list_defaults(LEARNING_RATES),
        rich_help_panel=TRAINING,
    ),
]
Optimizer = Annotated[
    str,
    typer.Option(
        "--optimizer",
        metavar="NAME",
        help="sgd, momentum, nesterov, rmsprop, adam or adamw (all from torch.optim).",
        autocompletion=complete_one(completion.list_optimizers),
        rich_help_panel=TRAINING,
    ),
]
BatchSize = Annotated[
    int, typer.Option("--batch-size", metavar="N", min=2, help="Photographs a step.", rich_help_panel=TRAINING)
]
ClassWeights = Annotated[
    str,
    typer.Option(
        "--class-weights",
        metavar="KIND",
        help="Items with unequal numbers of labels: balanced weights them alike in the loss, sampler draws them "
        "equally often, none leaves them as they are.",
        autocompletion=complete_one(completion.list_class_weights),
        rich_help_panel=TRAINING,
    ),
]
Outputs = Annotated[
    str | None,
    typer.Option(
        "--outputs",
        metavar="OUTPUTS",
        help="What to predict: item, item+domain, item+0.5*domain, pair or separate; also web, megapixels and the "
        "columns of the data's labels.csv.",
        show_default="item, or the stored model's",
        rich_help_panel=MODEL,
    ),
]
EpochsOfSteps = Annotated[
    int | None,
    typer.Option(
        "--epochs",
        metavar="N",
        min=1,
        help="Epochs of --steps steps each.",
        show_default="10",
        rich_help_panel=TRAINING,
    ),
]
Steps = Annotated[
    int | None,
    typer.Option("--steps", metavar="N", min=1, help="Steps an epoch.", show_default="100", rich_help_panel=TRAINING),
]
Views = Annotated[
    int | None,
    typer.Option(
        "--views",
        metavar="N",
        min=1,
        max=32,
        help="Cached views of a photograph: as it is, its mirror image, then random crops.",
        show_default="2, or what the method needs",
        rich_help_panel=DATA,
    ),
]
Validator = Annotated[
    str,
    typer.Option(
        "--validator",
        metavar="NAME",
        help="Selects an epoch without target labels: bnm, entropy, im, snd or source.",
        rich_help_panel=TRAINING,
    ),
]
Tasks = Annotated[
    str | None,
    typer.Option(
        "--tasks",
        metavar="TASKS",
        help="Such as A-W,A-D.",
        show_default="every ordered pair of domains",
        rich_help_panel=DATA,
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        metavar="N",
        min=1,
        help="Processes side by side.",
        show_default="one a core",
        rich_help_panel=TRAINING,
    ),
]
Train = Annotated[
    str | None,
    typer.Option(
        "--train",
        metavar="PART",
        help="head: on cached features of a frozen backbone; last: its last stage as well; all: every layer.",
        show_default="head on a CPU, all on an accelerator or without weights",
        autocompletion=complete_one(completion.list_parts_to_train),
        rich_help_panel=TRAINING,
    ),
]
Device = Annotated[
    str,
    typer.Option("--device", metavar="DEVICE", help="auto, cpu, cuda, cuda:N or mps.", rich_help_panel=TRAINING),
]
Tensorboard = Annotated[
    Path | None,
    typer.Option(
        "--tensorboard",
        metavar="DIR",
        help="Write each epoch's figures below this folder, for TensorBoard.",
        rich_help_panel=OUTPUT,
    ),
]
Resume = Annotated[
    bool,
    typer.Option("--resume", help="Continue the same interrupted run from its last epoch.", rich_help_panel=TRAINING),
]
Force = Annotated[
    bool,
    typer.Option(
        "--force",
        help="With --resume: also from a run of other settings; no longer bit-identical.",
        rich_help_panel=TRAINING,
    ),
]
HeldOut = Annotated[
    float | None,
    typer.Option(
        "--held-out",
        metavar="SHARE",
        min=0.0,
        max=MOST_HELD_OUT,
        help="Share of the labelled photographs that is held out for testing.",
        show_default=str(HELD_OUT_SHARE),
        rich_help_panel=DATA,
    ),
]
