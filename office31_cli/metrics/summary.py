"""Several runs in two figures."""

from statistics import mean, stdev


def mean_and_deviation(values: list[float | None]) -> tuple[float | None, float | None]:
    """Mean and standard deviation (of the sample); None where nothing was measured, or once only."""
    known = [value for value in values if value is not None]
    return (mean(known) if known else None, stdev(known) if len(known) > 1 else None)
