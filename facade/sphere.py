"""Regression on the sphere under one name: ``tp.sphere``.

What is solved comes from ``theory.sphere``; what is simulated needs torch and is loaded when asked for.
``sphere.pyi`` lists the names for type checkers.
"""

from importlib import import_module

from twinpeaks.theory import sphere as _theory

_SIMULATED = ("least_variation", "run")

__all__ = sorted([*_theory.__all__, *_SIMULATED])


def __getattr__(name):
    """Fetch a public name from the package that defines it."""
    if name in _SIMULATED:
        return getattr(import_module("twinpeaks.simulate.sphere"), name)
    if name in _theory.__all__:
        return getattr(_theory, name)
    raise AttributeError(f"module 'twinpeaks.sphere' has no attribute {name!r}")


def __dir__():
    """List the names for completion."""
    return __all__
