"""What an initial state is: what happens to networks before they are trained."""

from __future__ import annotations

from torch import nn

from twinpeaks.networks.bank import Bank
from twinpeaks.networks.training import Sets, Training

__all__ = ["InitialState"]


class InitialState:
    """A way to begin: subclasses are frozen dataclasses, whose ``repr`` says all of them."""

    def begin(self, network: nn.Module) -> None:
        """Change the fresh weights of one network, before it joins a bank."""

    def pretrain(self, bank: Bank, sets: Sets, training: Training) -> None:
        """Train the bank on something else first.

        Parameters
        ----------
        bank : Bank
            Of fresh networks.
        sets, training
            Of the training that follows, in which nothing of this one is remembered but the parameters.
        """
