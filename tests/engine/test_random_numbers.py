import subprocess
import sys

import numpy as np
import torch

from office31_cli.engine import random_numbers


def test_a_key_decides_everything() -> None:
    assert random_numbers.keyed_generator("a", 1).random() == random_numbers.keyed_generator("a", 1).random()
    values = {
        random_numbers.keyed_generator(*key).random()
        for key in [("a", 1), ("a", 2), ("b", 1), ("a", "1"), ("a", 1, 0), ("a1",)]
    }
    assert len(values) == 6


def test_another_process_draws_the_same() -> None:
    code = (
        "from office31_cli.engine.random_numbers import keyed_generator\n"
        "print(repr(keyed_generator('order', 3, 4).random(3).tolist()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == repr(random_numbers.keyed_generator("order", 3, 4).random(3).tolist())


def test_an_order_visits_every_example_once_and_changes_with_epoch_and_seed() -> None:
    orders = [random_numbers.epoch_permutation(seed, epoch, 50) for seed in (0, 1) for epoch in (0, 1)]
    for order in orders:
        assert np.array_equal(np.sort(order), np.arange(50))
    assert len({tuple(order) for order in orders}) == 4


def test_torchs_generator_follows_the_key_and_nothing_before() -> None:
    random_numbers.seed_torch("step", 0, 1)
    first = torch.rand(3)
    torch.rand(100)
    random_numbers.seed_torch("step", 0, 1)
    assert torch.equal(torch.rand(3), first)
    random_numbers.seed_torch("step", 0, 2)
    assert not torch.equal(torch.rand(3), first)
