"""Eigenvalues of a kernel on the sphere, degree by degree."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from twinpeaks.theory.arrays import Array
from twinpeaks.theory.errors import InvalidProblem
from twinpeaks.theory.sphere.kernels import Kernel
from twinpeaks.theory.sphere.kernels.base import check_dimension

__all__ = ["eigenvalues"]


def eigenvalues(kernel: Kernel, d: int, degrees: ArrayLike) -> Array:
    """Eigenvalues on spherical harmonics, for the uniform probability measure on S^{d-1}.

    Parameters
    ----------
    kernel : Kernel
    d : int
        Dimension of the ambient space, >= 2.
    degrees : int or sequence of int
        The last degree, for all from 0 on, or the degrees themselves.

    Returns
    -------
    ndarray
        lambda_k, one for each degree: K(x, y) = sum_k lambda_k N(d, k) P_k(x.y). Its scale is the kernel's.

    Raises
    ------
    InvalidProblem
        Names the argument, its value and what to give.

    Examples
    --------
    >>> from twinpeaks.theory.sphere import NTK, eigenvalues
    >>> float(eigenvalues(NTK(), 3, [1000])[0])  # doctest: +ELLIPSIS
    1.589177...e-10
    """
    if not isinstance(kernel, Kernel):
        raise InvalidProblem(f"kernel = {kernel!r}: give a kernel, such as NTK()")
    d = check_dimension(d)
    try:
        given = np.asarray(degrees, dtype=float)
    except (TypeError, ValueError):
        given = np.full((), np.nan)
    if given.ndim > 1 or not np.all((given >= 0) & (given == np.floor(given)) & (given < 2**53)):
        raise InvalidProblem(
            f"degrees = {degrees!r}: give the last degree, or a list of degrees >= 0"
        )
    k = given.astype(np.int64)
    return kernel.eigenvalues(d, k if given.ndim else np.arange(int(k) + 1))
