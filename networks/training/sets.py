"""What is trained on, and what comes out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from torch import Tensor, nn

from twinpeaks.sweeps import TorchRandom
from twinpeaks.theory.arrays import Bools

__all__ = ["Sets", "Trained"]

Source = Callable[[str, int], TorchRandom]


@dataclass(frozen=True, eq=False)
class Sets:
    """Training sets of the members of a bank.

    Attributes
    ----------
    inputs : Tensor of shape (members, n, *shape)
        float64, on the device.
    labels : Tensor of int64, shape (members, n)
        Classes.
    classes : int
        How many there are.
    box : (Tensor, Tensor)
        Between what inputs may be moved, of shape (members, 1, *shape) or ().
    widths : tuple of int
        Of the networks of every member.
    sources : sequence of callables
        ``sources[member](name, number)`` is a stream of random numbers.
    """

    inputs: Tensor
    labels: Tensor
    classes: int
    box: tuple[Tensor, Tensor]
    widths: tuple[int, ...]
    sources: Sequence[Source]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one input."""
        return tuple(self.inputs.shape[2:])

    def with_patterns(self, inputs: Tensor, labels: Tensor) -> Sets:
        """The same with other patterns."""
        return replace(self, inputs=inputs, labels=labels)


@dataclass(frozen=True, eq=False)
class Trained:
    """Trained networks.

    Attributes
    ----------
    networks : sequence of sequences of nn.Module
        By width, and by member; float64, in evaluation mode.
    reached : ndarray of bool, shape (widths, members)
        Whether training came to its end as it should.
    """

    networks: Sequence[Sequence[nn.Module]]
    reached: Bools
