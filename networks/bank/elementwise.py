"""Activations in place, and their slopes from what they returned."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from twinpeaks.theory.activations import Activation, Identity, ReLU, Tanh

__all__ = ["Elementwise"]


@dataclass(frozen=True)
class Elementwise:
    """An activation as a bank applies it.

    Attributes
    ----------
    activation : Activation
        tanh, ReLU and the identity work in place; of any other torch takes the derivative.
    """

    activation: Activation

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Its values, and what ``backward`` needs of them; z is lost."""
        if isinstance(self.activation, Tanh):
            # 2 s(2z) - 1 with the logistic function s: within 4e-16 of tanh, at half its time on a CPU
            return (z.mul_(2.0).sigmoid_().mul_(2.0).sub_(1.0),) * 2
        if isinstance(self.activation, ReLU):
            return (z.relu_(),) * 2
        if isinstance(self.activation, Identity):
            return z, z
        leaf = z.clone()
        return self.activation(z), leaf

    def backward(self, slope: Tensor, kept: Tensor) -> Tensor:
        """The slope in z, from that in the values, which is lost."""
        if isinstance(self.activation, Tanh):
            torch.ops.aten.tanh_backward.grad_input(slope, kept, grad_input=slope)
            return slope
        if isinstance(self.activation, ReLU):
            torch.ops.aten.threshold_backward.grad_input(slope, kept, 0, grad_input=slope)
            return slope
        if isinstance(self.activation, Identity):
            return slope
        leaf = kept.detach().requires_grad_()
        with torch.enable_grad():
            (found,) = torch.autograd.grad(self.activation(leaf), leaf, slope)
        return slope.copy_(found)
