"""A comparison as one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import io
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import jinja2
import numpy as np
import xarray as xr

from twinpeaks.validate.agreement import agrees
from twinpeaks.validate.labels import axes_of
from twinpeaks.validate.power import detectable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["report"]

_PACKAGES = ("twinpeaks", "numpy", "scipy", "xarray", "torch", "matplotlib")
_OVERVIEW = (
    "variable",
    "points",
    "largest |z|",
    "chi2",
    "its dof",
    "p (chi2)",
    "z of all together",
    "p",
    "median s.e.",
    "p (bend)",
    "rejected from",
)
_FAR = 3.0  # |z| set in bold


def report(
    summaries: xr.Dataset | Mapping[str, xr.Dataset],
    *,
    title: str = "Theory and simulation",
    level: float = 1e-3,
    command: str = "",
    figures: Mapping[str, Figure] | None = None,
    versions: Mapping[str, str] | None = None,
) -> str:
    """Write summaries as one HTML page with tables, figures, versions and the verdict.

    Parameters
    ----------
    summaries : xarray.Dataset or mapping of str to Dataset
        From :func:`tp.summarise`; several, by name, are decided together.
    title : str
        Heading of the page.
    level : float
        Of the verdict, as in :func:`validate.agrees`.
    command : str
        What made the numbers, to be shown.
    figures : mapping of str to matplotlib Figure, optional
        Embedded as SVG under their titles.
    versions : mapping of str to str, optional
        Shown after those of Python and its packages.

    Returns
    -------
    str
        HTML with no reference to anything outside of it. Every text is escaped.

    Raises
    ------
    ValueError
        If one of ``summaries`` is no summary, or ``level`` is out of range.
    """
    several = {"comparison": summaries} if isinstance(summaries, xr.Dataset) else dict(summaries)
    for name, summary in several.items():
        kind = summary.attrs.get("kind") if isinstance(summary, xr.Dataset) else type(summary)
        if kind != "summary":
            raise ValueError(
                f"summaries: {name!r} has kind = {kind!r}; give what validate.summarise returns"
            )
    verdict = agrees(several, level)
    cases = [_case(name, one, level, verdict.tests) for name, one in several.items()]
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("twinpeaks.validate", package_path=""),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html").render(
        title=title,
        verdict=verdict,
        command=command,
        overview=_OVERVIEW,
        cases=cases,
        figures=[{"title": t, "source": _embedded(f)} for t, f in (figures or {}).items()],
        versions=[*_versions().items(), *(versions or {}).items()],
    )


def _case(name: str, summary: xr.Dataset, level: float, tests: int) -> dict[str, Any]:
    attrs = summary.attrs
    setting = [f"sizes {attrs['sizes']}"] if attrs.get("sizes") else []
    setting += [f"seeds {_runs(attrs['seeds'])}"] if attrs.get("seeds") else []
    setting += [
        f"{axis} {float(summary[axis]):.6g}" for axis in axes_of(summary) if not summary[axis].dims
    ]
    return {
        "name": name,
        "problem": attrs.get("problem", ""),
        "setting": "; ".join([*setting, _fitted(attrs)]),
        "variables": _variables(summary, level, tests),
        "columns": [*_axes(summary), "theory", "simulation", "standard error", "slope", "z"],
        "points": _points(summary),
    }


def _runs(listed: str) -> str:
    """Shorten "0, 1, 2, 7" to "0 to 2, 7"."""
    seeds = np.sort(np.array(listed.split(","), dtype=np.int64))
    parts = np.split(seeds, np.flatnonzero(np.diff(seeds) > 1) + 1)
    return ", ".join(f"{p[0]} to {p[-1]}" if len(p) > 1 else str(p[0]) for p in parts)


def _fitted(attrs: Mapping[Any, Any]) -> str:
    """How the limit was reached."""
    slow = f" (D^(-1/2) for {attrs['slow']})" if attrs.get("slow") else ""
    return f"fitted to degree {attrs.get('order', 1)} in 1/D{slow}"


def _variables(summary: xr.Dataset, level: float, tests: int) -> list[list[str]]:
    """A row for each variable."""
    size = abs(summary["intercept_error"] / summary["intercept"])
    points = [d for d in size.dims if d != "variable"]
    seen = detectable(summary, level, max(tests, 1))
    columns = (
        (summary["points"], "g"),
        (summary["largest_z"], ".1f"),
        (summary["chi_square"], ".1f"),
        (summary["chi_square_dof"], ".1f"),
        (summary["chi_square_p"], ".2g"),
        (summary["pooled_z"], "+.1f"),
        (summary["pooled_p_value"], ".2g"),
        (size.median(points), ".2%"),
        (summary["pooled_bend_p_value"], ".2g"),
        (seen, ".2%"),
    )
    return [
        [str(name), *(_number(float(c.sel(variable=name)), style) for c, style in columns)]
        for name in summary["variable"].values
    ]


def _axes(summary: xr.Dataset) -> list[str]:
    return [axis for axis in axes_of(summary["z"]) if summary["z"][axis].dims]


def _points(summary: xr.Dataset) -> list[dict[str, Any]]:
    """A row for each number compared."""
    names = ["theory", "intercept", "intercept_error", "slope", "z"]
    each = [summary[name].broadcast_like(summary["z"]) for name in names]
    axes = [summary["z"][name].broadcast_like(summary["z"]) for name in _axes(summary)]
    each, axes = ([a.transpose(*each[-1].dims) for a in some] for some in (each, axes))
    rows = []
    for index in np.ndindex(each[0].shape):
        labels = [
            str(v) if isinstance(v := axis[index].item(), str) else f"{float(v):.6g}"
            for axis in axes
        ]
        values = [float(array.values[index]) for array in each]
        styles = (".6g", ".6g", ".2g", ".3g", "+.1f")
        cells = [_number(v, style) for v, style in zip(values, styles, strict=True)]
        rows.append({"cells": [*labels, *cells], "far": abs(values[-1]) > _FAR})
    return rows


def _number(value: float, style: str) -> str:
    return "--" if np.isnan(value) else format(value, style)


def _embedded(figure: Figure) -> str:
    """A figure as a data URI, the same bytes for the same figure."""
    import matplotlib as mpl

    text = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "twinpeaks"}):
        figure.savefig(text, format="svg", metadata={"Date": None})
    return f"data:image/svg+xml;base64,{base64.b64encode(text.getvalue()).decode()}"


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
