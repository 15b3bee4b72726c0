"""Models in units of their own size, the sources that draw their inputs, and whether they vary."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from twinpeaks.measure.laws import Binary, Draw, InputLaw
from twinpeaks.measure.laws.base import read_shape
from twinpeaks.measure.models import Model, read_model, read_views
from twinpeaks.measure.models.views import View
from twinpeaks.theory.arrays import Array, Bools, Index
from twinpeaks.theory.axes import check_count
from twinpeaks.theory.random import Random

__all__ = ["Measured", "Source", "opened", "read_law", "varies"]

_PROBES = 64  # inputs that tell the size of a function
_NOISE = 0.003  # range of a function of one input, within which values may change from call to call


@dataclass(frozen=True)
class Source:
    """Where random numbers come from, and the kind of array that goes with it.

    Attributes
    ----------
    rng : numpy.random.Generator
        What laws draw from.
    convert : callable or None
        Makes of a numpy array one of the kind that the source draws; None for a seed.
    """

    rng: np.random.Generator
    convert: Callable[[Array], Any] | None = None

    @classmethod
    def of(cls, random: Random | int) -> Source:
        """Read a seed >= 0 or a source of random arrays, or refuse what is neither.

        Raises
        ------
        ValueError
            For negative seeds, and for numpy generators among others, whose uniform(a, b) takes bounds, not a
            shape, and would be wrong in silence.
        """
        if isinstance(random, (int, np.integer)) and not isinstance(random, bool):
            return cls(np.random.default_rng(check_count("random", random, 0)))
        kind: type = type(random)
        numpy_kinds = (np.random.Generator, np.random.RandomState)
        if issubclass(kind, numpy_kinds) or not hasattr(kind, "uniform"):
            raise ValueError(f"random = {random!r}: give an int seed or a measure.TorchRandom")
        own = getattr(random, "generator", None)
        none = random.uniform(0)  # type: ignore[union-attr]
        xp, device = array_namespace(none), getattr(none, "device", None)
        if not isinstance(own, np.random.Generator):
            numbers = random.uniform(4)  # type: ignore[union-attr]
            own = np.random.default_rng([int(float(u) * 2**53) for u in numbers])
        return cls(own, lambda x: xp.asarray(x) if device is None else xp.asarray(x, device=device))


def read_law(n: Any, law: InputLaw | None) -> InputLaw:
    """The law that n and law stand for, Binary by default, or a ValueError where they do not match."""
    if law is None:
        if n is None:
            raise ValueError("n and law are both missing: give the number of inputs, or their law")
        try:
            return Binary(n)
        except ValueError as error:
            raise ValueError(str(error).replace("shape =", "n =", 1)) from None
    if not isinstance(law, InputLaw):
        raise ValueError(
            f"law = {law!r}: give one such as Binary(n), Uniform(low, high) or Marginals(x)"
        )
    if n is None:
        return law
    try:
        shape = read_shape("n", n)
    except ValueError:
        shape = ()
    if shape not in (law.shape, (law.n,), (law.columns,)):
        raise ValueError(
            f"n = {n!r} does not match law = {law!r}, of {law.n} inputs in points of shape {law.shape}: "
            "leave n out, or give another law"
        )
    return law


@dataclass(frozen=True)
class Measured:
    """Views of a model in units of their own size, so that fourth powers do not vanish if that is tiny.

    Attributes
    ----------
    model : Model
        Evaluates all views at once.
    views : mapping from str to callable
        Of the outputs.
    each : bool
        Whether every output is measured by itself, or their sum.
    units : tuple of float
        Powers of two, of the order of the largest value of each view.
    rounding : tuple of ndarray of shape (estimands, outputs)
        Rounding error of the values of each view in its unit: their spacing times the largest.
    """

    model: Model
    views: Mapping[str, View]
    each: bool
    units: tuple[float, ...] = ()
    rounding: tuple[Array, ...] = ()

    def _arranged(self, outputs: Array) -> list[Array]:
        """Each view of outputs of shape (..., outputs), as (..., estimands, outputs)."""
        flat = outputs.reshape(-1, outputs.shape[-1])
        found = []
        for name, view in self.views.items():
            values = np.asarray(view(flat), dtype=float)
            if values.ndim == 1:
                values = values[:, None]
            if values.ndim != 2 or len(values) != len(flat) or not values.size:
                raise ValueError(
                    f"view {name!r} returned shape {values.shape} for outputs of shape {flat.shape}: return "
                    "one number or one row per point"
                )
            if not np.isfinite(values).all():
                row = int(np.argwhere(~np.isfinite(values))[0, 0])
                shown = np.array2string(flat[row], threshold=10)
                raise ValueError(
                    f"view {name!r} is not finite for the outputs {shown}: give one that is"
                )
            shaped = values[:, :, None] if self.each else values[:, None, :]
            found.append(shaped.reshape(*outputs.shape[:-1], *shaped.shape[1:]))
        return found

    def scaled(self, outputs: Array) -> list[Array]:
        """Each view of outputs of shape (..., outputs) in its unit, as (..., estimands, outputs)."""
        return [v / unit for v, unit in zip(self._arranged(outputs), self.units, strict=True)]

    def __call__(self, x: Array) -> list[Array]:
        """Each view at points of shape (rows, columns)."""
        return self.scaled(self.model(x))

    def replaced(self, started: Any, rows: slice, columns: Index, values: Array) -> list[Array]:
        """Each view at neighbours, shape (rows, m, estimands, outputs)."""
        return self.scaled(self.model.replaced(started, rows, columns, values))

    def probed(self, draw: Callable[[int], Draw]) -> Measured:
        """Measure size and rounding, and check that values depend on nothing but the point.

        Raises
        ------
        ValueError
            If the same points, in another order, get other values.
        """
        x = draw(_PROBES).x
        outputs = self.model(x)
        half = outputs[: _PROBES // 2]
        again = self.model(x[: _PROBES // 2][::-1].copy())[::-1]
        # Noise of variance s^2 adds n s^2 / 2 Var f to a mean dimension: 5e-6 of (range)^2 / Var f here.
        spread, largest = np.ptp(outputs, axis=0), np.abs(outputs).max(axis=0)
        allowed = _NOISE * spread / x.shape[1] ** 0.5 + 1e3 * self.model.spacing * largest
        if np.any(np.abs(half - again) > allowed):
            raise ValueError(
                "f returned other values for the same inputs when called again, in another order and without "
                "some: its outputs must depend on their own input alone. Switch off dropout and batch "
                "statistics (model.eval()) and fix what is random in f"
            )
        values = self._arranged(outputs)
        size = [np.abs(v).max(axis=0) for v in values]
        largest_all = [s.max() for s in size]
        units = tuple(float(np.ldexp(1.0, np.frexp(s)[1])) for s in largest_all)
        rounding = tuple(self.model.spacing * (s / u) for s, u in zip(size, units, strict=True))
        return Measured(self.model, self.views, self.each, units, rounding)


def varies(variance: Array, rounding: Array, n: int) -> Bools:
    """Whether the variance exceeds that of n roundings, outputs that are exactly constant apart.

    Of shape (estimands,), from arrays of shape (estimands, outputs).
    """
    allowed = np.where(variance > 0, n * rounding, 0.0)
    return np.asarray(variance.sum(1) > np.sum(allowed**2, axis=1))


@contextmanager
def opened(
    f: Any, law: InputLaw, source: Source, views: Any = "logits", outputs: str = "summed"
) -> Iterator[Measured]:
    """Read and probe what is to be measured, and put back what was changed of it in the end."""
    if outputs not in ("summed", "each"):
        raise ValueError(f"outputs = {outputs!r}: give 'summed' or 'each'")
    named = read_views(views)
    with read_model(f, law.shape, source.convert) as model:
        yield Measured(model, named, outputs == "each").probed(
            lambda rows: law.draw(source.rng, rows)
        )
