import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from office31_cli.data.photographs import Photographs
from office31_cli.engine import device
from office31_cli.engine.features import compute_frozen_outputs
from office31_cli.engine.frozen_split import split_network
from office31_cli.models.network import Architecture, Network
from office31_cli.models.preprocessing import Preprocessing
from tests.helpers.small_outputs import THREE
from tests.helpers.tiny_training import CPU, RecordingObserver, cache_array

PREPROCESSING = Preprocessing(side=18, crop=16)
PIXELS = np.random.default_rng(0).integers(0, 256, (20, 18, 18, 3), dtype=np.uint8)
PHOTOGRAPHS = Photographs(
    domain="amazon",
    root=Path("/nowhere"),
    files=tuple(f"{number}.jpg" for number in range(20)),
    items=np.zeros(20, dtype=np.int64),
    digests=tuple(f"{number:064x}" for number in range(20)),
    rows=np.arange(20),
)


def network() -> Network:
    torch.manual_seed(0)
    return Network(Architecture(backbone="convnet", bottleneck=8, outputs=THREE, crop=16))


def outputs(of: Network, train: str, observer: RecordingObserver) -> np.ndarray:
    frozen = split_network(of, train).frozen_part
    assert frozen is not None
    return compute_frozen_outputs(frozen, PHOTOGRAPHS, cache_array(PIXELS), PREPROCESSING, CPU, observer).all()


@pytest.mark.usefixtures("single_precision")
@pytest.mark.parametrize(("train", "dtype", "tolerance"), [("head", np.float32, 1e-5), ("last", np.float16, 2e-3)])
def test_the_rows_are_what_the_frozen_part_makes_of_the_centre(train: str, dtype: type, tolerance: float) -> None:
    whole = network()
    rows = outputs(whole, train, RecordingObserver())
    frozen = split_network(whole, train).frozen_part
    assert frozen is not None
    with torch.no_grad():
        expected = frozen(PREPROCESSING.centre_crop(torch.from_numpy(PIXELS))).numpy()
    assert rows.dtype == dtype
    np.testing.assert_allclose(rows, expected, rtol=tolerance, atol=tolerance)


def test_half_precision_changes_features_by_less_than_its_rounding_and_has_a_cache_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = {}
    for has_it in (True, False):
        monkeypatch.setattr(device, "_cpu_has_bfloat16", lambda has_it=has_it: has_it)
        rows[has_it] = outputs(network(), "head", RecordingObserver())
    assert not np.array_equal(rows[True], rows[False])
    np.testing.assert_allclose(rows[True], rows[False], atol=0.03 * np.abs(rows[False]).max())


def test_they_are_computed_once_for_the_same_weights(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    def entries() -> int:
        return len(list((home / "cache" / "features").iterdir()))

    first = outputs(network(), "head", RecordingObserver())
    assert entries() == 1
    np.testing.assert_array_equal(outputs(network(), "head", RecordingObserver()), first)
    assert entries() == 1
    other = network()
    with torch.no_grad():
        next(other.backbones.parameters()).mul_(2)
    assert not np.array_equal(outputs(other, "head", RecordingObserver()), first)
    assert entries() == 2


@pytest.mark.parametrize("size", [16, 50])
def test_they_are_computed_in_batches_of_the_devices_size(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(device, "_CPU_BATCH", size)
    many = dataclasses.replace(PHOTOGRAPHS, files=(), items=np.zeros(120, np.int64), rows=np.arange(120) % 20)
    many = dataclasses.replace(many, files=tuple(map(str, range(120))), digests=tuple(map(str, range(120))))
    frozen = split_network(network(), "head").frozen_part
    assert frozen is not None
    sizes: list[int] = []
    frozen.register_forward_pre_hook(lambda _, given: sizes.append(len(given[0])))
    pixels = cache_array(PIXELS)
    compute_frozen_outputs(frozen, many, pixels, PREPROCESSING, CPU, RecordingObserver())
    assert sizes == {16: [1, *[16] * 4, *[16] * 3, 8], 50: [1, 50, 14, 50, 6]}[size]
