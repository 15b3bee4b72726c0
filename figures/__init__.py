"""Figures: one module each, found by looking; Datasets in, matplotlib Figure out.

A new figure is one module here that defines a function of its own name. The function takes what
:func:`figures.twin_peaks` takes first: a theory Dataset with an optional simulation, or a mapping
from a label to (curve, run). The ``twinpeaks figure`` command finds it by that name.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from matplotlib.figure import Figure

from figures.style import article, save

#: Every figure by name.
REGISTRY: dict[str, Callable[..., Figure]] = {
    module.name: getattr(import_module(f"figures.{module.name}"), module.name)
    for module in iter_modules(__path__)
    if module.name != "style"
}
globals().update(REGISTRY)  # figures.twin_peaks is the function, not its module

__all__ = ["REGISTRY", "article", "save", *REGISTRY]


def __getattr__(name: str) -> Any:
    """Say which figures there are when one is asked for that is not."""
    raise AttributeError(f"figures has no {name!r}; there are: {', '.join(sorted(REGISTRY))}")
