"""Adapting to a target without its labels: the task that the training loop runs, and its record of every epoch."""

from collections.abc import Callable, Sequence
from statistics import fmean

import numpy as np
import torch
from torch import Tensor, nn

from office31_cli.data.photographs import IntArray
from office31_cli.engine.batches import Pair, nearly_equal
from office31_cli.engine.device import fast_arithmetic
from office31_cli.engine.inputs import Examples, Inputs
from office31_cli.engine.learner import Learner
from office31_cli.engine.loop import Diverged, Task, gathered
from office31_cli.engine.stack import Stack
from office31_cli.history import VALIDATOR, measured
from office31_cli.methods.base import Method, Seen, Source
from office31_cli.metrics.validators import SOURCE, VALIDATORS
from office31_cli.strategies.base import BACKBONE_SCALE, Group, trainable

_ROWS = 1024
"""Cached features that a head looks at together: calls cost more than their arithmetic."""


class Adaptation(Task):
    """One method's runs, one or several of the same shape, each from its source to its target.

    After every epoch it notes what each run takes the target's photographs for, and what the label-free `validators`
    make of that. No label of a target is in its reach: whoever has them scores the notes afterwards.
    """

    def __init__(
        self,
        learners: Sequence[Learner],
        method: Method,
        inputs: Inputs,
        pairs: Sequence[Pair],
        *,
        epochs: int,
        device: torch.device,
        validators: Sequence[str] = tuple(VALIDATORS),
    ) -> None:
        super().__init__()
        self._validators = [name for name in validators if name in VALIDATORS]
        self.phases = method.phases
        learners = [learner.to(device) for learner in learners]
        self.learning: Learner | Stack[Learner] = learners[0] if len(learners) == 1 else Stack(learners)
        self._method, self._inputs, self._pairs, self._device = method, inputs, pairs, device
        self._guesses = torch.empty(len(pairs), 0, 0)
        for run, pair in enumerate(pairs):  # buffers, so that a checkpoint holds them
            self.register_buffer(f"named_{run}", torch.zeros(epochs, len(pair.target), dtype=torch.int32))
            self.register_buffer(f"judged_{run}", torch.zeros(epochs, len(self._validators) + 1, dtype=torch.float64))

    def forward(self, progress: float, phase: int, *batch: Tensor) -> dict[str, Tensor]:
        """Every run's losses, (runs,); the batch is that of `PairedBatches`."""
        source, labels, target, again, places = batch
        guesses = self._guesses_of(places)
        if isinstance(self.learning, Stack):
            losses: dict[str, Tensor] = self.learning((progress, phase), source, labels, target, again, guesses)
            return losses
        alone: dict[str, Tensor] = self.learning(progress, phase, source[0], labels[0], target[0], again[0], guesses[0])
        return alone

    def learners(self) -> list[Learner]:
        """The runs' networks as they are now."""
        return self.learning.write_back() if isinstance(self.learning, Stack) else [self.learning]

    def groups(self) -> list[Group]:
        """The parameters to train: a backbone's at a tenth of the rate, as `strategies.full` has it."""
        if isinstance(self.learning, Stack):  # heads alone
            return [Group(trainable(self.learning))]
        stage = {id(parameter) for parameter in self.learning.body[0].parameters()}
        parts = [value for value in trainable(self.learning) if id(value) in stage]
        rest = [value for value in trainable(self.learning) if id(value) not in stage]
        return [Group(parts, BACKBONE_SCALE), Group(rest)]

    def begin_epoch(self, epoch: int) -> None:
        """Ask the method what it holds the targets' photographs to be, if it is one that guesses."""
        if type(self._method).guess is Method.guess:
            return
        guesses = []
        for learner, pair in zip(self.learners(), self._pairs, strict=True):
            source, target = self._all_seen(learner, pair.source), self._all_seen(learner, pair.target)
            labels = torch.from_numpy(pair.source.targets[:, 0]).to(self._device, torch.long)
            guess = self._method.guess(Source(source.features, source.logits, labels), target)
            assert guess is not None
            guesses.append(guess)
        self.hold(guesses)

    def hold(self, guesses: Sequence[Tensor]) -> None:
        """Have every run's target, (n, ...), guessed once and for all."""
        longest = max(map(len, guesses))
        self._guesses = torch.stack([_lengthened(guess, longest) for guess in guesses]).to(self._device)

    def probabilities(self) -> list[Tensor]:
        """What each run now makes of its target, (n, K)."""
        return [
            self._logits(learner, pair.target).softmax(1)
            for learner, pair in zip(self.learners(), self._pairs, strict=True)
        ]

    def end_epoch(self, epoch: int) -> None:
        """Note what every run makes of its target."""
        for run, learner in enumerate(self.learners()):
            logits = self._logits(learner, self._pairs[run].target)
            softmax = (part.cpu().double().softmax(1) for part in torch.split(logits, _ROWS))
            probabilities = gathered(softmax, len(logits)).numpy()
            figures = [*(VALIDATORS[name](probabilities) for name in self._validators), self._validated(learner, run)]
            self.get_buffer(f"named_{run}")[epoch] = logits.argmax(1)
            self.get_buffer(f"judged_{run}")[epoch] = torch.tensor(figures, dtype=torch.float64)

    def figures(self, epoch: int) -> dict[str, float]:
        """What the validators make of the target, of several runs their mean."""
        judged = [self.judged(run) for run in range(len(self._pairs))]
        names = set.intersection(*map(set, judged))
        return {measured(VALIDATOR, name): fmean(each[name][epoch] for each in judged) for name in sorted(names)}

    def named(self, run: int) -> IntArray:
        """What a run took its target's photographs for, (epochs, n)."""
        return self.get_buffer(f"named_{run}").cpu().numpy().astype(np.int64)

    def judged(self, run: int) -> dict[str, list[float]]:
        """By validator what it made of each epoch of a run; larger is better."""
        figures = self.get_buffer(f"judged_{run}").T.tolist()
        found = dict(zip((*self._validators, SOURCE), figures, strict=True))
        if not len(self._pairs[run].validation):
            del found[SOURCE]
        return found

    def _validated(self, learner: Learner, run: int) -> float:
        held_out = self._pairs[run].validation
        if not len(held_out):
            return 0.0
        right = self._logits(learner, held_out).argmax(1).cpu().numpy() == held_out.targets[:, 0]
        return float(right.mean())

    def _logits(self, learner: Learner, examples: Examples) -> Tensor:
        """What a network answers to all of the examples, (n, K)."""
        return self._survey(learner, examples, lambda seen: seen.logits)

    def _all_seen(self, learner: Learner, examples: Examples) -> Seen:
        """What a network makes of all of the examples."""
        both = self._survey(learner, examples, lambda seen: torch.cat([seen.features, seen.logits], 1))
        return Seen(*both.tensor_split([learner.outputs.in_features], 1))

    def _survey(self, learner: Learner, examples: Examples, look: Callable[[Seen], Tensor]) -> Tensor:
        """What `look` takes, (n, ...), from all of the examples; raises `Diverged` where that is not finite."""
        learner.eval()
        size = _ROWS if isinstance(learner.body[0], nn.Identity) else 64
        # one batch without rows where there are no examples
        batches = (self._inputs.evaluation(examples.take(places)) for places in nearly_equal(len(examples), size))
        with torch.inference_mode(), fast_arithmetic(self._device):
            found = gathered((look(learner.see(batch)) for batch in batches), len(examples))
        if not bool(torch.isfinite(found).all()):
            raise Diverged("training", "what the network answers is no longer finite", "try a smaller --lr")
        return found

    def _guesses_of(self, places: Tensor) -> Tensor:
        """What was guessed of the photographs at `places` (runs, n); without columns if the method does not guess."""
        if not self._guesses.numel():
            return self._guesses.new_empty(*places.shape, 0).to(places.device)
        runs = torch.arange(len(places), device=places.device)[:, None]
        return self._guesses[runs, places]


def _lengthened(guess: Tensor, count: int) -> Tensor:
    """Rows of zeros after a guess (n, ...): no place leads to them."""
    return torch.cat([guess, guess.new_zeros(count - len(guess), *guess.shape[1:])])
