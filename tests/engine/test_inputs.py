import pickle
import shutil

import numpy as np
import numpy.typing as npt
import pytest
import torch

from office31_cli import paths
from office31_cli.data.cache import CachedArray, Rows
from office31_cli.engine import inputs as module
from office31_cli.engine.inputs import Examples, FrozenInputs, PixelInputs
from office31_cli.models.preprocessing import Preprocessing
from tests.helpers.tiny_training import CPU, cache_array

FIRST = np.arange(12, dtype=np.float32).reshape(4, 3)
SECOND = 100 + np.arange(15, dtype=np.float32).reshape(5, 3)
MIXED = Examples(
    domains=np.array([1, 0, 1, 0]),
    rows=np.array([4, 0, 0, 3], dtype=np.int64),
    targets=np.array([[0.0], [1.0], [2.0], [3.0]]),
)
EXPECTED = np.stack([SECOND[4], FIRST[0], SECOND[0], FIRST[3]])


@pytest.mark.parametrize("in_memory", [0, 1 << 28])
def test_rows_come_from_each_examples_domain_in_order(in_memory: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_IN_MEMORY", in_memory)
    inputs = FrozenInputs([[cache_array(FIRST), cache_array(SECOND)]], CPU)
    assert np.array_equal(inputs.evaluation_views(MIXED), EXPECTED)
    assert np.array_equal(inputs.training_views(MIXED, np.zeros((4, 5))), EXPECTED)


def test_one_domains_rows_may_repeat() -> None:
    rows = np.array([2, 2, 0])
    inputs = FrozenInputs([[cache_array(FIRST)]], CPU)
    assert np.array_equal(
        inputs.evaluation_views(Examples(np.zeros(3, dtype=np.int64), rows, np.empty((3, 0)))), FIRST[rows]
    )


@pytest.mark.parametrize("in_memory", [0, 1 << 28])
def test_training_sees_the_view_that_the_first_draw_decides(in_memory: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_IN_MEMORY", in_memory)
    views = [[cache_array(FIRST + shift), cache_array(SECOND + shift)] for shift in (0, 1000, 2000)]
    inputs = FrozenInputs(views, CPU)
    draws = np.full((4, 5), 0.9)
    draws[:, 0] = [0.99, 0.5, 0.34, 0.0]
    shifts = np.array([[2000], [1000], [1000], [0]], dtype=np.float32)
    assert np.array_equal(inputs.training_views(MIXED, draws), EXPECTED + shifts)
    assert np.array_equal(inputs.evaluation_views(MIXED), EXPECTED)


def test_half_precision_rows_are_computed_with_in_single() -> None:
    inputs = FrozenInputs([[cache_array(FIRST.astype(np.float16))]], CPU)
    assert inputs.evaluation_views(MIXED.take(np.array([1, 3]))).dtype == torch.float32


def test_taken_examples_keep_rows_and_targets_together() -> None:
    taken = MIXED.take(np.array([3, 0]))
    assert (taken.domains.tolist(), taken.rows.tolist(), taken.targets.tolist()) == ([0, 1], [3, 4], [[3.0], [0.0]])
    assert len(taken) == 2


def test_pixels_are_augmented_in_training_and_centred_in_evaluation() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 10, 10, 3), dtype=np.uint8)
    preprocessing = Preprocessing(side=10, crop=8)
    inputs = PixelInputs([cache_array(pixels)], preprocessing, CPU)
    rows = np.array([3, 1], dtype=np.int64)
    examples = Examples(np.zeros(2, dtype=np.int64), rows, np.empty((2, 0)))
    draws = np.random.default_rng(1).random((2, 5))
    chosen = torch.from_numpy(pixels[rows])
    assert torch.equal(inputs.evaluation_views(examples), preprocessing.centre_crop(chosen))
    assert torch.equal(inputs.training_views(examples, draws), preprocessing.augment(chosen, draws))


