"""One model trained by two processes that torchrun starts: the real command."""

import json
import shlex
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.helpers import command_client
from tests.helpers.real_command import SIGNAL_AFTER, Command, Done

LINE = ("pretrain", "--domain", "amazon", "--data", "sample", "--backbone", "convnet", "--train", "head")
LINE += ("--epochs", "10", "--batch-size", "50", "--device", "cpu")

_SCRIPT = """
import os
from pathlib import Path
{prelude}
from office31_cli.cli.main import main
try:
    main()
except SystemExit as left:
    (Path(__file__).parent / ("left-" + os.environ["RANK"])).write_text(str(left.code))
    raise
"""

_KILLED = """
import signal
from office31_cli.engine.loop import Training
epoch = Training._train_epoch
def killed(self, number, advance):
    if number == 5 and os.environ["RANK"] == "{rank}":
        os.kill(os.getpid(), signal.SIGKILL)
    return epoch(self, number, advance)
Training._train_epoch = killed
"""

_LATE = """
import time
from office31_cli import processes
wait_for_report, silent = processes.wait_for_report, Path(__file__).parent / "silent"
def noted():
    silent.touch()
    wait_for_report()
processes.wait_for_report = noted
while os.environ["RANK"] == "0" and not silent.exists():
    time.sleep(0.1)
"""
"""The first process begins when the other has failed."""


_TORCHRUN = """
import sys
from torch.distributed.run import main as start
start()
sys.exit()
"""


class Torchrun(Command):
    """The command in two processes that torchrun starts."""

    def __init__(self, home: Path, folder: Path) -> None:
        super().__init__(home)
        self._folder = folder

    def __call__(self, *words: str | Path, prelude: str = "", fresh: bool = False, **settings: Any) -> Done:
        """Run it with `words`; `prelude` is Python for each process to run first.

        `fresh` processes import for themselves what others are forked with.
        """
        script = self._folder / "office31.py"
        script.write_text(_SCRIPT.format(prelude=prelude))
        for left in self._folder.glob("left-*"):
            left.unlink()
        line = ("--standalone", "--nproc-per-node", "2", script, *words)
        return self.start(*line, fresh=fresh, package=not prelude, **settings)

    def start(self, *line: str | Path, fresh: bool = False, package: bool = True, **settings: Any) -> Done:
        """What `torchrun LINE` does, with a folder of its own for what it leaves behind."""
        environment = {"OMP_NUM_THREADS": "1", "TMPDIR": str(self._folder)} | settings.pop("env", {})
        with ExitStack() as stack:
            if command_client.POSSIBLE and not fresh:
                python = stack.enter_context(command_client.stand_in_for_python(self._folder, package=package))
                environment["PYTHON_EXEC"] = str(python)
            return super().__call__(*line, prelude=_TORCHRUN, process="slow", env=environment, **settings)

    def left(self) -> dict[int, int]:
        """By process the code that it ended with; without those that were killed."""
        return {int(path.name[5:]): int(path.read_text()) for path in sorted(self._folder.glob("left-*"))}


