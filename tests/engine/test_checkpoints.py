import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from tiny_training import Remembering
from torch import nn
from torch.optim import Adam, Optimizer

from office31_cli import storage
from office31_cli.engine.checkpoints import Checkpoints
from office31_cli.models.weights import digest

RUN = {"seed": 1}


def made(seed: int) -> tuple[nn.Module, Optimizer]:
    """A module with a convolution in channels-last order, and Adam after one step."""
    torch.manual_seed(seed)
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).to(memory_format=torch.channels_last)
    optimizer = Adam(module.parameters(), lr=0.01 * (seed + 1))
    module(torch.rand(2, 3, 5, 5)).square().sum().backward()
    optimizer.step()
    return module, optimizer


def state(module: nn.Module, optimizer: Optimizer) -> tuple[str, str, list[float]]:
    kept = optimizer.state_dict()["state"]
    moments = {f"{number}.{name}": value for number, values in kept.items() for name, value in values.items()}
    return digest(module.state_dict()), digest(moments), [group["lr"] for group in optimizer.param_groups]


def saved(*epochs: int, observer: Remembering | None = None) -> Checkpoints:
    """After each of the epochs the state of `made(epoch)`."""
    checkpoints = Checkpoints(RUN, observer or Remembering())
    for epoch in epochs:
        checkpoints.save([{"item": 1 / number} for number in range(1, epoch + 1)], *made(epoch))
    return checkpoints


def test_what_was_saved_last_is_restored() -> None:
    saved(1, 2)
    module, optimizer = made(7)
    assert Checkpoints(RUN).restore(module, optimizer) == [{"item": 1.0}, {"item": 0.5}]
    assert state(module, optimizer) == state(*made(2))


def test_moments_lie_in_memory_as_if_the_run_had_never_stopped() -> None:
    saved(1)
    module, optimizer = made(7)
    Checkpoints(RUN).restore(module, optimizer)
    for parameter in module.parameters():
        assert optimizer.state[parameter]["exp_avg"].stride() == parameter.stride()


def test_without_a_checkpoint_nothing_is_touched() -> None:
    module, optimizer = made(7)
    assert Checkpoints(RUN).restore(module, optimizer) == []
    assert state(module, optimizer) == state(*made(7))


def test_another_runs_checkpoint_is_not_taken() -> None:
    saved(1)
    assert Checkpoints({"seed": 2}).restore(*made(7)) == []


def test_the_last_two_are_kept_until_the_run_is_forgotten() -> None:
    checkpoints = saved(1, 2, 3)
    assert sorted(folder.name for folder in checkpoints.folder.iterdir()) == ["000002", "000003"]
    checkpoints.clear()
    assert not checkpoints.folder.exists()


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("harm", [truncate, flip, Path.unlink])
def test_a_damaged_newest_checkpoint_gives_way_to_the_one_before(harm: Callable[[Path], None]) -> None:
    observer = Remembering()
    checkpoints = saved(1, 2, observer=observer)
    harm(checkpoints.folder / "000002" / "state.safetensors")
    module, optimizer = made(7)
    assert len(checkpoints.restore(module, optimizer)) == 1
    assert state(module, optimizer) == state(*made(1))
    assert len(observer.warned) == 1
    assert "000002 is damaged" in observer.warned[0]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"sha256": 3}', b"\xff" * 50, json.dumps({}).encode()])
def test_a_damaged_description_gives_way_too(content: bytes) -> None:
    observer = Remembering()
    checkpoints = saved(1, 2, observer=observer)
    (checkpoints.folder / "000002" / "state.json").write_bytes(content)
    assert len(checkpoints.restore(*made(7))) == 1
    assert len(observer.warned) == 1


def test_a_flipped_bit_in_the_description_is_noticed() -> None:
    checkpoints = saved(1, 2)
    path = checkpoints.folder / "000002" / "state.json"
    whole = path.read_bytes()
    assert b'"item":0.5' in whole
    path.write_bytes(whole.replace(b'"item":0.5', b'"item":0.7'))
    assert checkpoints.restore(*made(7)) == [{"item": 1.0}]


class Crash(BaseException):
    """The power fails."""


def test_a_crash_at_any_operation_leaves_the_old_checkpoint_or_the_new(monkeypatch: pytest.MonkeyPatch) -> None:
    operations: list[str] = []
    checkpoints = saved(1)
    with monkeypatch.context() as patch:
        patch.setattr(storage, "before_operation", lambda operation, path: operations.append(operation))
        checkpoints.save([{"item": 1.0}, {"item": 0.5}], *made(2))
    assert {"create", "fsync", "rename"} <= set(operations)

    for number in range(len(operations)):
        checkpoints.clear()
        saved(1)
        left = iter(range(number))

        def crash(operation: str, path: Path, left: Iterator[int] = left) -> None:
            if next(left, None) is None:
                raise Crash

        with monkeypatch.context() as patch, pytest.raises(Crash):
            patch.setattr(storage, "before_operation", crash)
            checkpoints.save([{"item": 1.0}, {"item": 0.5}], *made(2))
        module, optimizer = made(7)
        epochs = len(Checkpoints(RUN).restore(module, optimizer))
        assert epochs in (1, 2)
        assert state(module, optimizer) == state(*made(epochs))


def test_a_part_has_its_own_and_is_forgotten_with_the_run() -> None:
    whole = saved(1)
    for name, epoch in (("first", 2), ("second", 3)):
        whole.of_part(name).save([{"item": 0.5}] * epoch, *made(epoch))
    module, optimizer = made(7)
    assert len(Checkpoints(RUN).of_part("first").restore(module, optimizer)) == 2
    assert state(module, optimizer) == state(*made(2))
    assert len(Checkpoints(RUN).of_part("second").restore(module, optimizer)) == 3
    assert len(Checkpoints(RUN).restore(module, optimizer)) == 1
    whole.clear()
    assert Checkpoints(RUN).of_part("first").restore(module, optimizer) == []


def test_a_run_that_fails_leaves_no_lock() -> None:
    checkpoints = Checkpoints(RUN)
    lock = checkpoints.folder.with_suffix(".lock")
    with pytest.raises(Crash), checkpoints.held():
        assert lock.exists()
        raise Crash
    assert not lock.exists()


def test_a_weight_with_two_names_stays_one_weight() -> None:
    def tied() -> nn.Module:
        module = nn.ModuleDict({"first": nn.Linear(2, 2)})
        module["second"] = module["first"]
        return module

    module, restored = tied(), tied()
    Checkpoints(RUN).save([{"item": 1.0}], module, Adam(module.parameters()))
    Checkpoints(RUN).restore(restored, Adam(restored.parameters()))
    assert digest(restored.state_dict()) == digest(module.state_dict())
    assert restored["second"].weight is restored["first"].weight
