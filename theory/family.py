"""Families of problems: a number of a component as an axis.

``vary={"teacher.flip": [0.0, 0.05]}`` stands for one problem for each value. A Dataset over such an axis
has a coordinate ``flip`` that says which field it is, and the text of its problem has ``<flip>`` in that
place; ``problem_at`` gives the problem of any of its points.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, TypeVar

import numpy as np
import xarray as xr

from twinpeaks.theory.arrays import Index
from twinpeaks.theory.axes import Axes, Axis, Given, is_number, read_axes, read_axis
from twinpeaks.theory.errors import InvalidProblem
from twinpeaks.theory.names import NAMES, TAKEN
from twinpeaks.theory.problem import Problem, require

__all__ = [
    "Family",
    "belongs",
    "difference",
    "each",
    "problem_at",
    "read_family",
    "same_text",
    "settled",
    "text",
    "varied",
]

_FIELD = "field"  # attribute of a coordinate that is a number of a component


@dataclass(frozen=True, eq=False)
class Family:
    """A problem of which some numbers are axes.

    Attributes
    ----------
    problem : Problem
        Its other numbers are those of every member.
    axes : tuple of Axis
        The varied numbers; each names its field in ``attrs``.
    """

    problem: Problem
    axes: tuple[Axis, ...] = ()

    @property
    def text(self) -> str:
        """The text of the problem, with the name of the axis in the place of a varied number."""
        return text(self.problem, {str(a.attrs[_FIELD]): a.name for a in self.axes})

    def member(self, values: Mapping[str, float]) -> Problem:
        """The problem at given values of the axes, by their names."""
        return _replace(
            self.problem, {str(a.attrs[_FIELD]): float(values[a.name]) for a in self.axes}
        )

    def blocks(self, axes: Axes) -> Iterator[tuple[Problem, dict[str, Index]]]:
        """Parts of a grid that belong to one problem and one form of the equations.

        The limits overparam = inf and lam = 0 have equations of their own.
        """
        kinds = {a.name: a.values for a in self.axes}
        for name, limit in (("overparam", np.inf), ("lam", 0.0)):
            if name in axes:
                kinds[name] = axes[name].values == limit
        for parts in axes.blocks(kinds):
            at = {
                a.name: float(a.values if a.dim is None else a.values[parts[a.dim][0]])
                for a in self.axes
            }
            yield self.member(at), parts


def read_family(
    problem: Problem, vary: Mapping[str, Given] | None, taken: tuple[str, ...] = ()
) -> Family:
    """Read ``vary``, and make sure that every member is a problem.

    Parameters
    ----------
    problem : Problem
    vary : dict or None
        By "component.field", such as "teacher.flip": a number, a sequence or a DataArray.
    taken : tuple of str
        Names that the result has for something else, beside those of the model.

    Raises
    ------
    ValueError
        For a field that there is not or that is no number, and as ``InvalidProblem`` for a value that
        the component refuses.
    """
    require(problem)
    if vary is None:
        return Family(problem)
    if not isinstance(vary, Mapping):
        raise ValueError(
            f"vary = {vary!r}: give a dictionary such as {{'teacher.flip': [0.0, 0.1]}}"
        )
    last = [str(name).rpartition(".")[2] for name in vary]
    clash = {*taken, *(name for name in TAKEN if NAMES[name].by != "question")}
    axes = []
    for path, given in vary.items():
        component, field = _split(problem, path)
        name = f"{component}_{field}" if field in clash or last.count(field) > 1 else field
        axis = read_axis(f"vary[{path!r}]", given, "(-inf, inf)")
        attrs = {"long_name": f"{field} of the {component}", "units": "1", "definition": path}
        dim = name if axis.dim == axis.name else axis.dim
        coords = {k: v for k, v in axis.coords.items() if k != name}
        axes.append(Axis(name, axis.values, dim, coords, {**attrs, _FIELD: path}))
    family = Family(problem, tuple(axes))
    for _ in family.blocks(read_axes(*axes)):
        pass
    return family


def _split(problem: Problem, path: str) -> tuple[str, str]:
    """Component and field of "component.field", if there is such a number."""
    components = [f.name for f in fields(Problem)]
    component, _, field = str(path).partition(".")
    if component not in components or not field:
        raise ValueError(
            f"vary: {path!r} is no field; give component.field, the component one of "
            f"{', '.join(components)}"
        )
    part = getattr(problem, component)
    names = (
        [f.name for f in fields(part) if f.init and is_number(getattr(part, f.name))]
        if is_dataclass(part)
        else []
    )
    if field not in names:
        some = f"give one of {', '.join(names)}" if names else "it has none"
        raise ValueError(f"vary: {path!r} is no number of {component} = {part!r}; {some}")
    return component, field


def _replace(problem: Problem, values: Mapping[str, float]) -> Problem:
    """The problem with other numbers in the fields of the given paths."""
    changes: dict[str, dict[str, Any]] = {}
    for path, value in values.items():
        component, field = path.split(".")
        whole = isinstance(getattr(getattr(problem, component), field), int) and value == int(value)
        changes.setdefault(component, {})[field] = int(value) if whole else value
    try:
        return problem.replace(
            **{name: replace(getattr(problem, name), **new) for name, new in changes.items()}
        )
    except InvalidProblem as error:
        at = ", ".join(f"{path} = {value:g}" for path, value in values.items())
        raise InvalidProblem(f"vary: {at}: {error}") from None


class _Blank:
    """What stands in a text in the place of a varied number."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"<{self.name}>"


