"""Training from a start other than zero: what of it remains."""

from twinpeaks.theory.starts.laws import GaussianStart, RandomLabelsStart, SameInputsStart, Start
from twinpeaks.theory.starts.solve import solve_from_start

__all__ = ["GaussianStart", "RandomLabelsStart", "SameInputsStart", "Start", "solve_from_start"]
