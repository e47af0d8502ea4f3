import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from office31_cli.engine.checkpoints import Checkpoints
from office31_cli.engine.inference import concatenate_batches, predict
from office31_cli.engine.random_numbers import epoch_permutation
from office31_cli.engine.tasks import SupervisedTask
from office31_cli.errors import Failed
from office31_cli.models.state_dict import hash_tensors
from tests.helpers.small_outputs import THREE
from tests.helpers.tiny_training import (
    CPU,
    ITEMS,
    InterruptedCheckpoints,
    RecordingObserver,
    cached_inputs,
    convolutional_network,
    examples,
    photograph_inputs,
    random_features,
    settings,
    train,
)


def linear(width: int = 4) -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(width, 3)


@pytest.mark.usefixtures("single_precision")
def test_losses_are_those_of_a_loop_written_out_in_float64() -> None:
    """Softmax regression by Nesterov's method under half a cosine, in NumPy; ten examples make batches of 4, 3, 3."""
    rows, network, how = random_features(10, 4), linear(), settings("nesterov")
    parameters = [value.detach().double().numpy().copy() for value in network.parameters()]
    history = train(network, cached_inputs(rows), examples(ITEMS), how)

    momenta, expected = [np.zeros((3, 4)), np.zeros(3)], []
    for epoch in range(3):
        places, total = epoch_permutation(how.seed, epoch, 10), 0.0
        for step, batch in enumerate((places[:4], places[4:7], places[7:])):
            x, y = rows[batch].astype(np.float64), np.eye(3)[np.array(ITEMS)[batch]]
            logits = x @ parameters[0].T + parameters[1]
            p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
            total += -(y * np.log(p)).sum()
            error = (p - y) / len(batch)
            rate = how.lr * 0.5 * (1 + math.cos(math.pi * (epoch + step / 3) / 3))
            for number, gradient in enumerate((error.T @ x, error.sum(0))):
                decayed = gradient + how.weight_decay * parameters[number]
                momenta[number] = 0.9 * momenta[number] + decayed
                parameters[number] -= rate * (decayed + 0.9 * momenta[number])
        expected.append(total / 10)

    assert [epoch["item"] for epoch in history] == pytest.approx(expected, rel=1e-5)
    for mine, theirs in zip(network.parameters(), parameters, strict=True):
        np.testing.assert_allclose(mine.detach(), theirs, rtol=1e-4, atol=1e-6)


def test_the_same_seed_gives_the_same_bits() -> None:
    runs = []
    for _ in range(2):
        network = convolutional_network()
        torch.rand(7)  # what was drawn before does not matter
        history = train(network, photograph_inputs(), examples(ITEMS), settings())
        runs.append((hash_tensors(network.state_dict()), history))
    assert runs[0] == runs[1]


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov", "adam", "adamw"])
def test_an_interrupted_run_goes_on_to_the_same_bits(optimizer: str) -> None:
    how = settings(optimizer, epochs=4)
    whole = convolutional_network()
    expected = train(whole, photograph_inputs(), examples(ITEMS), how, checkpoints=Checkpoints({"run": "whole"}))

    run = {"run": "interrupted"}
    with pytest.raises(KeyboardInterrupt):
        train(
            convolutional_network(), photograph_inputs(), examples(ITEMS), how, checkpoints=InterruptedCheckpoints(run)
        )
    resumed, observer = convolutional_network(), RecordingObserver()
    history = train(
        resumed, photograph_inputs(), examples(ITEMS), how, checkpoints=Checkpoints(run), observer=observer, resume=True
    )
    assert observer.said == ["resuming after epoch 2 of 4"]
    assert history == expected
    assert hash_tensors(resumed.state_dict()) == hash_tensors(whole.state_dict())


def test_the_same_run_goes_on_without_being_told_to() -> None:
    how, run = settings(epochs=3), {"run": "again"}
    with pytest.raises(KeyboardInterrupt):
        train(
            linear(),
            cached_inputs(random_features(10, 4)),
            examples(ITEMS),
            how,
            checkpoints=InterruptedCheckpoints(run),
        )
    observer = RecordingObserver()
    train(
        linear(),
        cached_inputs(random_features(10, 4)),
        examples(ITEMS),
        how,
        checkpoints=Checkpoints(run),
        observer=observer,
    )
    assert observer.said == ["resuming after epoch 2 of 3"]


