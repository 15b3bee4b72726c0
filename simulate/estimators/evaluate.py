"""Functions of the user, and the random inputs they are evaluated on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray

from simulate.draw import TorchRandom
from simulate.estimators.moments import host
from theory.teachers.base import Random

__all__ = ["derivatives", "evaluate", "hypercube", "stream"]

Values = NDArray[np.float64]


def stream(random: Random | int) -> Random:
    """Make a source of random arrays from a seed, or refuse what is neither.

    Raises
    ------
    ValueError
        For numpy generators among others, whose uniform(a, b) takes bounds, not a shape, and would be wrong
        in silence.
    """
    if isinstance(random, (int, np.integer)) and not isinstance(random, bool):
        return TorchRandom.from_seed(int(random))
    kind: type = type(random)
    numpy_kinds = (np.random.Generator, np.random.RandomState)
    if issubclass(kind, numpy_kinds) or not hasattr(kind, "uniform"):
        raise ValueError(f"random = {random!r}: give an int seed or a simulate.TorchRandom")
    return random  # type: ignore[return-value]


def hypercube(random: Random, rows: int, n: int) -> Any:
    """Uniform points of {-1, 1}^n, shape (rows, n)."""
    u = random.uniform(rows, n)
    xp = array_namespace(u)
    return xp.where(u < 0.5, -xp.ones_like(u), xp.ones_like(u))


def evaluate(f: Callable[[Any], Any], x: Any) -> Values:
    """F(x) as a host array of shape (batch, outputs).

    Raises
    ------
    ValueError
        If f does not return one number or one row of outputs per input.
    """
    values = host(f(x))
    if values.ndim not in (1, 2) or len(values) != len(x):
        raise ValueError(
            f"f returned shape {values.shape} for {len(x)} inputs: return one number, or one row of "
            "outputs, per input"
        )
    return values.reshape(len(x), -1)


def derivatives(f: Callable[[Any], Any], x: Any) -> Iterator[Values]:
    """D_k f(x) = (f(x^{k->1}) - f(x^{k->-1})) / 2 for k = 0 .. n - 1, each of shape (batch, outputs)."""
    xp = array_namespace(x)
    base = evaluate(f, x)
    for k in range(x.shape[1]):
        flipped = xp.asarray(x, copy=True)
        flipped[:, k] = -flipped[:, k]
        yield 0.5 * host(x[:, k])[:, None] * (base - evaluate(f, flipped))
