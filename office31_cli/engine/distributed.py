"""Distributed training: each process computes a shard of every batch, and all take the same step.

Beside the gradients, which torch's DistributedDataParallel averages, three things depend on the rows of other
processes: the statistics of batch norm, which of the drawn random numbers are a row's dropout, and the sum of weights
that a weighted mean is divided by.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel
from torch.overrides import TorchFunctionMode

from office31_cli.engine import process_group
from office31_cli.engine.batches import Batch, Batches, BatchShard
from office31_cli.engine.checkpoints import Checkpoints, History
from office31_cli.engine.loop import Training
from office31_cli.engine.settings import Settings
from office31_cli.engine.tasks import Task
from office31_cli.errors import Failed
from office31_cli.observer import Observer
from office31_cli.strategies.base import ParameterGroup, trainable_parameters


def build_training(
    task: Task, groups: list[ParameterGroup], batches: Batches, settings: Settings, device: torch.device
) -> Training:
    """The training of a task whose losses are means over labelled rows; distributed where processes have joined."""
    kind = Training if process_group.process_count() == 1 else DistributedTraining
    return kind(task, groups, batches, settings, device)


class DistributedTraining(Training):
    """The training of a single process, up to rounding, shared by all that have joined."""

    def __init__(
        self, task: Task, groups: list[ParameterGroup], batches: Batches, settings: Settings, device: torch.device
    ) -> None:
        super().__init__(task, groups, batches, settings, device)
        self._part = process_group.local_shard()
        learning = {id(value) for group in groups if not group.start for value in group.parameters}
        self._shared = DistributedDataParallel(
            self.task,
            forward_sync_buffers=False,  # they are the same everywhere, as batch norms see the whole batch
            # such as layers that are not trained yet, and the moving average
            find_unused_parameters=any(id(value) not in learning for value in trainable_parameters(self.task)),
        )

    def run(self, observer: Observer, checkpoints: Checkpoints | None = None, *, resume: bool = False) -> History:
        """As `Training.run`; the first process alone stores checkpoints."""
        smallest = self._batches.photographs // max(1, self._batches.steps)
        if smallest < self._part.count:
            raise Failed(
                "training",
                f"{self._part.count} processes cannot share a batch of {smallest}",
                "start fewer of them, or raise --batch-size",
            )
        return super().run(observer, checkpoints, resume=resume)

    def _restore(self, checkpoints: Checkpoints | None) -> History:
        history = super()._restore(checkpoints)
        if process_group.run_on_first(lambda: history) != history:
            raise Failed(
                "training", "its processes found different checkpoints", "let OFFICE31_HOME be one folder for all"
            )
        return history

    def _should_stop(self) -> bool:
        return process_group.run_on_first(
            super()._should_stop
        )  # which accuracies decide, and these may differ in the last bit

    def _losses(self, progress: float, phase: int, batch: Batch, where: str) -> dict[str, Tensor]:
        """The losses of this shard, weighted so that their mean over the processes is that of the whole batch."""
        with GlobalBatchMode(self._part, batch.rows):
            losses = super()._losses(progress, phase, batch, where)
        weight = len(batch.tensors[0]) * self._part.count / batch.rows
        return {name: weight * loss for name, loss in losses.items()}

    def _forward(self, progress: float, phase: int, batch: Batch) -> dict[str, Tensor]:
        losses: dict[str, Tensor] = self._shared(progress, phase, *batch.tensors)
        return losses

    def _check_losses(self, losses: dict[str, Tensor], where: str) -> dict[str, float]:
        together = torch.stack([loss.detach() for loss in losses.values()])
        dist.all_reduce(together)
        return super()._check_losses(dict(zip(losses, together / self._part.count, strict=True)), where)


class GlobalBatchMode(TorchFunctionMode):
    """Within it batch norm normalises by the whole batch, and dropout draws for all of it and keeps the shard's.

    The whole batch has `rows` rows, and losses are means over the shard's. Evaluation is unchanged.
    """

    def __init__(self, part: BatchShard, rows: int) -> None:
        super().__init__()
        self._rows, self._rows_of_shard = rows, part.rows(rows)

    def __torch_function__(
        self, func: Callable[..., Any], types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Called by torch in place of each of its functions."""
        ours: dict[Any, Callable[..., Any]] = {
            F.batch_norm: global_batch_norm,
            F.cross_entropy: self._cross_entropy,
            F.dropout: self._dropout,
            Tensor.bernoulli_: self._bernoulli,
        }
        return ours.get(func, func)(*args, **(kwargs or {}))

    def _dropout(self, given: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
        if not training or p == 0:
            return given
        kept = self._take_shard(F.dropout(self._empty_batch(given).fill_(1), p))
        return given.mul_(kept) if inplace else given * kept

    def _bernoulli(self, given: Tensor, *chances: Any, **named: Any) -> Tensor:
        """Stochastic depth (torchvision) draws a number a row so."""
        if len(given) != self._rows_of_shard.stop - self._rows_of_shard.start:
            return given.bernoulli_(*chances, **named)
        return given.copy_(self._take_shard(self._empty_batch(given).bernoulli_(*chances, **named)))

    def _cross_entropy(
        self,
        given: Tensor,
        target: Tensor,
        weight: Tensor | None = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
        **others: Any,
    ) -> Tensor:
        """`torch.nn.functional.cross_entropy`; a weighted mean is divided by the whole batch's mean weight."""
        if weight is None or reduction != "mean" or target.is_floating_point():
            return F.cross_entropy(
                given, target, weight, reduction=reduction, label_smoothing=label_smoothing, **others
            )
        total = weight[target].sum()
        dist.all_reduce(total)
        summed = F.cross_entropy(given, target, weight, reduction="sum", label_smoothing=label_smoothing)
        return summed / len(target) / (total / self._rows)

    def _empty_batch(self, given: Tensor) -> Tensor:
        """An empty tensor for the whole batch in the memory order of `given`, in which random numbers are drawn."""
        row = given[0]
        return given.new_empty_strided((self._rows, *row.shape), (row.numel(), *row.stride()))

    def _take_shard(self, drawn: Tensor) -> Tensor:
        return drawn[self._rows_of_shard]


def global_batch_norm(
    given: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """`torch.nn.functional.batch_norm` of (n, C, ...), in training over the rows of all processes."""
    if not training:
        return F.batch_norm(given, running_mean, running_var, weight, bias, training, momentum, eps)
    mean, var, count = _statistics(given.detach())
    if running_mean is not None and running_var is not None:
        running_mean.lerp_(mean.to(running_mean.dtype), momentum)
        running_var.lerp_((var * count / (count - 1)).to(running_var.dtype), momentum)
    normalised: Tensor = _Normalise.apply(given, weight, bias, mean, var, count, eps)
    return normalised


def _statistics(given: Tensor) -> tuple[Tensor, Tensor, float]:
    """Mean (C,), variance (C,) and number of values over all processes.

    Summed in float64, where the difference of two squares keeps enough digits (Chan and others 1983).
    """
    var, mean = torch.var_mean(_precise(given), _but_channels(given), correction=0)
    var, mean, count = var.double(), mean.double(), given.numel() / given.shape[1]
    sums = torch.cat([count * mean, count * (var + mean.square()), mean.new_tensor([count])])
    dist.all_reduce(sums)
    total = sums[-1].item()
    mean, square = (sums[:-1] / total).chunk(2)
    return mean, (square - mean.square()).clamp_min(0), total


class _Normalise(torch.autograd.Function):
    """Batch norm by statistics over all processes, which the gradient goes through as well."""

    @staticmethod
    def forward(
        ctx: Any,
        given: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        mean: Tensor,
        var: Tensor,
        count: float,
        eps: float,
    ) -> Tensor:
        dtype = _precise(given).dtype if weight is None else weight.dtype
        ctx.save_for_backward(given, weight, mean.to(dtype), (var + eps).rsqrt().to(dtype))
        ctx.count, ctx.biased = count, bias is not None
        return F.batch_norm(given, mean.to(dtype), var.to(dtype), weight, bias, training=False, eps=eps)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """With y the normalised input and g the gradient: (g - mean(g) - y mean(g y)) / std (Ioffe, Szegedy 2015)."""
        given, weight, mean, scale = ctx.saved_tensors
        across, shape = _but_channels(given), (1, -1, *[1] * (given.dim() - 2))
        gradient = _precise(gradients[0])
        normalised = (_precise(given) - mean.view(shape)) * scale.view(shape)
        own = torch.stack([gradient.sum(across), (gradient * normalised).sum(across)])
        whole = own.to(torch.float64, copy=True)
        dist.all_reduce(whole)
        first, second = (whole / ctx.count).to(gradient.dtype)
        centred = gradient - first.view(shape) - normalised * second.view(shape)
        factor = scale if weight is None else scale * weight
        return (
            (centred * factor.view(shape)).to(given.dtype),
            None if weight is None else own[1].to(weight.dtype),
            own[0].to(gradients[0].dtype if weight is None else weight.dtype) if ctx.biased else None,
            *[None] * 4,
        )


def _but_channels(given: Tensor) -> list[int]:
    return [0, *range(2, given.dim())]


def _precise(given: Tensor) -> Tensor:
    return given if given.dtype == torch.float64 else given.float()
