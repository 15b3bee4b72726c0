"""The points of a sweep: checked axes, the tasks they make, and the Dataset that results fill."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from twinpeaks.sweeps.protocol import Protocol, Task, described
from twinpeaks.theory.axes import read_axes

__all__ = ["Column", "Grid", "Place", "Values"]

Place = tuple[int, ...]
#: Results of one task by name, each over the inner axes of its variable.
Values = Mapping[str, NDArray[Any]]

_MISSING = -1  # the outcome of a task that nobody has performed yet


@dataclass(frozen=True)
class Column:
    """A variable as a store knows it: its name, its inner axes and its attributes."""

    name: str
    axes: tuple[str, ...]
    attributes: Mapping[str, Any]

    @property
    def outcome(self) -> bool:
        """Whether it is a status, of type int8."""
        return "flag_values" in self.attributes


@dataclass(frozen=True, eq=False)
class Grid:
    """The product of the dimensions of some axes, with paths taken point by point.

    Attributes
    ----------
    frame : Dataset
        Every axis as a coordinate, and the sizes that follow from them.
    axes : tuple of str
        Names of the axes, in the order of the dimensions.
    inner : tuple of str
        Those of which a task has all points.
    varied : tuple of str
        Those that are numbers of components.
    sizes : tuple of str
        What tells tasks apart beside the seed.
    columns : tuple of Column
        What a task returns.
    """

    frame: xr.Dataset
    axes: tuple[str, ...]
    inner: tuple[str, ...]
    varied: tuple[str, ...]
    sizes: tuple[str, ...]
    columns: tuple[Column, ...]

    @classmethod
    def read(cls, protocol: Protocol, given: Mapping[str, Any]) -> Grid:
        """Check every axis and every size before any work.

        Parameters
        ----------
        protocol : Protocol
            Whose axes they are.
        given : dict
            For each of them a number, a sequence, or a DataArray on a dimension of any name.

        Raises
        ------
        ValueError
            Names the argument, the value and what to give instead.
        """
        known = {axis.name: axis for axis in protocol.axes}
        for name in given:
            if name not in known:
                raise ValueError(f"{name}: no axis of {protocol.kind}; it has {', '.join(known)}")
        for name in known:
            if name not in given:
                raise ValueError(f"{name}: {protocol.kind} needs values of this axis")
        read = [axis.read(given[name]) for name, axis in known.items()]
        axes = read_axes(*protocol.varied, *read, reserved=tuple(protocol.noted))
        inner = tuple(name for name, axis in known.items() if axis.inner)
        columns = tuple(Column(v.name, v.dims, v.attributes) for v in protocol.variables)
        names = tuple(axis.name for axis in axes)
        varied = tuple(axis.name for axis in protocol.varied)
        frame = xr.Dataset(coords=axes.coords)
        return cls(frame, names, inner, varied, (), columns)._sized(protocol)

    def _sized(self, protocol: Protocol) -> Grid:
        """The grid with the sizes of its tasks."""
        names = [n for n in self.axes if n not in (*self.inner, *self.varied, "seed")]
        dims = [d for d in self.outer if any(d in self.frame[name].dims for name in names)]
        shape = [self.frame.sizes[d] for d in dims]
        values = [self._over(name, dims).ravel().tolist() for name in names]
        found = [
            protocol.sizes(**dict(zip(names, point, strict=True)))
            for point in zip(*values, strict=True)
        ]
        sizes = {name: np.array([size[name] for size in found]).reshape(shape) for name in found[0]}
        noted = {n: x for n, x in sizes.items() if n not in names} | protocol.notes(**sizes)
        frame = self.frame.assign(
            {n: (dims, x, described(n, protocol.noted[n])) for n, x in noted.items()}
        )
        return Grid(frame, self.axes, self.inner, self.varied, tuple(sizes), self.columns)

    def _over(self, name: str, dims: list[str]) -> NDArray[Any]:
        """Values of a coordinate or size over some dimensions, among them its own."""
        own, sizes = self.frame[name], self.frame.sizes
        shape = [sizes[d] if d in own.dims else 1 for d in dims]
        return np.broadcast_to(own.values.reshape(shape), [sizes[d] for d in dims])

    @property
    def dims(self) -> list[str]:
        """Dimensions, in the order of the axes."""
        return list(dict.fromkeys(str(d) for name in self.axes for d in self.frame[name].dims))

    @property
    def outer(self) -> list[str]:
        """Dimensions of which every point is another task: all but those of one inner axis alone."""
        on = {d: [n for n in self.axes if d in self.frame[n].dims] for d in self.dims}
        return [d for d, names in on.items() if len(names) > 1 or names[0] not in self.inner]

    def places(self) -> Iterator[tuple[Place, Task]]:
        """Every task, and its index along each of the outer dimensions."""
        outer = self.outer
        told = (*self.sizes, *self.varied, "seed")
        flat = {name: self._over(name, outer).ravel().tolist() for name in told}
        lines = {}
        for name in self.inner:
            if self._length(name) is None:
                lines[name] = [(value,) for value in self._over(name, outer).ravel().tolist()]
            else:
                lines[name] = [tuple(self.frame[name].values.tolist())] * len(flat["seed"])
        for k, place in enumerate(np.ndindex(*(self.frame.sizes[d] for d in outer))):
            yield (
                place,
                Task(
                    tuple((name, flat[name][k]) for name in self.sizes),
                    flat["seed"][k],
                    tuple((name, line[k]) for name, line in lines.items()),
                    tuple((name, flat[name][k]) for name in self.varied),
                ),
            )

    def _length(self, name: str) -> int | None:
        """Points of an inner axis that a task has; None where it has one, of its own or of all."""
        dims = self.frame[name].dims
        return None if not dims or dims[0] in self.outer else self.frame.sizes[dims[0]]

    def filled(
        self, about: Mapping[str, Any], results: Iterable[tuple[Place, Values]]
    ) -> xr.Dataset:
        """The labelled Dataset of the results of tasks; what is missing is NaN, of status -1.

        Parameters
        ----------
        about : dict
            The words of ``Sweep.describe``, which become attributes.
        results : iterable of (place, result)
            As many as there are. A variable that an older result has not is missing there, and has an
            attribute ``absent`` that says in how many.
        """
        outer = self.outer
        shape = [self.frame.sizes[d] for d in outer]
        data, absent = {}, dict.fromkeys((c.name for c in self.columns), 0)
        for column in self.columns:
            inner = [self._length(name) or 1 for name in column.axes]
            data[column.name] = np.full(shape + inner, _MISSING if column.outcome else np.nan)
        for place, result in results:
            for name, array in data.items():
                if name in result:
                    array[place] = np.reshape(result[name], array[place].shape)
                else:
                    absent[name] += 1
        out = self.frame.copy()
        for column in self.columns:
            names = [n for n in column.axes if self._length(n)]
            dims = [*outer, *(str(self.frame[n].dims[0]) for n in names)]
            array = data[column.name].reshape([self.frame.sizes[d] for d in dims])
            variable = xr.Variable(dims, array.astype(np.int8) if column.outcome else array)
            variable = variable.transpose(*(d for d in self.dims if d in dims))
            variable.attrs = dict(column.attributes)
            if absent[column.name]:
                variable.attrs["absent"] = f"from {absent[column.name]} older results"
            out[column.name] = variable
        told = {k: v for k, v in about.items() if k not in ("kind", "twinpeaks")}
        first = {"kind": "simulation", "version": about["twinpeaks"], "sweep": about["kind"]}
        return out.assign_attrs(first | told)

    def words(self) -> dict[str, Any]:
        """Everything, in words that JSON can hold; ``of`` reads them."""
        columns = [
            {
                "name": column.name,
                "axes": column.axes,
                "attributes": {k: np.asarray(v).tolist() for k, v in column.attributes.items()},
            }
            for column in self.columns
        ]
        lists = {n: getattr(self, n) for n in ("axes", "inner", "varied", "sizes")}
        return {"frame": self.frame.to_dict(), "columns": columns, **lists}

    @classmethod
    def of(cls, words: Mapping[str, Any]) -> Grid:
        """The grid that ``words`` described.

        Raises
        ------
        ValueError, KeyError, TypeError
            If they are none.
        """
        columns = []
        for column in words["columns"]:
            attributes = dict(column["attributes"])
            if "flag_values" in attributes:
                attributes["flag_values"] = np.array(attributes["flag_values"], dtype=np.int8)
            columns.append(Column(column["name"], tuple(column["axes"]), attributes))
        lists = {n: tuple(words[n]) for n in ("axes", "inner", "varied", "sizes")}
        grid = cls(xr.Dataset.from_dict(dict(words["frame"])), columns=tuple(columns), **lists)
        if set(grid.dims) != set(grid.frame.dims):
            raise ValueError(f"axes {grid.axes} do not have the dimensions {grid.frame.dims}")
        next(grid.places())  # whether all of it fits together
        grid.filled({"kind": "", "twinpeaks": ""}, ())
        return grid
