"""The one reader of axes: numbers, sequences and DataArrays in, one representation out.

A number is a scalar coordinate of the result. A sequence is a dimension of its own. A ``DataArray``
lies on the dimension that it names: several on one dimension are taken point by point, as xarray
indexing does, and make a path.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from numbers import Real
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from twinpeaks.theory.arrays import Bools, Index
from twinpeaks.theory.names import AXES, NAMES, TAKEN, attributes

__all__ = [
    "Axes",
    "Axis",
    "are_numbers",
    "check_count",
    "check_flag",
    "check_number",
    "is_number",
    "read_axes",
    "read_axis",
    "read_range",
]

Values = NDArray[Any]
Given = ArrayLike | xr.DataArray

#: Where the values of an axis may lie, as an interval; what a function admits less it says itself.
INTERVALS = {
    "overparam": "(0, inf]",
    "alpha_T": "(0, inf)",
    "lam": "[0, inf)",
    "beta": "(0, inf]",
    "time": "(0, inf)",
    "scale": "[0, inf)",
    "alpha_prime": "(0, inf)",
    "eps": "[0, inf)",
    "rho": "[-1, 1]",
}


@dataclass(frozen=True, eq=False)
class Axis:
    """One argument, read.

    Attributes
    ----------
    name : str
        Of the argument, and of the coordinate.
    values : ndarray of shape () or (n,)
        In the order given.
    dim : str or None
        The dimension on which the values lie; None for a number.
    coords : dict
        Coordinates that a DataArray brought along its dimension.
    attrs : dict
        Of the coordinate.
    """

    name: str
    values: Values
    dim: str | None = None
    coords: Mapping[str, xr.Variable] = field(default_factory=dict)
    attrs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def variable(self) -> xr.Variable:
        """The coordinate, labelled."""
        dims = () if self.dim is None else (self.dim,)
        return xr.Variable(dims, self.values, dict(self.attrs))

    @property
    def array(self) -> xr.DataArray:
        """What to give for this argument elsewhere."""
        return xr.DataArray(self.variable, {**self.coords, self.name: self.variable})


def read_axis(name: str, given: Given, interval: str | None = None, *, whole: bool = False) -> Axis:
    """Read one axis by itself.

    Parameters
    ----------
    name : str
        Of the argument.
    given : number, 1-d array_like or 1-d DataArray
        What was given for it.
    interval : str, optional
        Where values may lie, such as "(0, inf]"; by default ``INTERVALS``.
    whole : bool
        Whether values must be whole numbers; they are then of type int64.

    Raises
    ------
    ValueError
        One sentence with the name, what was given and what to give instead.
    """
    values = _numbers(name, given)
    if values.ndim > 1:
        raise ValueError(f"{name} has shape {values.shape}: give a number or a 1-d sequence")
    if not values.size:
        raise ValueError(f"{name} is empty: give at least one value")
    interval = interval or INTERVALS[name]
    bad = values[~_inside(values, interval)]
    if bad.size:
        raise ValueError(f"{name} = {bad.flat[0]:g}: give numbers in {interval}")
    if whole:
        bad = values[values != np.round(values)]
        if bad.size:
            raise ValueError(f"{name} = {bad.flat[0]:g}: give whole numbers")
        values = values.astype(np.int64)
    attrs = attributes(name) if name in NAMES else {}
    if not values.ndim:
        return Axis(name, values, attrs=attrs)
    dim = str(given.dims[0]) if isinstance(given, xr.DataArray) else name
    # along a path values may recur; where they label the dimension they may not
    if dim == name and np.unique(values).size != values.size:
        raise ValueError(f"{name} = {_repeated(values):g} appears twice: give each value once")
    if not isinstance(given, xr.DataArray):
        return Axis(name, values, dim, attrs=attrs)
    coords = {str(k): v.variable for k, v in given.coords.items() if v.dims == (dim,) and k != name}
    return Axis(name, values, dim, coords, attrs)


def _numbers(name: str, given: Any) -> Values:
    """Real numbers as float64; whatever numpy would turn into a number silently is refused."""
    refusal = ValueError(f"{name} = {_short(given)}: give a number or a 1-d sequence of numbers")
    items = given if isinstance(given, list | tuple) else ()
    if np.ma.is_masked(given) or any(
        isinstance(v, bool | np.bool_) or v is np.ma.masked for v in items
    ):
        raise refusal
    try:
        array = np.asarray(given)
    except Exception:  # arrays of other libraries have errors of their own
        raise refusal from None
    if array.dtype.kind == "O" and all(type(v) is int for v in array.flat):  # beyond 64 bits
        return np.vectorize(_float, otypes=[float])(array) if array.size else array.astype(float)
    if array.dtype.kind not in "iuf":
        raise refusal
    return array.astype(float)


def _float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _short(given: Any) -> str:
    text = " ".join(repr(given).split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def _inside(values: Values, interval: str) -> Bools:
    low, high = (float(v) for v in interval[1:-1].split(","))
    above = values >= low if interval[0] == "[" else values > low
    return np.asarray(above & (values <= high if interval[-1] == "]" else values < high))


def _repeated(values: Values) -> float:
    unique, counts = np.unique(values, return_counts=True)
    return float(unique[counts > 1][0])


def read_range(name: str, given: Any, interval: str = "(0, inf)") -> tuple[float, float]:
    """Two ends, low < high, in an interval.

    Raises
    ------
    ValueError
        Names the argument, what was given and what to give instead.
    """
    values = _numbers(name, given)
    if values.shape != (2,) or not values[0] < values[1] or not np.all(_inside(values, interval)):
        raise ValueError(f"{name} = {_short(given)}: give two numbers low < high in {interval}")
    return float(values[0]), float(values[1])


def is_number(value: Any) -> bool:
    """Whether a value is a finite real number; a truth value or a text is none."""
    if isinstance(value, bool):
        return False
    return isinstance(value, Real) and math.isfinite(value)


def are_numbers(values: Any) -> bool:
    """Whether a value is a sequence of finite real numbers, possibly empty."""
    return np.ndim(values) == 1 and all(map(is_number, values))


def check_count(name: str, given: Any, least: int) -> int:
    """Return an integer >= least, or raise a ValueError that names the argument."""
    integral = isinstance(given, int | np.integer) and not isinstance(given, bool)
    if not integral or given < least:
        raise ValueError(f"{name} = {_short(given)}: give an integer >= {least}")
    return int(given)


def check_flag(name: str, given: Any) -> bool:
    """Return a truth value, or raise a ValueError that names the argument."""
    if not isinstance(given, bool | np.bool_):
        raise ValueError(f"{name} = {_short(given)}: give True or False")
    return bool(given)


def check_number(name: str, given: Any, interval: str) -> float:
    """Return one number in an interval, or raise a ValueError that names the argument."""
    values = _numbers(name, given)
    if values.ndim or not _inside(values, interval):
        raise ValueError(f"{name} = {_short(given)}: give one number in {interval}")
    return float(values)


@dataclass(frozen=True, eq=False)
class Axes:
    """Several axes together: the product of their dimensions, with paths taken point by point.

    Attributes
    ----------
    axes : tuple of Axis
        Dimensions follow in the order in which they first appear.
    """

    axes: tuple[Axis, ...]

    def __getitem__(self, name: str) -> Axis:
        """The axis of a name."""
        return next(axis for axis in self.axes if axis.name == name)

    def __iter__(self) -> Iterator[Axis]:
        """The axes, in order."""
        return iter(self.axes)

    def __contains__(self, name: str) -> bool:
        """Whether there is an axis of this name."""
        return any(axis.name == name for axis in self.axes)

    @property
    def sizes(self) -> dict[str, int]:
        """Points along every dimension."""
        return {axis.dim: axis.values.size for axis in self.axes if axis.dim is not None}

    @property
    def dims(self) -> tuple[str, ...]:
        """Names of the dimensions."""
        return tuple(self.sizes)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of an array over all points."""
        return tuple(self.sizes.values())

    @property
    def size(self) -> int:
        """Number of points."""
        return math.prod(self.shape)

    def on(self, dim: str) -> tuple[Axis, ...]:
        """The axes that lie on a dimension."""
        return tuple(axis for axis in self.axes if axis.dim == dim)

    def flat(self, name: str) -> Values:
        """The values of an axis at every point, in C order."""
        axis = self[name]
        shape = [axis.values.size if dim == axis.dim else 1 for dim in self.dims]
        return np.broadcast_to(axis.values.reshape(shape), self.shape).flatten()

    def place(self, index: int) -> str:
        """Name one of the points: "overparam = 1, alpha_T = 3"."""
        return ", ".join(f"{axis.name} = {self.flat(axis.name)[index]:.6g}" for axis in self.axes)

    @property
    def coords(self) -> dict[str, xr.Variable]:
        """All coordinates of a Dataset over these axes."""
        brought = {k: v for axis in self.axes for k, v in axis.coords.items()}
        return {**brought, **{axis.name: axis.variable for axis in self.axes}}

    def without(self, *names: str) -> Axes:
        """The other axes."""
        return Axes(tuple(axis for axis in self.axes if axis.name not in names))

    def blocks(self, kinds: Mapping[str, Values]) -> Iterator[dict[str, Index]]:
        """Parts of the grid in which every axis is of one kind, as indices along each dimension.

        Parameters
        ----------
        kinds : dict of ndarray
            By axis, a number for each value; values of different numbers go to different blocks.

        Yields
        ------
        dict of ndarray
            By dimension, the indices of a block: in the order of an axis that lies there alone, in
            the order given along a path.
        """
        parts = []
        for dim, size in self.sizes.items():
            path = self.on(dim)
            order = np.argsort(path[0].values) if len(path) == 1 else np.arange(size)
            rows = np.stack([np.zeros(size), *(kinds[a.name] for a in path if a.name in kinds)])
            _, kind = np.unique(rows, axis=1, return_inverse=True)
            kind = kind.reshape(size)
            parts.append([order[kind[order] == k] for k in range(kind.max() + 1)])
        for chosen in product(*parts):
            yield dict(zip(self.dims, chosen, strict=True))

    def index(self, parts: Mapping[str, Index]) -> Index:
        """Numbers, among all points in C order, of the points of a block."""
        number = np.arange(self.size).reshape(self.shape)
        return np.asarray(number[np.ix_(*parts.values())]).ravel()

    def coordinates(self, parts: Mapping[str, Index], smooth: Mapping[str, Values]) -> list[Values]:
        """Where the points of a block lie along each dimension: cumulative distance.

        Parameters
        ----------
        parts : dict of ndarray
            By dimension, the indices that belong to the block, in the order of travel.
        smooth : dict of ndarray
            By axis, numbers in which the solution is smooth, such as logarithms; axes that are not
            named are constant along the block.

        Returns
        -------
        list of ndarray
            Strictly increasing, one for each dimension.
        """
        out = []
        for dim, index in parts.items():
            steps = [
                np.abs(np.diff(smooth[a.name][index])) for a in self.on(dim) if a.name in smooth
            ]
            length = np.linalg.norm(steps, axis=0) if steps else np.ones(index.size - 1)
            # values that differ in their last digits only are still different points
            out.append(np.concatenate([[0.0], np.cumsum(np.maximum(length, 1e-9))]))
        return out


