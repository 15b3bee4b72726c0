"""What a task returns, by name and dimension, and the labelled Dataset that many of them make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from twinpeaks.sweeps.grid import OUTER, Axis, Grid
from twinpeaks.sweeps.variables import COORDINATES, SIZES, Table

__all__ = ["Layout", "Values", "Variable", "assemble", "variables"]

Values = NDArray[np.float64]

_MISSING = -1  # the outcome of an instance that nobody has performed yet


@dataclass(frozen=True)
class Variable:
    """One name in a result.

    Attributes
    ----------
    name : str
        Under which it is stored.
    described : (str, str, str)
        Long name, units and definition.
    dims : tuple of str
        Inner axes along which a task returns it; those that a grid has not are left out.
    outcomes : type, optional
        Makes it a status, int8: what its values mean.
    """

    name: str
    described: tuple[str, str, str]
    dims: tuple[str, ...]
    outcomes: type[IntEnum] | None = None

    @property
    def attributes(self) -> dict[str, Any]:
        """All that is said of it in a Dataset; NetCDF can hold it."""
        out = _said(self.described)
        if self.outcomes is not None:
            out["flag_values"] = np.array(list(self.outcomes), dtype=np.int8)
            out["flag_meanings"] = " ".join(member.name.lower() for member in self.outcomes)
        return out


def variables(
    table: Table, dims: tuple[str, ...], outcomes: type[IntEnum] | None = None
) -> tuple[Variable, ...]:
    """Every name of a table, with the same inner axes; ``status`` has the given outcomes."""
    return tuple(
        Variable(name, described, dims, outcomes if name == "status" else None)
        for name, described in table.items()
    )


@dataclass(frozen=True)
class Layout:
    """What the tasks of one kind of sweep return.

    Attributes
    ----------
    kind : str
        Its name in descriptions and stores.
    variables : tuple of Variable
        In the order in which a result holds them.
    """

    kind: str
    variables: tuple[Variable, ...]

    def pack(self, values: Mapping[str, ArrayLike]) -> Values:
        """One vector of all variables; in each, the last inner axis of the grid runs fastest."""
        parts = [np.ravel(np.asarray(values[v.name], dtype=float)) for v in self.variables]
        return np.concatenate(parts)

    def unpack(self, vector: Values, grid: Grid) -> dict[str, Values]:
        """The variables in a vector, each with the inner axes that it has on this grid.

        Raises
        ------
        ValueError
            If the vector has another length.
        """
        shapes = [[len(a.values) for a in _inner(v, grid)] for v in self.variables]
        ends = np.cumsum([0, *(int(np.prod(shape)) for shape in shapes)])
        if len(vector) != ends[-1]:
            raise ValueError(
                f"a result of {len(vector)} numbers is none of kind {self.kind} on this grid, which "
                f"has {ends[-1]}"
            )
        return {
            v.name: vector[begin:end].reshape(shape)
            for v, shape, begin, end in zip(
                self.variables, shapes, ends[:-1], ends[1:], strict=True
            )
        }


def assemble(
    layout: Layout,
    grid: Grid,
    about: Mapping[str, Any],
    results: Iterable[tuple[tuple[int, ...], Values]],
) -> xr.Dataset:
    """One labelled Dataset from the results of tasks; what is missing is NaN, of status -1.

    Parameters
    ----------
    layout : Layout
        Of the results.
    grid : Grid
        Its axes become dimensions, those given as numbers scalar coordinates.
    about : mapping
        The words of ``Sweep.describe``, which become attributes.
    results : iterable of (place, vector)
        A place has one index for each axis of ``OUTER``.
    """
    data: dict[str, xr.Variable] = {}
    for variable in layout.variables:
        dims = [*OUTER, *(axis.name for axis in _inner(variable, grid))]
        empty = np.nan if variable.outcomes is None else _MISSING
        array = np.full([grid.length(name) for name in dims], float(empty))
        data[variable.name] = xr.Variable(dims, array, variable.attributes)
    for place, vector in results:
        for name, values in layout.unpack(vector, grid).items():
            data[name].values[place] = values
    for variable in layout.variables:
        found = data[variable.name]
        if variable.outcomes is not None:
            found = found.astype(np.int8)
        order = [axis.name for axis in grid.axes if axis.name in found.dims]
        data[variable.name] = found.transpose(*order)
    D, N, P = np.array(grid.sizes).T.reshape(3, *(grid.length(name) for name in OUTER[:3]))
    for name, size in zip(SIZES, (N, P, N / P, P / D), strict=True):
        data[name] = xr.Variable(OUTER[:3], size, _said(SIZES[name]))
    coordinates = {
        axis.name: xr.Variable(axis.name, axis.values, _said(COORDINATES[axis.name]))
        for axis in grid.axes
    }
    first = {
        "problem": about["problem"],
        "kind": "simulation",
        "version": about["twinpeaks"],
        "sweep": layout.kind,
    }
    rest = {k: v for k, v in about.items() if k not in ("problem", "kind", "twinpeaks")}
    out = xr.Dataset(data, coordinates, {**first, **rest})
    return out.isel({axis.name: 0 for axis in grid.axes if axis.scalar})


def _inner(variable: Variable, grid: Grid) -> list[Axis]:
    return [axis for axis in grid.inner if axis.name in variable.dims]


def _said(described: tuple[str, str, str]) -> dict[str, Any]:
    return dict(zip(("long_name", "units", "definition"), described, strict=True))
