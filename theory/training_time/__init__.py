"""Training in time: gradient flow on the square loss, at every time from its start."""

from twinpeaks.theory.training_time.solve import solve_flow
from twinpeaks.theory.training_time.stopping import best_stopping

__all__ = ["best_stopping", "solve_flow"]
