"""Theory and simulation side by side: z-scores, extrapolation to infinite size, a verdict.

Suites of comparisons are in :mod:`validate.suites` and run by :mod:`validate.suite`, which load what
simulates only when they are imported.
"""

from validate.agreement import Verdict, agrees, holm
from validate.compare import PHYSICAL, compare
from validate.extrapolate import summarise
from validate.labels import describe
from validate.power import detectable
from validate.report import report
from validate.seeds import SeedStatistics, over_seeds
from validate.table import table

__all__ = [
    "PHYSICAL",
    "SeedStatistics",
    "Verdict",
    "agrees",
    "compare",
    "describe",
    "detectable",
    "holm",
    "over_seeds",
    "report",
    "summarise",
    "table",
]
