"""One table of names: what each variable and axis is called, its unit, its definition, who produces it.

Every Dataset of theory, simulation and validation takes the attributes of its variables from here
(``theory/labelled.py``), and so do labels of figures, messages and the table of the guide
(``python -m tests.variables`` writes it). A new observable is one row, in ``ROWS`` of the file of its
subject; a new subject is one more file here.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from twinpeaks.theory.names.model import ROWS as MODEL
from twinpeaks.theory.names.row import Name, Producer

__all__ = ["AXES", "NAMES", "TAKEN", "Name", "attributes", "label", "produced"]

#: Axes of ``solve``, in the order of its dimensions.
AXES = ("overparam", "alpha_T", "lam", "beta")


def _merged() -> dict[str, Name]:
    """All rows, those of random-feature models first."""
    subjects = sorted((m.name for m in iter_modules(__path__) if m.name != "row"), key=_order)
    merged: dict[str, Name] = {}
    for subject in subjects:
        rows: dict[str, Name] = import_module(f"{__name__}.{subject}").ROWS
        if twice := merged.keys() & rows.keys():
            raise TypeError(f"names/{subject}.py: {sorted(twice)[0]!r} has a row already")
        merged |= rows
    return merged


def _order(subject: str) -> tuple[bool, str]:
    return subject != "model", subject


NAMES: dict[str, Name] = _merged()
#: Those of random-feature models, which their results have; another subject may give an axis its own name.
TAKEN = frozenset(MODEL)


def attributes(name: str, *, simulated: bool = False) -> dict[str, str]:
    """``long_name``, ``units`` and ``definition`` of a variable, as a Dataset holds them.

    Parameters
    ----------
    name : str
        A row of ``NAMES``, or one followed by ``_se``: its Monte Carlo standard error.
    simulated : bool
        Give the estimator for the definition, where there is one.
    """
    if name not in NAMES and name.endswith("_se"):
        of = name.removesuffix("_se")
        row = Name(f"standard error of {of}", "Monte Carlo error within the instance", "simulation")
        return {"long_name": row.long_name, "units": NAMES[of].units, "definition": row.definition}
    row = NAMES[name]
    definition = row.estimator if simulated and row.estimator else row.definition
    return {"long_name": row.long_name, "units": row.units, "definition": definition}


def label(name: str) -> str:
    r"""What a figure writes beside an axis or a line: the long name, and the symbol where there is one.

    Parameters
    ----------
    name : str
        A row of ``NAMES``; any other is itself, with spaces.

    Examples
    --------
    >>> print(label("lam"))
    ridge penalty $\lambda$
    """
    if name not in NAMES:
        return name.replace("_", " ")
    row = NAMES[name]
    return f"{row.long_name} ${row.symbol}$" if row.symbol else row.long_name


def produced(*by: Producer) -> tuple[str, ...]:
    """Names of all rows that one of the given sides produces."""
    return tuple(name for name, row in NAMES.items() if row.by in by)