@pytest.mark.parametrize("in_memory", [0, 1 << 28])
def test_condensed_features_keep_what_tells_them_apart(in_memory: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that lie in a space of few directions lose nothing: their products stay what they were."""
    monkeypatch.setattr(module, "_IN_MEMORY", in_memory)
    draws = np.random.default_rng(0)
    rows = (draws.standard_normal((40, 6)) @ draws.standard_normal((6, 200))).astype(np.float32)
    condensed = FrozenInputs.with_projection(
        [[cache_array(rows[:30]), cache_array(rows[30:])]], [np.arange(30), np.arange(10)], CPU
    )
    assert condensed.width == 64
    every = Examples(np.repeat([0, 1], [30, 10]), np.array([*range(30), *range(10)]), np.empty((40, 0)))
    found = condensed.evaluation_views(every).double().numpy()
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    assert np.allclose(found @ found.T, unit @ unit.T, atol=1e-5)


def test_condensing_keeps_most_of_a_noisy_feature() -> None:
    draws = np.random.default_rng(0)
    scales = 0.98 ** np.arange(512)
    rows = (draws.standard_normal((600, 512)) * scales).astype(np.float32)
    condensed = FrozenInputs.with_projection([[cache_array(rows)]], [np.arange(600)], CPU)
    assert condensed.width % 64 == 0
    assert condensed.width < 512
    found = condensed.evaluation_views(Examples(np.zeros(600, dtype=np.int64), np.arange(600), np.empty((600, 0))))
    assert 0.99 <= float(found.square().sum(1).mean()) <= 1


def test_what_is_condensed_is_kept_in_memory_where_the_features_would_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    draws = np.random.default_rng(0)
    rows = (draws.standard_normal((500, 6)) @ draws.standard_normal((6, 200))).astype(np.float32)
    monkeypatch.setattr(module, "_IN_MEMORY", 500 * 64 * 4)
    condensed = FrozenInputs.with_projection([[cache_array(rows)]], [np.arange(500)], CPU)
    every = Examples(np.zeros(500, dtype=np.int64), np.arange(500), np.empty((500, 0)))
    expected = condensed.evaluation_views(every)
    sent = pickle.dumps(condensed)
    shutil.rmtree(paths.cache_home())
    assert torch.equal(pickle.loads(sent).evaluation_views(every), expected)


def test_features_are_laid_out_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are: the memory that is needed on the way does not grow with them."""
    asked: list[int] = []
    honest = CachedArray.rows

    def listening(self: CachedArray, indices: npt.ArrayLike) -> Rows:
        found = honest(self, indices)
        asked.append(found.nbytes)
        return found

    monkeypatch.setattr(CachedArray, "rows", listening)
    rows = np.random.default_rng(0).standard_normal((40_000, 256)).astype(np.float32) * np.float32(0.9) ** range(256)
    array = cache_array(rows.astype(np.float32))
    FrozenInputs([[array]], CPU)
    FrozenInputs.with_projection([[array]], [np.arange(40_000)], CPU)
    assert sum(asked) > 3 * array.shape[0] * 1024
    assert max(asked) <= 32 << 20


def test_features_that_need_all_their_numbers_are_left_alone() -> None:
    rows = np.random.default_rng(0).standard_normal((500, 64)).astype(np.float32)
    inputs = FrozenInputs.with_projection([[cache_array(rows)]], [np.arange(500)], CPU)
    assert inputs.directions is None
    assert np.array_equal(
        inputs.evaluation_views(Examples(np.zeros(2, dtype=np.int64), np.array([4, 0]), np.empty((2, 0)))), rows[[4, 0]]
    )


@pytest.mark.parametrize("in_memory", [0, 1 << 28])
def test_inputs_travel_to_another_process(in_memory: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_IN_MEMORY", in_memory)
    inputs = FrozenInputs([[cache_array(FIRST), cache_array(SECOND)]], CPU)
    assert np.array_equal(pickle.loads(pickle.dumps(inputs)).evaluation_views(MIXED), EXPECTED)


def test_inputs_in_memory_travel_to_a_machine_that_lacks_their_files() -> None:
    inputs = FrozenInputs([[cache_array(FIRST), cache_array(SECOND)]], CPU)
    sent = pickle.dumps(inputs)
    shutil.rmtree(paths.cache_home())
    received = pickle.loads(sent)
    assert np.array_equal(received.evaluation_views(MIXED), EXPECTED)
    assert received.width == inputs.width
