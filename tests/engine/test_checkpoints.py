import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.amp import GradScaler
from torch.optim import Adam

from office31_cli import storage
from office31_cli.engine.checkpoints import Checkpoints
from office31_cli.engine.training_state import TrainingState
from office31_cli.models.state_dict import hash_tensors
from tests.helpers.tiny_training import RecordingObserver

RUN = {"seed": 1}


def made(seed: int) -> TrainingState:
    """A module with a convolution in channels-last order, and Adam and the scaler after one step."""
    torch.manual_seed(seed)
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).to(memory_format=torch.channels_last)
    optimizer = Adam(module.parameters(), lr=0.01 * (seed + 1))
    scaler = GradScaler("cpu", init_scale=2.0**seed, growth_interval=1)
    scaler.scale(module(torch.rand(2, 3, 5, 5)).square().sum()).backward()
    scaler.step(optimizer)
    scaler.update()
    return TrainingState(module, optimizer, scaler)


def held(state: TrainingState) -> tuple[str, str, list[float], dict[str, float]]:
    """All that a checkpoint is to bring back."""
    kept = state.optimizer.state_dict()["state"]
    moments = {f"{number}.{name}": value for number, values in kept.items() for name, value in values.items()}
    rates = [group["lr"] for group in state.optimizer.param_groups]
    return hash_tensors(state.module.state_dict()), hash_tensors(moments), rates, state.scaler.state_dict()


def saved(*epochs: int, observer: RecordingObserver | None = None) -> Checkpoints:
    """After each of the epochs the state of `made(epoch)`."""
    checkpoints = Checkpoints(RUN, observer or RecordingObserver())
    for epoch in epochs:
        checkpoints.save([{"item": 1 / number} for number in range(1, epoch + 1)], made(epoch))
    return checkpoints


def test_what_was_saved_last_is_restored() -> None:
    saved(1, 2)
    state = made(7)
    assert Checkpoints(RUN).restore(state) == [{"item": 1.0}, {"item": 0.5}]
    assert held(state) == held(made(2))


def test_moments_lie_in_memory_as_if_the_run_had_never_stopped() -> None:
    saved(1)
    state = made(7)
    Checkpoints(RUN).restore(state)
    for parameter in state.module.parameters():
        assert state.optimizer.state[parameter]["exp_avg"].stride() == parameter.stride()


def test_without_a_checkpoint_nothing_is_touched() -> None:
    state = made(7)
    assert Checkpoints(RUN).restore(state) == []
    assert held(state) == held(made(7))


def test_another_runs_checkpoint_is_not_taken() -> None:
    saved(1)
    assert Checkpoints({"seed": 2}).restore(made(7)) == []


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
@pytest.mark.fault(48)
def test_a_damaged_newest_checkpoint_gives_way_to_the_one_before(harm: Callable[[Path], None]) -> None:
    observer = RecordingObserver()
    checkpoints = saved(1, 2, observer=observer)
    harm(checkpoints.folder / "000002" / "state.safetensors")
    state = made(7)
    assert len(checkpoints.restore(state)) == 1
    assert held(state) == held(made(1))
    assert len(observer.warned) == 1
    assert "000002 is damaged" in observer.warned[0]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"sha256": 3}', b"\xff" * 50, json.dumps({}).encode()])
def test_a_damaged_description_gives_way_too(content: bytes) -> None:
    observer = RecordingObserver()
    checkpoints = saved(1, 2, observer=observer)
    (checkpoints.folder / "000002" / "state.json").write_bytes(content)
    assert len(checkpoints.restore(made(7))) == 1
    assert len(observer.warned) == 1


@pytest.mark.fault(48)
def test_a_flipped_bit_in_the_description_is_noticed() -> None:
    checkpoints = saved(1, 2)
    path = checkpoints.folder / "000002" / "state.json"
    whole = path.read_bytes()
    assert b'"item":0.5' in whole
    path.write_bytes(whole.replace(b'"item":0.5', b'"item":0.7'))
    assert checkpoints.restore(made(7)) == [{"item": 1.0}]


class Crash(BaseException):
    """The power fails."""


@pytest.mark.fault(46)
def test_a_crash_at_any_operation_leaves_the_old_checkpoint_or_the_new(monkeypatch: pytest.MonkeyPatch) -> None:
    operations: list[str] = []
    checkpoints = saved(1)
    with monkeypatch.context() as patch:
        patch.setattr(storage, "before_operation", lambda operation, path: operations.append(operation))
        checkpoints.save([{"item": 1.0}, {"item": 0.5}], made(2))
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
            checkpoints.save([{"item": 1.0}, {"item": 0.5}], made(2))
        state = made(7)
        epochs = len(Checkpoints(RUN).restore(state))
        assert epochs in (1, 2)
        assert held(state) == held(made(epochs))


