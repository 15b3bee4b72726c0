"""Sobol indices of every input, by Monte Carlo: total ones, first-order ones, and their maps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

import numpy as np

from twinpeaks.measure.evaluate import Measured, Source, opened, read_law
from twinpeaks.measure.laws import InputLaw
from twinpeaks.measure.moments import Estimate, Moments
from twinpeaks.measure.replacement import LEAST, deal, visits
from twinpeaks.theory.arrays import Array
from twinpeaks.theory.axes import check_count
from twinpeaks.theory.random import Random, input_blocks

__all__ = ["first_order", "influences"]

_PROBES = 1024  # points that centre f


def influences(
    f: Any,
    n: int | tuple[int, ...] | None = None,
    samples: int = 64,
    random: Random | int | None = None,
    *,
    law: InputLaw | None = None,
    flips: int | None = None,
    views: str | list[str] | Mapping[str, str | Callable[[Array], Array]] = "logits",
    outputs: Literal["summed", "each"] = "summed",
) -> Any:
    """Influence T_k = E Var[f | all inputs but k] of every input, its Sobol total index times Var f.

    Parameters
    ----------
    f, n, samples, random, law, flips, views, outputs
        As for ``mean_dimension``; under ``Binary`` T_k is E[(D_k f)^2] with half the change of a flip.

    Returns
    -------
    Estimate, or dict of Estimate by view
        Arrays of the shape of one point, or (n,) where inputs are groups, in the order of their labels;
        with an axis of outputs in front if they are measured one by one. The sum is the numerator of the mean
        dimension. Unbiased; the errors are the spread over points, and 0 for an input whose replacement
        always changed f by the same amount, such as one whose effect is too rare to have been seen.

    Raises
    ------
    ValueError
        As ``mean_dimension``; and if the points are too few to replace every input twice.

    Examples
    --------
    >>> influences(lambda x: x[:, 0] * x[:, 1], n=3, samples=10, random=0).value
    array([1., 1., 0.])
    """
    law, source = _read(n, law, random)
    check_count("samples", samples, 2)
    if flips is not None and check_count("flips", flips, 1) > law.n:
        raise ValueError(f"flips = {flips}: the law has n = {law.n} inputs, give no more")
    strata = deal(law, samples, flips, source.rng)
    if min(stratum.points for stratum in strata) < 2:
        raise ValueError(
            f"samples = {samples}, flips = {flips}: not all {law.n} inputs are replaced {LEAST} times; "
            f"give samples >= {LEAST * -(-law.n // (flips or law.n))}"
        )
    with opened(f, law, source, views, outputs) as measured:
        found: list[Estimate] = []
        moments: list[Moments | None] = []
        for visit in visits(measured, law, strata, source.rng):
            if visit.first == 0:
                moments = [None for _ in visit.change]
                found = found or [
                    Estimate(np.zeros((law.n, c.shape[2])), np.zeros((law.n, c.shape[2])))
                    for c in visit.change
                ]
            stratum = strata[visit.stratum]
            for i, change in enumerate(visit.change):
                squares = visit.half[:, :, None] * np.sum(change**2, axis=3)
                block = Moments.of(squares[..., None])
                before = moments[i]
                moments[i] = block if before is None else before.merge(block)
                if visit.first + len(change) == stratum.points:
                    average = moments[i].average()  # type: ignore[union-attr]
                    found[i].value[stratum.inputs] = average.value[..., 0]
                    found[i].standard_error[stratum.inputs] = average.standard_error[..., 0]
        shaped = [
            _shaped(e, law, unit, outputs) for e, unit in zip(found, measured.units, strict=True)
        ]
    return shaped[0] if isinstance(views, str) else dict(zip(measured.views, shaped, strict=True))


def first_order(
    f: Any,
    n: int | tuple[int, ...] | None = None,
    samples: int = 1024,
    random: Random | int | None = None,
    *,
    law: InputLaw | None = None,
    outputs: Literal["summed", "each"] = "summed",
) -> Estimate:
    """Variance Var E[f | x_k] that every input explains by itself, its first-order Sobol index times Var f.

    Parameters
    ----------
    f, n, random, law, outputs
        As for ``mean_dimension``.
    samples : int
        Points, >= 2; each costs n + 2 evaluations.

    Returns
    -------
    Estimate
        As of ``influences``; unbiased, and negative by chance where the effect is small.

    Raises
    ------
    ValueError
        As ``mean_dimension``.

    Notes
    -----
    The mean of (f(x) - c) (f(y with y_k = x_k) - f(y)) over independent points x and y (Saltelli et al.,
    Computer Physics Communications 181, 2010, 259), c being the mean of f at other points.

    Examples
    --------
    >>> found = first_order(lambda x: 2 * x[:, 0] + x[:, 1] * x[:, 2], n=3, samples=4000, random=0)
    >>> bool(abs(found.value[0] - 4) < 5 * found.standard_error[0])
    True
    """
    law, source = _read(n, law, random)
    check_count("samples", samples, 2)
    with opened(f, law, source, "logits", outputs) as measured:
        found = Moments.of_blocks(_products(measured, law, source, samples)).average()
        square = Estimate(found.value[..., 0], found.standard_error[..., 0])
        return _shaped(square, law, measured.units[0], outputs)


def _products(f: Measured, law: InputLaw, source: Source, samples: int) -> Iterator[Array]:
    centre = f(law.draw(source.rng, _PROBES).x)[0].mean(0)
    step = 64
    for block in input_blocks(samples):
        for first in range(0, block, step):
            rows = min(step, block - first)
            x, y = law.draw(source.rng, rows).x, law.draw(source.rng, rows).x
            started = f.model.start(y)
            base = f.scaled(started.outputs)[0]
            new = f.replaced(started, slice(0, rows), law.members, x[:, law.members])[0]
            a = (f(x)[0] - centre)[:, None]
            yield np.sum(a * (new - base[:, None]), axis=3)[..., None]


def _read(n: Any, law: InputLaw | None, random: Any) -> tuple[InputLaw, Source]:
    law = read_law(n, law)
    if random is None:
        raise ValueError("random is missing: give a seed, such as random=0")
    return law, Source.of(random)


def _shaped(estimate: Estimate, law: InputLaw, unit: float, outputs: str) -> Estimate:
    """In units of f, in the shape of a point; outputs in front."""
    shape = law.shape if law.groups is None else (law.n,)

    def arranged(x: Array) -> Array:
        return unit**2 * (
            x[:, 0].reshape(shape) if outputs == "summed" else x.T.reshape(-1, *shape)
        )

    return Estimate(arranged(estimate.value), arranged(estimate.standard_error))
