"""Components found by looking, so that adding one touches one file."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

__all__ = ["public"]


def public(package: str, path: Iterable[str]) -> dict[str, Any]:
    """Every name that a module of a package lists in ``__all__``.

    Parameters
    ----------
    package : str
        The package's ``__name__``.
    path : iterable of str
        Its ``__path__``.
    """
    found: dict[str, Any] = {}
    for module in iter_modules(path):
        if not module.name.startswith("_"):
            loaded = import_module(f"{package}.{module.name}")
            found.update({name: getattr(loaded, name) for name in loaded.__all__})
    return found
