"""What goes wrong ends in one line on stderr that says what to do, and in the documented exit code."""

import os
import pickle
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.real_command import OWN, SIGNAL_AFTER, Command, assert_error
from tests.helpers.usage import WRONG


@pytest.mark.parametrize(("line", "holds"), WRONG, ids=[line for line, _ in WRONG])
def test_wrong_usage(drawn: Command, line: str, holds: str) -> None:
    assert_error(drawn(*line.split()), 2, holds)


@pytest.mark.fault(76)
def test_what_could_steer_the_terminal_is_shown_by_number(drawn: Command) -> None:
    assert_error(drawn("pretrain", "--domain", "ama\x1b[31mzon\n"), 2, r"ama\x1b[31mzon\n")


@pytest.mark.parametrize(
    ("line", "holds"),
    [
        ("pretrain --domain amazon", "office31 download"),
        ("pretrain --domain amazon --data office31", "run: office31 download"),
        ("pretrain --domain amazon --data sample", "run: office31 download --sample"),
        ("evaluate --split webcam", "office31 pretrain"),
        ("finetune --target dslr", "office31 pretrain"),
    ],
)
def test_what_is_missing_is_named_with_the_command_that_brings_it(run: Command, line: str, holds: str) -> None:
    assert_error(run(*line.split()), 1, holds)


