"""What can be said of an unlabelled target before it is adapted to: its setting, its items' shares, what is unknown.

All of it is estimated from heads that are trained on the source alone for a moment, and from how near photographs are
to each other. No label of the target is within reach.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from office31_cli.data.photographs import IntArray
from office31_cli.data.splits import assign_folds
from office31_cli.engine.batches import SourceTargetData
from office31_cli.engine.device import limit_threads
from office31_cli.engine.inputs import Examples, FrozenInputs
from office31_cli.engine.random_numbers import seed_torch
from office31_cli.engine.settings import Settings
from office31_cli.methods import erm
from office31_cli.metrics.calibration import apply_temperature, fit_temperature
from office31_cli.metrics.label_shift import effective_number, target_prior
from office31_cli.metrics.novelty import compare_closeness, novelty
from office31_cli.metrics.setting import FEWEST_PHOTOGRAPHS, SettingEvidence, decide_setting
from office31_cli.metrics.unknown import FloatArray, entropy, fit_mixture
from office31_cli.models.network import Head
from office31_cli.observer import SILENT
from office31_cli.workflow.adapt_training import AdaptationSetup, build_adaptation_network, no_examples
from office31_cli.workflow.item_sets import AUTO

_HEADS, _EPOCHS, _STEPS = 5, 4, 25
"""Heads, each trained without another fifth of the source; four times as many steps changed no score by a point."""

_LEAST_SHARE = 0.5
"""An item is held absent below this part of its share in the source: on pseudo-shifts that lacked items accuracy was
0.862 so, 0.858 with a tenth or a quarter, and 0.804 without a prior."""


@dataclass(frozen=True, eq=False)
class TargetEstimate:
    """An unlabelled target of n photographs, in the order of its examples, seen from a source with K items."""

    setting: str
    evidence: SettingEvidence | None
    """None where there was too little to estimate anything from."""
    prior: FloatArray | None = None
    """The items' shares (K,), 0 for absent ones; None where all of the source's items are taken to be there."""
    known: FloatArray | None = None
    """The probability (n,) that each photograph shows one of them; None where all are taken to."""
    pseudo_labels: FloatArray | None = None
    """Each item's probability (n, K) in the partial setting, where it takes the place of the teachers': MCC lost three
    to eight points on pseudo-shifts that lacked two items in three, in spite of the prior."""

    def to_json(self) -> dict[str, Any]:
        """As `adapt --json` gives it."""
        evidence = (
            None
            if self.evidence is None
            else vars(self.evidence) | {"unknown_probability": self.evidence.unknown_probability}
        )
        return {"setting": self.setting, "evidence": evidence}

    def even_out_unknown(self, probabilities: Tensor) -> Tensor:
        """Probabilities (n, K), towards equal ones as far as each photograph is unknown.

        A network that is trained on them is uncertain of what it does not know (Hendrycks and others 2019).
        """
        if self.known is None:
            return probabilities
        known = torch.from_numpy(self.known).to(probabilities)[:, None]
        return known * probabilities + (1 - known) / probabilities.shape[1]

    def choose_pseudo_labels(self, teachers: Tensor | None) -> Tensor:
        """The pseudo-labels (n, K) to train on: the estimate's own, or the teachers' mean probabilities, evened out."""
        if self.pseudo_labels is not None:
            return torch.from_numpy(self.pseudo_labels).float()
        assert teachers is not None
        return self.even_out_unknown(teachers)

    def complete(self, pair: SourceTargetData) -> SourceTargetData:
        """The run's data with what is estimated of its target."""
        return replace(pair, prior=self.prior, known=self.known)


@dataclass(frozen=True, eq=False)
class SourceHeads:
    """What heads trained on the source predict: of its own photographs each by a head that has not seen it."""

    source: FloatArray
    """Probabilities (m, K)."""
    target: FloatArray
    """Probabilities of each head (heads, n, K)."""


def estimate_target(
    inputs: FrozenInputs,
    pair: SourceTargetData,
    digests: Sequence[str],
    head: Head,
    device: torch.device,
    setting: str = AUTO,
) -> TargetEstimate:
    """Estimate what a target shows, as needed in a `setting`; with `auto` that is decided as well.

    `digests` (m,) are the hashes of the source's photographs, in the order of its examples; `head` is one for the
    inputs, whose weights play no part.
    """
    if setting == "closed" or len(pair.target) < FEWEST_PHOTOGRAPHS or len(pair.source) < 2 * _HEADS:
        return TargetEstimate("closed" if setting == AUTO else setting, None)
    heads = train_source_heads(inputs, pair, digests, head, device)
    return estimate_from_heads(
        heads,
        pair.source.targets[:, 0].astype(np.int64),
        _features(inputs, pair.source),
        _features(inputs, pair.target),
        setting,
    )