@pytest.fixture(scope="module")
def alone(sample_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Command:
    """The command in one process, with a home of its own that holds the drawn sample."""
    return Command(shutil.copytree(sample_home, tmp_path_factory.mktemp("alone") / "home", symlinks=True))


@pytest.fixture
def together(alone: Command, tmp_path: Path) -> Torchrun:
    return Torchrun(alone.home, tmp_path)


def card(command: Command, model: dict[str, Any]) -> dict[str, Any]:
    """What is stored about a model."""
    found: dict[str, Any] = json.loads((command.home / "registry" / "models" / model["id"] / "card.json").read_bytes())
    return found


def furthest(one: dict[str, Any], two: dict[str, Any]) -> float:
    """The largest difference of two loss curves."""
    pairs = zip(one["history"], two["history"], strict=True)
    return max(abs(first[name] - second[name]) for first, second in pairs for name in first | second)


def errors(done: Done) -> list[str]:
    """Those that the command told of; torchrun adds a report of its own."""
    return [line for line in done.err.splitlines() if line.startswith("error: ")]


@pytest.mark.fault(50)
def test_two_processes_train_the_model_of_one(alone: Command, tmp_path: Path) -> None:
    """Ten epochs: later a ReLU's input passes zero within rounding, as it does where weights differ by 1e-7."""
    together = Torchrun(alone.home, tmp_path)
    one = alone.json(*LINE)
    known = len(alone.json("models", "list")["models"])
    code, out, err = together(*LINE, "--json", fresh=True)
    assert (code, err) == (0, "")  # which torchrun answers only where both ended well
    two = json.loads(out)
    assert len(alone.json("models", "list")["models"]) == known + 1
    first, second = card(alone, one), card(alone, two)
    assert len(first["history"]) == 10
    assert furthest(first, second) < 1e-4
    assert two["validation"]["item"] == pytest.approx(one["validation"]["item"], abs=0.011)  # one of 93 photographs
    assert two["photographs"] == one["photographs"]
    assert (second["environment"]["processes"], second["environment"]["backend"]) == (2, "gloo")
    assert "processes" not in first["environment"]

    again = together(*LINE, "--resume", "--json")
    assert (json.loads(again.out)["id"], again.err.count("\n")) == (two["id"], 1)
    assert again.err.startswith("this very run has ended already")


def test_the_command_that_makes_it_again_is_torchruns_and_gives_the_same_bits(
    alone: Command, together: Torchrun, tmp_path: Path
) -> None:
    made = json.loads(together(*LINE, "--seed", "2", "--name", "two", "--json").out)
    bring, line = alone.json("report", "two", "--embedding", "pca", "-o", tmp_path / "page.html")["commands"]
    start, *words = shlex.split(line)
    assert (start, words[:4]) == ("torchrun", ["--nproc-per-node=2", "-m", "office31_cli", "pretrain"])
    again = Command(tmp_path / "home")
    assert again(*shlex.split(bring)[1:]).code == 0
    done = Torchrun(again.home, tmp_path).start("--standalone", *words)
    assert done.code == 0, done.err
    assert again.weights(again.json("models", "show", "two")) == alone.weights(made)


def test_the_first_process_alone_records(together: Torchrun, tmp_path: Path) -> None:
    result = together.json(*LINE, "--tensorboard", tmp_path / "board")
    (folder,) = (tmp_path / "board").iterdir()
    assert len({file.name.split(".")[-2] for file in folder.iterdir()}) == 1  # the number of the process
    found = EventAccumulator(str(folder), size_guidance={"scalars": 0}, purge_orphaned_data=False).Reload()
    steps = {tag: [event.step for event in found.Scalars(tag)] for tag in found.Tags()["scalars"]}
    assert steps["loss/item"] == steps["held-out/item"] == list(range(1, 11))
    assert [event.value for event in found.Scalars("loss/item")] == pytest.approx(result["loss"])


@pytest.mark.parametrize(
    "more",
    [
        ("--strategy", "linear"),
        ("--labels", "3", "--with-source"),
        ("--patience", "2", "--ema", "0.9"),
        ("--gradual-unfreezing", "--layer-decay", "0.5"),
    ],
    ids=lambda words: words[0],
)
def test_two_processes_tune_the_model_of_one(alone: Command, together: Torchrun, more: tuple[str, ...]) -> None:
    start = alone.json(*LINE[:-6], "--epochs", "2", "--device", "cpu")
    line = ("finetune", "--target", "dslr", "--model", start["model"], "--train", "head", "--epochs", "8", *more)
    line = (*line, "--data", "sample", "--device", "cpu", "--batch-size", "25")
    one, two = alone.json(*line), together.json(*line)
    assert furthest(card(alone, one), card(alone, two)) < 1e-4
    assert two["epochs"] == one["epochs"]


@pytest.mark.parametrize("rank", [0, 1])
@pytest.mark.fault(43)
def test_after_a_process_was_killed_all_end_and_a_rerun_goes_on(alone: Command, tmp_path: Path, rank: int) -> None:
    together = Torchrun(alone.home, tmp_path)
    line = (*LINE, "--seed", str(rank + 31))  # which no other test of this home has trained with
    known = alone.json("models", "list")["models"]
    fresh = rank == 0  # which torchrun stops itself, with no other that passes its signal on
    done = together(*line, prelude=_KILLED.format(rank=rank), fresh=fresh)
    assert done.code != 0
    assert [code for code in together.left().values() if code == 0] == []
    assert list(together.left()) == [1 - rank]
    assert len(errors(done)) == 1
    assert errors(done)[0].endswith("run the same command again to go on")
    assert "Traceback (most recent call last):\n  File" not in done.err.split("torch/distributed")[0]
    assert alone.json("models", "list")["models"] == known

    code, out, err = together(*line, "--resume", "--json")
    assert code == 0, err
    assert err in ("resuming after epoch 5 of 10\n", "resuming after epoch 4 of 10\n")
    assert len(alone.json("models", "list")["models"]) == len(known) + 1
    assert not any((alone.home / "runs").iterdir())
    whole = together.json(*line)
    assert card(alone, json.loads(out))["history"] == card(alone, whole)["history"]


@pytest.mark.fault(49)
def test_two_processes_can_be_forced_to_go_on_from_one(alone: Command, tmp_path: Path) -> None:
    one = Command(tmp_path / "home")  # where no run has ended and none was interrupted
    shutil.copytree(alone.home / "data", one.home / "data", symlinks=True)
    two = Torchrun(one.home, tmp_path)
    assert one(*LINE, prelude=SIGNAL_AFTER.format(epoch=8, name="SIGTERM")).code == 143
    refused = two(*LINE, "--resume")
    assert len(errors(refused)) == 1
    assert "environment.processes was None and is 2 now" in errors(refused)[0]
    code, out, err = two(*LINE, "--resume", "--force", "--json")
    assert code == 0, err
    assert err.count("warning: not bit-identical: resumed epoch 8 of a run whose ") == 1
    (step,) = json.loads(out)["forced"]
    assert (step["epoch"], step["differing"]["environment.processes"]) == (8, {"was": None, "is": 2})
    assert (len(list((one.home / "runs").iterdir())), len(json.loads(out)["loss"])) == (1, 10)


@pytest.mark.parametrize(
    ("line", "code", "holds"),
    [
        (("adapt", "--target", "dslr"), 2, "office31 adapt"),
        (("models", "list"), 2, "office31 models"),
        (("finetune", "--target", "dslr", "--strategy", "l2-sp"), 2, "--strategy l2-sp"),
        (("pretrain", "--domain", "amazn"), 2, "did you mean amazon?"),
        ((*LINE, "--device", "cuda:0"), 2, "--device cuda:0"),
        ((*LINE, "--lr", "1e30"), 1, "try a smaller --lr"),
        ((*LINE, "--batch-size", "1"), 2, "--batch-size"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else None,
)
def test_what_goes_wrong_is_told_once(together: Torchrun, line: tuple[str, ...], code: int, holds: str) -> None:
    done = together(*line)
    assert done.code != 0
    assert (done.out, together.left().get(0, code)) == ("", code)
    assert len(errors(done)) == 1, done.err
    assert holds in errors(done)[0]
    assert 0 not in together.left().values()


def test_what_goes_wrong_is_told_however_late_the_first_process_is(together: Torchrun) -> None:
    done = together("adapt", "--target", "dslr", prelude=_LATE)
    assert together.left() == {0: 2, 1: 2}
    assert len(errors(done)) == 1, done.err
    assert "office31 adapt" in errors(done)[0]
