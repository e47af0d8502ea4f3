"""Unsupervised domain adaptation: the task that the training loop runs, and its predictions after every epoch."""

from collections.abc import Callable, Sequence
from statistics import fmean

import numpy as np
import torch
from torch import Tensor, nn

from office31_cli.data.photographs import IntArray
from office31_cli.engine.adaptation_network import AdaptationNetwork
from office31_cli.engine.batches import SourceTargetData, split_evenly
from office31_cli.engine.device import autocast
from office31_cli.engine.inference import concatenate_batches
from office31_cli.engine.inputs import Examples, Inputs
from office31_cli.engine.tasks import Diverged, Task
from office31_cli.engine.vmap_stack import VmapStack
from office31_cli.history import VALIDATOR, measurement_key
from office31_cli.methods.base import Method, ModelOutput, Source
from office31_cli.metrics.validators import SOURCE, VALIDATORS
from office31_cli.outputs.base import FloatArray
from office31_cli.strategies.base import BACKBONE_SCALE, ParameterGroup, trainable_parameters

_FEATURE_ROWS = 1024
"""The evaluation batch of a head on cached features, where a call costs more than its arithmetic."""

_PIXEL_ROWS = 64
"""The evaluation batch of a network that has layers of a backbone to run."""


class AdaptationTask(Task):
    """One method's runs, one or several of the same shape, each from a source to a target.

    After every epoch it keeps each run's predictions of the target, and what the label-free `validators` score them.
    No label of a target is within its reach: whoever has them scores the predictions afterwards.
    """

    def __init__(
        self,
        networks: Sequence[AdaptationNetwork],
        method: Method,
        inputs: Inputs,
        pairs: Sequence[SourceTargetData],
        *,
        epochs: int,
        device: torch.device,
        validators: Sequence[str] = tuple(VALIDATORS),
    ) -> None:
        super().__init__()
        self._validators = [name for name in validators if name in VALIDATORS]
        self.phases = method.phases
        networks = [network.to(device) for network in networks]
        self.network: AdaptationNetwork | VmapStack[AdaptationNetwork] = (
            networks[0] if len(networks) == 1 else VmapStack(networks)
        )
        self._method, self._inputs, self._pairs, self._device = method, inputs, pairs, device
        self._pseudo_labels = torch.empty(len(pairs), 0, 0)
        self._memory = torch.empty(len(pairs), 0, 0)
        self._prior = _stack([pair.prior for pair in pairs], device)
        self._known = _stack([pair.known for pair in pairs], device)
        for run, pair in enumerate(pairs):  # buffers, so that a checkpoint holds them
            self.register_buffer(f"predictions_{run}", torch.zeros(epochs, len(pair.target), dtype=torch.int32))
            self.register_buffer(f"scores_{run}", torch.zeros(epochs, len(self._validators) + 1, dtype=torch.float64))

    def forward(self, progress: float, phase: int, *batch: Tensor) -> dict[str, Tensor]:
        """The losses of every run by name, (runs,); of a single run scalars.

        The batch is that of `SourceTargetBatches`.
        """
        source, labels, target, strong, places = batch
        pseudo_labels = self._pseudo_labels_at(places)
        estimates = self._estimates_at(places)
        if isinstance(self.network, VmapStack):
            together: dict[str, Tensor] = self.network(
                (progress, phase), source, labels, target, strong, pseudo_labels, *estimates
            )
            return together
        tensors = (tensor[0] for tensor in (source, labels, target, strong, pseudo_labels, *estimates))
        alone: dict[str, Tensor] = self.network(progress, phase, *tensors)
        return alone

    def networks(self) -> list[AdaptationNetwork]:
        """The network of each run, with its present weights."""
        return self.network.write_back() if isinstance(self.network, VmapStack) else [self.network]

    def parameter_groups(self) -> list[ParameterGroup]:
        """The parameters to train: a backbone's layers at a tenth of the learning rate."""
        if isinstance(self.network, VmapStack):  # heads alone
            return [ParameterGroup(trainable_parameters(self.network))]
        stage = {id(parameter) for parameter in self.network.body[0].parameters()}
        of_backbone = [value for value in trainable_parameters(self.network) if id(value) in stage]
        rest = [value for value in trainable_parameters(self.network) if id(value) not in stage]
        return [ParameterGroup(of_backbone, BACKBONE_SCALE), ParameterGroup(rest)]

    def begin_epoch(self, epoch: int) -> None:
        """Have a method that assigns pseudo-labels assign them anew, and remember features for one that needs them."""
        if self._method.remembers_target:
            features = [
                nn.functional.normalize(self._model_output(network, pair.target).features)
                for network, pair in zip(self.networks(), self._pairs, strict=True)
            ]
            longest = max(map(len, features))
            self._memory = torch.stack([_pad_rows(each, longest) for each in features])
        if type(self._method).assign_pseudo_labels is Method.assign_pseudo_labels:
            return
        assigned = []
        for network, pair in zip(self.networks(), self._pairs, strict=True):
            source, target = self._model_output(network, pair.source), self._model_output(network, pair.target)
            labels = torch.from_numpy(pair.source.targets[:, 0]).to(self._device, torch.long)
            pseudo_labels = self._method.assign_pseudo_labels(Source(source.features, source.logits, labels), target)
            assert pseudo_labels is not None
            assigned.append(pseudo_labels)
        self.set_pseudo_labels(assigned)

    def set_pseudo_labels(self, pseudo_labels: Sequence[Tensor]) -> None:
        """Use these from now on: for each run those of its target's photographs, (n,) or (n, K)."""
        longest = max(map(len, pseudo_labels))
        self._pseudo_labels = torch.stack([_pad_rows(each, longest) for each in pseudo_labels]).to(self._device)

    def probabilities(self) -> list[Tensor]:
        """For each run the present probabilities (n, K) of its target's photographs."""
        return [self.predict(network, pair.target) for network, pair in zip(self.networks(), self._pairs, strict=True)]

    def model_output(self, run: int) -> ModelOutput:
        """The output of a run's network for all of its target's photographs."""
        return self._model_output(self.networks()[run], self._pairs[run].target)

    def predict(self, network: AdaptationNetwork, examples: Examples) -> Tensor:
        """The probabilities (n, K) that a run's network gives to examples of its inputs."""
        return self._logits(network, examples).softmax(1)

    def end_epoch(self, epoch: int) -> None:
        """Keep every run's predictions of its target, and the validators' scores."""
        for run, network in enumerate(self.networks()):
            logits = self._logits(network, self._pairs[run].target)
            softmax = (part.cpu().double().softmax(1) for part in torch.split(logits, _FEATURE_ROWS))
            probabilities = concatenate_batches(softmax, len(logits)).numpy()
            scores = [VALIDATORS[name](probabilities) for name in self._validators]
            scores.append(self._validation_accuracy(network, run))
            self.get_buffer(f"predictions_{run}")[epoch] = logits.argmax(1)
            self.get_buffer(f"scores_{run}")[epoch] = torch.tensor(scores, dtype=torch.float64)

    def measurements(self, epoch: int) -> dict[str, float]:
        """The validators' scores of an epoch; of several runs their mean."""
        scores = [self.validator_scores(run) for run in range(len(self._pairs))]
        names = set.intersection(*map(set, scores))
        return {measurement_key(VALIDATOR, name): fmean(each[name][epoch] for each in scores) for name in sorted(names)}

    def predictions(self, run: int) -> IntArray:
        """The items predicted for a run's target after each epoch, (epochs, n)."""
        return self.get_buffer(f"predictions_{run}").cpu().numpy().astype(np.int64)

    def validator_scores(self, run: int) -> dict[str, list[float]]:
        """By validator its score of each epoch of a run; larger is better.

        `source`, the accuracy on the validation set, is there where the run has such a set.
        """
        columns = self.get_buffer(f"scores_{run}").T.tolist()
        scores = dict(zip((*self._validators, SOURCE), columns, strict=True))
        if not len(self._pairs[run].validation):
            del scores[SOURCE]
        return scores

    def _validation_accuracy(self, network: AdaptationNetwork, run: int) -> float:
        """The accuracy on the run's validation set; 0 where that is empty."""
        validation = self._pairs[run].validation
        if not len(validation):
            return 0.0
        correct = self._logits(network, validation).argmax(1).cpu().numpy() == validation.targets[:, 0]
        return float(correct.mean())

    def _logits(self, network: AdaptationNetwork, examples: Examples) -> Tensor:
        """The logits (n, K) of all examples."""
        return self._evaluate(network, examples, lambda output: output.logits)

    def _model_output(self, network: AdaptationNetwork, examples: Examples) -> ModelOutput:
        """The network's output for all examples."""
        both = self._evaluate(network, examples, lambda output: torch.cat([output.features, output.logits], 1))
        return ModelOutput(*both.tensor_split([network.outputs.in_features], 1))

    def _evaluate(
        self, network: AdaptationNetwork, examples: Examples, select: Callable[[ModelOutput], Tensor]
    ) -> Tensor:
        """What `select` takes of the network's output, (n, ...), for all examples.

        Raises `Diverged` where that is not finite.
        """
        network.eval()
        size = _FEATURE_ROWS if isinstance(network.body[0], nn.Identity) else _PIXEL_ROWS
        # one batch without rows where there are no examples
        batches = (self._inputs.evaluation_views(examples.take(places)) for places in split_evenly(len(examples), size))
        with torch.inference_mode(), autocast(self._device):
            outputs = concatenate_batches((select(network.predict(batch)) for batch in batches), len(examples))
        if not bool(torch.isfinite(outputs).all()):
            raise Diverged("training", "the network's output is no longer finite", "try a smaller --lr")
        return outputs

    def _estimates_at(self, places: Tensor) -> tuple[Tensor, ...]:
        """Those of `TargetEstimates` for the photographs at `places` (runs, n); none where nothing is estimated."""
        if not (self._prior.numel() or self._known.numel() or self._memory.numel()):
            return ()
        places = places.to(self._device)
        known = self._known.gather(1, places) if self._known.numel() else self._known
        return self._prior, known, self._memory.to(self._device), places

    def _pseudo_labels_at(self, places: Tensor) -> Tensor:
        """The pseudo-labels of the photographs at `places` (runs, n); without columns where there are none."""
        if not self._pseudo_labels.numel():
            return self._pseudo_labels.new_empty(*places.shape, 0).to(places.device)
        runs = torch.arange(len(places), device=places.device)[:, None]
        return self._pseudo_labels[runs, places]


def _stack(rows: Sequence["FloatArray | None"], device: torch.device) -> Tensor:
    """Each run's numbers (n,), followed by zeros, (runs, longest); without columns unless every run has some."""
    known = [torch.from_numpy(each).float() for each in rows if each is not None]
    if len(known) < len(rows):
        return torch.empty(len(rows), 0, device=device)
    longest = max(map(len, known))
    return torch.stack([_pad_rows(each, longest) for each in known]).to(device)


def _pad_rows(rows: Tensor, count: int) -> Tensor:
    """Rows (n, ...) followed by zeros, (count, ...): runs are stacked, and no place leads to the zeros."""
    return torch.cat([rows, rows.new_zeros(count - len(rows), *rows.shape[1:])])
