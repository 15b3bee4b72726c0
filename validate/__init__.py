"""Theory and simulation side by side: z-scores, extrapolation to infinite size, a verdict.

Suites of comparisons are in :mod:`validate.suites` and run by :mod:`validate.suite`, which load what
simulates only when they are imported.
"""

from twinpeaks.validate import precise
from twinpeaks.validate.agreement import Verdict, agrees, holm
from twinpeaks.validate.compare import PHYSICAL, compare
from twinpeaks.validate.extrapolate import summarise
from twinpeaks.validate.labels import describe
from twinpeaks.validate.power import detectable
from twinpeaks.validate.report import report
from twinpeaks.validate.seeds import SeedStatistics, over_seeds
from twinpeaks.validate.table import table

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
    "precise",
    "report",
    "summarise",
    "table",
]
