"""Boolean mean dimension by Monte Carlo on the uniform hypercube.

BMD = sum_k Inf_k / Var f with Inf_k = E[(D_k f)^2] and D_k f(x) = (f(x^{k->1}) - f(x^{k->-1})) / 2; it
equals sum_u |u| fhat_u^2 / sum_{u != 0} fhat_u^2 (O'Donnell, Analysis of Boolean Functions).

Influences and variances come from separate inputs; one input costs n + 1 evaluations in the former and
one in the latter. The linear part of f is taken out of both (``twinpeaks.measure.linear_part``). The
ratio is biased by about the square of its relative standard error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from twinpeaks.measure.evaluate import Function, derivatives, hypercube, stream
from twinpeaks.measure.linear_part import credible, parts, ratio_estimate
from twinpeaks.measure.moments import Estimate, Moments, host
from twinpeaks.sweeps.random import input_blocks
from twinpeaks.theory.arrays import Array
from twinpeaks.theory.axes import check_count
from twinpeaks.theory.random import Random

__all__ = [
    "Estimate",
    "influences",
    "mean_dimension",
]


def influences(f: Callable[[Any], Any], n: int, samples: int, random: Random | int) -> Estimate:
    """Influence Inf_k = E[(D_k f)^2] of every input of a function on {-1, 1}^n.

    Parameters
    ----------
    f, n, samples, random
        As for ``mean_dimension``; the same seed draws the same inputs.

    Returns
    -------
    Estimate
        Arrays of shape (n,). Their sum is the numerator of the mean dimension. Unbiased; the errors are
        the spread over inputs, and 0 for an input whose flip always changed f by the same amount, such as one
        whose effect is too rare to have been seen.

    Raises
    ------
    ValueError
        If an argument is out of range, or f returns the wrong shape, or values that are complex or not
        finite.

    Examples
    --------
    >>> influences(lambda x: x[:, 0] * x[:, 1], n=3, samples=10, random=0).value
    array([1., 1., 0.])
    """
    check_count("n", n, 1)
    check_count("samples", samples, 2)
    source = stream(random)
    function = Function.of(f, lambda rows: hypercube(source, rows, n))
    blocks = (
        np.stack([(c**2).sum(1) for c in derivatives(function, hypercube(source, rows, n))], axis=1)
        for rows in input_blocks(samples)
    )
    found = Moments.of_blocks(block[:, :, None] for block in blocks).average()
    square = function.unit**2
    return Estimate(square * found.value[:, 0], square * found.standard_error[:, 0])


def mean_dimension(
    f: Callable[[Any], Any],
    n: int,
    samples: int,
    random: Random | int,
    *,
    variance_samples: int | None = None,
) -> Estimate:
    """Boolean mean dimension of any function on {-1, 1}^n with uniform inputs.

    Parameters
    ----------
    f : callable
        Maps an array of shape (batch, n) to (batch,) or to (batch, outputs). With several outputs
        influences and variances are summed over them before the ratio.
    n : int
        Number of inputs, >= 1.
    samples : int
        Inputs at which all n coordinates are flipped, >= 2; each costs n + 1 evaluations.
    random : Random or int
        Source of uniforms, such as ``TorchRandom``, which also decides the kind of array f
        receives; an int seeds a fresh ``TorchRandom``.
    variance_samples : int, optional
        Inputs for Var f, >= 2; ``samples * (n + 1)`` by default, so that both halves cost the same.

    Returns
    -------
    Estimate
        value and standard_error, floats.

    Raises
    ------
    ValueError
        If an argument is out of range; if f returns the wrong shape, or values that are complex or not
        finite; if f is constant, exactly or up to rounding, on all the inputs drawn: the mean dimension
        of a constant is not defined; or if the inputs are too few for f: an error above a quarter of the
        value, or a value more than 4 errors outside [1, n].

    Notes
    -----
    The flips give the slopes of the linear part of f, the means of D_k f. Two estimates are made of the same
    inputs, with this linear part taken out and without, and that of smaller standard error is returned:
    the former for most functions, the latter where f^2 hardly varies, as for a parity.

    A function is constant up to rounding if its standard deviation is at most n eps times its largest value,
    eps being the spacing of the numbers that f returns, 2.2e-16 in double and 1.2e-7 in single precision. A
    sum of n terms is rounded n times, by eps / sqrt(12) in the root mean square. What this adds looks like a
    random function, of mean dimension n / 2, and shifts that of a function which varies more by at most
    n / 2 * n / 12 / n^2 = 1 / 24. Only what f returns is seen: a difference of large numbers that is 0 but
    for rounding counts as a function.

    An effect so rare that no input drawn showed it is in neither the estimate nor its error.

    Examples
    --------
    >>> mean_dimension(lambda x: x[:, 0] * x[:, 1], n=5, samples=100, random=0).value > 1.9
    True
    """
    check_count("n", n, 1)
    check_count("samples", samples, 2)
    if variance_samples is None:
        variance_samples = samples * (n + 1)
    check_count("variance_samples", variance_samples, 2)
    source = stream(random)
    function = Function.of(f, lambda rows: hypercube(source, rows, n))
    slopes, flipped = _flip_all(function, n, samples, source)
    outputs = Moments.of_blocks(_split(function, n, variance_samples, source, slopes))
    if not _varies(function, outputs, n):
        raise ValueError(
            f"f is constant, up to rounding, on variance_samples = {variance_samples} inputs: the mean "
            "dimension of a constant is not defined; if f is not constant, give more samples, and take "
            "a large constant out of f"
        )
    found = ratio_estimate(flipped, np.array([0.0, np.sum(slopes**2)]), outputs)
    best = np.nanargmin(found.standard_error)
    value, error = found.value[best], found.standard_error[best]
    if not credible(Estimate(value, error), n):
        raise ValueError(
            f"samples = {samples}, variance_samples = {variance_samples}: too few for this f, whose "
            f"mean dimension came out as {value:.3g} +- {error:.3g}, an error that cannot be trusted; "
            "give more"
        )
    return Estimate(float(value), float(error))


def _varies(function: Function, outputs: Moments, n: int) -> bool:
    """Whether the variance exceeds that of n roundings, an output that is exactly constant apart."""
    count = len(function.rounding)
    variance = np.diagonal(outputs.scatter[0])[:count] / (outputs.count - 1)
    rounding = np.where(variance > 0, n * function.rounding, 0.0)
    return bool(variance.sum() > np.sum(rounding**2))


def _flip_all(f: Function, n: int, samples: int, source: Random) -> tuple[Array, Estimate]:
    """Slopes of the linear part of f, shape (n, outputs); Inf h without it and with it taken out."""
    slopes, moments, centre = np.zeros(()), None, None
    for rows in input_blocks(samples):
        means, squares = [], np.zeros((rows, 2))
        for k, change in enumerate(derivatives(f, hypercube(source, rows, n))):
            means.append(change.mean(0))
            about = means[k] if centre is None else centre[k]
            squares[:, 0] += (change**2).sum(1)
            squares[:, 1] += ((change - about) ** 2).sum(1)
        block = Moments.of(squares)
        moments = block if moments is None else moments.merge(block)
        centre = np.array(means) if centre is None else centre
        slopes = slopes + np.array(means) * (rows / samples)
    assert moments is not None
    assert centre is not None
    plain = moments.average()
    # The sample variance of D f, summed, to which the error of the slopes adds a share 1 / samples in
    # Inf h. The first part of its error is exact for one block, about whose mean the squares are; the
    # second is the most that tr C^2 of ``covariance`` can be.
    spread = (plain.value[1] - np.sum((slopes - centre) ** 2)) * samples / (samples - 1)
    error = np.hypot(plain.standard_error[1], spread * np.sqrt(2.0 / (samples * (samples - 1))))
    inflation = 1.0 + 1.0 / samples
    return slopes, Estimate(
        np.array([plain.value[0], spread * inflation]),
        np.array([plain.standard_error[0], error * inflation]),
    )


def _split(f: Function, n: int, samples: int, source: Random, slopes: Array) -> Iterator[Array]:
    """Blocks of samples (h, g, |h|^2, h.g), without slopes and with them: (rows, 2, 2 outputs + 2)."""
    shift = None
    for rows in input_blocks(samples):
        x = hypercube(source, rows, n)
        y = f(x)
        shift = y[0] if shift is None else shift
        linear = host(x) @ slopes
        g = np.stack([np.zeros_like(linear), linear], axis=1)
        yield parts((y - shift)[:, None, :] - g, g)
