"""Views of the outputs of a model: several from one evaluation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy.special import log_softmax, softmax

from twinpeaks.theory.arrays import Array

__all__ = ["VIEWS", "View", "read_views"]

View = Callable[[Array], Array]


def _classes(outputs: Array) -> Array:
    """One indicator per class; a single output is a class by its sign."""
    if outputs.shape[1] == 1:
        return np.where(outputs > 0, 1.0, -1.0)
    return np.asarray(np.eye(outputs.shape[1])[np.argmax(outputs, axis=1)])


#: Of outputs of shape (rows, outputs), by name.
VIEWS: Mapping[str, View] = {
    "logits": lambda outputs: outputs,
    "softmax": lambda outputs: softmax(outputs, axis=1),
    "log_softmax": lambda outputs: log_softmax(outputs, axis=1),
    "class": _classes,
}


def read_views(given: Any) -> dict[str, View]:
    """Views by name, or raise a ValueError that lists those there are."""
    if isinstance(given, str):
        given = [given]
    named = dict(given) if isinstance(given, Mapping) else {name: name for name in given}
    for name, view in named.items():
        if isinstance(view, str) and view in VIEWS:
            named[name] = VIEWS[view]
        elif not callable(view):
            raise ValueError(
                f"views: {view!r} is none: give {', '.join(map(repr, VIEWS))}, or name=function of outputs "
                "in a dictionary"
            )
    if not named:
        raise ValueError("views is empty: give at least one, such as 'logits'")
    return named
