"""Mean and standard deviation over runs."""

from statistics import mean, stdev


def mean_and_deviation(values: list[float | None]) -> tuple[float | None, float | None]:
    """The mean of the values, and their sample standard deviation; each None where too few are known."""
    known = [value for value in values if value is not None]
    return (mean(known) if known else None, stdev(known) if len(known) > 1 else None)
