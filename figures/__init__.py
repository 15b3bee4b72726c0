"""Figures: one module each, found by looking; Datasets in, matplotlib Figure out.

A new figure is one module here with two functions. The one of its own name draws:
``name(*datasets, ...) -> Figure``. The other, ``data(progress=None) -> tuple``, makes the Datasets (or
mappings of them) that it draws by default, its positional arguments, in at most a minute or two;
``progress`` is called with (steps done, steps in all). ``twinpeaks figure name`` finds it by its name. A
figure of trained networks takes some of ``images=``, ``full=``, ``store=`` and ``scheduler=`` too, which the
command offers for those that name them.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

from twinpeaks.figures.files import save, targets
from twinpeaks.figures.style import article
from twinpeaks.figures.twin_peaks import twin_peaks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MODULES = {
    module.name: import_module(f"{__name__}.{module.name}")
    for module in iter_modules(__path__)
    if module.name not in ("files", "lines", "style")
}

#: Every figure by name, and the Datasets that it draws by default.
REGISTRY: dict[str, Callable[..., Figure]] = {
    name: getattr(module, name) for name, module in _MODULES.items()
}
DEFAULTS: dict[str, Callable[..., tuple[Any, ...]]] = {
    name: module.data for name, module in _MODULES.items()
}
globals().update(REGISTRY)  # figures.maps is the function, not its module

__all__ = ["DEFAULTS", "REGISTRY", "article", "save", "targets", "twin_peaks"]


def __getattr__(name: str) -> Any:
    """Say which figures there are when one is asked for that is not."""
    raise AttributeError(f"figures has no {name!r}; there are: {', '.join(sorted(REGISTRY))}")
