"""What a loss of a classifier is: its value, and its slope in the outputs."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor

from twinpeaks.theory.losses.base import Loss

__all__ = ["ClassLoss"]


class ClassLoss(ABC):
    """A loss of outputs f of shape (..., rows, classes): a mean over rows."""

    @abstractmethod
    def __call__(self, outputs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Value and slope.

        Parameters
        ----------
        outputs : Tensor of shape (..., rows, classes)
            Logits.
        labels : Tensor of int64, shape (..., rows)
            Classes; broadcast against the leading dimensions of the outputs.

        Returns
        -------
        value : Tensor of shape (...)
            The mean over rows.
        slope : Tensor of the shape of the outputs
            Derivative of the value.
        """

    @property
    def of_margins(self) -> Loss:
        """The loss l(y, f) of labels -1 and +1 by which each class is told from the rest.

        Raises
        ------
        ValueError
            If there is none.
        """
        raise ValueError(f"loss = {self!r} has no form for two classes: give another")


def labels_like(outputs: Tensor, labels: Tensor) -> Tensor:
    """Labels with the leading dimensions of outputs, and a last one of length 1."""
    return labels.expand(outputs.shape[:-1]).unsqueeze(-1)