@pytest.mark.fault(70)
def test_a_model_that_knows_none_of_the_items_does_not_fit(
    drawn: Command, pretrained: dict[str, Any], own_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "fruit"
    shutil.copytree(own_folder / "phone" / "mug", folder / "phone" / "apple")
    done = drawn("evaluate", "--split", "phone", "--data", folder, "--model", pretrained["model"])
    assert_error(done, 2, "it predicts none of the items of fruit's phone", "there are apple", "--data")


def test_without_a_model_that_fits_what_came_nearest_is_told(run: Command, own_folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(own_folder, tmp_path / "things"))
    model = run.json(*OWN, "--data", folder)["model"]
    assert_error(run("evaluate", "--split", "phnoe"), 2, "no stored model's data set has it; did you mean phone?")
    for domain in ("shop", "phone"):
        for item in list((folder / domain).iterdir()):
            item.rename(item.with_name(f"other {item.name}"))
    changed = run("evaluate", "--split", "phone")
    assert_error(changed, 2, f"model {model}: it predicts none of the items of things", "choose another --model")
    folder.rename(tmp_path / "elsewhere")
    gone = run("evaluate", "--split", "phone")
    assert_error(gone, 1, f"model {model}: it was trained on {folder}, which is not here; give --data")


@pytest.mark.fault(26)
def test_a_broken_picture_is_named_and_can_be_left_out(run: Command, own_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "things"
    shutil.copytree(own_folder, folder)
    broken = folder / "shop" / "mug" / "frame_9999.jpg"
    broken.write_text("no picture")
    words = ("pretrain", "--domain", "shop", "--data", folder, "--backbone", "convnet", "--epochs", "1")
    assert_error(run(*words), 1, str(broken), "--skip-bad")
    code, _, err = run(*words, "--skip-bad")
    assert code == 0
    assert "1 picture" in err


class _Payload:
    def __init__(self, marker: Path) -> None:
        self._marker = marker

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (f"touch {self._marker}",)


@pytest.mark.fault(64)
def test_weights_that_want_to_run_code_are_refused(run: Command, own_folder: Path, tmp_path: Path) -> None:
    marker, weights = tmp_path / "marker", tmp_path / "weights.pth"
    weights.write_bytes(pickle.dumps({"layer.weight": _Payload(marker)}))
    words = ("pretrain", "--domain", "shop", "--data", own_folder, "--backbone", "convnet", "--weights", weights)
    assert_error(run(*words), 3, str(weights), "safetensors")
    assert not marker.exists()


@pytest.mark.parametrize("line", ["download --sample", "models list", "pretrain --domain amazon"])
@pytest.mark.fault(80)
def test_a_home_that_cannot_be(tmp_path: Path, line: str) -> None:
    (tmp_path / "file").write_text("")
    assert_error(Command(tmp_path / "file" / "home")(*line.split()), 1, str(tmp_path / "file"))


@pytest.mark.fault(81)
def test_a_home_that_may_not_be_written(run: Command) -> None:
    """Root may write anywhere, so the refusal is the test's own."""
    prelude = "import errno, os\ndef refuse(path, *_): raise PermissionError(errno.EACCES, 'Permission denied', path)\n"
    prelude += "os.mkdir = refuse"
    assert_error(run("download", "--sample", prelude=prelude), 1, "permission denied", "OFFICE31_HOME")


@pytest.mark.fault(80)
def test_no_home_at_all(run: Command) -> None:
    """Neither OFFICE31_HOME nor HOME, and a user whom the machine does not know."""
    prelude = "import os\nfor name in ('OFFICE31_HOME', 'HOME'): os.environ.pop(name, None)\nos.getuid = lambda: 10**9"
    assert_error(run("models", "list", prelude=prelude), 1, "set OFFICE31_HOME")


@pytest.mark.fault(78)
def test_a_reader_that_has_seen_enough_is_no_error(drawn: Command) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    code, _, err = drawn("models", "list", stdout=write_end)
    os.close(write_end)
    assert (code, err) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("words", [("models", "list"), ("models", "list", "--json")])
@pytest.mark.fault(78)
def test_a_full_disk_below_stdout_is_an_error(drawn: Command, words: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        code, _, err = drawn(*words, stdout=full)
    assert code == 1
    assert err.startswith("error: ")
    assert err.count("\n") == 1


def test_a_fault_of_ours_shows_a_traceback_only_when_asked(run: Command) -> None:
    prelude = "import office31_cli.registry as registry\nregistry.Registry.entries = lambda self: 1 // 0"
    assert_error(run("models", "list", prelude=prelude), 1, "ZeroDivisionError", "OFFICE31_DEBUG=1")
    assert "Traceback" in run("models", "list", prelude=prelude, env={"OFFICE31_DEBUG": "1"}).err


@pytest.mark.fault(83)
def test_an_interrupted_training_goes_on_to_the_same_weights(
    owned: tuple[Command, dict[str, Any]], run: Command, own_folder: Path
) -> None:
    words = (*OWN, "--data", own_folder)
    stopped = run(*words, prelude=SIGNAL_AFTER.format(epoch=1, name="SIGINT"))
    assert_error(stopped, 130, "interrupted", "run the same command again")
    stopped = run(*words, "--resume", prelude=SIGNAL_AFTER.format(epoch=2, name="SIGTERM"))
    assert stopped.code == 143
    assert stopped.err.splitlines()[0] == "resuming after epoch 1 of 3"
    assert stopped.err.splitlines()[1].startswith("error: terminated: ")
    assert run.json("models", "list")["models"] == []
    command, whole = owned
    assert run.weights(run.json(*words, "--resume")) == command.weights(whole)
    assert not any((run.home / "runs").iterdir())


_ANOTHER_TORCH = "import torch\ntorch.__version__ = type(torch.__version__)('99.0')"

_ANOTHER_WORLD = "from office31_cli.engine import device\ndevice._describe_processes = lambda: {'processes': 3}"


@pytest.mark.fault(49)
def test_resume_refuses_another_configuration_by_the_name_of_the_field(run: Command, own_folder: Path) -> None:
    words = (*OWN, "--data", own_folder)
    env = {"OMP_NUM_THREADS": "1"}
    assert run(*words, env=env, prelude=SIGNAL_AFTER.format(epoch=1, name="SIGTERM")).code == 143
    kept = sorted((run.home / "runs").rglob("*"))
    assert_error(run(*words, "--lr", "0.5", "--resume", env=env), 2, "settings.lr was ", " and is 0.5 now")
    assert_error(run(*words, "--held-out", "0.4", "--resume", env=env), 2, "request.held_out", "learnt is not the same")
    threads = run(*words, "--resume", env={"OMP_NUM_THREADS": "2"})
    assert_error(threads, 2, "environment.threads was 1 and is 2 now", "leave --resume out")
    torch = run(*words, "--resume", env=env, prelude=_ANOTHER_TORCH)
    assert_error(torch, 2, "environment.torch was ", " and is 99.0 now")
    world = run(*words, "--resume", env=env, prelude=_ANOTHER_WORLD)
    assert_error(world, 2, "environment.processes was None and is 3 now")
    assert sorted((run.home / "runs").rglob("*")) == kept
    other = run(*words, "--seed", "5", "--epochs", "1", "--resume", env=env)  # another piece of work
    assert (other.code, other.err.splitlines()[0][:22]) == (0, "warning: no checkpoint")
    assert run(*words, "--resume", env=env).err.startswith("resuming after epoch 1 of 3")


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
@pytest.mark.fault(83)
def test_an_interruption_says_how_to_go_on(run: Command, name: str, code: int) -> None:
    prelude = "import os, signal\nfrom office31_cli.data.sets import sample\n"
    prelude += f"sample.Set.bring = lambda *_, **__: os.kill(os.getpid(), signal.{name})"
    done = run("download", "--sample", prelude=prelude)
    assert_error(done, code, "run the same command again")


_SIGNAL_AT_IMPORT = """
import os, signal, sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "{module}":
            sys.meta_path.remove(self)  # what tells of the signal may import it once more
            os.kill(os.getpid(), signal.{name})
sys.meta_path.insert(0, Finder())
from office31_cli.__main__ import main
main()
"""


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
@pytest.mark.parametrize("module", ["office31_cli.cli.main", "typer", "office31_cli.render.console"])
@pytest.mark.fault(83)
def test_a_signal_while_the_command_is_starting(run: Command, module: str, name: str, code: int) -> None:
    done = run("models", "list", prelude=_SIGNAL_AT_IMPORT.format(module=module, name=name), process="fresh")
    assert_error(done, code, "run the same command again")
