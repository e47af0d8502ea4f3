import pytest
import torch

from office31_cli.engine import device
from office31_cli.engine.device import autocast, choose_device, describe_environment
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
