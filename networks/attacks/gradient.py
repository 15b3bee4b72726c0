"""Attacks along the gradient: its sign once, or projected ascent."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from twinpeaks.networks.attacks.base import Attack
from twinpeaks.sweeps import TorchRandom
from twinpeaks.theory.axes import check_count, check_number

__all__ = ["GradientAttack"]


@dataclass(frozen=True)
class GradientAttack(Attack):
    """Inputs within max |delta_k| <= eps that raise the cross-entropy of the network's own decision.

    Parameters
    ----------
    eps : float
        Radius >= 0, in units of the inputs: pixels lie in [-1, 1].
    steps : int
        1 is the fast gradient sign method (Goodfellow et al., arXiv 1412.6572); more are projected gradient
        ascent (Madry et al., arXiv 1706.06083) from the input itself, with steps of 2.5 eps / steps.

    Examples
    --------
    >>> from twinpeaks.networks import GradientAttack
    >>> GradientAttack(0.1, steps=10)
    GradientAttack(eps=0.1, steps=10)
    """

    eps: float
    steps: int = 1

    def __post_init__(self) -> None:
        """Check both."""
        check_number("eps", self.eps, "[0, inf)")
        check_count("steps", self.steps, 1)

    def disturb(
        self, network: nn.Module, x: Tensor, box: tuple[Tensor, Tensor], random: TorchRandom
    ) -> Tensor:
        """As ``Attack``."""
        with torch.no_grad():
            decision = network(x).argmax(-1)
        step = self.eps if self.steps == 1 else 2.5 * self.eps / self.steps
        moved = x.clone()
        for _ in range(self.steps):
            moved.requires_grad_()
            loss = cross_entropy(network(moved), decision, reduction="sum")
            (slope,) = torch.autograd.grad(loss, moved)
            with torch.no_grad():
                moved = moved + step * slope.sign()
                moved = torch.clamp(moved, x - self.eps, x + self.eps)
                moved = torch.clamp(moved, box[0], box[1])
        return moved.detach()
