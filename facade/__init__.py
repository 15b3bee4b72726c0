"""Double descent and the mean-dimension peak of random-feature models, under one name.

>>> import twinpeaks as tp
>>> curve = tp.solve(tp.Problem(), overparam=[0.5, 1.0, 2.0], alpha_T=3.0, lam=1e-4)

``__init__.pyi`` lists the public names and the package that each comes from, for type checkers and for
the loader here. Packages load when first used, so that ``import twinpeaks`` is immediate.
"""

import lazy_loader

_fetch, _, _PUBLIC = lazy_loader.attach_stub(__name__, __file__)


def _installed(name):
    """Whether a public name can be fetched; some need an extra."""
    try:
        return _fetch(name) is not None
    except ImportError:
        return False


def __getattr__(name):
    """Fetch a public name from the package that defines it."""
    if name == "__version__":
        from importlib.metadata import version

        return version("twinpeaks")
    if name == "__all__":  # of ``from twinpeaks import *``: what is installed
        return [public for public in _PUBLIC if _installed(public)]
    if name in _PUBLIC:
        return _fetch(name)
    if not name.startswith("_"):  # a component dropped into its folder
        found = getattr(_fetch("theory"), name, None)
        if found is not None:
            return found
    raise AttributeError(f"module 'twinpeaks' has no attribute {name!r}")


def __dir__():
    """List the names for completion, without loading any."""
    return sorted([*_PUBLIC, "__version__"])
