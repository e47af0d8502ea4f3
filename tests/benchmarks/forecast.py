"""Where the constants of `doctor`'s forecast are from (`office31_cli/metrics/forecast.py`): half an hour on two cores.

    python -m tests.benchmarks.forecast FOLDER

trains each pseudo-shift once, keeps what came of it in FOLDER as JSON, fits the constants to all, and tells how far
the forecast is off on each domain when it was fitted to the others. Needs Office-31 (`office31 download`) and
SqueezeNet's weights in $OFFICE31_WEIGHTS.
"""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from office31_cli.metrics.accuracy import accuracy
from office31_cli.metrics.forecast import ForecastInputs
from office31_cli.observer import SILENT
from office31_cli.recipes.doctor.forecast import estimate_label_shift, measure_forecast_inputs
from office31_cli.recipes.doctor.probe import Probe, adapt_heads, open_probe, predict_out_of_fold
from office31_cli.workflow.adapt_training import actual_items
from office31_cli.workflow.request import Options, build_request
from tests.benchmarks.pseudo_shifts import DOMAINS, TARGET, Makeshift, shifts

Array = NDArray[np.float64]

_OUTCOME = ("before", "after")

_EPOCHS = 7
"""Of 150 steps: about as many steps as `adapt` takes."""


def main(folder: Path) -> None:
    """Train what is not in the folder yet, then fit."""
    request = build_request(
        "doctor",
        DOMAINS[:1],
        data="office31",
        backbone="squeezenet1_0",
        weights=os.environ["OFFICE31_WEIGHTS"],
        options=Options(train="head"),
    )
    makeshift = Makeshift(open_probe(request, DOMAINS, SILENT))
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for shift in shifts():
        path = folder / f"{'-'.join(asdict(shift).values())}.json"
        if not path.exists():
            path.write_text(json.dumps(asdict(shift) | outcome(makeshift.probe(shift), TARGET[shift.domain])))
        found.append(json.loads(path.read_text()))
        print(path.stem, f"{found[-1]['before']:.3f} -> {found[-1]['after']:.3f}", flush=True)
    signs = [ForecastInputs(**{name: each[name] for name in ForecastInputs.__dataclass_fields__}) for each in found]
    columns = {
        name: np.array([each[name] for each in found]) for name in (*ForecastInputs.__dataclass_fields__, *_OUTCOME)
    }
    domains, terms = np.array([each["domain"] for each in found]), np.array([each.terms for each in signs])
    changed, gain = columns["changed"], columns["after"] - columns["before"]
    told("_NET_GAIN", terms * changed[:, None], gain, domains, lambda made: made, changed.clip(0.02))
    quantiles = [_quantiles(columns[name]) for name in ("source_accuracy", "changed")]
    terms, wanted = np.stack([np.ones(len(found)), *quantiles], 1), _quantiles(columns["before"])
    told("_BEFORE", terms, wanted, domains, np.vectorize(NormalDist().cdf), np.ones(len(found)))
    unchanged = [each["label_shift"] for each in found if each["items"] == "all"]
    print(f"_NOISE = {np.quantile(unchanged, 0.9):.2f}")


def told(name: str, terms: Array, wanted: Array, domains: Any, real: Callable[[Array], Array], unit: Array) -> None:
    """Print the constants, and how far `real` of the estimate is off on domains that were left out."""
    made = np.zeros(len(wanted))
    for domain in DOMAINS:
        out = domains == domain
        made[out] = terms[out] @ np.linalg.lstsq(terms[~out], wanted[~out], rcond=None)[0]
    off = np.abs(real(made) - real(wanted))
    constants = np.linalg.lstsq(terms, wanted, rcond=None)[0]
    within, rms = np.quantile(off / unit, 0.9), np.sqrt((off**2).mean())
    print(f"{name} = {constants.round(2).tolist()}, nine in ten within {within:.2f}; {100 * rms:.1f} points (rms)")


def _quantiles(shares: Array) -> Array:
    return np.array([NormalDist().inv_cdf(each) for each in shares.clip(0.02, 0.98).tolist()])


def outcome(probe: Probe, target: str) -> dict[str, float]:
    """The signs that an examination sees, and the accuracies that it does not."""
    source = probe.domains[probe.request.domains[0]].photographs
    held = accuracy(predict_out_of_fold(probe, source.domain, SILENT).argmax(1), source.items)
    probe.train(SILENT)
    answers = probe.predict(probe.target(target))
    shares = np.bincount(source.items, minlength=len(probe.data.items)) / len(source)
    short = adapt_heads(probe, target, SILENT)
    signs = measure_forecast_inputs(shares, held, answers, short)
    actual = actual_items(probe.domains[target].photographs)
    assert actual is not None
    after = adapt_heads(probe, target, SILENT, epochs=_EPOCHS).mean(0)
    return asdict(signs) | {
        "label_shift": estimate_label_shift(probe, short.mean(0)).total_variation,
        "before": accuracy(answers.argmax(1), actual),
        "after": accuracy(after.argmax(1), actual),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
