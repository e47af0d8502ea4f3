"""Adapting to a target without its labels: the task that the training loop runs, and its record of every epoch."""

from collections.abc import Callable, Sequence
from statistics import fmean

import numpy as np
import torch
from torch import Tensor, nn

from office31_cli.data.photographs import IntArray
from office31_cli.engine.adaptation_network import AdaptationNetwork
from office31_cli.engine.batches import SourceTargetData, split_evenly
from office31_cli.engine.device import autocast
from office31_cli.engine.inputs import Examples, Inputs
from office31_cli.engine.loop import Diverged, Task, concatenate_batches
from office31_cli.engine.vmap_stack import VmapStack
from office31_cli.history import VALIDATOR, measurement_key
from office31_cli.methods.base import Method, ModelOutput, Source
from office31_cli.metrics.validators import SOURCE, VALIDATORS
from office31_cli.strategies.base import BACKBONE_SCALE, ParameterGroup, trainable_parameters

_ROWS = 1024
"""Cached features that a head looks at together: calls cost more than their arithmetic."""


class AdaptationTask(Task):
    """One method's runs, one or several of the same shape, each from its source to its target.

    After every epoch it notes what each run takes the target's photographs for, and what the label-free `validators`
    make of that. No label of a target is in its reach: whoever has them scores the notes afterwards.
    """

    def __init__(
        self,
        learners: Sequence[AdaptationNetwork],
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
        learners = [learner.to(device) for learner in learners]
        self.learning: AdaptationNetwork | VmapStack[AdaptationNetwork] = (
            learners[0] if len(learners) == 1 else VmapStack(learners)
        )
        self._method, self._inputs, self._pairs, self._device = method, inputs, pairs, device
        self._guesses = torch.empty(len(pairs), 0, 0)
        for run, pair in enumerate(pairs):  # buffers, so that a checkpoint holds them
            self.register_buffer(f"named_{run}", torch.zeros(epochs, len(pair.target), dtype=torch.int32))
            self.register_buffer(f"judged_{run}", torch.zeros(epochs, len(self._validators) + 1, dtype=torch.float64))

    def forward(self, progress: float, phase: int, *batch: Tensor) -> dict[str, Tensor]:
        """Every run's losses, (runs,); the batch is that of `PairedBatches`."""
        source, labels, target, again, places = batch
        guesses = self._pseudo_labels_at(places)
        if isinstance(self.learning, VmapStack):
            losses: dict[str, Tensor] = self.learning((progress, phase), source, labels, target, again, guesses)
            return losses
        alone: dict[str, Tensor] = self.learning(progress, phase, source[0], labels[0], target[0], again[0], guesses[0])
        return alone

    def networks(self) -> list[AdaptationNetwork]:
        """The runs' networks as they are now."""
        return self.learning.write_back() if isinstance(self.learning, VmapStack) else [self.learning]

    def parameter_groups(self) -> list[ParameterGroup]:
        """The parameters to train: a backbone's at a tenth of the rate, as `strategies.full` has it."""
        if isinstance(self.learning, VmapStack):  # heads alone
            return [ParameterGroup(trainable_parameters(self.learning))]
        stage = {id(parameter) for parameter in self.learning.body[0].parameters()}
        parts = [value for value in trainable_parameters(self.learning) if id(value) in stage]
        rest = [value for value in trainable_parameters(self.learning) if id(value) not in stage]
        return [ParameterGroup(parts, BACKBONE_SCALE), ParameterGroup(rest)]

    def begin_epoch(self, epoch: int) -> None:
        """Ask the method what it holds the targets' photographs to be, if it is one that guesses."""
        if type(self._method).assign_pseudo_labels is Method.assign_pseudo_labels:
            return
        guesses = []
        for learner, pair in zip(self.networks(), self._pairs, strict=True):
            source, target = self._model_output(learner, pair.source), self._model_output(learner, pair.target)
            labels = torch.from_numpy(pair.source.targets[:, 0]).to(self._device, torch.long)
            guess = self._method.assign_pseudo_labels(Source(source.features, source.logits, labels), target)
            assert guess is not None
            guesses.append(guess)
        self.set_pseudo_labels(guesses)

    def set_pseudo_labels(self, guesses: Sequence[Tensor]) -> None:
        """Have every run's target, (n, ...), guessed once and for all."""
        longest = max(map(len, guesses))
        self._guesses = torch.stack([_pad_rows(guess, longest) for guess in guesses]).to(self._device)

    def probabilities(self) -> list[Tensor]:
        """What each run now makes of its target, (n, K)."""
        return [
            self._logits(learner, pair.target).softmax(1)
            for learner, pair in zip(self.networks(), self._pairs, strict=True)
        ]

    def end_epoch(self, epoch: int) -> None:
        """Note what every run makes of its target."""
        for run, learner in enumerate(self.networks()):
            logits = self._logits(learner, self._pairs[run].target)
            softmax = (part.cpu().double().softmax(1) for part in torch.split(logits, _ROWS))
            probabilities = concatenate_batches(softmax, len(logits)).numpy()
            figures = [
                *(VALIDATORS[name](probabilities) for name in self._validators),
                self._validation_accuracy(learner, run),
            ]
            self.get_buffer(f"named_{run}")[epoch] = logits.argmax(1)
            self.get_buffer(f"judged_{run}")[epoch] = torch.tensor(figures, dtype=torch.float64)

    def measurements(self, epoch: int) -> dict[str, float]:
        """What the validators make of the target, of several runs their mean."""
        judged = [self.validator_scores(run) for run in range(len(self._pairs))]
        names = set.intersection(*map(set, judged))
        return {measurement_key(VALIDATOR, name): fmean(each[name][epoch] for each in judged) for name in sorted(names)}

    def predictions(self, run: int) -> IntArray:
        """What a run took its target's photographs for, (epochs, n)."""
        return self.get_buffer(f"named_{run}").cpu().numpy().astype(np.int64)

    def validator_scores(self, run: int) -> dict[str, list[float]]:
        """By validator what it made of each epoch of a run; larger is better."""
        figures = self.get_buffer(f"judged_{run}").T.tolist()
        found = dict(zip((*self._validators, SOURCE), figures, strict=True))
        if not len(self._pairs[run].validation):
            del found[SOURCE]
        return found

    def _validation_accuracy(self, learner: AdaptationNetwork, run: int) -> float:
        held_out = self._pairs[run].validation
        if not len(held_out):
            return 0.0
        right = self._logits(learner, held_out).argmax(1).cpu().numpy() == held_out.targets[:, 0]
        return float(right.mean())

    def _logits(self, learner: AdaptationNetwork, examples: Examples) -> Tensor:
        """What a network answers to all of the examples, (n, K)."""
        return self._evaluate(learner, examples, lambda seen: seen.logits)

    def _model_output(self, learner: AdaptationNetwork, examples: Examples) -> ModelOutput:
        """What a network makes of all of the examples."""
        both = self._evaluate(learner, examples, lambda seen: torch.cat([seen.features, seen.logits], 1))
        return ModelOutput(*both.tensor_split([learner.outputs.in_features], 1))

    def _evaluate(
        self, learner: AdaptationNetwork, examples: Examples, look: Callable[[ModelOutput], Tensor]
    ) -> Tensor:
        """What `look` takes, (n, ...), from all of the examples; raises `Diverged` where that is not finite."""
        learner.eval()
        size = _ROWS if isinstance(learner.body[0], nn.Identity) else 64
        # one batch without rows where there are no examples
        batches = (self._inputs.evaluation_views(examples.take(places)) for places in split_evenly(len(examples), size))
        with torch.inference_mode(), autocast(self._device):
            found = concatenate_batches((look(learner.predict(batch)) for batch in batches), len(examples))
        if not bool(torch.isfinite(found).all()):
            raise Diverged("training", "what the network answers is no longer finite", "try a smaller --lr")
        return found

    def _pseudo_labels_at(self, places: Tensor) -> Tensor:
        """What was guessed of the photographs at `places` (runs, n); without columns if the method does not guess."""
        if not self._guesses.numel():
            return self._guesses.new_empty(*places.shape, 0).to(places.device)
        runs = torch.arange(len(places), device=places.device)[:, None]
        return self._guesses[runs, places]


def _pad_rows(guess: Tensor, count: int) -> Tensor:
    """Rows of zeros after a guess (n, ...): no place leads to them."""
    return torch.cat([guess, guess.new_zeros(count - len(guess), *guess.shape[1:])])
