"""Gaussian noise on inputs."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from twinpeaks.networks.attacks.base import Attack
from twinpeaks.sweeps import TorchRandom
from twinpeaks.theory.axes import check_number

__all__ = ["GaussianNoise"]


@dataclass(frozen=True)
class GaussianNoise(Attack):
    """Independent normal noise on every input, which may leave the box.

    Parameters
    ----------
    sd : float
        Its standard deviation >= 0.

    Examples
    --------
    >>> from twinpeaks.networks import GaussianNoise
    >>> GaussianNoise(0.2)
    GaussianNoise(sd=0.2)
    """

    sd: float

    def __post_init__(self) -> None:
        """Check it."""
        check_number("sd", self.sd, "[0, inf)")

    def disturb(
        self, network: nn.Module, x: Tensor, box: tuple[Tensor, Tensor], random: TorchRandom
    ) -> Tensor:
        """As ``Attack``."""
        return x + self.sd * random.normal(*x.shape).to(x.device)
