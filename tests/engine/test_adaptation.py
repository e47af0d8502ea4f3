from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

from office31_cli.engine.adaptation import AdaptationTask
from office31_cli.engine.adaptation_network import AdaptationNetwork, weighted_cross_entropy
from office31_cli.engine.batches import SourceTargetData
from office31_cli.engine.checkpoints import Checkpoints, History
from office31_cli.engine.training_state import TrainingState
from office31_cli.errors import Failed
from office31_cli.metrics.validators import VALIDATORS
from office31_cli.models.state_dict import hash_tensors
from office31_cli.observer import SILENT
from tests.helpers.tiny_adaptation import COUNTS, NOTHING, build_adaptation, build_pair, copy_state, inputs, labelled
from tests.helpers.tiny_training import CPU, RecordingObserver

ALONE = ("erm", "mcc", "dann", "cdan", "mcd", "fixmatch", "shot", "tent", "ovanet", "dance")
RUNS = [(0, 1, 1), (2, 1, 1), (0, 2, 5)]


def pairs(name: str) -> list[SourceTargetData]:
    return [build_pair(*run, source_free=name in ("shot", "tent", "adabn")) for run in RUNS]


def trained(name: str, runs: Sequence[SourceTargetData], *, epochs: int = 2) -> AdaptationTask:
    adaptation, training = build_adaptation(name, runs, epochs=epochs)
    training.run(SILENT)
    return adaptation


@pytest.mark.usefixtures("single_precision")
@pytest.mark.parametrize("name", ALONE)
def test_a_run_beside_others_ends_as_it_does_alone(name: str) -> None:
    together = trained(name, pairs(name))
    for run, (beside, each) in enumerate(zip(together.networks(), pairs(name), strict=True)):
        alone = trained(name, [each])
        for key, value in alone.networks()[0].state_dict().items():
            torch.testing.assert_close(beside.state_dict()[key], value, rtol=1e-3, atol=1e-3)
        for validator, figures in alone.validator_scores(0).items():
            assert together.validator_scores(run)[validator] == pytest.approx(figures, abs=1e-3)


class Interrupted(Checkpoints):
    """Ctrl-C just after the second epoch's checkpoint."""

    def save(self, history: History, state: TrainingState) -> None:
        super().save(history, state)
        if len(history) == 2:
            raise KeyboardInterrupt


@pytest.mark.parametrize("runs", [1, 2])
@pytest.mark.parametrize("name", ["cdan", "mcd", "shot"])
def test_an_interrupted_adaptation_goes_on_to_the_same_bits(name: str, runs: int) -> None:
    """With a discriminator, with a head that has two names, and with guesses."""
    whole, training = build_adaptation(name, pairs(name)[:runs], epochs=4)
    expected = training.run(SILENT, Checkpoints({"run": "whole"}))

    run = {"run": "interrupted"}
    with pytest.raises(KeyboardInterrupt):
        build_adaptation(name, pairs(name)[:runs], epochs=4)[1].run(SILENT, Interrupted(run))
    resumed, training = build_adaptation(name, pairs(name)[:runs], epochs=4)
    observer = RecordingObserver()
    assert training.run(observer, Checkpoints(run), resume=True) == expected
    assert observer.said == ["resuming after epoch 2 of 4"]
    for ours, theirs in zip(resumed.networks(), whole.networks(), strict=True):
        assert hash_tensors(copy_state(ours)) == hash_tensors(copy_state(theirs))
    for each in range(runs):
        assert np.array_equal(resumed.predictions(each), whole.predictions(each))
        assert resumed.validator_scores(each) == whole.validator_scores(each)


def answers(learner: AdaptationNetwork, domain: int) -> torch.Tensor:
    """What a network says of a domain's photographs as they are."""
    with torch.no_grad():
        return learner.eval().predict(inputs().evaluation_views(labelled(domain))).logits


@pytest.mark.usefixtures("single_precision")
def test_each_epoch_is_noted_with_what_the_validators_make_of_it() -> None:
    each = build_pair()
    adaptation, training = build_adaptation("mcc", [each], epochs=3)
    notes = []
    note = adaptation.end_epoch

    def end_epoch(epoch: int) -> None:
        note(epoch)
        learner = adaptation.networks()[0]
        target, source = answers(learner, 1), answers(learner, 0)[:5]
        right = (source.argmax(1) == torch.arange(5) % 3).double().mean().item()
        notes.append((target.argmax(1).numpy(), target.double().softmax(1).numpy(), right))

    adaptation.end_epoch = end_epoch  # type: ignore[method-assign]
    training.run(SILENT)
    assert adaptation.predictions(0).shape == (3, COUNTS[1])
    judged = adaptation.validator_scores(0)
    assert judged.keys() == {*VALIDATORS, "source"}
    for epoch, (named, probabilities, right) in enumerate(notes):
        assert np.array_equal(adaptation.predictions(0)[epoch], named)
        assert judged["source"][epoch] == right
        for name, validator in VALIDATORS.items():
            assert judged[name][epoch] == pytest.approx(validator(probabilities), rel=1e-5)


