"""What an attack is: other inputs near the given ones, and the share of decisions that they change."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from twinpeaks.sweeps import TorchRandom

__all__ = ["Attack", "changed"]

_ROWS = 1024  # inputs at a time


class Attack(ABC):
    """A way to disturb inputs; a frozen value."""

    @abstractmethod
    def disturb(
        self, network: nn.Module, x: Tensor, box: tuple[Tensor, Tensor], random: TorchRandom
    ) -> Tensor:
        """Other inputs.

        Parameters
        ----------
        network : nn.Module
            Logits of inputs.
        x : Tensor of shape (rows, ...)
        box : pair of Tensor
            Smallest and largest inputs, of the shape of one.
        random : TorchRandom
        """


def changed(
    network: nn.Module,
    x: Tensor,
    attack: Attack,
    box: tuple[Tensor, Tensor],
    random: TorchRandom,
) -> Tensor:
    """Whether each decision, the class of the largest output, changes under an attack.

    Parameters
    ----------
    network : nn.Module
    x : Tensor of shape (rows, ...)
    attack : Attack
    box : pair of Tensor
    random : TorchRandom

    Returns
    -------
    Tensor of bool, shape (rows,)
    """
    out = []
    for part in torch.split(x, _ROWS):
        with torch.no_grad():
            before = network(part).argmax(-1)
        other = attack.disturb(network, part, box, random)
        with torch.no_grad():
            out.append(network(other).argmax(-1) != before)
    return torch.cat(out)
