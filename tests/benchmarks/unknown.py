"""Where the constants of `adapt --setting auto` are from (`office31_cli/metrics/setting.py`): some minutes on one core.

    OFFICE31_WEIGHTS=... python -m tests.benchmarks.unknown

makes targets of parts of one domain, seen through another camera, of which items were taken away or added that the
source does not have; tells how the decision's signs differ, fits the constants of what is unknown, and tells how many
settings are decided rightly. Needs Office-31 (`office31 download`), and SqueezeNet's weights in $OFFICE31_WEIGHTS.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from office31_cli.engine.batches import SourceTargetData
from office31_cli.engine.inputs import Examples
from office31_cli.engine.random_numbers import keyed_generator
from office31_cli.metrics.setting import SettingEvidence, decide_setting
from office31_cli.models.network import BOTTLENECK, Head
from office31_cli.observer import SILENT
from office31_cli.recipes.doctor.probe import Probe, open_probe
from office31_cli.workflow.adapt_training import no_examples
from office31_cli.workflow.item_sets import SETTINGS
from office31_cli.workflow.request import Options, build_request
from office31_cli.workflow.target_estimate import estimate_target
from tests.benchmarks.pseudo_shifts import CAMERAS, DOMAINS, TARGET, Makeshift, Shift

_SHOWN = {"closed": (31, 0, 0), "partial": (31, 21, 0), "open": (10, 0, 11), "universal": (20, 10, 11)}
"""Items of the source, those of them that the target lacks, and those that it shows beside them: Office-31's splits."""


@dataclass(frozen=True)
class Case:
    """A pseudo-shift, its setting, and what was estimated of it."""

    shift: Shift
    setting: str
    evidence: SettingEvidence


def main() -> None:
    """Estimate every case, then fit."""
    request = build_request(
        "doctor",
        DOMAINS[:1],
        data="office31",
        backbone="squeezenet1_0",
        weights=os.environ["OFFICE31_WEIGHTS"],
        options=Options(train="head"),
    )
    cases = list(estimate(Makeshift(open_probe(request, DOMAINS, SILENT))))
    for name in ("source_accuracy", "apart_share", "uncertain", "apart", "items"):
        by_setting = {each: [getattr(case.evidence, name) for case in cases if case.setting == each] for each in _SHOWN}
        print(name, {each: f"{np.mean(values):.2f} +- {np.std(values):.2f}" for each, values in by_setting.items()})
    signs = np.array([[1.0, case.evidence.uncertain, case.evidence.apart] for case in cases])
    unknown = np.array([case.setting in ("open", "universal") for case in cases], dtype=np.float64)
    print("_UNKNOWN =", fit(signs, unknown).round(2).tolist())
    right = sum(decide_setting(case.evidence) == case.setting for case in cases)
    print(f"{right} of {len(cases)} settings decided rightly")


def estimate(makeshift: Makeshift) -> Iterator[Case]:
    """Every domain through several cameras, in each setting."""
    for domain in DOMAINS:
        for camera in CAMERAS:
            for source in ("half", "narrow"):
                shift = Shift(domain, camera, "all", source)
                probe = makeshift.probe(shift)
                for setting in SETTINGS:
                    pair, digests, items = choose_items(probe, shift, setting)
                    head = Head(probe.inputs.width, BOTTLENECK, items)
                    found = estimate_target(probe.inputs, pair, digests, head, probe.device)
                    if found.evidence is not None:
                        yield Case(shift, setting, found.evidence)


def choose_items(probe: Probe, shift: Shift, setting: str) -> tuple[SourceTargetData, list[str], int]:
    """Source and target with the items of a setting, which are drawn; the source's hashes, and its number of items."""
    known, missing, others = _SHOWN[setting]
    order = keyed_generator("items", repr(shift), setting).permutation(31)
    source, target = (probe.domains[name].photographs for name in (shift.domain, TARGET[shift.domain]))
    items = np.intersect1d(np.sort(order[:known]), source.items)
    shown = np.concatenate([order[missing:known], order[known : known + others]])
    taken, left = source.subset(np.isin(source.items, items)), target.subset(np.isin(target.items, shown))
    rows = left.rows[np.argsort(np.array(left.digests), kind="stable")]
    numbers = np.searchsorted(items, taken.items)[:, None].astype(np.float64)
    labelled = Examples(np.full(len(taken), probe.place(shift.domain)), taken.rows, numbers)
    unlabelled = Examples(np.full(len(rows), probe.place(left.domain)), rows, np.empty((len(rows), 0)))
    return SourceTargetData(labelled, unlabelled, no_examples(), 0), list(taken.digests), len(items)


def fit(signs: NDArray[np.float64], unknown: NDArray[np.float64]) -> NDArray[np.float64]:
    """The weights (3,) of a logistic regression with a slight penalty, by Newton's method."""
    weights = np.zeros(signs.shape[1])
    penalty = 0.01 * np.diag(signs.var(axis=0))
    for _ in range(300):
        p = 1 / (1 + np.exp(-signs @ weights))
        curvature = (signs * (p * (1 - p))[:, None]).T @ signs / len(signs) + penalty + 1e-10 * np.eye(len(weights))
        weights -= np.linalg.solve(curvature, signs.T @ (p - unknown) / len(signs) + penalty @ weights)
    return weights


if __name__ == "__main__":
    main()
