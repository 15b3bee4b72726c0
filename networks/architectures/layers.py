"""Fully connected networks: two layers, or more."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import torch
from torch import nn

from twinpeaks.networks.architectures.base import Architecture, drawn_linear
from twinpeaks.networks.bank import Bank, LayerBank
from twinpeaks.sweeps import TorchRandom
from twinpeaks.theory.activations import Activation, ReLU, Tanh
from twinpeaks.theory.axes import check_count

__all__ = ["MLP", "TwoLayer"]


class Applied(nn.Module):
    """An activation of the theory as a layer."""

    def __init__(self, activation: Activation) -> None:
        super().__init__()
        self.activation = activation

    def forward(self, x: Any) -> Any:
        """Its values."""
        return self.activation(x)


def layer_of(activation: Activation) -> nn.Module:
    """Torch's own layer where it has one, which exports know."""
    if isinstance(activation, Tanh):
        return nn.Tanh()
    return nn.ReLU() if isinstance(activation, ReLU) else Applied(activation)


@dataclass(frozen=True)
class MLP(Architecture):
    """Linear layers with an activation between them, all hidden layers of one width.

    Parameters
    ----------
    depth : int
        Hidden layers, >= 1.
    activation : Activation
        Any of the theory that torch can differentiate.

    Notes
    -----
    Weights of a layer with k inputs start normal of variance 1/k, biases at 0. Banks multiply all
    first layers at once (``networks.bank.LayerBank``).

    Examples
    --------
    >>> from twinpeaks.sweeps import TorchRandom
    >>> network = MLP(depth=2).module(16, (8, 8), 10, TorchRandom.from_seed(0))
    >>> sum(p.numel() for p in network.parameters())
    1482
    """

    depth: int = 2
    activation: Activation = field(default_factory=Tanh)

    def __post_init__(self) -> None:
        """Check both."""
        check_count("depth", self.depth, 1)
        check_activation(self.activation)

    def module(
        self, width: int, shape: tuple[int, ...], classes: int, random: TorchRandom
    ) -> nn.Sequential:
        """As ``Architecture``."""
        sizes = [prod(shape), *[width] * self.depth]
        layers: list[nn.Module] = [nn.Flatten()]
        for inputs, outputs in itertools.pairwise(sizes):
            layers += [drawn_linear(inputs, outputs, random), layer_of(self.activation)]
        return nn.Sequential(*layers, drawn_linear(width, classes, random))

    def bank(
        self,
        networks: Sequence[Sequence[nn.Module]],
        shape: tuple[int, ...],
        device: torch.device,
        dtype: torch.dtype,
    ) -> Bank:
        """As ``Architecture``, without a graph."""
        return LayerBank(networks, self.activation, shape, device, dtype)

    def check(self, width: int, shape: tuple[int, ...], classes: int) -> None:
        """Any width and shape will do; whether it fits in memory is asked elsewhere."""
        check_count("width", width, 1)

    def numbers(self, width: int, shape: tuple[int, ...], classes: int, n: int) -> int:
        """As ``Architecture``, without making a network."""
        sizes = [prod(shape), *[width] * self.depth, classes]
        weights = sum((a + 1) * b for a, b in itertools.pairwise(sizes))
        return 6 * weights + n * (prod(shape) + 4 * width * self.depth + 4 * classes)


@dataclass(frozen=True)
class TwoLayer(Architecture):
    """One hidden layer between linear layers with biases: f = W_2 sigma(W_1 x + b_1) + b_2.

    Parameters
    ----------
    activation : Activation
        Any of the theory that torch can differentiate.

    Examples
    --------
    >>> from twinpeaks.sweeps import TorchRandom
    >>> network = TwoLayer().module(32, (8, 8), 10, TorchRandom.from_seed(0))
    >>> sum(p.numel() for p in network.parameters())
    2410
    """

    activation: Activation = field(default_factory=Tanh)

    def __post_init__(self) -> None:
        """Refuse what is no activation."""
        check_activation(self.activation)

    @property
    def _deep(self) -> MLP:
        return MLP(1, self.activation)

    def module(
        self, width: int, shape: tuple[int, ...], classes: int, random: TorchRandom
    ) -> nn.Sequential:
        """As ``Architecture``."""
        return self._deep.module(width, shape, classes, random)

    def bank(
        self,
        networks: Sequence[Sequence[nn.Module]],
        shape: tuple[int, ...],
        device: torch.device,
        dtype: torch.dtype,
    ) -> Bank:
        """As ``Architecture``, without a graph."""
        return self._deep.bank(networks, shape, device, dtype)

    def check(self, width: int, shape: tuple[int, ...], classes: int) -> None:
        """As ``MLP``."""
        self._deep.check(width, shape, classes)

    def numbers(self, width: int, shape: tuple[int, ...], classes: int, n: int) -> int:
        """As ``Architecture``, without making a network."""
        return self._deep.numbers(width, shape, classes, n)


def check_activation(activation: Activation) -> None:
    """Refuse what is no activation, and one that cannot be trained through."""
    if not isinstance(activation, Activation):
        raise ValueError(f"activation = {activation!r}: give one of the theory, such as Tanh()")
    if not activation.traceable:
        raise ValueError(
            f"activation = {activation!r}: torch cannot differentiate it; give one such as Tanh()"
        )
