r"""The mean dimension of a trained student under inputs of another variance than those it was trained on.

On inputs of independent entries of mean 0 and variance v a feature is sigma(sqrt(v) g), g ~ N(0, 1), so that
only the Hermite moments change, and not the weights:

    BMD_v = (kappa_1v^2 p + kappa'_star_v^2 q) / (kappa_1v^2 p + kappa_star_v^2 q),

the moments being those of g -> sigma(sqrt(v) g). One input moves f by the order D^{-1/2}, hence
E[Var_{x_k} f] -> v E[(d_k f)^2], for every law of the entries of that variance: uniform on [-1, 1]
is v = 1/3. As v -> 0 a smooth sigma is linear and BMD -> 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from twinpeaks.theory.activations.base import Activation
from twinpeaks.theory.axes import Given, read_axis
from twinpeaks.theory.errors import InvalidProblem
from twinpeaks.theory.family import each
from twinpeaks.theory.names import attributes
from twinpeaks.theory.problem import Problem
from twinpeaks.theory.sensitivity.solved import Student, beside, check, student_forms

__all__ = ["bmd_under"]


@dataclass(frozen=True)
class _Scaled(Activation):
    """x -> sigma(s x)."""

    activation: Activation
    scale: float

    @property
    def kinks(self) -> tuple[float, ...]:  # type: ignore[override]
        """Where the argument of sigma is at one of its own."""
        return tuple(kink / self.scale for kink in self.activation.kinks)

    def __call__(self, x: Any) -> Any:
        """Apply it elementwise."""
        return self.activation(self.scale * x)


def bmd_under(
    problem: Problem, data: xr.Dataset, variance: Given, *, student: Student = "sample"
) -> xr.DataArray:
    """Mean dimension of the student on inputs of another variance than 1.

    Parameters
    ----------
    problem : Problem
        With one layer of features.
    data : xarray.Dataset
        What ``solve`` returned for it: trained on inputs of variance 1.
    variance : float, 1-d array_like or DataArray
        Variance of the entries of the inputs under which it is measured, positive and finite; their law
        is otherwise free: independent, of mean 0. Uniform on [-1, 1] is 1/3.
    student : {"sample", "mean"}
        One sample of the Boltzmann measure, or its mean.

    Returns
    -------
    xarray.DataArray
        ``bmd`` on the dimensions of the Dataset and of ``variance``. NaN where the status is not converged
        or the overlaps are infinite.

    Raises
    ------
    ValueError
        For a variance that is not positive and finite, and for a Dataset of another problem.
    InvalidProblem
        For several layers of features, or an activation without moments at that variance.

    Notes
    -----
    To train on inputs of variance v, give ``solve`` the activation
    ``Custom(lambda x: sigma(sqrt(v) * x))``: with ``Sign`` labels that is the same model.

    Examples
    --------
    >>> from twinpeaks import theory
    >>> problem = theory.Problem()
    >>> top = theory.solve(problem, overparam=1.0, alpha_T=3.0, lam=1e-4)
    >>> theory.bmd_under(problem, top, [1.0, 1 / 3, 0.01]).round(3).values
    array([2.438, 1.622, 1.002])
    """
    check(problem, data)
    axis = read_axis("variance", variance, "(0, inf)")
    if len(problem.features.influences(problem.activation.moments)) != 2:
        raise InvalidProblem(
            f"features = {problem.features!r}: inputs of another variance are worked out for one layer "
            "of random features; give Gaussian or another law of one layer"
        )
    whole = beside(data, axis)

    def ask(member: Problem, part: xr.Dataset) -> xr.DataArray:
        linear, rest = student_forms(member, part, student)
        p = linear / member.activation.moments.kappa_1**2
        v = part["variance"]
        scaled = [_Scaled(member.activation, float(np.sqrt(x))).moments for x in v.values.flat]

        def over(name: str) -> xr.DataArray:
            values = np.array([getattr(m, name) ** 2 for m in scaled])
            return v.copy(data=values.reshape(v.shape))

        first = over("kappa_1") * p
        return (first + over("dkappa_star") * rest) / (first + over("kappa_star") * rest)

    dims = [dim for dim in data["q_d"].dims if dim in whole.dims]
    found = each(problem, whole, ask).rename("bmd").transpose(*dims, ...)
    found.attrs = attributes("bmd")
    return found
