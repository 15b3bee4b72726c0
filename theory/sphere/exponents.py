"""How fast errors fall with the number of patterns: lazy against feature learning."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from twinpeaks.theory.errors import InvalidProblem
from twinpeaks.theory.sphere.kernels import NetworkKernel, SparseFeatures
from twinpeaks.theory.sphere.plane import amplitude_ratio
from twinpeaks.theory.sphere.problem import Problem

__all__ = ["Exponents", "exponents"]


class Exponents(NamedTuple):
    """Errors fall like n^-beta without ridge and noise.

    Attributes
    ----------
    lazy : float
        beta of kernel regression; NaN for ``SparseFeatures``, which names no kernel.
    feature : float
        beta of the network of least total variation.
    feature_is_worse : bool
        Whether its exponent is the smaller one; it is never the larger one.
    lazy_has_logarithm, feature_has_logarithm : bool
        Whether two terms fall equally fast, so that n^-beta comes with a power of ln n.
    amplitude_ratio : float
        What the error of kernel regression tends to, over that of the Gaussian theory (``sphere.solve``):
        known in closed form for the NTK in d = 2, NaN elsewhere.
    """

    lazy: float
    feature: float
    feature_is_worse: bool
    lazy_has_logarithm: bool
    feature_has_logarithm: bool
    amplitude_ratio: float


def exponents(problem: Problem) -> Exponents:
    r"""Exponents of the ridgeless learning curves, of the kernel and of sparse features.

    Parameters
    ----------
    problem : Problem
        Without noise, with a target that the network can learn ("even" or "relu"), and with a kernel that
        has a power law: ``NTK``, ``RFK``, or ``SparseFeatures`` for the second exponent alone.

    Returns
    -------
    Exponents

    Raises
    ------
    InvalidProblem
        For labels with noise, for a target whose error has a floor, and for kernels of finitely many degrees.

    Notes
    -----
    lazy = min(2 (d-1) + 4 nu, 2 nu_t) / (d-1), nu = 1/2 (NTK) or 3/2 (RFK); feature = min(d + 2, 2 nu_t) /
    (d-1) (arXiv 2206.12314, section 3). The first is a theorem of the Gaussian theory, whose local exponent
    ``solve`` has at every n; the second is a scaling argument of the authors. Crossovers are long: in d = 5,
    RFK, nu_t = 6, the local exponent is still 3.5 instead of 3 at n = 1e5.

    Examples
    --------
    >>> from twinpeaks.theory import sphere
    >>> found = sphere.exponents(sphere.Problem(d=3, kernel=sphere.NTK(), target=sphere.Constant()))
    >>> found.lazy, found.feature, found.feature_is_worse
    (3.0, 2.5, True)
    """
    if not isinstance(problem, Problem):
        raise InvalidProblem(f"problem = {problem!r}: give a sphere.Problem")
    if problem.noise:
        raise InvalidProblem(
            f"noise = {problem.noise:g}: these are the exponents without noise; give 0"
        )
    if not isinstance(problem.kernel, NetworkKernel | SparseFeatures):
        raise InvalidProblem(f"kernel = {problem.kernel!r} has no power law: give NTK() or RFK()")
    if getattr(problem.target, "parity", "even") == "all":
        raise InvalidProblem(
            f"target = {problem.target!r}: a ReLU network learns no odd degree from 3 on, and its error has "
            "a floor; give parity='even' or 'relu'"
        )
    d, twice = problem.d, 2.0 * problem.target.smoothness
    if np.isfinite(problem.target.last):
        twice = np.inf  # finitely many degrees: smoother than any power
    feature = min(d + 2.0, twice) / (d - 1)
    ratio = np.nan
    if isinstance(problem.kernel, SparseFeatures):
        return Exponents(np.nan, feature, False, False, twice == d + 2.0, ratio)
    limit = 2.0 * (d - 1) + 4.0 * problem.kernel.smoothness
    lazy = min(limit, twice) / (d - 1)
    if d == 2 and problem.kernel.smoothness == 0.5:
        ratio = amplitude_ratio(twice / 2.0)
    return Exponents(lazy, feature, feature < lazy, twice == limit, twice == d + 2.0, ratio)
