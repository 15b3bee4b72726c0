"""The numbers of a training, as frozen values."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from twinpeaks.networks.losses import ClassLoss
from twinpeaks.networks.losses.square import SquareOneHot
from twinpeaks.theory.axes import check_count, check_number

__all__ = ["Adam", "Optimiser", "Perturbation", "Sgd", "Training"]


class Optimiser(ABC):
    """How a step follows from a gradient, parameter by parameter."""

    @abstractmethod
    def memory(self, flat: Tensor) -> list[Tensor]:
        """What it remembers from step to step, beside the parameters."""

    @abstractmethod
    def step(
        self, flat: Tensor, gradient: Tensor, memory: list[Tensor], lr: float, count: int
    ) -> None:
        """Move the parameters; ``count`` is the number of this step, from 1. The gradient is lost."""


@dataclass(frozen=True)
class Adam(Optimiser):
    """Adam (Kingma & Ba, arXiv 1412.6980), with torch's defaults.

    Parameters
    ----------
    beta_1, beta_2 : float
        Decay of the means of the gradient and of its square, in [0, 1).
    eps : float
        Added to the root of the latter.
    """

    beta_1: float = 0.9
    beta_2: float = 0.999
    eps: float = 1e-8

    def __post_init__(self) -> None:
        """Check every number."""
        check_number("beta_1", self.beta_1, "[0, 1)")
        check_number("beta_2", self.beta_2, "[0, 1)")
        check_number("eps", self.eps, "(0, inf)")

    def memory(self, flat: Tensor) -> list[Tensor]:
        """Both means."""
        return [torch.zeros_like(flat), torch.zeros_like(flat)]

    def step(
        self, flat: Tensor, gradient: Tensor, memory: list[Tensor], lr: float, count: int
    ) -> None:
        """In place, without new memory."""
        first, second = memory
        first.lerp_(gradient, 1.0 - self.beta_1)
        second.mul_(self.beta_2).addcmul_(gradient, gradient, value=1.0 - self.beta_2)
        root = (1.0 - self.beta_2**count) ** 0.5
        torch.sqrt(second, out=gradient).div_(root).add_(self.eps)
        flat.addcdiv_(first, gradient, value=-lr / (1.0 - self.beta_1**count))


@dataclass(frozen=True)
class Sgd(Optimiser):
    """Gradient descent with momentum: v = momentum v + g, w = w - lr v.

    Parameters
    ----------
    momentum : float
        In [0, 1).
    """

    momentum: float = 0.0

    def __post_init__(self) -> None:
        """Check the number."""
        check_number("momentum", self.momentum, "[0, 1)")

    def memory(self, flat: Tensor) -> list[Tensor]:
        """The velocity, where there is momentum."""
        return [torch.zeros_like(flat)] if self.momentum else []

    def step(
        self, flat: Tensor, gradient: Tensor, memory: list[Tensor], lr: float, count: int
    ) -> None:
        """In place."""
        move = memory[0].mul_(self.momentum).add_(gradient) if memory else gradient
        flat.add_(move, alpha=-lr)


@dataclass(frozen=True)
class Perturbation:
    """Train on inputs moved uphill in the loss, within max |delta_k| <= eps and the range of the inputs.

    Parameters
    ----------
    eps : float
        Radius, in units of the inputs: pixels lie in [-1, 1].
    steps : int
        1 is the fast gradient sign method (Goodfellow et al., arXiv 1412.6572); more are projected gradient
        ascent (Madry et al., arXiv 1706.06083) from the input itself, with steps of 2.5 eps / steps.

    Examples
    --------
    >>> Perturbation(0.3, steps=10).size
    0.075
    """

    eps: float
    steps: int = 1

    def __post_init__(self) -> None:
        """Check both."""
        check_number("eps", self.eps, "(0, inf)")
        check_count("steps", self.steps, 1)

    @property
    def size(self) -> float:
        """Of one step."""
        return self.eps if self.steps == 1 else 2.5 * self.eps / self.steps


@dataclass(frozen=True)
class Training:
    """Gradient steps, and when they end.

    Parameters
    ----------
    loss : ClassLoss
        A mean over the training patterns.
    epochs : int
        Passes over the training set, at most.
    lr : float
        Step size; in the second half of the epochs it falls linearly to 0.
    optimiser : Optimiser
        ``Adam()`` or ``Sgd(momentum)``.
    batch : int, optional
        Patterns of a step; all by default. A new order is drawn for every epoch; what is left over at its end
        makes a smaller batch.
    stop : float, optional
        Training loss, penalty aside, at which a network is finished. One that has not reached it after all
        epochs has not converged, and gives NaN. By default every network trains for all epochs.
    perturbation : Perturbation, optional
        Train on the worst inputs nearby.
    precision : {"double", "single"}
        Of the training; everything is measured in double precision.

    Raises
    ------
    ValueError
        Names the argument, its value and the remedy.

    Examples
    --------
    >>> Training(epochs=1000).rate(750)
    0.0025
    """

    loss: ClassLoss = field(default_factory=SquareOneHot)
    epochs: int = 2000
    lr: float = 5e-3
    optimiser: Optimiser = field(default_factory=Adam)
    batch: int | None = None
    stop: float | None = None
    perturbation: Perturbation | None = None
    precision: Literal["double", "single"] = "double"

    def __post_init__(self) -> None:
        """Check every number."""
        if not isinstance(self.loss, ClassLoss):
            raise ValueError(f"loss = {self.loss!r}: give one such as SquareOneHot()")
        if not isinstance(self.optimiser, Optimiser):
            raise ValueError(f"optimiser = {self.optimiser!r}: give Adam() or Sgd()")
        check_count("epochs", self.epochs, 1)
        check_number("lr", self.lr, "(0, inf)")
        if self.batch is not None:
            check_count("batch", self.batch, 1)
        if self.stop is not None:
            check_number("stop", self.stop, "(0, inf)")
        if not isinstance(self.perturbation, Perturbation | None):
            raise ValueError(f"perturbation = {self.perturbation!r}: give Perturbation(eps)")
        if self.precision not in ("double", "single"):
            raise ValueError(f"precision = {self.precision!r}: give 'double' or 'single'")

    def rate(self, epoch: int) -> float:
        """Step size in an epoch, from 0."""
        return self.lr * min(1.0, 2.0 * (1.0 - epoch / self.epochs))

    @property
    def dtype(self) -> torch.dtype:
        """Of torch."""
        return torch.float64 if self.precision == "double" else torch.float32