class NanAt(SupervisedTask):
    """Its loss is not a number at one of its steps."""

    def __init__(self, network: nn.Module, step: int) -> None:
        super().__init__(network, THREE)
        self.steps = iter(range(1, 100))
        self.step = step

    def forward(self, progress: float, phase: int, *batch: Tensor) -> dict[str, Tensor]:
        losses = super().forward(progress, phase, *batch)
        return {"item": losses["item"] * (torch.nan if next(self.steps) == self.step else 1)}


@pytest.mark.fault(40)
def test_a_loss_that_is_not_a_number_fails_by_epoch_and_step_and_saves_nothing() -> None:
    network, checkpoints = linear(), Checkpoints({"run": "nan"})
    with pytest.raises(Failed, match=r"training, epoch 2, step 3: the item loss is nan; try a smaller --lr"):
        train(
            network,
            cached_inputs(random_features(10, 4)),
            examples(ITEMS),
            settings(),
            checkpoints=checkpoints,
            task=NanAt(network, 6),
        )
    assert [folder.name for folder in checkpoints.folder.iterdir()] == ["000001"]


@pytest.mark.fault(41)
def test_weights_that_blow_up_in_the_very_last_step_are_not_saved() -> None:
    checkpoints = Checkpoints({"run": "huge"})
    how = settings("sgd", lr=1e30, epochs=1, batch_size=10)
    with pytest.raises(Failed, match=r"training, epoch 1: network.\w+ is no longer finite"):
        train(linear(), cached_inputs(1e10 * random_features(10, 4)), examples(ITEMS), how, checkpoints=checkpoints)
    assert not checkpoints.folder.exists()


class Sizes(SupervisedTask):
    """Remembers the sizes of its batches."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__(network, THREE)
        self.sizes: list[int] = []

    def forward(self, progress: float, phase: int, *batch: Tensor) -> dict[str, Tensor]:
        self.sizes.append(len(batch[0]))
        return super().forward(progress, phase, *batch)


@pytest.mark.parametrize("count", [2, 3, 5, 7, 9, 10])
@pytest.mark.parametrize("size", [2, 3, 4, 64])
@pytest.mark.fault(41)
def test_no_batch_has_a_single_row_and_an_epoch_sees_every_row(count: int, size: int) -> None:
    network = linear()
    task = Sizes(network)
    how = settings(epochs=1, batch_size=size)
    train(network, cached_inputs(random_features(count, 4)), examples(ITEMS[:count]), how, task=task)
    assert sum(task.sizes) == count
    assert min(task.sizes) >= 2
    assert max(task.sizes) <= max(size, 3)
    assert max(task.sizes) - min(task.sizes) <= 1


@pytest.mark.fault(41)
def test_a_single_photograph_fails_in_one_line() -> None:
    with pytest.raises(Failed, match="cannot normalise a single photograph"):
        train(linear(), cached_inputs(random_features(1, 4)), examples([0]), settings())


@pytest.mark.fault(72)
def test_predictions_do_not_depend_on_who_else_is_asked_for() -> None:
    network, inputs, everything = convolutional_network(), photograph_inputs(), examples(ITEMS)
    together = predict(network, inputs, everything, CPU)
    assert together.shape == (10, 3)
    assert together.dtype == torch.float32
    for places in (np.array([4]), np.array([9, 0, 5])):
        torch.testing.assert_close(predict(network, inputs, everything.take(places), CPU), together[places])


@pytest.mark.parametrize("sizes", [(0,), (3,), (2, 0, 4)])
def test_parts_are_gathered_in_order(sizes: tuple[int, ...]) -> None:
    parts = [torch.rand(size, 3, dtype=torch.float64) for size in sizes]
    assert torch.equal(concatenate_batches(iter(parts), sum(sizes)), torch.cat(parts))


def test_predicting_changes_nothing() -> None:
    network = convolutional_network().train()
    before = hash_tensors(network.state_dict())
    predict(network, photograph_inputs(), examples(ITEMS), CPU)
    assert hash_tensors(network.state_dict()) == before
    assert not network.training