def text(problem: Problem, names: Mapping[str, str]) -> str:
    """The text of a problem with names in the place of some numbers.

    Parameters
    ----------
    problem : Problem
    names : dict
        By "component.field", what to write there in angle brackets.

    Examples
    --------
    >>> from twinpeaks import theory
    >>> from twinpeaks.theory.family import text
    >>> text(theory.Problem(teacher=theory.FlippedSign()), {"teacher.flip": "flip"})[27:59]
    'teacher=FlippedSign(flip=<flip>, '
    """
    whole = copy(problem)
    for path, name in names.items():
        component, field = path.split(".")
        part = copy(getattr(whole, component))
        # only repr looks at these copies
        object.__setattr__(part, field, _Blank(name))
        object.__setattr__(whole, component, part)
    return repr(whole)


def varied(data: xr.Dataset | xr.DataArray) -> dict[str, str]:
    """Names of the coordinates that are numbers of a component, and which: ``{"flip": "teacher.flip"}``."""
    return {str(k): str(v.attrs[_FIELD]) for k, v in data.coords.items() if _FIELD in v.attrs}


def belongs(problem: Problem, data: xr.Dataset) -> bool:
    """Whether a Dataset is of this problem, or of a family with this member."""
    expected = text(problem, {path: name for name, path in varied(data).items()})
    return same_text(str(data.attrs.get("problem")), expected)


def same_text(one: str, other: str) -> bool:
    """Whether two texts describe one family: names in brackets are free, as coordinates may be renamed."""
    first, second = (re.sub(r"\.0\b", "", re.sub(r"<\w+>", "<>", text)) for text in (one, other))
    return first == second


def settled(data: xr.Dataset) -> xr.Dataset:
    """The same Dataset, said to be of the problem of its one member where numbers have one value each.

    Parameters
    ----------
    data : Dataset
        A family, or what was selected from one. A number that still has a dimension stays varied; one that
        was selected stands in ``problem``, and is a coordinate no more.

    Examples
    --------
    >>> from twinpeaks import theory
    >>> from twinpeaks.theory.family import settled
    >>> family = theory.solve(
    ...     theory.Problem(teacher=theory.FlippedSign()),
    ...     vary={"teacher.flip": [0.0, 0.2]}, overparam=1.0, alpha_T=3.0, lam=0.1,
    ... )
    >>> settled(family.sel(flip=0.2)).problem[27:60]
    'teacher=FlippedSign(flip=0.2, rho'
    """
    single = [name for name in varied(data) if not data[name].ndim]
    problem = str(data.attrs.get("problem"))
    for name in single:
        field = str(data[name].attrs[_FIELD]).rpartition(".")[2]
        problem = re.sub(rf"\b{field}=<\w+>", f"{field}={data[name].item()!r}", problem, count=1)
    return data.drop_vars(single).assign_attrs(problem=problem) if single else data


def difference(curve: xr.Dataset, run: xr.Dataset) -> str:
    """A sentence that says in which part the problems of two Datasets differ, and what to do.

    Parameters
    ----------
    curve, run : Dataset
        Of a theory and of a simulation whose problems are not ``same_text``.
    """
    texts = [str(data.attrs.get("problem")) for data in (curve, run)]
    sides = [dict(re.findall(r"(\w+)=(\w+\([^()]*\))", label)) for label in texts]
    parts = [k for k in sides[0] if k in sides[1] and not same_text(sides[0][k], sides[1][k])]
    if not parts:
        return f"different problems: the theory is of {texts[0]}, the simulation of {texts[1]}"
    said = "; ".join(
        f"{k} is {sides[0][k]} in the theory, {sides[1][k]} in the simulation" for k in parts
    )
    one, other = set(varied(curve).values()), set(varied(run).values())
    if one == other:
        return f"different problems: {said}; solve and simulate the same problem"
    over = ", ".join(sorted(one ^ other))
    return f"different problems: {said}; give both the same vary (one side has {over} as an axis)"


def problem_at(problem: Problem, point: xr.Dataset | xr.DataArray) -> Problem:
    """The problem of one point of a Dataset over varied numbers.

    Parameters
    ----------
    problem : Problem
        That was solved or simulated with ``vary``.
    point : Dataset or DataArray
        A selection with one value of every varied number.

    Returns
    -------
    Problem
        The same problem where nothing is varied.

    Raises
    ------
    ValueError
        If a varied number has several values, or ``point`` is no Dataset.

    Examples
    --------
    >>> from twinpeaks import theory
    >>> problem = theory.Problem(teacher=theory.FlippedSign())
    >>> curve = theory.solve(
    ...     problem, vary={"teacher.flip": [0.0, 0.2]}, overparam=1.0, alpha_T=3.0, lam=0.1
    ... )
    >>> theory.problem_at(problem, curve.sel(flip=0.2)).teacher
    FlippedSign(flip=0.2, rho=1.0)
    """
    if not isinstance(point, xr.Dataset | xr.DataArray):
        raise ValueError(
            f"point is a {type(point).__name__}: give one point of a Dataset of solve or run"
        )
    names = varied(point)
    several = [name for name in names if point[name].size != 1]
    if several:
        raise ValueError(
            f"point has {point[several[0]].size} values of {several[0]}: select one of them"
        )
    return _replace(require(problem), {path: point[name].item() for name, path in names.items()})


Answer = TypeVar("Answer", xr.Dataset, xr.DataArray)


def each(
    problem: Problem, data: xr.Dataset, ask: Callable[[Problem, xr.Dataset], Answer]
) -> Answer:
    """What ``ask`` says of every member of a family, over the dimensions of the Dataset."""
    dims = {d for name in varied(data) for d in data[name].dims if data.sizes[d] > 1}
    if not dims:
        return ask(problem_at(problem, data), data)
    dim = min(dims, key=str)
    parts = [each(problem, data.isel({dim: [i]}), ask) for i in range(data.sizes[dim])]
    return xr.concat(parts, dim, data_vars="all", coords="different", compat="equals", join="exact")
