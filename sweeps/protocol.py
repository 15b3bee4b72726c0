"""What a sweep does with every task: a protocol, which declares all of itself before any work."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import IntEnum
from importlib.util import find_spec
from typing import Any, ClassVar

import numpy as np
import torch
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from twinpeaks.sweeps.device import Need, Workspace
from twinpeaks.sweeps.random import TorchRandom
from twinpeaks.theory.axes import Axis, check_count, read_axis
from twinpeaks.theory.labelled import status_attributes
from twinpeaks.theory.names import NAMES, attributes

__all__ = [
    "Argument",
    "Protocol",
    "Streams",
    "Task",
    "Variable",
    "check",
    "check_packages",
    "described",
]

Said = tuple[str, str, str]  # long name, units, definition


@dataclass(frozen=True)
class Argument:
    """An axis that a protocol takes.

    Attributes
    ----------
    name : str
        Of the argument.
    interval : str
        Where its values may lie, such as "(0, inf)".
    whole : bool
        Whether they are whole numbers.
    inner : bool
        Whether one task has all its points; otherwise each is another task.
    words : tuple of str
        Values of an axis of words, such as names of norms, which ``interval`` then says nothing of.
    said : (str, str, str), optional
        Long name, units and definition; by default those of ``theory.names``.
    """

    name: str
    interval: str = "(-inf, inf)"
    whole: bool = False
    inner: bool = False
    words: tuple[str, ...] = ()
    said: Said | None = None

    def read(self, given: Any) -> Axis:
        """Values of this axis.

        Raises
        ------
        ValueError
            One sentence with the name, what was given and what to give instead.
        """
        if self.name == "seed":
            axis = _seeds(given)
        elif self.words:
            axis = _chosen(self.name, given, self.words)
        else:
            axis = read_axis(self.name, given, self.interval, whole=self.whole)
        return replace(axis, attrs=described(self.name, self.said))


@dataclass(frozen=True)
class Variable:
    """One name in the results of a protocol.

    Attributes
    ----------
    name : str
        Under which it is stored.
    dims : tuple of str
        The inner axes along which a task returns it, in this order.
    said : (str, str, str), optional
        Long name, units and definition; by default those of ``theory.names``.
    outcomes : type, optional
        Makes it a status of type int8: what its values mean.
    """

    name: str
    dims: tuple[str, ...] = ()
    said: Said | None = None
    outcomes: type[IntEnum] | None = None

    @property
    def attributes(self) -> dict[str, Any]:
        """All that is said of it in a Dataset; NetCDF can hold it."""
        outcomes = {} if self.outcomes is None else status_attributes(self.outcomes)
        return {**described(self.name, self.said, simulated=True), **outcomes}


def described(name: str, said: Said | None = None, *, simulated: bool = False) -> dict[str, Any]:
    """Attributes of a name in a Dataset: as said, or as in ``theory.names``."""
    if said is None:
        return dict(attributes(name, simulated=simulated))
    return dict(zip(("long_name", "units", "definition"), said, strict=True))


@dataclass(frozen=True)
class Task:
    """What is drawn once, and the points that share it.

    Attributes
    ----------
    sizes : tuple of (str, number)
        What tells tasks apart beside the seed, and what random streams depend on with it.
    seed : int
        Number of the draw.
    axes : tuple of (str, tuple)
        Names and values of the inner axes.
    varied : tuple of (str, number)
        Values of the varied numbers of components, on which random streams do not depend.
    """

    sizes: tuple[tuple[str, Any], ...]
    seed: int
    axes: tuple[tuple[str, tuple[Any, ...]], ...] = ()
    varied: tuple[tuple[str, Any], ...] = ()

    def __getitem__(self, name: str) -> Any:
        """A size, or the values on an inner axis."""
        return dict(self.sizes + self.axes)[name]

    @property
    def alike(self) -> Task:
        """What this task shares with those that may be worked on together."""
        return replace(self, seed=0)

    @property
    def words(self) -> str:
        """Its sizes in a message."""
        return ", ".join(f"{name} = {value}" for name, value in self.sizes)


@dataclass(frozen=True)
class Streams:
    """Independent random streams by name: a name more, or more draws from one, moves no other.

    Attributes
    ----------
    names : tuple of str
        That there are.
    key : tuple of int
        What they depend on beside their name.
    device : torch.device
        Where tensors are drawn.

    Examples
    --------
    >>> streams = Streams(("training", "test"), (0, 20), torch.device("cpu"))
    >>> bool(streams["test"].normal(1) == streams["test"].normal(1))  # from the beginning each time
    True
    """

    names: tuple[str, ...]
    key: tuple[int, ...]
    device: torch.device

    def __getitem__(self, name: str | tuple[str, int]) -> TorchRandom:
        """The stream of a name, or the one of a number under that name, at its beginning."""
        name, *number = (name,) if isinstance(name, str) else name
        if name not in self.names:
            raise KeyError(f"no stream {name!r} is declared: there are {', '.join(self.names)}")
        return TorchRandom.named(name, *self.key, *number, device=self.device)


@dataclass(frozen=True)
class Protocol(ABC):
    """What is done with every task: one frozen subclass for each kind of sweep.

    A subclass declares its kind, axes, sizes, random streams, variables and packages. ``sweeps.run``
    checks all of them, and every size, before the first task.

    Attributes
    ----------
    kind : str
        Its name in descriptions and stores.
    streams : tuple of str
        Names of its random streams.
    together : bool
        Whether several tasks that differ in their seed alone are worked on as one stack.
    """

    kind: ClassVar[str]
    streams: ClassVar[tuple[str, ...]] = ()
    together: ClassVar[bool] = False

    @property
    @abstractmethod
    def axes(self) -> tuple[Argument, ...]:
        """Axes in the order of the Dataset's dimensions; one of them is ``seed``."""

    @property
    @abstractmethod
    def variables(self) -> tuple[Variable, ...]:
        """What a task returns."""

    @property
    def packages(self) -> dict[str, str]:
        """Modules that tasks import where they run, each with what to install for it."""
        return {}

    @property
    def noted(self) -> dict[str, Said | None]:
        """What is said of sizes that are no axes, and of ``notes``; None is the row of ``theory.names``."""
        return {}

    def sizes(self, **point: Any) -> dict[str, Any]:
        """What tells tasks apart at a point of the outer axes, the seed aside: by default these.

        Raises
        ------
        ValueError
            If there can be no such task.
        """
        return point

    def notes(self, **sizes: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Further variables of the Dataset that follow from the sizes."""
        return {}

    def check(self, task: Task) -> None:  # noqa: B027
        """Refuse a task that cannot be done; called for every size before any work.

        Raises
        ------
        ValueError
            Names the argument, its value and the remedy.
        """

    @property
    def varied(self) -> tuple[Axis, ...]:
        """Numbers of components that are axes too, read already."""
        return ()

    def member(self, **values: Any) -> Protocol:
        """The protocol at values of the varied numbers."""
        return self

    def describe(self) -> dict[str, Any]:
        """Every field, in words that JSON can hold."""
        return {f.name: _word(getattr(self, f.name)) for f in fields(self)}

    def random(self, task: Task, device: torch.device) -> Streams:
        """The random streams of a task."""
        return Streams(self.streams, (task.seed, *(int(v) for _, v in task.sizes)), device)

    @abstractmethod
    def need(self, task: Task) -> Need:
        """What a task takes of a device."""

    @abstractmethod
    def perform(self, tasks: Sequence[Task], work: Workspace) -> Sequence[Mapping[str, ArrayLike]]:
        """Results of tasks that differ in their seed alone, by name; a pure function of its arguments."""


def _word(value: Any) -> Any:
    return value if isinstance(value, str | int | float | None) else repr(value)


_MOST_SEEDS = 10**6


def _seeds(given: Any) -> Axis:
    """A count n stands for seeds 0 .. n-1; a sequence names them."""
    if not np.ndim(given):
        count = check_count("seeds", given, 1)
        if count > _MOST_SEEDS:
            raise ValueError(f"seeds = {count}: give at most {_MOST_SEEDS}, or a sequence")
        return Axis("seed", np.arange(count), "seed")
    values = np.asarray(given)
    if values.ndim != 1 or not values.size or values.dtype.kind not in "iu":
        raise ValueError(f"seeds = {given!r}: give a count or a non-empty 1-d sequence of integers")
    if values.min() < 0 or values.max() >= 2**63:
        raise ValueError(f"seeds = {given!r}: give integers >= 0 and < 2**63")
    unique, counts = np.unique(values, return_counts=True)
    if np.any(counts > 1):
        raise ValueError(f"seeds = {unique[counts > 1][0]} appears twice: give each value once")
    dim = given.dims[0] if isinstance(given, xr.DataArray) else "seed"
    return Axis("seed", values.astype(np.int64), str(dim))


def _chosen(name: str, given: Any, words: tuple[str, ...]) -> Axis:
    values = np.asarray(given)
    if values.ndim > 1 or not values.size or not np.isin(values, words).all():
        raise ValueError(f"{name} = {given!r}: give one or several of {', '.join(words)}")
    if np.unique(values).size != values.size:
        raise ValueError(f"{name} = {given!r}: give each value once")
    return Axis(name, values, name if values.ndim else None)


def check(protocol: Protocol) -> None:
    """Refuse a protocol whose declarations do not fit together.

    Raises
    ------
    TypeError
        Names the kind, what is wrong and what to declare.
    """
    kind, names = protocol.kind, [axis.name for axis in protocol.axes]
    outer = [axis.name for axis in protocol.axes if not axis.inner]
    inner = [axis.name for axis in protocol.axes if axis.inner]
    taken = [*names, *protocol.noted, *(v.name for v in protocol.variables)]
    for name in taken:
        if taken.count(name) > 1:
            raise TypeError(f"protocol {kind!r}: the name {name!r} is declared twice")
    if "seed" not in outer:
        raise TypeError(f"protocol {kind!r}: declare an outer axis 'seed'")
    described = [(a.name, a.said) for a in protocol.axes] + [*protocol.noted.items()]
    for name, said in described + [(v.name, v.said) for v in protocol.variables]:
        if said is None and name.removesuffix("_se") not in NAMES:
            raise TypeError(
                f"protocol {kind!r}: {name!r} has no row in theory.names: give said=(long name, "
                "units, definition)"
            )
    for variable in protocol.variables:
        for dim in variable.dims:
            if dim not in inner:
                raise TypeError(
                    f"protocol {kind!r}: {variable.name!r} has the dimension {dim!r}, which is no inner "
                    f"axis: these are {', '.join(inner) or 'none'}"
                )


def check_packages(protocol: Protocol) -> None:
    """Refuse to start where a package is absent; called where the tasks will run.

    Raises
    ------
    ValueError
        Names the package, and how to install it.
    """
    for module, remedy in protocol.packages.items():
        if find_spec(module) is None:
            raise ValueError(f"{protocol.kind} needs {module}: {remedy}")
