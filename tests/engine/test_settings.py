import math
import subprocess
import sys

import pytest

from office31_cli.engine import settings
from office31_cli.errors import Misuse


def test_importing_the_settings_imports_no_torch() -> None:
    code = "import sys, office31_cli.engine.settings; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", settings.LEARNING_RATES)
def test_every_optimizer_has_a_learning_rate_of_its_own(name: str) -> None:
    assert settings.check_optimizer(name, None) == settings.LEARNING_RATES[name] > 0
    assert settings.check_optimizer(name, 0.5) == 0.5


def test_an_unknown_optimizer_gets_a_near_match() -> None:
    with pytest.raises(Misuse, match=r"did you mean adam\?") as raised:
        settings.check_optimizer("adma", None)
    assert raised.value.exit_code == 2


@pytest.mark.parametrize("lr", [0.0, -1.0, math.nan, math.inf, 1e31])
def test_a_learning_rate_is_a_positive_number(lr: float) -> None:
    with pytest.raises(Misuse, match="must be a positive number"):
        settings.check_optimizer("sgd", lr)


@pytest.mark.parametrize("name", ["auto", "cpu", "cuda", "cuda:0", "cuda:12", "mps"])
def test_known_devices_pass(name: str) -> None:
    settings.check_device(name)


@pytest.mark.parametrize("name", ["", "gpu", "cuda:", "cuda:x", "cuda:0\n", "cpu:0", "\x1b"])
def test_unknown_devices_are_misuse(name: str) -> None:
    with pytest.raises(Misuse, match="not a known form"):
        settings.check_device(name)


def test_the_parts_that_can_be_trained() -> None:
    for part in ("head", "last", "all"):
        settings.check_train(part)
    with pytest.raises(Misuse, match="use head, last, all"):
        settings.check_train("body")


def test_settings_are_recorded_whole() -> None:
    chosen = settings.Settings(epochs=1, batch_size=2, optimizer="sgd", lr=0.1, seed=3)
    expected = {"epochs": 1, "batch_size": 2, "optimizer": "sgd", "lr": 0.1, "seed": 3, "weight_decay": 1e-3}
    assert chosen.to_json() == expected | {"schedule": "cosine"}
