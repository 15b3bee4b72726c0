"""What an architecture is: modules of any width, and how a bank of them is trained as one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import nn

from twinpeaks.networks.bank import Bank, ModuleBank
from twinpeaks.sweeps import TorchRandom
from twinpeaks.theory.axes import check_count

if TYPE_CHECKING:
    from twinpeaks.networks.training import Sets, Trained, Training

__all__ = ["Architecture", "drawn_linear"]


class Architecture(ABC):
    """A kind of network, of any width: subclasses are frozen dataclasses that implement ``module``.

    Every network is float64 and on the CPU when it is made; banks move it. It maps inputs of shape (rows,
    *shape) to outputs (logits) of shape (rows, classes), and its ``repr`` says all of it.

    Attributes
    ----------
    exact : bool
        Whether ``fit`` trains it without steps, so that there is no start.
    """

    exact: ClassVar[bool] = False

    @abstractmethod
    def module(
        self, width: int, shape: tuple[int, ...], classes: int, random: TorchRandom
    ) -> nn.Module:
        """Make a network with fresh weights.

        Parameters
        ----------
        width : int
            Units of a layer, channels, or whatever the architecture counts, >= 1.
        shape : tuple of int
            Of one input.
        classes : int
            Outputs.
        random : TorchRandom
            Source of all weights: equal sources make equal networks.
        """

    def check(self, width: int, shape: tuple[int, ...], classes: int) -> None:
        """Refuse a width or a shape that it cannot take, before any work.

        Raises
        ------
        ValueError
            Names the argument, its value and the remedy.
        """
        check_count("width", width, 1)
        network = self.module(width, shape, classes, TorchRandom.from_seed(0))
        network.eval()
        with torch.no_grad():
            try:
                out = network(torch.zeros(2, *shape, dtype=torch.float64))
            except Exception as error:
                raise ValueError(
                    f"network = {self!r} of width {width} does not take inputs of shape {shape} ({error}): "
                    "give one that does"
                ) from error
        if tuple(out.shape) != (2, classes):
            raise ValueError(
                f"network = {self!r} of width {width} returned shape {tuple(out.shape)} for 2 inputs: return "
                f"one number for each of the {classes} classes, shape (2, {classes})"
            )

    def numbers(self, width: int, shape: tuple[int, ...], classes: int, n: int) -> int:
        """Count the numbers that training one network of a width on n patterns keeps alive.

        By default four for every parameter: itself, its gradient and the two moments of Adam; inputs; and as
        many activations as there are parameters in a network whose layers are matrices.
        """
        network = self.module(width, shape, classes, TorchRandom.from_seed(0))
        parameters = sum(p.numel() for p in network.parameters())
        return 4 * parameters + n * (prod(shape) + 4 * width * prod(shape) + classes)

    def bank(
        self,
        networks: Sequence[Sequence[nn.Module]],
        shape: tuple[int, ...],
        device: torch.device,
        dtype: torch.dtype,
    ) -> Bank:
        """Train these networks as one: by default each is evaluated by itself, and torch differentiates.

        Parameters
        ----------
        networks : sequence of sequences of nn.Module
            By width, and by member; of this architecture.
        shape : tuple of int
            Of one input.
        device, dtype
            Where, and in which precision.
        """
        return ModuleBank(networks, shape, device, dtype)

    def check_training(self, training: Training, weight_decay: float) -> None:  # noqa: B027
        """Refuse a training that it cannot have, before any work.

        Raises
        ------
        ValueError
            Names the argument, its value and the remedy.
        """

    def fit(self, sets: Sets, training: Training, weight_decay: float) -> Trained | None:
        """Networks trained by other means than gradient steps; None, the default, takes steps."""
        return None

    @property
    def digest(self) -> str:
        """What a stored result says of it."""
        return repr(self)


def blank(inputs: int, outputs: int, bias: bool = True) -> nn.Linear:
    """A linear layer without values, for which nothing is drawn from torch's own generator."""
    layer = nn.Linear(inputs, outputs, bias, device="meta", dtype=torch.float64)
    return layer.to_empty(device="cpu")


def drawn_linear(inputs: int, outputs: int, random: TorchRandom) -> nn.Linear:
    """A linear layer of normal weights of variance 1 / inputs, as in the theory, and biases of 0.

    Torch's own law has a third of this variance.
    """
    layer = blank(inputs, outputs)
    with torch.no_grad():
        layer.weight.copy_(random.normal(outputs, inputs) / inputs**0.5)
        layer.bias.zero_()
    return layer
