"""`office31 evaluate`: score a stored network on a part of a domain."""

from office31_cli.engine.settings import check_device
from office31_cli.errors import Failed, Misuse
from office31_cli.observer import SILENT, Observer
from office31_cli.results import COVERAGE, PARTS, Evaluated
from office31_cli.text import did_you_mean, printable
from office31_cli.workflow import selection


def evaluate(
    split: str,
    *,
    model: str | None = None,
    data: str | None = None,
    confusion: bool = False,
    device: str = "auto",
    skip_bad: bool = False,
    coverage: float = COVERAGE,
    observer: Observer = SILENT,
) -> Evaluated:
    """Score a stored network on `split`: a domain, or `DOMAIN:PART` with one of `PARTS`.

    Without a part, all of a domain is scored whose labels the model never saw, else the part of it that is held
    out. Without `model` the newest one is taken. With `confusion` what each item is taken for is counted. `coverage` is
    how often its sets of items are to hold the actual one. Raises `Misuse` for what does not exist or does not fit,
    and `Failed` where no photographs are left to score.
    """
    check_device(device)
    check_coverage(coverage)
    domain, part = parsed(split)
    nothing = Failed("no stored model", "there is nothing to evaluate", "run: office31 pretrain --domain amazon")
    entry, opened = selection.model_and_data(model, data, domain, lambda entry: True, nothing)
    selection.tell_model(model, entry, observer)
    from office31_cli.recipes import evaluate_compute  # torch, 3 s: only now that all that was typed makes sense

    return evaluate_compute.score(
        entry,
        opened,
        domain,
        part,
        confusion=confusion,
        coverage=coverage,
        device=device,
        skip_bad=skip_bad,
        observer=observer,
    )


def check_coverage(coverage: float) -> None:
    """Raise `Misuse` unless it lies between 0 and 1."""
    if not 0 < coverage < 1:
        raise Misuse(f"--coverage {coverage:g}", "not between 0 and 1", f"write --coverage {COVERAGE}")


def parsed(split: str) -> tuple[str, str | None]:
    """The domain and, where it is said, the part; raises `Misuse` for another part."""
    domain, colon, part = split.partition(":")
    if colon and part not in PARTS:
        raise Misuse(f"--split {printable(split)}", f"no part {printable(part)!r}", did_you_mean(part, PARTS))
    return domain, part or None
