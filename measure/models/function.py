"""Functions of arrays."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from twinpeaks.measure.models.base import Model
from twinpeaks.theory.arrays import Array

__all__ = ["ArrayFunction", "returned"]

_LARGEST = 1e60  # fourth powers of values are summed, and numbers of subsets multiply them


class ArrayFunction(Model):
    """A function of the user, which receives points of shape (rows, *shape).

    Parameters
    ----------
    f : callable
        Returns one number, or one row of outputs, per point. It may change its argument, and return the same
        buffer every time; it never receives a single point, of which a squeeze would take the axis away.
    shape : tuple of int
        Of one point.
    convert : callable, optional
        Makes of a numpy array of float64 what f receives. By default f is tried with numpy arrays; where that
        fails and torch is loaded, with tensors.
    """

    def __init__(
        self,
        f: Callable[[Any], Any],
        shape: tuple[int, ...],
        convert: Callable[[Array], Any] | None = None,
    ) -> None:
        self._f, self._shape, self._convert = f, shape, convert

    def __call__(self, x: Array) -> Array:
        """Outputs, shape (rows, outputs)."""
        points = np.array(x if len(x) > 1 else np.concatenate([x, x])).reshape(-1, *self._shape)
        if self._convert is None:
            self._convert = _accepted(self._f, points)
        outputs, self.spacing = returned(self._f(self._convert(points.copy())), len(points))
        _check_finite(outputs, points)
        return outputs[: len(x)]


def _accepted(f: Callable[[Any], Any], points: Array) -> Callable[[Array], Any]:
    """Whether f takes numpy arrays or, where those fail, tensors of float64 or float32.

    If all fail, the error is that with the former, unless it says only that they are no tensors.
    """
    torch = sys.modules.get("torch")
    kinds: list[Callable[[Array], Any]] = [lambda x: x]
    if torch is not None:
        kinds += [torch.from_numpy, lambda x: torch.from_numpy(x).float()]
    refusals: list[Exception] = []
    for convert in kinds:
        try:
            f(convert(points.copy()))
        except Exception as refusal:
            refusals.append(refusal)
        else:
            return convert
    about_arrays = isinstance(refusals[0], (TypeError, AttributeError)) and len(refusals) > 1
    raise refusals[1 if about_arrays else 0]


def returned(values: Any, rows: int) -> tuple[Array, float]:
    """Outputs of a model as a host array of shape (rows, outputs), and the spacing of their numbers.

    Raises
    ------
    ValueError
        If they are not one number or one row of outputs per point, or labels, or complex.
    """
    if isinstance(values, (list, tuple)) and len(values) != rows:
        raise ValueError(
            f"f returned a {type(values).__name__} of {len(values)}: return one array, one of them or "
            "all concatenated along their last axis"
        )
    if hasattr(values, "detach"):
        raw, spacing = values.detach().cpu(), 0.0
        if raw.dtype.is_floating_point:
            spacing = float(sys.modules["torch"].finfo(raw.dtype).eps)
            raw = raw.double()
        raw = raw.numpy()
    else:
        raw = np.asarray(values)
        spacing = float(np.finfo(raw.dtype).eps) if raw.dtype.kind == "f" else 0.0
    if raw.dtype.kind in "US":
        raise ValueError(
            f"f returned labels (dtype {raw.dtype}), such as '{raw.flat[0]}': return numbers, "
            "such as predict_proba, or f = lambda x: model.predict(x)[:, None] == model.classes_"
        )
    if raw.dtype.kind == "O":
        raise ValueError(
            f"f returned {type(values).__name__}, which is no array of numbers: return one number, or "
            "one row of outputs, per input; labels as indicators, f = lambda x: model.predict(x)[:, None] == "
            "model.classes_"
        )
    if raw.dtype.kind == "c":
        raise ValueError(
            "f returned complex numbers: return their real and imaginary parts as two outputs"
        )
    found = np.array(raw, dtype=float)
    if found.ndim not in (1, 2) or len(found) != rows or found.size == 0:
        raise ValueError(
            f"f returned shape {found.shape} for {rows} inputs: return one number, or one row of "
            "outputs, per input"
        )
    return found.reshape(rows, -1), spacing


def _check_finite(outputs: Array, points: Array) -> None:
    usable = np.abs(outputs) < _LARGEST
    if not usable.all():
        row, output = np.argwhere(~usable)[0]
        point = np.array2string(points[row], threshold=10)
        raise ValueError(
            f"f returned {outputs[row, output]} at x = {point}: give a function that is finite there and "
            f"below {_LARGEST:g} in size"
        )
