"""Which kind of model was given."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from twinpeaks.measure.models.base import Model
from twinpeaks.measure.models.function import ArrayFunction
from twinpeaks.theory.arrays import Array

__all__ = ["read_model"]


@contextmanager
def read_model(
    f: Any, shape: tuple[int, ...], convert: Callable[[Array], Any] | None = None
) -> Iterator[Model]:
    """Make a model of what the user gave, and put back what was changed of it in the end.

    Parameters
    ----------
    f : callable or estimator
        A ``torch.nn.Module``, a fitted estimator with ``predict``, or a function of arrays.
    shape : tuple of int
        Of one point.
    convert : callable, optional
        Makes of a numpy array what a function receives.

    Raises
    ------
    ValueError
        If f is neither.
    """
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(f, torch.nn.Module):
        from twinpeaks.measure.models.module import Module, evaluating

        with evaluating(f):
            yield Module(f, shape)
        return
    yield ArrayFunction(_function(f), shape, convert)


def _function(f: Any) -> Callable[[Any], Any]:
    """A function, or that of an estimator: the sharpest view of a classifier that it has."""
    if isinstance(f, type):
        raise ValueError(f"f = {f.__name__} is a class: give an instance, fitted")
    if callable(f):
        return f  # type: ignore[no-any-return]
    for method in ("decision_function", "predict_proba", "predict"):
        if hasattr(f, method):
            return getattr(f, method)  # type: ignore[no-any-return]
    raise ValueError(
        f"f = {f!r}: give a function of an array of inputs, shape (batch, n), a torch.nn.Module, or an "
        "estimator with predict"
    )
