"""Seconds and accuracy of adapting on cached features, six tasks of Office-31: ours, or skada as its users write it.

    python adaptation.py {ours,skada} WEIGHTS SEEDS STEPS EPOCHS

MCC, 36 + 36 photographs a step, rate 0.03, bottleneck 256, one view. Each runs in a process of its own; computing the
features is not part of the time. Prints seconds a seed, and the accuracy after the last step over tasks and seeds.
"""

import sys
import time
from itertools import permutations

import numpy as np
import torch
from torch import Tensor, nn

BATCH, LEARNING_RATE = 36, 0.03
BOTTLENECK = 256


def ours(weights: str, seeds: int, steps: int, epochs: int) -> tuple[float, float]:
    """What `office31 benchmark --methods mcc --views 1` says; after each epoch it looks at the whole target.

    Of one seed the seconds of training, as of skada; of several, which processes share, all seconds of the command.
    """
    from office31_cli.recipes.benchmark.command import run_benchmark
    from office31_cli.recipes.benchmark.plan import plan_benchmark
    from office31_cli.workflow.request import Options

    options = Options(epochs=epochs, batch_size=BATCH, lr=LEARNING_RATE, held_out=0.0, device="cpu")
    plan = plan_benchmark(
        ["mcc"],
        seeds=range(seeds),
        steps=steps // epochs,
        views=1,
        backbone="squeezenet1_0",
        weights=weights,
        options=options,
    )
    table = run_benchmark(plan)
    seconds = table.seconds / seeds if seeds > 1 else table.rows[0].seconds
    return seconds, table.rows[0].average["mean"]


class Plain(nn.Module):
    """The network that a user of skada writes for features that are there already."""

    def __init__(self, width: int, items: int) -> None:
        super().__init__()
        self.bottleneck = nn.Sequential(nn.Linear(width, BOTTLENECK), nn.BatchNorm1d(BOTTLENECK), nn.ReLU())
        self.outputs = nn.Linear(BOTTLENECK, items)

    def forward(self, features: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        """Features (n, d) to logits (n, K); skada hands over weights, too."""
        logits: Tensor = self.outputs(self.bottleneck(features))
        return logits


def skada(weights: str, seeds: int, steps: int, epochs: int) -> tuple[float, float]:
    """Its MCC with its defaults, on the features as our first trained layer sees them; it looks at no target.

    Its epochs go once through the larger domain: so many of them as fit into the steps, whatever `epochs` says.
    """
    import skada.deep

    domains = _features(weights)
    seconds, right = 0.0, []
    for seed in range(seeds):
        for source, target in permutations(domains.values(), 2):
            (seen, items), (unlabelled, truth) = source, target
            torch.manual_seed(seed)
            network = Plain(seen.shape[1], int(items.max()) + 1)
            began = time.perf_counter()
            method = skada.deep.MCC(
                network,
                layer_name="bottleneck",
                optimizer=torch.optim.SGD,
                optimizer__momentum=0.9,
                lr=LEARNING_RATE,
                batch_size=BATCH,
                max_epochs=max(1, steps // (max(len(seen), len(unlabelled)) // BATCH)),
                train_split=None,
                verbose=0,
            )
            method.fit(
                np.concatenate([seen, unlabelled]),
                np.concatenate([items, np.full(len(unlabelled), -1)]),
                sample_domain=np.concatenate([np.full(len(seen), 1), np.full(len(unlabelled), -2)]),
            )
            seconds += time.perf_counter() - began
            found = method.predict(unlabelled, sample_domain=np.full(len(unlabelled), -2))
            right.append(float((found == truth).mean()))
    return seconds / seeds, float(np.mean(right))


def _features(weights: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """By domain the features (n, d) of the centre view, scaled as the head scales them first, and the items (n,)."""
    from office31_cli import allocator
    from office31_cli.engine.device import choose_device
    from office31_cli.engine.frozen_split import split_network
    from office31_cli.models.network import UnitFeatures
    from office31_cli.observer import SILENT
    from office31_cli.workflow.domains import build_examples, build_inputs, open_domain
    from office31_cli.workflow.request import Options, build_request
    from office31_cli.workflow.starting_weights import StartingWeights

    options = Options(outputs="item", train="head", held_out=0.0)
    request = build_request("benchmark", ["all"], data=None, backbone="squeezenet1_0", weights=weights, options=options)
    start = StartingWeights.load(request, SILENT)
    split = split_network(start.build_network(request.outputs), "head")
    allocator.keep_freed_memory()  # as the command line does
    found = {}
    for name in request.domains:
        domain = open_domain(request.data, name, start.preprocessing, skip_bad=False, observer=SILENT)
        inputs = build_inputs(split, [domain], start.preprocessing, choose_device("cpu"), SILENT)
        features = UnitFeatures()(inputs.evaluation_views(build_examples([domain.photographs])))
        found[name] = features.numpy(), domain.photographs.items
    return found


if __name__ == "__main__":
    how, weights, seeds, steps, epochs = sys.argv[1:]
    print(*{"ours": ours, "skada": skada}[how](weights, int(seeds), int(steps), int(epochs)))
