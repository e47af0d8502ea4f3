import math
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from office31_cli.engine.checkpoints import Checkpoints
from office31_cli.engine.finetuning import FinetuningTask
from office31_cli.engine.settings import Refinements
from office31_cli.errors import Failed
from office31_cli.models.network import Network
from office31_cli.models.state_dict import hash_tensors
from office31_cli.strategies import co_tuning, full, l2_sp, linear, mcc
from office31_cli.strategies.base import ParameterGroup, backbone_and_head_groups
from office31_cli.workflow.finetune_run import group_by_depth
from tests.helpers.mixed_outputs import DOMAIN, ITEM, apart
from tests.helpers.tiny_finetuning import (
    State,
    TinyFinetuning,
    build_finetuning,
    copy_state,
    names_of_changed,
    settings,
    stored_network,
)
from tests.helpers.tiny_training import InterruptedCheckpoints

FULL = full.Strategy()

# ---- label smoothing


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_label_smoothing_is_torchs_and_the_papers(smoothing: float) -> None:
    """Of each label's certainty the share is spread over all labels, its own among them."""
    tiny = build_finetuning(FULL, settings(), refinements=Refinements(label_smoothing=smoothing))
    found = tiny.losses()["item"].item()
    with torch.no_grad():
        answers, labels = tiny.network(tiny.inputs), tiny.targets[:, 0].long()
    assert found == pytest.approx(cross_entropy(answers, labels, label_smoothing=smoothing).item(), rel=1e-6)
    log_p = answers.double().log_softmax(1).numpy()
    wanted = (1 - smoothing) * np.eye(3)[labels] + smoothing / 3
    assert found == pytest.approx(-(wanted * log_p).sum(1).mean(), rel=1e-5)


def test_labels_of_every_choice_are_smoothed() -> None:
    outputs = apart(ITEM, DOMAIN)
    tiny = build_finetuning(FULL, settings(), outputs=outputs, refinements=Refinements(label_smoothing=0.2))
    with torch.no_grad():
        parts = tiny.network(tiny.inputs).split([3, 2], dim=1)
    found = tiny.losses()
    for place, (output, part) in enumerate(zip(outputs.outputs, parts, strict=True)):
        expected = cross_entropy(part, tiny.targets[:, place].long(), label_smoothing=0.2)
        torch.testing.assert_close(found[output.name].detach(), expected)


# ---- the average of the weights


class Recorded(FinetuningTask):
    """Remembers the weights after every step."""

    def begin_epoch(self, epoch: int) -> None:
        if epoch == 0:
            self.after: list[State] = []

    def end_step(self) -> None:
        super().end_step()
        self.after.append(copy_state(self.network))


def averaged(states: list[State], decay: float) -> dict[str, np.ndarray]:
    """In float64 from the first step on; a new value counts as much as the average forgets."""
    average = {name: value.double().numpy() for name, value in states[0].items()}
    for each in states[1:]:
        for name in average:
            average[name] = decay * average[name] + (1 - decay) * each[name].double().numpy()
    return average


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.9])
def test_what_is_kept_is_the_running_average_of_the_weights(decay: float) -> None:
    tiny = build_finetuning(FULL, settings(epochs=4, batch_size=3), refinements=Refinements(ema=decay), kind=Recorded)
    tiny.run()
    assert isinstance(tiny.task, Recorded)
    assert len(tiny.task.after) == 8
    expected, last = averaged(tiny.task.after, decay), tiny.task.after[-1]
    assert decay == 0 or names_of_changed(last, copy_state(tiny.network))  # what the last step left is not what is kept
    for name, value in tiny.network.state_dict().items():
        if value.is_floating_point():
            np.testing.assert_allclose(value.double(), expected[name], rtol=1e-4, atol=1e-6, err_msg=name)


def test_the_average_changes_nothing_of_how_is_trained() -> None:
    runs = []
    for refinements in (Refinements(), Refinements(ema=0.9)):
        tiny = build_finetuning(FULL, settings(epochs=3), refinements=refinements, kind=Recorded)
        history = tiny.run()
        assert isinstance(tiny.task, Recorded)
        runs.append((history, hash_tensors(tiny.task.after[-1])))
    assert runs[0] == runs[1]


# ---- early stopping


class Scripted:
    """Says these accuracies, one after the other, and remembers what was offered."""

    def __init__(self, *accuracies: float) -> None:
        self.accuracies, self.offered = iter(accuracies), list[State]()

    def __call__(self, network: nn.Module) -> float:
        self.offered.append(copy_state(network))
        return next(self.accuracies)


