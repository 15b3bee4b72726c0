"""Random features with a trained read-out, by the exact trainers."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import ClassVar

import numpy as np
import torch
from torch import nn

from twinpeaks.networks.architectures.base import Architecture, blank
from twinpeaks.networks.architectures.layers import check_activation, layer_of
from twinpeaks.networks.training import Sets, Trained, Training
from twinpeaks.simulate.train import Status, check_loss, train_stack
from twinpeaks.sweeps import TorchRandom
from twinpeaks.theory.activations import Activation, Tanh
from twinpeaks.theory.axes import check_count

__all__ = ["RandomFeatures"]


@dataclass(frozen=True)
class RandomFeatures(Architecture):
    """f = W_2 sigma(F^T x / sqrt(D)) / sqrt(N), F fixed and standard normal, without biases.

    The read-out of every class is the exact minimum of sum_mu l(y_mu, f_mu) + lam |w|^2 / 2, one class
    against the rest, where lam is the weight decay and l the form of the loss for two classes. Of the square
    loss the labels are one-hot, of the others -1 and +1. Seeds share nothing; the features of a width are the
    first of those of a larger one.

    Parameters
    ----------
    activation : Activation
        Of the features.

    Raises
    ------
    ValueError
        On training: without weight decay, for any loss that has no form for two classes, or where
        a start, early end or perturbation is asked for.
    """

    exact: ClassVar[bool] = True
    activation: Activation = field(default_factory=Tanh)

    def __post_init__(self) -> None:
        """Refuse what is no activation."""
        check_activation(self.activation)

    def module(
        self, width: int, shape: tuple[int, ...], classes: int, random: TorchRandom
    ) -> nn.Sequential:
        """Features, and a read-out of zeros."""
        D = prod(shape)
        first, last = blank(D, width, bias=False), blank(width, classes, bias=False)
        with torch.no_grad():
            first.weight.copy_(random.normal(width, D) / D**0.5)
            last.weight.zero_()
        return nn.Sequential(nn.Flatten(), first, layer_of(self.activation), last)

    def check(self, width: int, shape: tuple[int, ...], classes: int) -> None:
        """Any width and shape will do."""
        check_count("width", width, 1)

    def check_training(self, training: Training, weight_decay: float) -> None:
        """As ``Architecture``."""
        if not weight_decay > 0:
            raise ValueError(
                f"weight_decay = {weight_decay}: the read-out of random features is the minimum at a ridge "
                "penalty; give one > 0"
            )
        if training.stop is not None or training.perturbation is not None:
            raise ValueError(
                "training: random features are trained exactly, not by steps; leave stop and perturbation out"
            )
        check_loss(training.loss.of_margins)

    def numbers(self, width: int, shape: tuple[int, ...], classes: int, n: int) -> int:
        """Features, and the stack of one design for every class."""
        k = min(width, n)
        return width * prod(shape) + classes * (6 * width * n + 7 * k * k)

    def fit(self, sets: Sets, training: Training, weight_decay: float) -> Trained:
        """As ``Architecture``."""
        loss = training.loss.of_margins
        low = 0.0 if loss.quadratic is not None else -1.0
        every = torch.arange(sets.classes, device=sets.labels.device)
        most = max(sets.widths)
        networks: list[list[nn.Module]] = [[] for _ in sets.widths]
        reached = np.zeros((len(sets.widths), len(sets.sources)), dtype=bool)
        for s, (x, labels) in enumerate(zip(sets.inputs, sets.labels, strict=True)):
            y = torch.where(labels == every[:, None], 1.0, low).double()
            D = prod(sets.shape)
            F = sets.sources[s]("weights", 0).normal(most, D).to(x.device) / D**0.5
            z = self.activation(x.flatten(1) @ F.T)
            for w, N in enumerate(sets.widths):
                X = (z[:, :N] / N**0.5).expand(sets.classes, -1, -1)
                fits = train_stack(loss, X.contiguous(), y, np.array([weight_decay]))
                reached[w, s] = all((fit.status == Status.CONVERGED).all() for fit in fits)
                own = self.module(N, sets.shape, sets.classes, sets.sources[s]("weights", 0))
                with torch.no_grad():
                    readout = torch.stack([fit.weights[:, 0] for fit in fits])
                    for layer, values in zip(
                        (own[1], own[3]), (F[:N], readout / N**0.5), strict=True
                    ):
                        assert isinstance(layer, nn.Linear)
                        layer.weight.copy_(values)
                networks[w].append(own.to(x.device).eval())
        return Trained(networks, reached)
