"""What training on data is about: a first layer, labelled patterns, and sizes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from twinpeaks.theory.arrays import Array, Index
from twinpeaks.theory.axes import Axis, Given, check_count, read_axes, read_axis
from twinpeaks.theory.errors import InvalidProblem
from twinpeaks.theory.feature_laws._empirical import read_array, read_labels

__all__ = ["Design", "read_array", "read_design"]


@dataclass(frozen=True, eq=False)
class Design:
    """Random features of given patterns, of which P are drawn for training.

    Attributes
    ----------
    F : ndarray of shape (D, N)
        First layer, as wide as the widest network.
    inputs : array of shape (patterns, D)
        As given.
    labels : ndarray of shape (patterns,)
    P : int
        Size of a training set, less than the number of patterns.
    overparam, lam : Axis
        N/P as it is, and the ridge penalties, on different dimensions.
    N : ndarray of int
        Widths: one, or one for each value of ``overparam``.
    """

    F: Array
    inputs: Any
    labels: Array
    P: int
    overparam: Axis
    lam: Axis
    N: Index

    @property
    def D(self) -> int:
        """Size of an input."""
        return int(self.F.shape[0])

    @property
    def classes(self) -> bool:
        """Whether labels are -1 and +1."""
        return bool(np.all(np.isin(self.labels, (-1.0, 1.0))))


def read_design(F: Any, inputs: Any, labels: Any, P: int, overparam: Given, lam: Given) -> Design:
    """Read and check all of it.

    Raises
    ------
    ValueError
        Names the argument, its value and the remedy.
    """
    P = check_count("P", P, 2)
    F = read_array("F", F, None, None)
    found = np.shape(inputs)
    if len(found) != 2 or found[1] != F.shape[0]:
        raise InvalidProblem(
            f"inputs have shape {found}: F has {F.shape[0]} rows; give shape (patterns, {F.shape[0]})"
        )
    if found[0] <= P:
        raise InvalidProblem(
            f"P = {P} of {found[0]} patterns leaves none to test on: give a smaller P"
        )
    y = read_labels(labels, found[0])
    ratios, penalties = (
        read_axis("overparam", overparam, "(0, inf)"),
        read_axis("lam", lam, "(0, inf)"),
    )
    if ratios.dim is not None and ratios.dim == penalties.dim:
        raise ValueError(
            f"overparam and lam share the dimension {ratios.dim!r}: give each one of its own"
        )
    read_axes(ratios, penalties)
    N = np.rint(ratios.values * P).astype(int)
    if np.min(N) < 1 or np.unique(N).size < N.size:
        raise ValueError(
            f"overparam = {ratios.values.tolist()} rounds to N = {N.tolist()} at P = {P}: give ratios "
            "of different N >= 1"
        )
    if np.max(N) > F.shape[1]:
        raise InvalidProblem(
            f"F has shape {F.shape}: overparam = {np.max(ratios.values):g} at P = {P} takes {np.max(N)} "
            "columns; give as many"
        )
    ratios = replace(ratios, values=np.asarray(N / P))
    return Design(F[:, : int(np.max(N))], inputs, y, P, ratios, penalties, N)