def test_without_held_out_labels_no_validator_looks_at_the_source() -> None:
    whole = build_pair()
    adaptation = trained("erm", [SourceTargetData(whole.source, whole.target, NOTHING, 1)], epochs=1)
    assert adaptation.validator_scores(0).keys() == set(VALIDATORS)


def test_a_source_free_method_learns_without_a_source() -> None:
    for name in ("shot", "tent", "adabn"):
        adaptation, training = build_adaptation(name, [build_pair(source_free=True)], epochs=1)
        before = copy_state(adaptation.networks()[0])
        training.run(SILENT)
        after = copy_state(adaptation.networks()[0])
        changed = {key for key in before if not torch.equal(before[key], after[key])}
        assert "body.1.3.running_mean" in changed
        assert not any(key.startswith("outputs") for key in changed)


def test_batch_norms_remember_the_target_and_not_the_source() -> None:
    """Unless there is no target: then the source."""
    seen: dict[str, torch.Tensor] = {}
    for name in ("mcc", "erm"):
        adaptation, training = build_adaptation(name, [build_pair()], epochs=1, steps=60, lr=1e-12)
        training.run(SILENT)
        seen[name] = adaptation.networks()[0].body[1][3].running_mean
    with torch.no_grad():
        body = adaptation.networks()[0].body[1]
        views = [
            [
                inputs().training_views(labelled(domain), np.full((COUNTS[domain], 5), draw))
                for draw in (0.0, 0.3, 0.6, 0.9)
            ]
            for domain in (0, 1)
        ]
        means = [body[2](body[0](torch.cat(each))).mean(0) for each in views]
    for name, (its, other) in (("erm", means), ("mcc", means[::-1])):
        assert (seen[name] - its).norm() < 0.25 * (seen[name] - other).norm()


@pytest.mark.parametrize("name", ["mcc", "bnm", "dann", "mcd", "shot"])
@pytest.mark.parametrize("lr", [1e4, 1e8, 1e20])
@pytest.mark.parametrize("runs", [1, 2])
def test_what_is_no_longer_finite_ends_the_training_in_one_line(name: str, lr: float, runs: int) -> None:
    adaptation, training = build_adaptation(name, pairs(name)[:runs], epochs=2, lr=lr)
    try:
        training.run(SILENT)
    except Failed as error:
        assert "try a smaller --lr" in str(error)
        assert "\n" not in str(error)
    else:  # a step as long as this may lead to a network that answers, however badly
        for learner in adaptation.networks():
            assert bool(torch.isfinite(answers(learner, 1)).all())


def test_everything_lies_on_the_device_that_it_was_asked_for() -> None:
    adaptation, _ = build_adaptation("dann", pairs("dann"))
    assert {value.device for value in adaptation.state_dict().values()} == {CPU}


def with_estimates(each: SourceTargetData, run: int) -> SourceTargetData:
    """As if an item were absent from the target, and a part of its photographs unknown; in each run another."""
    known = np.random.default_rng(run).random(len(each.target))
    return replace(each, prior=np.roll([0.7, 0.3, 0.0], run), known=known)


@pytest.mark.usefixtures("single_precision")
@pytest.mark.parametrize("name", ["mcc", "bnm", "shot", "dance", "ovanet"])
def test_each_run_heeds_what_is_estimated_of_its_own_target(name: str) -> None:
    guarded = [with_estimates(each, run) for run, each in enumerate(pairs(name))]
    together, plain = trained(name, guarded), trained(name, pairs(name))
    for run, (beside, each) in enumerate(zip(together.networks(), guarded, strict=True)):
        alone = trained(name, [each])
        for key, value in alone.networks()[0].state_dict().items():
            torch.testing.assert_close(beside.state_dict()[key], value, rtol=1e-3, atol=1e-3)
        assert not torch.equal(together.probabilities()[run], plain.probabilities()[run])


def test_the_sources_photographs_weigh_as_much_as_their_items_in_the_target() -> None:
    logits = torch.randn(5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    labels, prior = torch.tensor([0, 2, 1, 1, 0]), torch.tensor([0.5, 0.25, 0.0], dtype=torch.float64)
    each = [-float(row.log_softmax(0)[label]) for row, label in zip(logits, labels, strict=True)]
    expected = (each[0] + each[4] + 0.5 * (each[2] + each[3])) / 5
    assert float(weighted_cross_entropy(logits, labels, prior)) == pytest.approx(expected)
    even = weighted_cross_entropy(logits, labels, torch.full((3,), 1 / 3))
    torch.testing.assert_close(even, weighted_cross_entropy(logits, labels, None))


def test_a_target_is_remembered_as_it_was_when_the_epoch_began() -> None:
    """Also beside a target with more photographs, whose rows are filled up with zeros."""
    adaptation, _ = build_adaptation("dance", pairs("dance"))
    adaptation.begin_epoch(0)
    for run, target in enumerate((1, 1, 2)):
        with torch.no_grad():
            network = adaptation.networks()[run].eval()
            views = inputs().evaluation_views(adaptation._pairs[run].target)
            features = torch.nn.functional.normalize(network.predict(views).features)
        count = COUNTS[target]
        torch.testing.assert_close(adaptation._memory[run, :count], features)
        assert not adaptation._memory[run, count:].any()
