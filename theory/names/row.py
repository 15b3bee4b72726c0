"""One row of the table of names."""

from __future__ import annotations

from typing import Literal, NamedTuple

__all__ = ["Name", "Producer"]

Producer = Literal["axis", "theory", "simulation", "both", "question"]


class Name(NamedTuple):
    """One row.

    Attributes
    ----------
    long_name : str
        What a reader calls it.
    definition : str
        A formula, of the limit where theory has one.
    by : str
        "axis" of either side; "theory", "simulation" or "both"; "question", asked of a solved curve, or of
        any model.
    estimator : str
        How simulation estimates it, where that is not the definition at finite size.
    units : str
        "1" is dimensionless.
    symbol : str
        How figures and the guide write it in formulas, as TeX; empty for what has no symbol.
    """

    long_name: str
    definition: str
    by: Producer
    estimator: str = ""
    units: str = "1"
    symbol: str = ""
