import subprocess
import sys

import pytest
import torch

from office31_cli.engine import device
from office31_cli.engine.device import autocast, choose_device, describe_environment, deterministic_convolutions
from office31_cli.errors import Failed


@pytest.fixture
def no_accelerator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.mark.usefixtures("no_accelerator")
def test_without_an_accelerator_auto_is_the_cpu() -> None:
    assert choose_device("auto") == choose_device("cpu") == torch.device("cpu")


@pytest.mark.usefixtures("no_accelerator")
@pytest.mark.parametrize("name", ["cuda", "cuda:0", "mps"])
def test_a_device_that_is_not_there_fails_with_advice(name: str) -> None:
    with pytest.raises(Failed, match=f"device {name}: .*; use --device cpu"):
        choose_device(name)


def test_a_second_accelerator_that_is_not_there_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert choose_device("auto") == torch.device("cuda")
    assert choose_device("cuda:0") == torch.device("cuda:0")
    with pytest.raises(Failed, match="device cuda:1"):
        choose_device("cuda:1")


@pytest.mark.parametrize(("has_it", "dtype"), [(True, torch.bfloat16), (False, torch.float32)])
def test_a_cpu_computes_in_bfloat16_where_it_has_instructions_for_it(
    monkeypatch: pytest.MonkeyPatch, has_it: bool, dtype: torch.dtype
) -> None:
    monkeypatch.setattr(device, "_cpu_has_bfloat16", lambda: has_it)
    with autocast(torch.device("cpu")):
        assert (torch.rand(2, 2) @ torch.rand(2, 2)).dtype == dtype
    assert describe_environment(torch.device("cpu"))["precision"] == str(dtype).removeprefix("torch.")


def test_the_environment_names_what_bits_depend_on() -> None:
    found = describe_environment(torch.device("cpu"))
    assert found["torch"] == torch.__version__
    assert found["threads"] == torch.get_num_threads()
    assert found["device"] == "cpu"


def test_a_cpu_computes_features_in_batches_that_its_cache_holds() -> None:
    def unasked() -> int:
        raise AssertionError("measuring a network takes a pass through it")

    assert device.inference_batch_size(torch.device("cpu"), unasked) == 16


@pytest.mark.parametrize("name", ["cuda", "mps"])
@pytest.mark.parametrize(
    ("gigabytes", "expected"),
    [(80, 256), (16, 256), (15.9, 128), (8, 128), (1, 16), (0.01, 1)],
    ids=["large", "just", "less", "half", "small", "none"],
)
def test_an_accelerator_computes_features_by_the_hundred_as_far_as_its_memory_goes(
    monkeypatch: pytest.MonkeyPatch, name: str, gigabytes: float, expected: int
) -> None:
    monkeypatch.setattr(device, "free_memory", lambda _: int(gigabytes * 2**30))
    assert device.inference_batch_size(torch.device(name), lambda: 4 << 20) == expected


def test_what_torch_holds_in_reserve_is_free_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    for function, value in {"mem_get_info": (100, 1000), "memory_reserved": 50, "memory_allocated": 20}.items():
        monkeypatch.setattr(torch.cuda, function, lambda _, value=value: value)
    assert device.free_memory(torch.device("cuda")) == 130


def test_a_program_that_calls_office31_keeps_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Choosing a device sets nothing; what a computation needs is set around it and put back, whatever happens."""
    for before in (False, True):
        monkeypatch.setattr(torch.backends.cudnn, "deterministic", before)
        choose_device("cpu")
        assert torch.backends.cudnn.deterministic is before
        for context in (deterministic_convolutions(), autocast(torch.device("cpu"))):
            with pytest.raises(KeyError), context:
                assert torch.backends.cudnn.deterministic is True
                raise KeyError
            assert torch.backends.cudnn.deterministic is before


KEPT = """
from pathlib import Path
import torch

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

def kept(size=64 << 20):
    \"""Whether memory that was used and freed still belongs to the process.\"""
    before = resident()
    torch.ones(size // 4)
    return resident() - before > size // 2
"""
"""glibc hands a freed block of this size back to the kernel, unless it was told otherwise."""

FROM_PYTHON = """
from office31_cli.engine.device import choose_device
choose_device("cpu")
"""

BY_COMMAND = """
import contextlib, sys
from office31_cli.cli.main import main
sys.argv = ["office31", "--version"]
with contextlib.suppress(SystemExit):
    main()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(("code", "keeps"), [(FROM_PYTHON, False), (BY_COMMAND, True)])
def test_freed_memory_is_kept_by_the_command_line_alone(code: str, keeps: bool) -> None:
    """Mapping every large activation anew is half of a forward pass; a host program's allocator is not ours to set."""
    done = subprocess.run(
        [sys.executable, "-c", KEPT + code + "print(kept())"], capture_output=True, text=True, check=True
    )
    assert done.stdout.split()[-1] == str(keeps)
