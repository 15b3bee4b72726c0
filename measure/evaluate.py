"""Functions of the user, and the random inputs they are evaluated on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray
from torch import Tensor

from twinpeaks.measure.moments import host
from twinpeaks.sweeps.grid import check_count
from twinpeaks.sweeps.random import TorchRandom
from twinpeaks.theory.random import Random

__all__ = ["derivatives", "evaluate", "hypercube", "stream"]

Values = NDArray[np.float64]
_LARGEST = 1e60  # fourth powers of values are summed, and numbers of subsets multiply them


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


def evaluate(f: Callable[[Any], Any], x: Any) -> Values:
    """F(x) as a host array of shape (batch, outputs).

    f receives a copy of x, which it may change, and never a single input, of which a squeeze would take the
    axis away: one is doubled. It may return the same buffer every time.

    Raises
    ------
    ValueError
        If f does not return one number or one row of outputs per input, or if a value is complex, not
        finite, or 1e60 and more in size, where the sums of fourth powers overflow.
    """
    xp = array_namespace(x)
    given = xp.asarray(x, copy=True) if len(x) > 1 else xp.concat([x, x])
    returned = f(given)
    if np.iscomplexobj(returned.detach().cpu() if isinstance(returned, Tensor) else returned):
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
    return values


def derivatives(f: Callable[[Any], Any], x: Any) -> Iterator[Values]:
    """D_k f(x) = (f(x^{k->1}) - f(x^{k->-1})) / 2 for k = 0 .. n - 1, each of shape (batch, outputs)."""
    xp = array_namespace(x)
    base = evaluate(f, x)
    for k in range(x.shape[1]):
        flipped = xp.asarray(x, copy=True)
        flipped[:, k] = -flipped[:, k]
        yield 0.5 * host(x[:, k])[:, None] * (base - evaluate(f, flipped))
