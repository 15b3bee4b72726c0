"""Training from a start other than zero: what of it remains."""

from theory.starts.laws import GaussianStart, RandomLabelsStart, SameInputsStart, Start
from theory.starts.solve import solve_from_start

__all__ = ["GaussianStart", "RandomLabelsStart", "SameInputsStart", "Start", "solve_from_start"]
