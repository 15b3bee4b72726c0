"""Sensitivity to single inputs of dependent data, which is no mean dimension."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from twinpeaks.measure.evaluate import Source, opened, varies
from twinpeaks.measure.laws import Draw, Marginals
from twinpeaks.measure.linear_part import parts, ratio_estimate
from twinpeaks.measure.moments import Estimate, Moments
from twinpeaks.measure.replacement import deal, replace
from twinpeaks.theory.arrays import Array, Index
from twinpeaks.theory.axes import check_count
from twinpeaks.theory.random import Random, input_blocks

__all__ = ["data_sensitivity"]


@dataclass(frozen=True, eq=False)
class _Patterns(Marginals):
    """Patterns as they are, of which single inputs are replaced by those of other patterns."""

    def draw(self, rng: np.random.Generator, rows: int) -> Draw:
        place = rng.integers(len(self.data), size=rows)
        return Draw(self.data[place], place)

    def redraw(self, rng: np.random.Generator, draw: Draw, inputs: Index) -> tuple[Array, Array]:
        columns = self.members[inputs]
        other = rng.integers(len(self.data) - 1, size=(len(draw.x), len(inputs)))
        other += other >= draw.latent[:, None]
        return self.data[other[:, :, None], columns], np.ones(other.shape)


def data_sensitivity(
    f: Any,
    data: Any,
    samples: int,
    random: Random | int,
    *,
    flips: int | None = None,
    variance_samples: int | None = None,
) -> Estimate:
    """Sum over inputs of 1/2 E (f(x) - f(x with x_k from another pattern))^2, over Var f on the data.

    This is no mean dimension: the inputs of data are dependent, there is no ANOVA, and the ratio is not
    bound to lie between 1 and n. Points with one input replaced are not even of the law of the data. Use it
    to compare models on the same data; ``mean_dimension`` with ``law=Marginals(data)`` has a meaning by
    itself.

    Parameters
    ----------
    f, random, flips
        As for ``mean_dimension``.
    data : array of shape (patterns, ...)
        Patterns.
    samples : int
        Patterns drawn, >= 2, of which inputs are replaced.
    variance_samples : int, optional
        Patterns drawn for Var f; ``samples * (flips + 1)`` by default.

    Returns
    -------
    Estimate
        value and standard_error, floats.

    Raises
    ------
    ValueError
        As ``mean_dimension``.

    Examples
    --------
    >>> twice = np.random.default_rng(0).normal(size=(500, 1)) * [1.0, 1.0]
    >>> found = data_sensitivity(lambda x: x.sum(1), twice, 400, 0)  # sum of one number with itself
    >>> bool(abs(found.value - 0.5) < 5 * found.standard_error)
    True
    """
    law = _Patterns(data)
    check_count("samples", samples, 2)
    if flips is not None and check_count("flips", flips, 1) > law.n:
        raise ValueError(f"flips = {flips}: the data have n = {law.n} inputs, give no more")
    size = samples * ((flips or law.n) + 1) if variance_samples is None else variance_samples
    check_count("variance_samples", size, 2)
    source = Source.of(random)
    with opened(f, law, source) as measured:
        strata = deal(law, samples, flips, source.rng)
        (tally,) = replace(measured, law, strata, source.rng)
        plain = tally.influence(law, np.zeros_like(tally.slopes))
        shift, moments = None, None
        for rows in input_blocks(size):
            y = measured(law.draw(source.rng, rows).x)[0]
            shift = y[0] if shift is None else shift
            block = Moments.of(parts(y - shift, np.zeros_like(y)))
            moments = block if moments is None else moments.merge(block)
    assert moments is not None
    only = Estimate(plain.value[:, 0], plain.standard_error[:, 0])
    found = ratio_estimate(only, np.zeros(1), moments)
    rounding = measured.rounding[0]
    scatter = np.diagonal(moments.scatter, axis1=-2, axis2=-1)[:, : rounding.shape[1]]
    if not varies(scatter / (moments.count - 1), rounding, law.n).all():
        raise ValueError(
            "f is constant on the data, up to rounding: its sensitivity relative to Var f is not defined"
        )
    return Estimate(float(found.value[0]), float(found.standard_error[0]))
