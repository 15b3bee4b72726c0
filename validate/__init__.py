"""Theory and simulation side by side: z-scores, extrapolation to infinite size, a verdict."""

from validate.agreement import Verdict, agrees, holm
from validate.compare import PHYSICAL, compare
from validate.extrapolate import summarise
from validate.labels import describe
from validate.seeds import SeedStatistics, over_seeds
from validate.table import table

__all__ = [
    "PHYSICAL",
    "SeedStatistics",
    "Verdict",
    "agrees",
    "compare",
    "describe",
    "holm",
    "over_seeds",
    "summarise",
    "table",
]
