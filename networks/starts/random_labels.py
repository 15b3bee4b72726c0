"""Adversarial initialisation: networks that have learned random labels of other inputs first."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from twinpeaks.networks.bank import Bank
from twinpeaks.networks.starts.base import InitialState
from twinpeaks.networks.training import Sets, Training, descend
from twinpeaks.sweeps import TorchRandom
from twinpeaks.theory.axes import check_count, check_number

__all__ = ["RandomLabels"]


@dataclass(frozen=True)
class RandomLabels(InitialState):
    """Train first on random labels of corrupted copies of the training inputs.

    Parameters
    ----------
    copies : int
        Of every training input, each corrupted by itself and labelled by itself.
    corrupt : float
        Share of the entries of a copy, in [0, 1], that are replaced by the same entry of another training
        input, drawn at random. At 0 the inputs are those of the training that follows.
    epochs : int, optional
        Of this first training; as many as of the second by default. Loss, steps and batches are those of the
        second; there is no weight decay, and no early end.

    Notes
    -----
    The construction is that of Liu, Papailiopoulos & Achlioptas (arXiv 1906.02613), who set the entries to 0;
    here every entry keeps its law over the training inputs.
    """

    copies: int = 1
    corrupt: float = 0.5
    epochs: int | None = None

    def __post_init__(self) -> None:
        """Check every number."""
        check_count("copies", self.copies, 1)
        check_number("corrupt", self.corrupt, "[0, 1]")
        if self.epochs is not None:
            check_count("epochs", self.epochs, 1)

    def pretrain(self, bank: Bank, sets: Sets, training: Training) -> None:
        """As ``InitialState``."""
        made = [
            self._other(x, sets.classes, source("start", 0))
            for x, source in zip(sets.inputs, sets.sources, strict=True)
        ]
        inputs, labels = (torch.stack(part) for part in zip(*made, strict=True))
        first = replace(training, stop=None, epochs=self.epochs or training.epochs)
        descend(bank, sets.with_patterns(inputs, labels), first, 0.0, "batches of the start")

    def _other(self, x: Tensor, classes: int, random: TorchRandom) -> tuple[Tensor, Tensor]:
        flat = x.flatten(1)
        rows = len(flat) * self.copies
        copies = flat.repeat(self.copies, 1)
        which = (random.uniform(*copies.shape) * len(flat)).long().to(x.device)
        replaced = (random.uniform(*copies.shape) < self.corrupt).to(x.device)
        copies = torch.where(replaced, flat.gather(0, which), copies)
        labels = (random.uniform(rows) * classes).long().to(x.device)
        return copies.reshape(rows, *x.shape[1:]), labels
