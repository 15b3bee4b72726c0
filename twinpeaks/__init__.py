"""Everything most users need under one name, and the entry point of the ``twinpeaks`` command.

>>> import twinpeaks as tp
>>> curve = tp.solve(tp.Problem(), overparam=[0.5, 1.0, 2.0], alpha_T=3.0, lam=1e-4)

``tp.X`` is ``theory.X`` for everything public there; beside it stand ``tp.run``, ``tp.sample``,
``tp.run_from_start`` and ``tp.attack`` (finite networks), ``tp.mean_dimension``, ``tp.influences`` and
``tp.degree_weights`` (any function), ``tp.compare``, ``tp.summarise``, ``tp.table``, ``tp.agrees``,
``tp.twin_peaks`` and ``tp.save``.
Packages load when first used, so that ``import twinpeaks`` and ``--help`` are immediate.
"""

from __future__ import annotations

import sys
from importlib import import_module

TYPE_CHECKING = False  # typing would double the time before Ctrl-C can be caught
if TYPE_CHECKING:
    from typing import Any

_FLOORS = ("theory", "simulate", "validate", "figures", "commands")
_ELSEWHERE = {
    **dict.fromkeys(("attack", "run", "run_from_start", "sample"), "simulate"),
    **dict.fromkeys(("degree_weights", "influences", "mean_dimension"), "simulate"),
    **dict.fromkeys(("agrees", "compare", "summarise", "table"), "validate"),
    **dict.fromkeys(("save", "twin_peaks"), "figures"),
}


def __getattr__(name: str) -> Any:
    """Fetch a public name from the package that defines it."""
    if name.startswith("_"):
        raise AttributeError(name)
    if name in _FLOORS:
        return import_module(name)
    return getattr(import_module(_ELSEWHERE.get(name, "theory")), name)


def __dir__() -> list[str]:
    """List the names for completion."""
    public = import_module("theory").__all__
    return sorted({*globals(), *_FLOORS, *_ELSEWHERE, *public})


def main() -> None:
    """Run the command line; Ctrl-C says so on one line, also while packages are still loading."""
    try:
        import_module("commands").cli(prog_name="twinpeaks")
    except KeyboardInterrupt:
        sys.stderr.write("twinpeaks: interrupted\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
