"""What a data set is: a frozen value that names it, and the patterns that it stands for."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import prod

import numpy as np
from numpy.typing import NDArray

from twinpeaks.theory.arrays import Array
from twinpeaks.theory.axes import check_count

__all__ = ["Data", "Patterns"]


@dataclass(frozen=True, eq=False)
class Patterns:
    """Inputs and their classes.

    Parameters
    ----------
    name : str
        What a reader calls them.
    inputs : ndarray of shape (patterns, *shape)
        float64; of images the grey values in [-1, 1], so that black and white are corners of the hypercube.
    labels : ndarray of int64, shape (patterns,)
        From 0 to classes - 1.
    classes : int
        How many there are.

    Raises
    ------
    ValueError
        If there are no patterns, inputs are not finite, or labels out of range.

    Examples
    --------
    >>> import numpy as np
    >>> Patterns("two points", np.array([[-1.0, 1.0], [1.0, 1.0]]), np.array([0, 1]), 2).shape
    (2,)
    """

    name: str
    inputs: Array
    labels: NDArray[np.int64]
    classes: int

    def __post_init__(self) -> None:
        """Check that inputs and labels fit together."""
        x, y = np.asarray(self.inputs, dtype=float), np.asarray(self.labels)
        classes = check_count("classes", self.classes, 2)
        if x.ndim < 2 or not x.size or y.shape != x.shape[:1]:
            raise ValueError(
                f"inputs has shape {x.shape} and labels {y.shape}: give one label for each of the patterns"
            )
        if not np.isfinite(x).all():
            raise ValueError("inputs has values that are not finite: leave these patterns out")
        if y.dtype.kind not in "iu" or y.min() < 0 or y.max() >= classes:
            raise ValueError(
                f"labels of {self.name!r} lie between {y.min()} and {y.max()}: give whole numbers from 0 to "
                f"classes - 1 = {classes - 1}"
            )
        object.__setattr__(self, "inputs", x)
        object.__setattr__(self, "labels", y.astype(np.int64))

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one input."""
        return self.inputs.shape[1:]

    @property
    def flat(self) -> Array:
        """Inputs of shape (patterns, D)."""
        return self.inputs.reshape(len(self.inputs), prod(self.shape))

    @property
    def parity(self) -> Array:
        """-1 for even classes and +1 for odd ones, as learning theory labels two classes."""
        return np.where(self.labels % 2 == 1, 1.0, -1.0)

    @cached_property
    def digest(self) -> str:
        """Hash of shapes, inputs and labels."""
        found = hashlib.sha256(f"{self.inputs.shape} {self.classes}".encode())
        found.update(np.ascontiguousarray(self.inputs, dtype="<f8").tobytes())
        found.update(np.ascontiguousarray(self.labels, dtype="<i8").tobytes())
        return found.hexdigest()


class Data(ABC):
    """A data set by its description: subclasses are frozen dataclasses that implement ``read``."""

    @abstractmethod
    def read(self) -> Patterns:
        """Read or make the patterns.

        Raises
        ------
        ValueError
            If a file is missing, incomplete or of another format; it names the file and the remedy.
        """

    def load(self) -> Patterns:
        """The patterns, read once in a process.

        Raises
        ------
        ValueError
            As ``read``.
        """
        return _loaded(self)

    @property
    def digest(self) -> str:
        """Hash of the patterns: equal for equal data, wherever its files lie."""
        return self.load().digest


@lru_cache(maxsize=8)
def _loaded(data: Data) -> Patterns:
    return data.read()
