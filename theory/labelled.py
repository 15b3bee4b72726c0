"""The one maker of labelled Datasets: what theory answers, with names, units and provenance."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from importlib.metadata import version
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from twinpeaks.theory.axes import Axes
from twinpeaks.theory.names import attributes

__all__ = ["labelled", "status_attributes"]


def labelled(
    kind: str,
    problem: str,
    axes: Axes,
    values: Mapping[str, NDArray[Any]],
    outcomes: type[IntEnum] | None = None,
    **attrs: str,
) -> xr.Dataset:
    """Arrays over the points of some axes, as a Dataset.

    Parameters
    ----------
    kind : str
        What made it: "theory", "peak", ...
    problem : str
        Text of the problem, or of the family of them.
    axes : Axes
        Their dimensions and coordinates are those of the Dataset.
    values : dict of ndarray of axes.size entries
        Each the name of a row of ``NAMES``.
    outcomes : type, optional
        Says what the values of ``status`` mean.
    **attrs : str
        Further attributes of the Dataset.
    """
    data = {}
    for name, array in values.items():
        more = status_attributes(outcomes) if outcomes and name == "status" else {}
        data[name] = (axes.dims, array.reshape(axes.shape), {**attributes(name), **more})
    coords = {k: v for k, v in axes.coords.items() if k not in data}
    about = {"problem": problem, "kind": kind, **attrs, "version": version("twinpeaks")}
    return xr.Dataset(data, coords, about)


def status_attributes(outcomes: type[IntEnum]) -> dict[str, Any]:
    """What the values of a status mean, by the CF conventions."""
    return {
        "flag_values": np.array([s.value for s in outcomes], dtype=np.int8),
        "flag_meanings": " ".join(s.name.lower() for s in outcomes),
    }
