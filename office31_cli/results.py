"""The results of the commands that train and evaluate; `to_json` is what `--json` prints."""

from dataclasses import asdict, dataclass
from typing import Any

PARTS = ("train", "test", "all")
"""The parts of a domain: photographs whose labels the model has seen, those it has not, or both."""

COVERAGE = 0.9
"""The default target coverage of prediction sets."""


@dataclass(frozen=True, kw_only=True)
class TrainingResult:
    """A model that was trained and stored."""

    model: str
    id: str
    parent: str | None
    command: str
    data: str
    domains: tuple[str, ...]
    """The domains whose labels this run trained on."""
    backbone: str
    weights: str
    train: str
    outputs: str
    photographs: int
    """The number of labelled photographs that this run trained on."""
    held_out: int
    """The number of labelled photographs in the held-out set that the model was then evaluated on."""
    epochs: int
    seconds: float
    kinds: dict[str, str]
    """The kind of each output by its column: choice, yes/no or number."""
    validation: dict[str, float | None]
    """The accuracy of each output on the held-out set, R2 for a number; None where nothing was held out."""
    loss: list[float]
    """The mean loss of each epoch, the sum where there are several losses."""
    labels_used: dict[str, int]
    """The number of labels used by domain, those used for its ancestors included."""
    calibration: dict[str, Any] | None = None
    """The temperature, what it was fitted on, and the expected calibration error there before and after scaling; None
    where there was nothing to fit it on."""
    class_weights: str = "none"
    """`balanced` where each item had the same weight in the loss, `sampler` where each was drawn equally often."""
    forced: list[dict[str, Any]] | None = None
    """For a run that continued runs of other configurations, their `epoch` and the `differing` fields, what each `was`
    and `is`; the same command then does not give the same bits. None for any other model."""

    def to_json(self) -> dict[str, Any]:
        """The object that `office31 pretrain --json` prints."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class FinetuneResult(TrainingResult):
    """A model fine-tuned from another on labels of the target."""

    target: str
    strategy: str
    labels: int | str
    """`all`, the number of labels per item, or `listed`."""
    source: str | None
    """The labelled source domains that were trained on again, joined by `+`; None without them."""
    validated: int
    """The size of the validation set of early stopping, labelled photographs of the target; they count as seen."""
    fewer: dict[str, int]
    """The items with fewer photographs than the labels requested per item, and their number of photographs."""
    items_added: tuple[str, ...] = ()
    """The items that the stored model did not know and that got outputs of their own."""
    forgotten: dict[str, Any] | None = None
    """Of the items that the stored model knew, the accuracies `before`, by that model, and `after`, by this one, on
    `photographs` that neither has seen: the target's held-out set and what is unseen of the other `domains` that the
    stored model was trained on, each with its own figures. None where no item was added."""
    added: dict[str, Any] | None = None
    """The `accuracy` on the added items and the number of their `photographs` in the held-out set; None as above."""


@dataclass(frozen=True, kw_only=True)
class AdaptResult(TrainingResult):
    """A model adapted from another to photographs of the target, without labels of the target."""

    source: str | None
    """The labelled source domains that were trained on, joined by `+`; None for a source-free method."""
    target: str
    method: str
    scores: dict[str, Any]
    """Accuracies on all of the target: `last`, the stored network; `selected`, the epoch that a label-free validator
    chooses; `oracle`, the best epoch by the target's labels. None where the target has no labels."""
    accuracies: list[float] | None = None
    """The accuracy on all of the target after each epoch, computed after training; None where it has no labels."""
    setting: str = "closed"
    """Which items the target was taken to show: `closed`, `partial`, `open` or `universal`."""
    evidence: dict[str, Any] | None = None
    """What the target's photographs say of the setting, without labels; None where nothing was estimated."""
    target_photographs: int | None = None
    """The number of the target's photographs that were trained on."""
    predicted: dict[str, float] | None = None
    """The share of the target's photographs that the stored network predicts to show each item."""


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """A stored model's scores on a part of a domain; accuracies are fractions."""

    model: str
    id: str
    data: str
    split: str
    photographs: int
    """The number of scored photographs: those that are labelled with one of the model's items."""
    unlabelled: int
    """The number of photographs of this part that have no label, and are not scored."""
    setting: str
    """`closed` where the labels name the model's items and no others, `partial` where they name some of them only,
    `open` where they name others as well, `universal` for both."""
    shared_items: tuple[str, ...]
    """The model's items that the domain's labels name."""
    unknown: dict[str, Any] | None
    """Photographs labelled with items that the model does not know: their number, the share of them that is called
    unknown (`recall`, UNK), the mean over the shared items of correct predictions that are not called unknown
    (`os_star`, OS*), the harmonic mean of both (`hos`), the area under the ROC, and the threshold of the score; None
    where there are none."""
    accuracy: float
    ci95: tuple[float, float]
    """The 95 % Wilson interval of the accuracy."""
    macro_accuracy: float
    """The mean of the per-item accuracies."""
    ece: float
    """Expected calibration error, 15 bins of equal width."""
    outputs: dict[str, dict[str, Any]]
    """For each output, by its column, the kind and the metrics of that kind."""
    per_item: dict[str, dict[str, Any]]
    confused: list[dict[str, Any]]
    """The pairs most often confused: actual, predicted, photographs, share of the actual item."""
    confusion: dict[str, Any] | None
    """The `items`, and the `counts` of photographs with a row for each actual item; None unless requested."""
    labels_used: dict[str, int]
    """The number of labels used by domain; for the evaluated domain, only those of photographs that are in it."""
    seen: int
    """The number of evaluated photographs whose labels the model has seen: 0 for an honest score."""
    calibration: dict[str, Any]
    """The stored temperature, what it was fitted on and, by domain, the number of labels used for it; `ece_before` and
    `reliability` for the network's own confidence, `ece_after` and `reliability_after` after temperature scaling, each
    bin with its mean confidence and accuracy. `own` is the number of evaluated photographs whose labels the temperature
    was fitted on; they are scored with a temperature fitted without them. Without a stored calibration everything that
    depends on it is None."""
    conformal: dict[str, Any]
    """Prediction sets: the target coverage, the share of sets that contain the actual item, with its Wilson interval,
    and the mean size of a set; all but the target coverage are None where the model has no calibration."""
    labels_from: str | None = None
    """The file that named the scored photographs; None where they are all of the part."""

    def to_json(self) -> dict[str, Any]:
        """The object that `office31 evaluate --json` prints."""
        return asdict(self)