def test_a_part_has_its_own_and_is_forgotten_with_the_run() -> None:
    whole = saved(1)
    for name, epoch in (("first", 2), ("second", 3)):
        whole.for_part(name).save([{"item": 0.5}] * epoch, made(epoch))
    state = made(7)
    assert len(Checkpoints(RUN).for_part("first").restore(state)) == 2
    assert held(state) == held(made(2))
    assert len(Checkpoints(RUN).for_part("second").restore(state)) == 3
    assert len(Checkpoints(RUN).restore(state)) == 1
    whole.clear()
    assert Checkpoints(RUN).for_part("first").restore(state) == []


def test_a_run_that_fails_leaves_no_lock() -> None:
    checkpoints = Checkpoints(RUN)
    lock = checkpoints.folder.with_suffix(".lock")
    with pytest.raises(Crash), checkpoints.lock():
        assert lock.exists()
        raise Crash
    assert not lock.exists()


def test_a_weight_with_two_names_stays_one_weight() -> None:
    def tied() -> nn.Module:
        module = nn.ModuleDict({"first": nn.Linear(2, 2)})
        module["second"] = module["first"]
        return module

    module, restored = tied(), tied()
    for each, use in ((module, partial(Checkpoints(RUN).save, [{"item": 1.0}])), (restored, Checkpoints(RUN).restore)):
        use(TrainingState(each, Adam(each.parameters()), GradScaler("cpu", enabled=False)))
    assert hash_tensors(restored.state_dict()) == hash_tensors(module.state_dict())
    assert restored["second"].weight is restored["first"].weight


class TestOtherRuns:
    """Those that `--resume` may start from: in a shared home there are many, with gigabytes of tensors."""

    def other(self, *epochs: int) -> Checkpoints:
        checkpoints = Checkpoints({"seed": 2})
        for epoch in epochs:
            checkpoints.save([{"item": 1.0}] * epoch, made(epoch))
        return checkpoints

    def test_they_are_listed_by_their_descriptions_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        folder, opened, read = self.other(1, 2).folder, [], Path.read_bytes

        def note(path: Path) -> bytes:
            opened.append(path.relative_to(folder))
            return read(path)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "read_bytes", note)
            (found,) = Checkpoints(RUN).other_runs()
        assert (found.run, found.epoch, found.folder) == ({"seed": 2}, 2, folder / "000002")
        assert opened == [Path("000002/state.json")]

    def test_without_their_tensors_they_are_still_listed_and_none_is_whole(self) -> None:
        for tensors in self.other(1, 2).folder.rglob("*.safetensors"):
            tensors.unlink()
        (found,) = Checkpoints(RUN).other_runs()
        assert Checkpoints(RUN).find_whole(found) is None

    def test_where_the_newest_is_damaged_the_one_before_is_gone_on_from(self) -> None:
        path = self.other(1, 2).folder / "000002" / "state.safetensors"
        path.write_bytes(path.read_bytes()[:-1])
        (found,) = Checkpoints(RUN).other_runs()
        whole = Checkpoints(RUN).find_whole(found)
        assert whole is not None
        assert (found.epoch, whole.epoch) == (2, 1)
        state = made(7)
        assert len(Checkpoints(RUN, origin=whole.folder).restore(state)) == 1

    @pytest.mark.parametrize("content", ["{}", "[]", "?", '{"run": 1, "history": []}', '{"run": {}, "history": 1}'])
    def test_what_describes_no_run_is_none(self, content: str) -> None:
        for description in self.other(1, 2).folder.rglob("*.json"):
            description.write_text(content)
        assert list(Checkpoints(RUN).other_runs()) == []

    def test_this_run_is_no_other(self) -> None:
        saved(1)
        assert list(Checkpoints(RUN).other_runs()) == []


def test_what_another_version_stored_is_passed_over() -> None:
    saved(1)
    observer, narrow = RecordingObserver(), nn.Sequential(nn.Linear(2, 2))
    state = TrainingState(narrow, Adam(narrow.parameters()), GradScaler("cpu", enabled=False))
    before = hash_tensors(narrow.state_dict())
    assert Checkpoints(RUN, observer).restore(state) == []
    assert hash_tensors(narrow.state_dict()) == before
    (told,) = observer.warned
    assert "does not fit (" in told
    assert told.endswith("and is passed over")
