"""Making rows of golden tables: from ``solve``, or with many digits from ``validate.precise``."""

from __future__ import annotations

import math
import platform
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import product
from typing import NamedTuple

import xarray as xr

from twinpeaks import theory
from twinpeaks.theory.equations.observables import OBSERVABLES
from twinpeaks.validate.precise.golden import Row, scale

__all__ = ["Place", "place", "points", "precise_row", "solved_row"]

# The solver's own estimates are of the order parameters. They know nothing of errors of integration:
# beside 30 digits these were at most 3.4e-11 (a power law). _BEST leaves room for other platforms.
_CAUTION = 3.0
_FLOOR = 5e-11
_BEST = 1e-10
# Below this a variable would be compared too coarsely to be worth keeping.
_ENOUGH = 8
# Averages over the tail of a Gaussian where the data are fitted.
_TAILS = ("train_error", "train_loss")
# Two evaluations that agree on fewer digits say that something is wrong.
_FEWEST = 12


class Place(NamedTuple):
    """The four axes of a point."""

    overparam: float
    alpha_T: float
    lam: float
    beta: float


def points(curve: xr.Dataset) -> Iterator[xr.Dataset]:
    """Every point of a Dataset of ``tp.solve``, in the order of its axes."""
    for index in product(*(range(curve.sizes[name]) for name in curve.dims)):
        yield curve.isel(dict(zip(curve.dims, index, strict=True)))


def place(point: xr.Dataset) -> Place:
    """Where a point without dimensions is."""
    return Place(*(float(point[name]) for name in Place._fields))


def solved_row(point: xr.Dataset) -> Row:
    """A row from a point that ``tp.solve`` has solved, with the digits that it can claim.

    The claimed relative error is 3 max(residual, step), at least 1e-10: ten digits at most. A training
    error or loss v < 1 is about exp(-x^2/2) of an order parameter x, so its error is 1 + 2 ln(1/v)
    times that of x, which is at least 5e-11. Values are rounded to digits of which one unit of the last
    covers rounding and the errors of two installations; those that may vanish to as many decimals of
    their natural scale. Left out are what is undefined at the point (NaN) and what has fewer than 8
    digits.

    Parameters
    ----------
    point : xarray.Dataset
        Without dimensions, such as ``points`` gives.

    Returns
    -------
    Row
        Whose ``made`` holds residual, step and versions.

    Raises
    ------
    ValueError
        If the point did not converge, or the problem's text holds an address, which changes from run
        to run.
    """
    text = _stable(str(point.attrs["problem"]))
    at = place(point)
    status = theory.Status(int(point["status"]))
    if status is not theory.Status.CONVERGED:
        axes = ", ".join(f"{k} = {v:g}" for k, v in at._asdict().items())
        raise ValueError(f"{text} at {axes} ({status.label}): {status.sentence}")
    residual, step = float(point["residual"]), float(point["step"])
    values = {name: float(point[name]) for name in OBSERVABLES}
    values = {name: value for name, value in values.items() if not math.isnan(value)}
    digits = {
        name: _claim(name, v, scale(name, values), max(residual, step))
        for name, v in values.items()
    }
    kept = [name for name in values if digits[name] >= _ENOUGH]
    made = {
        "by": "theory.solve",
        "residual": f"{residual:.1e}",
        "step": f"{step:.1e}",
        **_versions("numpy", "scipy"),
    }
    rounded = {k: _rounded(values[k], scale(k, values), digits[k]) for k in kept}
    return Row(text, *at, values=rounded, digits=min(digits[k] for k in kept), made=made)


def precise_row(problem: theory.Problem, at: Place, dps: int) -> Row:
    """A row from two evaluations in mpmath, with the digits on which they agree.

    Parameters
    ----------
    problem : Problem
    at : Place
    dps : int
        Digits of the arithmetic, as in ``twinpeaks.validate.precise.solve``.

    Returns
    -------
    Row
        Whose ``digits`` are those agreed in every variable, in general ``dps - 6`` or more.

    Raises
    ------
    ValueError
        As ``twinpeaks.validate.precise.solve``, or if the two agree on fewer than 12 digits.
    """
    import mpmath  # type: ignore[import-untyped]

    from twinpeaks.validate.precise import solve

    text = _stable(repr(problem))
    began = time.process_time()
    axes = at._asdict()
    near = theory.solve(problem, **axes, throw=False)
    start = {k: near[k] for k in ("V", "Q_0", "m")} if int(near["status"]) == 0 else None
    point = solve(problem, **axes, dps=dps, start=start)
    tiny = mpmath.mpf(10) ** (-2 * dps)
    agreed = {k: min(dps, int(-mpmath.log10(e + tiny))) for k, e in point.errors.items()}
    digits = min(agreed.values())
    if digits < _FEWEST:
        worst = min(agreed, key=agreed.__getitem__)
        raise ValueError(
            f"dps = {dps}: the two evaluations agree on {digits} digits of {worst}; give more"
        )
    made = {
        "by": "validate.precise",
        "digits_of_arithmetic": str(dps),
        "cpu_seconds": f"{time.process_time() - began:.1f}",
        **_versions("mpmath"),
    }
    values = {name: mpmath.nstr(value, agreed[name]) for name, value in point.values.items()}
    return Row(text, *at, values=values, digits=digits, made=made)


def _stable(text: str) -> str:
    if " at 0x" in text:
        raise ValueError(
            f"problem = {text}: its text holds an address, which the next run will not find; make the "
            "component a frozen dataclass, or give it a __repr__"
        )
    return text


def _versions(*packages: str) -> dict[str, str]:
    return {
        "date": datetime.now(UTC).date().isoformat(),
        **{name: version(name) for name in ("twinpeaks", *packages)},
        "python": platform.python_version(),
    }


def _claim(name: str, value: float, scale: float, estimate: float) -> int:
    """Digits of a variable: one unit of the last is twice its error, and rounding."""
    error = max(_CAUTION * estimate, _FLOOR)
    if name in _TAILS and 0 < value < 1:
        error *= (1 - 2 * math.log(value)) * value / scale
    return math.floor(1 - math.log10(4 * max(error, _BEST)))


def _rounded(value: float, scale: float, digits: int) -> str:
    if value == 0 or math.isinf(value):
        return repr(value)
    lost = math.floor(math.log10(scale / abs(value))) if scale > abs(value) else 0
    return f"{value:#.{max(digits - lost, 1)}g}"
