"""Functions of the user, and the random inputs they are evaluated on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from array_api_compat import array_namespace

from twinpeaks.measure.moments import host
from twinpeaks.sweeps.random import TorchRandom
from twinpeaks.theory.arrays import Array
from twinpeaks.theory.axes import check_count
from twinpeaks.theory.random import Random

__all__ = ["Function", "derivatives", "evaluate", "hypercube", "stream"]

_LARGEST = 1e60  # fourth powers of values are summed, and numbers of subsets multiply them
_PROBES = 64  # inputs that tell the size of a function


def stream(random: Random | int) -> Random:
    """Make a source of random arrays from a seed >= 0, or refuse what is neither.

    Raises
    ------
    ValueError
        For negative seeds, and for numpy generators among others, whose uniform(a, b) takes bounds, not a
        shape, and would be wrong in silence.
    """
    if isinstance(random, (int, np.integer)) and not isinstance(random, bool):
        return TorchRandom.from_seed(check_count("random", random, 0))
    kind: type = type(random)
    numpy_kinds = (np.random.Generator, np.random.RandomState)
    if issubclass(kind, numpy_kinds) or not hasattr(kind, "uniform"):
        raise ValueError(f"random = {random!r}: give an int seed or a measure.TorchRandom")
    return random  # type: ignore[return-value]


def hypercube(random: Random, rows: int, n: int) -> Any:
    """Uniform points of {-1, 1}^n, shape (rows, n)."""
    u = random.uniform(rows, n)
    xp = array_namespace(u)
    return xp.where(u < 0.5, -xp.ones_like(u), xp.ones_like(u))


@dataclass(frozen=True)
class Function:
    """A function of the user in units of its own size, so that fourth powers do not vanish if that is tiny.

    Attributes
    ----------
    f : callable
        Maps (batch, n) to (batch,) or (batch, outputs).
    unit : float
        A power of two, of the order of the largest value.
    rounding : ndarray of shape (outputs,)
        Rounding error of the values of each output, in that unit: their precision times the largest.
    """

    f: Callable[[Any], Any]
    unit: float
    rounding: Array

    @classmethod
    def of(cls, f: Callable[[Any], Any], draw: Callable[[int], Any]) -> Function:
        """Measure a function on inputs that ``draw(rows)`` makes."""
        if not callable(f):
            raise ValueError(f"f = {f!r}: give a function of an array of inputs, shape (batch, n)")
        values, epsilon = _evaluate(f, draw(_PROBES))
        size = np.abs(values).max(axis=0)
        unit = np.ldexp(1.0, np.frexp(size.max())[1])
        return cls(f, float(unit), epsilon * (size / unit))

    def __call__(self, x: Any) -> Array:
        """f(x) in this unit, as a host array of shape (batch, outputs)."""
        return evaluate(self.f, x) / self.unit


def evaluate(f: Callable[[Any], Any], x: Any) -> Array:
    """f(x) as a host array of shape (batch, outputs).

    f receives a copy of x, which it may change, and never a single input, of which a squeeze would take the
    axis away: one is doubled. It may return the same buffer every time.

    Raises
    ------
    ValueError
        If f does not return one number or one row of outputs per input, or if a value is complex, not
        finite, or 1e60 and more in size, where the sums of fourth powers overflow.
    """
    return _evaluate(f, x)[0]


def _evaluate(f: Callable[[Any], Any], x: Any) -> tuple[Array, float]:
    """Values, and the spacing of the numbers returned, relative to their size; 0 for integers."""
    xp = array_namespace(x)
    given = xp.asarray(x, copy=True) if len(x) > 1 else xp.concat([x, x])
    returned = f(given)
    if np.iscomplexobj(returned.detach().cpu() if isinstance(returned, torch.Tensor) else returned):
        raise ValueError(
            "f returned complex numbers: return their real and imaginary parts as two outputs"
        )
    values = host(returned).copy()
    expected = max(2, len(x))
    if values.ndim not in (1, 2) or len(values) != expected or values.size == 0:
        raise ValueError(
            f"f returned shape {values.shape} for {expected} inputs: return one number, or one row of "
            "outputs, per input"
        )
    values = values[: len(x)].reshape(len(x), -1)
    usable = np.abs(values) < _LARGEST
    if not usable.all():
        row, output = np.argwhere(~usable)[0]
        point = np.array2string(host(x[row]), threshold=10)
        raise ValueError(
            f"f returned {values[row, output]} at x = {point}: give a function that is finite there and "
            f"below {_LARGEST:g} in size"
        )
    return values, _spacing(returned)


def _spacing(returned: Any) -> float:
    if isinstance(returned, torch.Tensor):
        kind = returned.dtype
        return torch.finfo(kind).eps if kind.is_floating_point else 0.0
    dtype = np.asarray(returned).dtype
    return float(np.finfo(dtype).eps) if dtype.kind == "f" else 0.0


def derivatives(f: Callable[[Any], Array], x: Any) -> Iterator[Array]:
    """D_k f(x) = (f(x^{k->1}) - f(x^{k->-1})) / 2 for k = 0 .. n - 1, each of shape (batch, outputs)."""
    xp = array_namespace(x)
    base = f(x)
    for k in range(x.shape[1]):
        flipped = xp.asarray(x, copy=True)
        flipped[:, k] = -flipped[:, k]
        yield 0.5 * host(x[:, k])[:, None] * (base - f(flipped))
