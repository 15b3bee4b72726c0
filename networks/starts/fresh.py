"""Random weights."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from twinpeaks.networks.starts.base import InitialState
from twinpeaks.theory.axes import check_number

__all__ = ["Fresh"]


@dataclass(frozen=True)
class Fresh(InitialState):
    """The architecture's own random weights.

    Parameters
    ----------
    gain : float
        Multiplies every matrix and kernel; biases and the scales of normalisations stay.
    """

    gain: float = 1.0

    def __post_init__(self) -> None:
        """Check the number."""
        check_number("gain", self.gain, "[0, inf)")

    @torch.no_grad()
    def begin(self, network: nn.Module) -> None:
        """Multiply."""
        if self.gain != 1.0:
            for parameter in network.parameters():
                if parameter.dim() > 1:
                    parameter.mul_(self.gain)
