"""Several processes compute what one computes with all the rows."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from office31_cli import processes as told
from office31_cli.engine.batches import BatchShard
from office31_cli.errors import Failed, Misuse
from office31_cli.observer import SILENT, SilentObserver
from tests.helpers import shared_work
from tests.helpers.tiny_process_groups import ProcessGroupPool, processes


@pytest.fixture(scope="module")
def ranks() -> Iterator[ProcessGroupPool]:
    with processes(3) as started:
        yield started


def assert_close(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-11)


# ---- batch norm


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((7, 4), {}),
        ((5, 4, 6), {}),
        ((5, 4, 3, 2), {}),
        ((5, 4, 3, 2), {"affine": False, "momentum": None}),
        ((3, 4), {"track_running_stats": False, "momentum": 0.3, "eps": 1e-3}),
    ],
)
def test_batch_norm_is_torchs_on_the_rows_of_all(
    ranks: ProcessGroupPool, count: int, shape: tuple[int, ...], options: dict[str, Any]
) -> None:
    whole = shared_work.normalise(shape, options)
    parts = ranks(count, shared_work.normalise, shape, options)
    for name, expected in whole["rows"].items():
        assert_close(np.concatenate([part["rows"][name] for part in parts]), expected)
    for name, expected in whole["summed"].items():
        assert_close(sum(part["summed"][name] for part in parts), expected)
    for part in parts:
        assert part["same"].keys() == whole["same"].keys()
        for name, expected in whole["same"].items():
            assert_close(part["same"][name], expected)


# ---- dropout


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(
    ("shape", "memory"),
    [
        ((5, 33), torch.contiguous_format),
        ((5, 8, 3, 2), torch.contiguous_format),
        ((5, 8, 3, 2), torch.channels_last),
        ((3, 8, 1, 1), torch.channels_last),
    ],
)
def test_what_is_dropped_is_what_one_process_drops(
    ranks: ProcessGroupPool, shape: tuple[int, ...], memory: torch.memory_format, dtype: torch.dtype
) -> None:
    """And all have drawn as many numbers as it has."""
    *whole, drawn = shared_work.drop(shape, dtype, memory)
    parts = ranks(3, shared_work.drop, shape, dtype, memory)
    assert [part[-1] for part in parts] == [drawn] * 3
    for place, expected in enumerate(whole):
        np.testing.assert_array_equal(np.concatenate([part[place] for part in parts]), expected)
    assert all((layer == 0).any() for layer in whole[:3])


# ---- a training


def test_a_step_has_the_gradients_of_the_whole_batch(ranks: ProcessGroupPool) -> None:
    whole = shared_work.step(7)
    for part in ranks(2, shared_work.step, 7):
        assert part.keys() == whole.keys()
        for name, expected in whole.items():
            assert_close(part[name], expected)


@pytest.mark.parametrize("count", [2, 3])
def test_a_training_has_the_loss_curve_and_the_weights_of_one_process(
    ranks: ProcessGroupPool, count: int, single_precision: None
) -> None:
    history, weights = shared_work.learn(23, 8)
    found = ranks(count, shared_work.learn, 23, 8)
    for curve, learnt in found:
        assert [epoch["item"] for epoch in curve] == pytest.approx([epoch["item"] for epoch in history], abs=1e-5)
        for name, expected in weights.items():
            np.testing.assert_allclose(learnt[name], expected, atol=1e-4)
            np.testing.assert_array_equal(learnt[name], found[0][1][name])  # the same bits everywhere


def test_a_batch_that_is_too_small_to_be_shared_is_refused(ranks: ProcessGroupPool) -> None:
    with pytest.raises(Failed, match="3 processes cannot share a batch of 2; start fewer"):
        ranks(3, shared_work.learn, 5, 3)


def test_parts_are_contiguous_and_nearly_equal() -> None:
    for count in range(1, 6):
        for rows in range(20):
            slices = [BatchShard(number, count).rows(rows) for number in range(count)]
            assert [place for each in slices for place in range(rows)[each]] == list(range(rows))
            lengths = [each.stop - each.start for each in slices]
            assert max(lengths) - min(lengths) <= 1


# ---- who does what


def test_the_first_process_goes_first_and_stores_alone(ranks: ProcessGroupPool) -> None:
    first, second = ranks(2, shared_work.meet)
    assert first == [[0, 0], ["alone", "each"], 2, "gloo"]
    assert second == [[0, 1], ["each"], 2, "gloo"]
    assert shared_work.meet() == [[0, 0], ["alone", "each"], 1, None]


def test_what_torchrun_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    spoken = SilentObserver()
    assert (told.count(), told.rank(), told.local_rank(), told.is_silent()) == (1, 0, 0, False)
    monkeypatch.setenv("WORLD_SIZE", "8")  # a cluster that sets nothing else has started one process
    assert told.count() == 1
    told.check_single_process("office31 adapt")
    for name, value in (("RANK", "5"), ("LOCAL_RANK", "1"), ("MASTER_ADDR", "host"), ("MASTER_PORT", "29500")):
        monkeypatch.setenv(name, value)
    assert (told.count(), told.rank(), told.local_rank(), told.is_silent()) == (8, 5, 1, True)
    assert told.listen_on_first(spoken) is SILENT
    with pytest.raises(Misuse, match="office31 adapt: it is not shared among the 8 processes"):
        told.check_single_process("office31 adapt")
    monkeypatch.setenv("RANK", "0")
    assert (told.is_silent(), told.listen_on_first(spoken)) == (False, spoken)