@pytest.mark.parametrize(
    ("accuracies", "patience", "epochs", "best"),
    [
        ((0.5, 0.7, 0.6, 0.7, 0.9), 2, 4, 2),  # as good as the best is not better
        ((0.5, 0.7, 0.6, 0.7, 0.9), 3, 5, 5),
        ((0.5, 0.4, 0.6, 0.5, 0.7), 2, 5, 5),  # patience begins anew with every better epoch
        ((0.5, 0.4, 0.9, 0.9, 0.9), 1, 2, 1),
        ((0.9, 0.1, 0.2, 0.3, 0.4), 5, 5, 1),
        ((0.0, 0.0, 0.0, 0.0, 0.0), 2, 3, 1),
    ],
)
def test_it_stops_after_so_many_epochs_without_a_better_one_and_keeps_the_best(
    accuracies: tuple[float, ...], patience: int, epochs: int, best: int
) -> None:
    said = Scripted(*accuracies)
    tiny = build_finetuning(FULL, settings(epochs=5), refinements=Refinements(patience=patience), validate=said)
    history = tiny.run()
    assert len(history) == len(said.offered) == epochs
    assert len({hash_tensors(each) for each in said.offered}) == epochs
    assert hash_tensors(tiny.network.state_dict()) == hash_tensors(said.offered[best - 1])


def test_the_average_is_what_is_looked_at_and_kept() -> None:
    said = Scripted(0.5, 0.9, 0.6)
    refinements = Refinements(patience=5, ema=0.5)
    tiny = build_finetuning(FULL, settings(epochs=3), refinements=refinements, validate=said, kind=Recorded)
    tiny.run()
    assert isinstance(tiny.task, Recorded)
    for number, offered in enumerate(said.offered, 1):
        for name, value in averaged(tiny.task.after[:number], 0.5).items():
            if offered[name].is_floating_point():
                np.testing.assert_allclose(offered[name].double(), value, rtol=1e-4, atol=1e-6, err_msg=name)
    assert hash_tensors(tiny.network.state_dict()) == hash_tensors(said.offered[1])


# ---- layers by depth

LAYERS = 5
"""The last layer, the bottleneck and the small network's three blocks."""


def scales(network: Network, groups: list[ParameterGroup]) -> list[set[float]]:
    """By layer the rates of its parameters."""
    found = {id(value): group.scale for group in groups for value in group.parameters}
    return [{found[id(value)] for value in layer} for layer in network.layers()]


def test_each_layers_rate_is_that_of_the_one_above_times_the_decay() -> None:
    network = stored_network()
    groups = group_by_depth(backbone_and_head_groups(network), network.layers(), decay=0.5, epochs=None)
    assert scales(network, groups) == [{1.0}, {0.5}, {0.25}, {0.125}, {0.0625}]
    assert {group.start for group in groups} == {0.0}


def test_the_optimizer_takes_the_layers_rates() -> None:
    tiny = build_finetuning(FULL, settings(lr=0.4), refinements=Refinements(layer_decay=0.5))
    rates = {id(value): group["lr"] for group in tiny.training.optimizer.param_groups for value in group["params"]}
    assert len(tiny.network.layers()) == LAYERS
    for depth, layer in enumerate(tiny.network.layers()):
        assert {rates[id(value)] for value in layer} == {0.4 * 0.5**depth}


def test_without_decay_the_strategys_rates_stay() -> None:
    network = stored_network()
    groups = group_by_depth(backbone_and_head_groups(network), network.layers(), decay=None, epochs=LAYERS)
    assert scales(network, groups) == [{1.0}, {1.0}, {0.1}, {0.1}, {0.1}]


@pytest.mark.parametrize("decay", [None, 0.5])
@pytest.mark.parametrize("epochs", [None, 2, 5, 8])
def test_every_parameter_that_learns_stays_in_one_group(decay: float | None, epochs: int | None) -> None:
    network = stored_network()
    before = backbone_and_head_groups(network)
    after = group_by_depth(before, network.layers(), decay=decay, epochs=epochs)
    wanted, found = ([id(value) for group in groups for value in group.parameters] for groups in (before, after))
    assert sorted(found) == sorted(wanted)
    assert all(group.parameters for group in after)


def test_a_group_that_begins_late_begins_no_earlier_by_its_depth() -> None:
    network = stored_network()
    groups = [ParameterGroup(group.parameters, group.scale, start=0.5) for group in backbone_and_head_groups(network)]
    made = group_by_depth(groups, network.layers(), decay=None, epochs=LAYERS)
    assert sorted(group.start for group in made) == [0.5, 0.5, 0.5, 0.6, 0.8]


def learning(tiny: TinyFinetuning) -> Iterator[set[int]]:
    """Which layers each epoch changes, from the last one down."""
    names = {id(value): name for name, value in tiny.network.named_parameters()}
    layers = [{names[id(value)] for value in layer} for layer in tiny.network.layers()]
    states = tiny.states()
    for before, after in pairwise(states):
        moves = names_of_changed(before, after)
        yield {depth for depth, layer in enumerate(layers) if layer & moves}


@pytest.mark.parametrize("epochs", [5, 7])
def test_one_more_layer_learns_each_epoch(epochs: int) -> None:
    tiny = build_finetuning(FULL, settings(epochs=epochs), refinements=Refinements(gradual_unfreezing=True))
    expected = [set(range(min(number, LAYERS))) for number in range(1, epochs + 1)]
    assert list(learning(tiny)) == expected


@pytest.mark.parametrize("epochs", [2, 3, 4])
def test_in_fewer_epochs_than_layers_all_of_them_come_to_learn(epochs: int) -> None:
    tiny = build_finetuning(FULL, settings(epochs=epochs), refinements=Refinements(gradual_unfreezing=True))
    found = list(learning(tiny))
    assert found[0] == {0}
    assert found[-1] == set(range(LAYERS))
    assert found == sorted(found, key=len)


