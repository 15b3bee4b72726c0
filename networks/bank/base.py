"""What a bank is: networks that share nothing but their steps, all parameters in one vector."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = ["Bank", "packed"]


class Bank(ABC):
    """W widths times S members, such as seeds, each member with inputs of its own.

    Attributes
    ----------
    widths, members : int
        W and S.
    shape : tuple of int
        Of one input.
    flat, gradient : Tensor of shape (parameters,)
        All parameters, and what ``backward`` writes.
    """

    widths: int
    members: int
    shape: tuple[int, ...]
    flat: Tensor
    gradient: Tensor

    @abstractmethod
    def outputs(self, inputs: Tensor) -> Tensor:
        """Outputs of every network, kept for one ``backward`` or ``input_slopes``.

        Parameters
        ----------
        inputs : Tensor of shape (S, rows, *shape) or (W, S, rows, *shape)
            Shared by the networks of a member, or of every network.

        Returns
        -------
        Tensor of shape (W, S, rows, classes)
            Valid until the next call.
        """

    def each(self, inputs: Tensor) -> bool:
        """Whether these are inputs of every network, not of every member."""
        return inputs.dim() == len(self.shape) + 3

    @abstractmethod
    def backward(self, slopes: Tensor) -> None:
        """Write into ``gradient`` that of sum(slopes * outputs), of the outputs last evaluated."""

    @abstractmethod
    def input_slopes(self, slopes: Tensor) -> Tensor:
        """Its derivative in the inputs, shape (W, S, rows, *shape)."""

    @abstractmethod
    def state(self, width: int, member: int) -> list[Tensor]:
        """Everything that one network has learned, as views."""

    @abstractmethod
    def module(self, width: int, member: int) -> nn.Module:
        """One network as a module of float64, in evaluation mode, which shares nothing with the bank."""


def packed(
    shapes: Sequence[tuple[int, ...]], device: torch.device, dtype: torch.dtype
) -> tuple[Tensor, list[Tensor]]:
    """One vector of zeros, and tensors of some shapes that lie in it one behind the other."""
    sizes = [torch.Size(shape).numel() for shape in shapes]
    flat = torch.zeros(sum(sizes), dtype=dtype, device=device)
    views = [part.view(shape) for part, shape in zip(torch.split(flat, sizes), shapes, strict=True)]
    return flat, views
