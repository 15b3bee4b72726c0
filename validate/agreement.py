"""The decision whether theory and simulation agree, at a stated rate of false alarms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from twinpeaks.theory.arrays import Array
from twinpeaks.validate.labels import axes_of, describe

__all__ = ["Verdict", "agrees", "holm"]


@dataclass(frozen=True)
class Verdict:
    """Whether theory and simulation agree, and on what evidence. Truthy when they agree.

    Attributes
    ----------
    agrees : bool
        No test was rejected, and every point was tested.
    level : float
        Probability of at least one rejection when the theory is right.
    p_value : float
        Smallest p-value, adjusted for the number of tests; NaN when nothing was tested.
    tests, untested : int
        Numbers compared, and numbers that could not be because a seed or the theory failed.
    rejected : tuple of str
        Where they disagree: variable, point and z, worst first.
    """

    agrees: bool
    level: float
    p_value: float
    tests: int
    untested: int
    rejected: tuple[str, ...]

    def __bool__(self) -> bool:
        """Whether they agree."""
        return self.agrees

    @property
    def sentence(self) -> str:
        """The verdict in words."""
        if self.tests == 0:
            return "Nothing could be tested: every point failed in the theory or the simulation."
        evidence = f"smallest of {self.tests} p-values, adjusted: {self.p_value:.2g}"
        if self.rejected:
            return f"Theory and simulation disagree at level {self.level:g} ({evidence})."
        if self.untested:
            return (
                f"No disagreement at level {self.level:g} ({evidence}), but {self.untested} "
                "numbers could not be tested because a seed or the theory failed there."
            )
        return f"Theory and simulation agree at level {self.level:g} ({evidence})."


def holm(p_values: ArrayLike) -> Array:
    """P-values adjusted for multiplicity by Holm's step-down method.

    Parameters
    ----------
    p_values : array_like
        Of any shape; NaN stands for a test not made and stays NaN.

    Returns
    -------
    ndarray
        Adjusted p-values, same shape. Rejecting those at or below a level makes one or more
        false rejections with at most that probability, whatever the dependence between tests.

    Notes
    -----
    S. Holm, *A simple sequentially rejective multiple test procedure*, Scand. J. Statist. 6, 65
    (1979).
    """
    p = np.asarray(p_values, dtype=float)
    flat = p.ravel()
    made = np.flatnonzero(~np.isnan(flat))
    order = made[np.argsort(flat[made], kind="stable")]
    factors = np.arange(order.size, 0, -1)
    out = np.full(flat.shape, np.nan)
    out[order] = np.minimum(np.maximum.accumulate(factors * flat[order]), 1.0)
    return out.reshape(p.shape)


def agrees(result: xr.Dataset | Mapping[str, xr.Dataset], level: float = 1e-3) -> Verdict:
    """Decide whether theory and simulation agree.

    Parameters
    ----------
    result : xarray.Dataset or mapping of str to Dataset
        From :func:`tp.summarise` (the limit of infinite size is tested) or
        :func:`tp.compare` (finite size itself is tested, bias and all). Several, by name, are
        one family of tests: the level holds for all of them together.
    level : float
        Rate of false alarms, between 0 and 1.

    Returns
    -------
    Verdict
        Truthy when no p-value survives Holm's correction and nothing was left untested.

    Raises
    ------
    ValueError
        If ``level`` is not between 0 and 1, or ``result`` is no comparison.

    Notes
    -----
    Variables measured on one instance are correlated, and so are points that differ in ``lam``
    alone, which share their instances. A chi-square summed over them has no known law; Holm's
    method is valid under any dependence. Its price in power is paid back by one more test for each
    variable, of all points together (:func:`twinpeaks.validate.pooled.pooled_deviation`).
    """
    if not 0 < level < 1:
        raise ValueError(f"level = {level}: give a number between 0 and 1")
    several = {"": result} if isinstance(result, xr.Dataset) else result
    if not isinstance(several, Mapping) or not several:
        raise ValueError(
            f"result = {type(result).__name__}: give a Dataset or a mapping of at least one"
        )
    rows = [row for name, one in several.items() for row in _tests(name, one)]
    places, scores, p_values = zip(*rows, strict=True)
    adjusted = holm(p_values)
    order = np.argsort(adjusted, kind="stable")
    tests = int(np.sum(~np.isnan(adjusted)))
    untested = adjusted.size - tests
    rejected = tuple(f"{places[i]}: z = {scores[i]:+.1f}" for i in order if adjusted[i] <= level)
    return Verdict(
        agrees=not rejected and untested == 0 and tests > 0,
        level=level,
        p_value=float(np.nanmin(adjusted)) if tests else float("nan"),
        tests=tests,
        untested=untested,
        rejected=rejected,
    )


def _tests(name: str, result: xr.Dataset) -> list[tuple[str, float, float]]:
    """(place, z, p-value) of every test of one comparison."""
    known = isinstance(result, xr.Dataset)
    kind = result.attrs.get("kind") if known else type(result).__name__
    if kind not in ("comparison", "summary"):
        raise ValueError(
            f"result has kind = {kind!r}: give what tp.compare or tp.summarise returns"
        )
    tests = _flat(result["p_value"], result["z"])
    if "pooled_p_value" in result:
        together = _flat(result["pooled_p_value"], result["pooled_z"], "all points together")
        counted = result["pooled_points"].broadcast_like(result["pooled_p_value"]) > 0
        counted = counted.transpose(*result["pooled_p_value"].dims)
        tests += [t for t, use in zip(together, counted.values.ravel(), strict=True) if use]
    return [(f"{name}: {place}" if name else place, z, p) for place, z, p in tests]


def _flat(p: xr.DataArray, z: xr.DataArray, where: str = "") -> list[tuple[str, float, float]]:
    """(place, z, p-value) of every test."""
    scores = z.transpose(*p.dims).stack(test=p.dims)
    values = p.stack(test=p.dims)
    axes = axes_of(z)
    return [
        (
            f"{describe(scores[i], axes)}{', ' if where else ''}{where}",
            float(scores[i]),
            float(values[i]),
        )
        for i in range(scores.size)
    ]