def estimate_from_heads(
    heads: SourceHeads, items: IntArray, source: FloatArray, target: FloatArray, setting: str = AUTO
) -> TargetEstimate:
    """The estimate from predictions, the source's `items` (m,), and features of source (m, d) and target (n, d)."""
    shares = np.bincount(items, minlength=heads.source.shape[1]) / len(items)
    mean = heads.target.mean(axis=0)
    closeness, neighbours = compare_closeness(target, source)
    scores = novelty(mean, closeness, neighbours)
    unknown = _unknown_probability(scores)
    there = unknown <= 0.5
    temperature = fit_temperature(heads.source, items)
    calibrated = np.mean([apply_temperature(each, temperature) for each in heads.target], axis=0)
    of_all, of_known = target_prior(calibrated, shares), target_prior(calibrated[there], shares)
    signs = SettingEvidence(
        photographs=len(scores),
        source_accuracy=float((heads.source.argmax(axis=1) == items).mean()),
        apart_share=float(1 - there.mean()),
        uncertain=float(entropy(mean[~there]).mean() / np.log(mean.shape[1])) if not there.all() else 0.0,
        apart=float(closeness[~there].mean() - closeness[there].mean()) if not there.all() else 0.0,
        items=1.0,
        missing=0,
    )
    estimated = of_known if signs.has_unknown else of_all
    evidence = replace(
        signs,
        items=effective_number(estimated) / effective_number(shares),
        missing=int((estimated < _LEAST_SHARE * shares).sum()),
    )
    setting = decide_setting(evidence) if setting == AUTO else setting
    if setting == "closed":
        return TargetEstimate(setting, evidence)
    known = 1 - unknown if setting in ("open", "universal") else None
    if setting == "open":
        return TargetEstimate(setting, evidence, known=known)
    prior = _without_absent(of_known if known is not None else of_all, shares)
    if known is not None:
        return TargetEstimate(setting, evidence, prior, known)
    adjusted = calibrated * (prior / shares)
    adjusted /= adjusted.sum(axis=1, keepdims=True).clip(np.finfo(np.float64).tiny)
    if neighbours.size:
        adjusted = (adjusted + adjusted[neighbours].mean(axis=1)) / 2
    return TargetEstimate(setting, evidence, prior, pseudo_labels=adjusted)


def train_source_heads(
    inputs: FrozenInputs, pair: SourceTargetData, digests: Sequence[str], head: Head, device: torch.device
) -> SourceHeads:
    """Train a head for each fold of the source, all as one training."""
    items = pair.source.targets[:, 0].astype(np.int64)
    folds = assign_folds(items, list(digests), count=_HEADS, seed=0)
    data = [
        replace(
            pair,
            source=pair.source.take(np.flatnonzero(folds != fold)),
            validation=no_examples(),
            seed=f"{pair.seed}, fold {fold}",
        )
        for fold in range(_HEADS)
    ]
    networks = []
    for each in data:
        seed_torch("source head", each.seed)
        networks.append(build_adaptation_network(nn.Identity(), head.reinitialised_copy(), erm.Method(), 0))
    settings = Settings(epochs=_EPOCHS, batch_size=64, optimizer="nesterov", lr=0.03, seed=0)
    setup = AdaptationSetup(erm.Method(), inputs, settings, _STEPS, device, validators=())
    task, training = setup.build_training(networks, data)
    with limit_threads("features"):
        training.run(SILENT)
        target = np.stack([_double(each) for each in task.probabilities()])
        source = np.empty((len(items), target.shape[2]))
        for fold, network in enumerate(task.networks()):
            places = np.flatnonzero(folds == fold)
            source[places] = _double(task.predict(network, pair.source.take(places)))
    return SourceHeads(source, target)


def _unknown_probability(scores: FloatArray) -> FloatArray:
    """The probability (n,) that each photograph is unknown, if any is; 0 where all scores are the same."""
    if scores.min() == scores.max():
        return np.zeros(len(scores))
    return fit_mixture(scores).unknown_probability(scores)


def _without_absent(prior: FloatArray, shares: FloatArray) -> FloatArray:
    there = np.where(prior < _LEAST_SHARE * shares, 0.0, prior)
    return there / there.sum() if there.any() else prior


def _features(inputs: FrozenInputs, examples: Examples) -> FloatArray:
    return inputs.evaluation_views(examples).double().cpu().numpy()


def _double(probabilities: Tensor) -> FloatArray:
    return probabilities.double().cpu().numpy()
