"""A bank of any modules: each is evaluated by itself, and all take their steps as one."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

import torch
from torch import Tensor, nn

from twinpeaks.networks.bank.base import Bank, packed

__all__ = ["ModuleBank"]


class ModuleBank(Bank):
    """Networks of any kind; torch takes their derivatives.

    Parameters
    ----------
    networks : sequence of sequences of nn.Module
        By width, and by member. They are moved, and their parameters become parts of one vector.
    shape : tuple of int
        Of one input.
    device, dtype
        Where, and in which precision.
    """

    def __init__(
        self,
        networks: Sequence[Sequence[nn.Module]],
        shape: tuple[int, ...],
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self.networks = [[n.to(device, dtype).train() for n in row] for row in networks]
        self.shape = shape
        self.widths, self.members = len(networks), len(networks[0])
        every = [p for row in self.networks for n in row for p in n.parameters()]
        shapes = [tuple(p.shape) for p in every]
        self.flat, values = packed(shapes, device, dtype)
        self.gradient, slopes = packed(shapes, device, dtype)
        with torch.no_grad():
            for parameter, value, slope in zip(every, values, slopes, strict=True):
                value.copy_(parameter)
                parameter.data, parameter.grad = value, slope

    def outputs(self, inputs: Tensor) -> Tensor:
        """As ``Bank``."""
        every = inputs if self.each(inputs) else inputs.expand(self.widths, *inputs.shape)
        self._inputs = [x.detach().requires_grad_() for part in every for x in part]
        leaves = iter(self._inputs)
        with torch.enable_grad():
            found = [torch.stack([n(next(leaves)) for n in row]) for row in self.networks]
            self._outputs = torch.stack(found)
        return self._outputs.detach()

    def backward(self, slopes: Tensor) -> None:
        """As ``Bank``."""
        self.gradient.zero_()
        every = [p for row in self.networks for n in row for p in n.parameters()]
        torch.autograd.backward(self._outputs, slopes, inputs=every)

    def input_slopes(self, slopes: Tensor) -> Tensor:
        """As ``Bank``."""
        found = torch.stack(torch.autograd.grad(self._outputs, self._inputs, slopes))
        return found.view(self.widths, self.members, *found.shape[1:])

    def state(self, width: int, member: int) -> list[Tensor]:
        """As ``Bank``: parameters, and buffers such as those of batch norm."""
        network = self.networks[width][member]
        return [*(p.data for p in network.parameters()), *network.buffers()]

    def module(self, width: int, member: int) -> nn.Module:
        """As ``Bank``."""
        found = deepcopy(self.networks[width][member]).double().eval()
        for parameter in found.parameters():
            parameter.grad = None
        return found
