"""What is published of a fault that is provoked many times."""

from dataclasses import dataclass
from math import comb


@dataclass(frozen=True)
class Figure:
    """`failures` of `count` attempts, drawn with `seed`, had another outcome than the right one."""

    rows: tuple[int, ...]
    what: str
    count: int
    failures: int
    seed: int
    note: str = ""

    @property
    def bound(self) -> float:
        """The share of failures that is exceeded with 5 % confidence at most: 3 / n where none failed.

        Clopper and Pearson 1934, one-sided; the rule of three (Hanley 1983) is its first order where none failed.
        """
        if not self.failures:
            return min(1.0, 3 / self.count)
        low, high = self.failures / self.count, 1.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if _at_most(self.failures, self.count, middle) > 0.05 else (low, middle)
        return high


def _at_most(failures: int, count: int, share: float) -> float:
    """The probability of so many failures or fewer."""
    return sum(comb(count, number) * share**number * (1 - share) ** (count - number) for number in range(failures + 1))
