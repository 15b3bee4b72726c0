"""Random flips of the signs of inputs."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from twinpeaks.networks.attacks.base import Attack
from twinpeaks.sweeps import TorchRandom
from twinpeaks.theory.axes import check_number

__all__ = ["RandomFlips"]


@dataclass(frozen=True)
class RandomFlips(Attack):
    """Every input, such as a pixel in [-1, 1], changes its sign with a probability.

    Parameters
    ----------
    rate : float
        The probability, in [0, 1].

    Examples
    --------
    >>> from twinpeaks.networks import RandomFlips
    >>> RandomFlips(0.1)
    RandomFlips(rate=0.1)
    """

    rate: float

    def __post_init__(self) -> None:
        """Check it."""
        check_number("rate", self.rate, "[0, 1]")

    def disturb(
        self, network: nn.Module, x: Tensor, box: tuple[Tensor, Tensor], random: TorchRandom
    ) -> Tensor:
        """As ``Attack``; the middle of the box is where signs change."""
        middle = 0.5 * (box[0] + box[1])
        flipped = random.uniform(*x.shape).to(x.device) < self.rate
        return torch.where(flipped, 2.0 * middle - x, x)
