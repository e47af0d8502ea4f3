"""Full: every layer that --train leaves trainable, the backbone at a tenth of the head's learning rate."""

from dataclasses import dataclass

from office31_cli.strategies import base


@dataclass(frozen=True, kw_only=True)
class Strategy(base.Strategy):
    """Fine-tuning as most papers mean it."""

    paper = "Yosinski and others 2014, arXiv:1411.1792"
    losses_are_row_means = True
