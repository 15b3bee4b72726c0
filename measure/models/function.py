"""Functions of arrays."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from twinpeaks.measure.models.base import Model
from twinpeaks.measure.moments import host
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
    """Whether f takes numpy arrays or, where those fail, tensors; its error with the former if both do."""
    try:
        f(points.copy())
    except Exception as refusal:
        torch = sys.modules.get("torch")
        if torch is None:
            raise
        try:
            f(torch.from_numpy(points.copy()))
        except Exception as second:
            raise (
                second if isinstance(refusal, (TypeError, AttributeError)) else refusal
            ) from None
        return lambda x: torch.from_numpy(x)
    return lambda x: x


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
    tensor = hasattr(values, "detach")
    raw = values.detach().cpu() if tensor else values
    if tensor and not raw.dtype.is_complex and raw.dtype.is_floating_point:
        spacing = 2.0 ** -{2: 10 if "bfloat" not in str(raw.dtype) else 7, 4: 23}.get(
            raw.element_size(), 52
        )
    else:
        dtype = None if tensor else np.asarray(raw).dtype
        spacing = float(np.finfo(dtype).eps) if dtype is not None and dtype.kind == "f" else 0.0
        if dtype is not None and dtype.kind in "USO":
            raise ValueError(
                f"f returned labels (dtype {dtype}), such as '{np.asarray(raw).flat[0]}': return numbers, "
                "such as predict_proba, or f = lambda x: model.predict(x)[:, None] == model.classes_"
            )
    if np.iscomplexobj(raw):
        raise ValueError(
            "f returned complex numbers: return their real and imaginary parts as two outputs"
        )
    if tensor and raw.dtype.is_floating_point:
        raw = raw.double()
    found = np.array(host(raw))
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