def test_until_a_layer_learns_its_batch_norm_stays_as_stored() -> None:
    tiny = build_finetuning(FULL, settings(epochs=5), refinements=Refinements(gradual_unfreezing=True))
    states = tiny.states()
    for epoch, norms in ((1, ("heads.0.bottleneck.3",)), (4, ("backbones.0.0.1",))):
        for name in norms:
            assert torch.equal(states[epoch][f"{name}.running_mean"], states[0][f"{name}.running_mean"])
            assert not torch.equal(states[epoch + 1][f"{name}.running_mean"], states[0][f"{name}.running_mean"])


def test_what_a_strategy_freezes_is_never_thawed() -> None:
    added = Refinements(gradual_unfreezing=True, layer_decay=0.5)
    assert list(learning(build_finetuning(linear.Strategy(), settings(epochs=5), refinements=added))) == [{0}] * 5


# ---- interruption


def rising(network: nn.Module) -> float:
    """Further from the start is better."""
    return 1 - falling(network)


def falling(network: nn.Module) -> float:
    """The first epoch is the best."""
    weights, start = copy_state(network), stored_network().state_dict()
    return math.exp(-sum(float((weights[name] - start[name]).square().sum()) for name in start if "outputs" in name))


def ready(validate: Callable[[nn.Module], float], strategy: str) -> TinyFinetuning:
    chosen = {"full": FULL, "co-tuning": co_tuning.Strategy(), "l2-sp": l2_sp.Strategy()}[strategy]
    refinements = Refinements(ema=0.7, patience=3, label_smoothing=0.1)
    return build_finetuning(chosen, settings(epochs=6, batch_size=3), refinements=refinements, validate=validate)


@pytest.mark.parametrize(("validate", "epochs"), [(rising, 6), (falling, 4)])
@pytest.mark.parametrize("strategy", ["full", "co-tuning", "l2-sp"])
def test_an_interrupted_training_goes_on_to_the_same_bits(
    validate: Callable[[nn.Module], float], epochs: int, strategy: str
) -> None:
    whole = ready(validate, strategy)
    expected = whole.run(Checkpoints({"run": "whole"}))
    assert len(expected) == epochs

    run = {"run": "interrupted"}
    with pytest.raises(KeyboardInterrupt):
        ready(validate, strategy).run(InterruptedCheckpoints(run))
    resumed = ready(validate, strategy)
    assert resumed.run(Checkpoints(run)) == expected
    assert hash_tensors(resumed.network.state_dict()) == hash_tensors(whole.network.state_dict())
    assert hash_tensors(resumed.task.state_dict()) == hash_tensors(whole.task.state_dict())


def test_gradual_unfreezing_goes_on_where_it_was() -> None:
    def unfreezing() -> TinyFinetuning:
        return build_finetuning(FULL, settings(epochs=5), refinements=Refinements(gradual_unfreezing=True))

    whole, run = unfreezing(), {"run": "interrupted"}
    expected = whole.run(Checkpoints({"run": "whole"}))
    with pytest.raises(KeyboardInterrupt):
        unfreezing().run(InterruptedCheckpoints(run))
    resumed = unfreezing()
    assert resumed.run(Checkpoints(run)) == expected
    assert hash_tensors(resumed.network.state_dict()) == hash_tensors(whole.network.state_dict())


def test_what_has_stopped_early_does_not_go_on_when_it_is_run_again() -> None:
    run = {"run": "again"}
    first = ready(falling, "full")
    history = first.run(Checkpoints(run))
    again = ready(falling, "full")
    assert again.run(Checkpoints(run)) == history
    assert hash_tensors(again.network.state_dict()) == hash_tensors(first.network.state_dict())


# ---- what the strategy is told


def test_the_strategy_sees_the_photographs_with_and_without_labels_apart() -> None:
    """Nothing that is minimised about the labelled ones depends on the others."""

    class Looking(full.Strategy):
        uses_unlabelled = True

        def losses(self, step: object) -> dict[str, Tensor]:
            seen.append(step)
            return {}

    seen: list = []
    tiny = build_finetuning(Looking(), settings(batch_size=4))
    item = tiny.losses()["item"].item()
    (step,) = seen
    with torch.no_grad():
        torch.testing.assert_close(step.raw_outputs, tiny.network(tiny.inputs))
        torch.testing.assert_close(step.unlabelled.raw_outputs, tiny.network(tiny.rest))
        last = tiny.network.heads[0].outputs
        torch.testing.assert_close(last(step.unlabelled.features[0]), step.unlabelled.raw_outputs)
    plain = build_finetuning(FULL, settings())
    assert plain.losses()["item"].item() == item


def test_a_single_labelled_photograph_fails_in_one_line_though_others_have_no_label() -> None:
    """Labelled ones are a batch of their own, of which batch norm needs two."""
    with pytest.raises(Failed, match="single photograph"):
        build_finetuning(mcc.Strategy(), settings(), train="head", count=1).run()
