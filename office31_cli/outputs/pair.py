"""One choice among all (domain, item) pairs; each of the two is predicted by its marginal probabilities."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, ClassVar, Self

from office31_cli.outputs import choice
from office31_cli.outputs.base import Output

if TYPE_CHECKING:
    from torch import Tensor

    from office31_cli.outputs.base import Columns, FloatArray


@dataclass(frozen=True, kw_only=True)
class Kind(Output):
    """One logit a pair, the items of the first domain first."""

    domains: tuple[str, ...]
    items: tuple[str, ...]

    kind: ClassVar[str] = "pair"
    fixed_columns: ClassVar[tuple[str, ...]] = ("domain", "item")
    headline: ClassVar[str] = "accuracy"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.by_column()  # which checks the labels

    @classmethod
    def for_column(cls, name: str, labels: Mapping[str, tuple[str, ...]]) -> Self:
        """All pairs of the data set's domains and items."""
        return cls(name=name, domains=labels["domain"], items=labels["item"])

    @property
    def width(self) -> int:
        """One logit a pair."""
        return len(self.domains) * len(self.items)

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """The domains, then the items."""
        return self.domains + self.items

    def with_items(self, items: tuple[str, ...]) -> Self:
        """As `Output.with_items`."""
        return replace(self, items=items)

    def find_rows(self, earlier: Output) -> list[int | None] | None:
        """As `Output.find_rows`: pairs with fewer items are continued."""
        if not isinstance(earlier, Kind) or (earlier.name, earlier.domains) != (self.name, self.domains):
            return None
        if not set(earlier.items) <= set(self.items):
            return None
        places = {pair: place for place, pair in enumerate(product(earlier.domains, earlier.items))}
        return [places.get(pair) for pair in product(self.domains, self.items)]

    def targets(self, columns: "Columns") -> "FloatArray":
        """The pairs' numbers (n,)."""
        return columns["domain"] * len(self.items) + columns["item"]

    def loss(self, raw: "Tensor", targets: "Tensor") -> "Tensor":
        """Cross-entropy over the pairs."""
        return self.smoothed_loss(raw, targets, 0.0)

    def smoothed_loss(
        self, raw: "Tensor", targets: "Tensor", smoothing: float, item_weights: "Tensor | None" = None
    ) -> "Tensor":
        """As `Output.smoothed_loss` (Szegedy and others 2016, section 7); a pair has the weight of its item."""
        from torch.nn.functional import cross_entropy

        weights = None if item_weights is None else item_weights.repeat(len(self.domains))
        return cross_entropy(raw, targets.long(), weight=weights, label_smoothing=smoothing)

    def decode(self, raw: "Tensor") -> "dict[str, Tensor]":
        """The marginal probabilities of the domains (n, D) and of the items (n, I)."""
        pairs = raw.softmax(1).reshape(-1, len(self.domains), len(self.items))
        return {"domain": pairs.sum(2), "item": pairs.sum(1)}

    def by_column(self) -> dict[str, Output]:
        """Two choices, of a domain and of an item."""
        return {
            "domain": choice.Kind(name="domain", labels=self.domains),
            "item": choice.Kind(name="item", labels=self.items),
        }

    def score(self, predicted: "FloatArray", actual: "FloatArray") -> dict[str, float]:
        """Its two columns are scored one by one, by the outputs of `by_column`."""
        raise NotImplementedError
