"""Plain-text tables of z-scores."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import xarray as xr

from twinpeaks.validate.labels import axes_of

__all__ = ["table"]


def table(result: xr.Dataset) -> str:
    """Z-scores as text: one row per point, one column per variable.

    Parameters
    ----------
    result : xarray.Dataset
        From :func:`tp.compare` or :func:`tp.summarise`.

    Returns
    -------
    str
        Points with a failed seed or an unsolved theory show ``--``. A summary ends with the
        largest modulus, the pooled chi-square per point with its p-value, and the z of all points
        together for each variable.

    Raises
    ------
    ValueError
        If the result is of another kind.
    """
    known_kind = isinstance(result, xr.Dataset)
    kind = result.attrs.get("kind") if known_kind else type(result).__name__
    if kind not in ("comparison", "summary"):
        raise ValueError(
            f"result has kind = {kind!r}: give what tp.compare or tp.summarise returns"
        )
    z = result["z"]
    known = [a for a in axes_of(z) if a != "variable"]
    fixed = [a for a in known if not z[a].dims]
    names = [str(n) for n in z["variable"].values]
    points = [a for a in known if z[a].dims]
    axes = points or fixed
    dims = sorted((d for d in z.dims if d != "variable"), key=lambda d: _rank(z, d, known))
    rows = z.stack(point=dims) if dims else z.expand_dims("point")
    rows = rows.transpose("point", "variable")
    body = [
        [f"{float(row[a]):.6g}" for a in axes] + [_number(v, "+.1f") for v in row.values]
        for row in rows
    ]
    footer = []
    if kind == "summary":
        ratio = result["chi_square"] / result["points"].where(result["points"] > 0)
        for title, values, style in (
            ("largest |z|", result["largest_z"], ".1f"),
            ("chi2 / points", ratio, ".2f"),
            ("p (chi2)", result["chi_square_p"], ".2g"),
        ):
            footer.append([title, *[_number(float(v), style) for v in values]])
        if "pooled_z" in result:
            together = [_number(float(v), "+.1f") for v in result["pooled_z"]]
            footer.append(["z of all together", *together])
    widths = [max(map(len, column)) for column in zip([*axes, *names], *body, strict=True)]
    lead = "  ".join(a.rjust(w) for a, w in zip(axes, widths, strict=False))
    if footer:  # the titles of the footer stand under the axes
        short = max(len(f[0]) for f in footer) - len(lead)
        widths[0] += max(short, 0)
        for i in range(len(names)):
            widths[len(axes) + i] = max(widths[len(axes) + i], *(len(f[i + 1]) for f in footer))
    span = sum(widths[: len(axes)]) + 2 * (len(axes) - 1)
    header = _line([*axes, *names], widths)
    lines = [header]
    if points and fixed:
        lines.insert(0, ", ".join(f"{a} = {float(z[a]):.6g}" for a in fixed))
    lines += [_line(row, widths) for row in body]
    if footer:
        lines.append("-" * len(header))
        lines += [_line(row, [span, *widths[len(axes) :]]) for row in footer]
    return "\n".join(lines)


def _rank(z: xr.DataArray, dim: Hashable, axes: list[str]) -> int:
    """Place of the first axis that lies on a dimension: rows are in the order of the axes."""
    return next((i for i, a in enumerate(axes) if dim in z[a].dims), len(axes))


def _number(value: float, style: str) -> str:
    return "--" if np.isnan(value) else format(float(value), style)


def _line(cells: list[str], widths: list[int]) -> str:
    return "  ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))