def read_axes(*axes: Axis, reserved: tuple[str, ...] = ()) -> Axes:
    """Put axes together, after checking that their dimensions agree.

    Parameters
    ----------
    *axes : Axis
        In the order of the result's dimensions.
    reserved : tuple of str
        Names of dimensions that the result has besides.

    Raises
    ------
    ValueError
        If two axes on one dimension differ in length or in its coordinate, or if a dimension bears the
        name of a variable, which xarray would take for its coordinate, or of an axis that does not lie
        on it.
    """
    found = Axes(axes)
    for axis in axes:
        if axis.dim is None:
            continue
        where = f"{axis.name} has the dimension {axis.dim!r}"
        if axis.dim not in found and axis.dim in TAKEN and axis.dim not in AXES:
            raise ValueError(f"{where}, the name of a variable of results: rename the dimension")
        if axis.dim in reserved or (axis.dim in found and found[axis.dim].dim != axis.dim):
            raise ValueError(
                f"{where}, the name of another axis: give that axis on it too, or rename it"
            )
        for other in found.on(axis.dim):
            if other.values.size != axis.values.size:
                raise ValueError(
                    f"{where} with {axis.values.size} values, of which {other.name} has "
                    f"{other.values.size}: give equally many, to be taken point by point"
                )
            brought = {**other.coords, other.name: other.variable}
            for name in set(axis.coords) & set(brought):
                if not axis.coords[name].equals(brought[name]):  # type: ignore[no-untyped-call]
                    raise ValueError(
                        f"{where}, on which its coordinate {name!r} differs from that of "
                        f"{other.name}: select the same points of both"
                    )
    return found
